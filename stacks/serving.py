"""Where models answer: the models, the endpoints, batch transforms and monitors, and their roles and logs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from constructs import Construct

from modules import batch_transform as batch
from modules import model_monitor as monitoring
from modules._core import Statement, record
from modules.alarms import Alarms, AlarmsConfig, Thresholds
from modules.batch_transform import BatchTransform, BatchTransformConfig, TransformJob
from modules.dashboard import Dashboard, DashboardConfig
from modules.endpoint import (
    Asynchronous,
    Endpoint,
    EndpointConfig,
    Inference,
    RealTime,
    Serverless,
    invoke,
    watch_rollback_alarms,
)
from modules.inference_api import Api, Exposed, InferenceApi, InferenceApiConfig, Private
from modules.log_group import LogGroup, LogGroupConfig
from modules.model import Definition, Model, ModelConfig, ModelPackage
from modules.model_monitor import (
    BatchCapture,
    DataQuality,
    EndpointCapture,
    Explainability,
    ModelMonitor,
    ModelMonitorConfig,
    ModelQuality,
    Monitor,
    Scheduled,
    ScheduledMonitor,
    ScheduledMonitorConfig,
)
from modules.network import PRIVATE_API
from modules.role import Role, RoleConfig, Services, execution, fetch
from modules.topic import Topic, TopicConfig

from .base import EnvironmentStack, wait_for
from .environment import Environment
from .foundation import Foundation


@record
class Queue:
    """What an asynchronous endpoint has beside itself."""

    prefix: str
    """Place in S3 of its input, its results and its failures."""
    success: Topic
    error: Topic


class Serving(EnvironmentStack):
    """Each model has a role of its own, which reads that model's image and artifact and no other's."""

    def __init__(self, scope: Construct, name: str, environment: Environment, foundation: Foundation) -> None:
        super().__init__(scope, "serving", name, environment)
        self.add_dependency(foundation)
        self.foundation = foundation
        self.logs = {key: self._logs(key) for key in environment.endpoints}
        self.queues = {
            key: Queue(
                prefix=f"s3://{foundation.queue.config.name}/{key}/",
                success=self._topic(key, "success"),
                error=self._topic(key, "error"),
            )
            for key, inference in environment.endpoints.items()
            if isinstance(inference, Asynchronous) and foundation.queue
        }
        models = {key: self._model(key, definition) for key, definition in environment.models.items()}
        model_names = {name: model.outputs.name for name, model in models.items()}
        endpoints = environment.timed_endpoints
        self.endpoints = {
            key: self._endpoint(key, inference, model_names) for key, inference in endpoints.items()
        }
        for key, thresholds in environment.thresholds.items():
            self._alarms(key, endpoints[key], thresholds)
        for key, job in environment.batch_transforms.items():
            self._batch_transform(key, job, model_names)
        for key, monitor in environment.monitors.items():
            self._monitor(key, monitor, model_names)
        if environment.api:
            self._api(environment.api)
        if environment.dashboard and (endpoints or environment.pipelines):
            self._dashboard(endpoints)

    def _endpoint(self, key: str, inference: Inference, model_names: dict[str, str]) -> Endpoint:
        foundation, captures = self.foundation, self._captures(key)
        queue = self.queues.get(key)
        endpoint = Endpoint(
            self,
            f"{key}_endpoint",
            EndpointConfig(
                name=f"{self.prefix}{key}",
                model_names=model_names,
                kms_key_arn=foundation.data_key.outputs.arn,
                inference=inference,
                data_capture_s3_uri=captures,
                core_dump_s3_uri=f"{captures}/core-dumps",
                output_s3_uri=f"{queue.prefix}output" if queue else None,
                failure_s3_uri=f"{queue.prefix}failure" if queue else None,
                success_topic_arn=queue.success.outputs.arn if queue else None,
                error_topic_arn=queue.error.outputs.arn if queue else None,
            ),
        )
        wait_for(endpoint, self.logs[key])
        self.publish("endpoints/{key}", endpoint.outputs.name, "Endpoint", key=key)
        if queue:
            for name, value, description in (
                ("input_s3_uri", f"{queue.prefix}input/", "Where to put what is asked of endpoint"),
                ("output_s3_uri", f"{queue.prefix}output/", "Where the results are of endpoint"),
                ("success_topic_arn", queue.success.outputs.arn, "Topic told of the results of endpoint"),
                ("error_topic_arn", queue.error.outputs.arn, "Topic told of the failures of endpoint"),
            ):
                self.publish(f"endpoints/{{key}}/{name}", value, description, key=key)
        return endpoint

    def _captures(self, key: str) -> str:
        """Return the place in S3 of what an endpoint captures."""
        return f"s3://{self.foundation.captures.config.name}/{key}"

    def _alarms(self, key: str, inference: Inference, thresholds: Thresholds) -> None:
        assert self.foundation.alarms is not None
        Alarms(
            self,
            f"{key}_alarms",
            AlarmsConfig(
                endpoint_name=f"{self.prefix}{key}",
                inference=inference,
                topic_arns=(self.foundation.alarms.outputs.arn,),
                thresholds=thresholds,
            ),
        )

    def _dashboard(self, endpoints: Mapping[str, Inference]) -> None:
        environment = self.environment
        Dashboard(
            self,
            "dashboard",
            DashboardConfig(
                name=f"{self.prefix}overview",
                region=environment.region,
                endpoints={f"{self.prefix}{key}": inference for key, inference in endpoints.items()},
                pipeline_names=tuple(f"{self.prefix}{key}" for key in environment.pipelines),
                api_names=(f"{self.prefix}api",) if environment.api else (),
            ),
        )

    def _api(self, api: Api) -> None:
        """Make the API; its stage comes after the endpoints only where it is used, not here."""
        environment, foundation = self.environment, self.foundation
        network = foundation.network.outputs
        vpc_endpoint_ids: tuple[str, ...] = ()
        if isinstance(api.access, Private):
            own = (network.vpc_endpoint_ids[PRIVATE_API],) if not api.access.vpc_endpoint_ids else ()
            vpc_endpoint_ids = api.access.vpc_endpoint_ids or own
        made = InferenceApi(
            self,
            "api",
            InferenceApiConfig(
                name=f"{self.prefix}api",
                api=api,
                endpoints={key: self._exposed(key) for key in environment.endpoints},
                data_kms_key_arn=foundation.data_key.outputs.arn,
                logs_kms_key_arn=foundation.logs_key.outputs.arn,
                permissions_boundary_arn=foundation.boundary.outputs.arn,
                log_retention_days=environment.log_retention_days,
                subnet_ids=network.subnet_ids,
                security_group_ids=network.security_group_ids,
                vpc_endpoint_ids=vpc_endpoint_ids,
                alarm_topic_arns=(foundation.alarms.outputs.arn,) if foundation.alarms else (),
                **self.location,
            ),
        )
        self.publish("api/id", made.outputs.id, "API in front of the endpoints")
        self.publish("api/url", made.outputs.url, "Address of that API")

    def _exposed(self, key: str) -> Exposed:
        """Return an endpoint as the API knows it; what the API writes, it reads again."""
        environment, queue, bucket = self.environment, self.queues.get(key), self.foundation.queue
        name, inference = f"{self.prefix}{key}", environment.endpoints[key]
        statements: tuple[Statement, ...] = (invoke(name, inference, **self.location),)
        if queue and bucket:
            statements += bucket.write(f"{key}/input/")
            for folder in ("input", "output", "failure"):
                statements += bucket.read(f"{key}/{folder}/")
        return Exposed(
            name=name,
            inference=inference,
            statements=statements,
            input_s3_uri=f"{queue.prefix}input/" if queue else None,
            output_s3_uri=f"{queue.prefix}output/" if queue else None,
            failure_s3_uri=f"{queue.prefix}failure/" if queue else None,
        )

    def _batch_transform(self, key: str, job: TransformJob, model_names: dict[str, str]) -> None:
        name, foundation = f"{self.prefix}{key}-batch", self.foundation
        key_arn, home = foundation.data_key.outputs.arn, self._home(key)
        assert foundation.alarms is not None
        logs = LogGroup(
            self,
            f"{key}_batch_logs",
            LogGroupConfig(
                name=f"/aws/vendedlogs/states/{name}",
                kms_key_arn=foundation.logs_key.outputs.arn,
                retention_days=self.environment.log_retention_days,
                **self.location,
            ),
        )
        role = self._role(
            f"{key}_batch_role",
            f"{key}-batch",
            f"Runs the batch transform {key}",
            "states.amazonaws.com",
            statements=batch.execution(name, key_arn, **self.location),
        )
        launch = None
        if job.schedules or job.new_data:
            launch = self._role(
                f"{key}_batch_launch_role",
                f"{key}-batch-launch",
                f"Starts the batch transform {key}",
                *batch.LAUNCHING_SERVICES,
                statements=batch.launch(name, job.schedules, key_arn, **self.location),
            )
        made = BatchTransform(
            self,
            f"{key}_batch",
            BatchTransformConfig(
                name=name,
                job=job,
                model_names=model_names,
                input_s3_uri=f"{home}input/",
                output_s3_uri=f"{home}output/",
                role_arn=role.outputs.arn,
                kms_key_arn=key_arn,
                log_group_arn=logs.outputs.arn,
                launch_role_arn=launch.outputs.arn if launch else None,
                alarm_topic_arns=(foundation.alarms.outputs.arn,),
                tags=self.tags,
                **self.location,
            ),
        )
        for parameter, value, description in (
            ("arn", made.outputs.arn, "State machine of batch transform"),
            ("input_s3_uri", f"{home}input/", "Where to put the input of batch transform"),
            ("output_s3_uri", f"{home}output/", "Where the results are of batch transform"),
        ):
            self.publish(f"batch_transforms/{{key}}/{parameter}", value, description, key=key)

    def _monitor(self, key: str, monitor: Monitor, model_names: dict[str, str]) -> None:
        foundation = self.foundation
        assert foundation.monitors is not None
        home = f"s3://{foundation.monitors.config.name}/{key}/"
        job_role = self._role(
            f"{key}_monitor_job_role",
            f"{key}-monitor-job",
            f"Analyses what the monitor {key} looks at",
            "sagemaker.amazonaws.com",
            statements=tuple(self._analyse(key, monitor)),
        )
        made: ModelMonitor | ScheduledMonitor
        if isinstance(monitor, DataQuality):
            made = self._data_quality(key, monitor, home, job_role)
        else:
            made = self._scheduled(key, monitor, home, job_role, model_names)
        self.publish(
            "monitors/{key}/arn", made.outputs.arn, "Monitoring schedule or state machine of monitor", key=key
        )
        self.publish(
            "monitors/{key}/home_s3_uri",
            home,
            "Where baselines, given data and reports are of monitor",
            key=key,
        )

    def _data_quality(self, key: str, monitor: DataQuality, home: str, job_role: Role) -> ModelMonitor:
        foundation, network = self.foundation, self.foundation.network.outputs
        assert foundation.alarms is not None
        return ModelMonitor(
            self,
            f"{key}_monitor",
            ModelMonitorConfig(
                name=self.monitor_name(key),
                monitor=monitor,
                home_s3_uri=home,
                role_arn=job_role.outputs.arn,
                kms_key_arn=foundation.data_key.outputs.arn,
                subnet_ids=network.subnet_ids,
                security_group_ids=network.security_group_ids,
                endpoints=self.environment.endpoints,
                endpoint_ids={name: endpoint.outputs.id for name, endpoint in self.endpoints.items()},
                alarm_topic_arns=(foundation.alarms.outputs.arn,),
            ),
        )

    def _scheduled(
        self, key: str, monitor: Scheduled, home: str, job_role: Role, model_names: dict[str, str]
    ) -> ScheduledMonitor:
        name, foundation, network = self.monitor_name(key), self.foundation, self.foundation.network.outputs
        key_arn, bucket = foundation.data_key.outputs.arn, foundation.monitors
        assert foundation.alarms is not None
        assert bucket is not None
        logs = LogGroup(
            self,
            f"{key}_monitor_logs",
            LogGroupConfig(
                name=f"/aws/vendedlogs/states/{name}",
                kms_key_arn=foundation.logs_key.outputs.arn,
                retention_days=self.environment.log_retention_days,
                **self.location,
            ),
        )
        role = self._role(
            f"{key}_monitor_role",
            f"{key}-monitor",
            f"Runs the monitor {key}",
            "states.amazonaws.com",
            statements=(
                *monitoring.execution(name, f"{name}-job", key_arn, **self.location),
                *bucket.read(f"{key}/reports/"),
                *bucket.write(f"{key}/reports/"),
            ),
        )
        launch = self._role(
            f"{key}_monitor_launch_role",
            f"{key}-monitor-launch",
            f"Starts the monitor {key}",
            *monitoring.LAUNCHING_SERVICES,
            statements=monitoring.launch(name, monitor.schedules, key_arn, **self.location),
        )
        return ScheduledMonitor(
            self,
            f"{key}_monitor",
            ScheduledMonitorConfig(
                name=name,
                monitor=monitor,
                home_s3_uri=home,
                job_role_arn=job_role.outputs.arn,
                role_arn=role.outputs.arn,
                launch_role_arn=launch.outputs.arn,
                kms_key_arn=key_arn,
                log_group_arn=logs.outputs.arn,
                subnet_ids=network.subnet_ids,
                security_group_ids=network.security_group_ids,
                endpoints=self.environment.endpoints,
                endpoint_names={one: f"{self.prefix}{one}" for one in self.environment.endpoints},
                capture_s3_uri=self._captures(monitor.endpoint)
                if isinstance(monitor, ModelQuality)
                else None,
                model_names=model_names,
                alarm_topic_arns=(foundation.alarms.outputs.arn,),
                tags=self.tags,
                **self.location,
            ),
        )

    def _analyse(self, key: str, monitor: Monitor) -> Iterator[Statement]:
        """Yield what a monitor's jobs need, whatever starts them."""
        environment, foundation, name = self.environment, self.foundation, self.monitor_name(key)
        bucket = foundation.monitors
        assert bucket is not None
        images, source = [monitor.image], None
        yield from bucket.read(f"{key}/")
        yield from bucket.write(f"{key}/reports/")
        if isinstance(monitor, ModelQuality):
            images.append(monitor.merger_image)
            yield from bucket.write(f"{key}/merged/")
            yield from foundation.captures.read(f"{monitor.endpoint}/")
        elif isinstance(monitor, DataQuality):
            source = monitor.source
        elif isinstance(monitor, Explainability):
            model_name = f"{self.prefix}{monitor.model}-*"
            yield from monitoring.ask_model(name, model_name, **self.location)
        if isinstance(source, EndpointCapture):
            yield from foundation.captures.read(f"{source.endpoint}/")
        elif isinstance(source, BatchCapture):
            yield from fetch(None, f"{source.s3_uri.rstrip('/')}/", environment.region, environment.partition)
        for image in images:
            yield from fetch(image, None, environment.region, environment.partition)
        yield foundation.data_key.attach_volumes()
        yield monitoring.job(name)
        yield from execution(log_group_names=("/aws/sagemaker/ProcessingJobs",), **self.location)

    def _home(self, key: str) -> str:
        """Return the place in S3 of a batch transform's input and results."""
        assert self.foundation.transforms is not None
        return f"s3://{self.foundation.transforms.config.name}/{key}/"

    def _topic(self, key: str, purpose: str) -> Topic:
        """Make a topic of an asynchronous endpoint; only the role of its model publishes to it."""
        return Topic(
            self,
            f"{key}_{purpose}_topic",
            TopicConfig(
                name=f"{self.prefix}{key}-{purpose}",
                kms_key_arn=self.foundation.data_key.outputs.arn,
                **self.location,
            ),
        )

    def _logs(self, key: str) -> LogGroup:
        """Make the log group of an endpoint, which SageMaker else makes without key and without end."""
        return LogGroup(
            self,
            f"{key}_logs",
            LogGroupConfig(
                name=f"/aws/sagemaker/Endpoints/{self.prefix}{key}",
                kms_key_arn=self.foundation.logs_key.outputs.arn,
                retention_days=self.environment.log_retention_days,
                **self.location,
            ),
        )

    def _model(self, key: str, definition: Definition) -> Model:
        environment, foundation = self.environment, self.foundation
        serverless = key in environment.serverless_models
        transformed = any(key == job.model for job in environment.batch_transforms.values())
        role = self._role(
            f"{key}_role",
            f"{key}-model",
            f"Fetches and runs the model {key}",
            "sagemaker.amazonaws.com",
            statements=(
                *self._grants(key),
                *(() if serverless else (foundation.data_key.attach_volumes(),)),
                *self._fetch(definition),
                *execution(
                    log_group_names=(
                        f"/aws/sagemaker/Endpoints/{self.prefix}*",
                        *(("/aws/sagemaker/TransformJobs",) if transformed else ()),
                    ),
                    in_vpc=not serverless,
                    **self.location,
                ),
            ),
        )
        network = foundation.network.outputs
        return Model(
            self,
            f"{key}_model",
            ModelConfig(
                name=f"{self.prefix}{key}",
                execution_role_arn=role.outputs.arn,
                subnet_ids=() if serverless else network.subnet_ids,
                security_group_ids=() if serverless else network.security_group_ids,
                definition=definition,
                serverless=serverless,
            ),
        )

    def _role(
        self, id_: str, name: str, description: str, *services: str, statements: tuple[Statement, ...]
    ) -> Role:
        return Role(
            self,
            id_,
            RoleConfig(
                name=f"{self.prefix}{name}",
                description=description,
                trust=Services(names=services),
                permissions_boundary_arn=self.foundation.boundary.outputs.arn,
                account_id=self.environment.account_id,
                partition=self.environment.partition,
                statements=statements,
            ),
        )

    def _grants(self, key: str) -> Iterator[Statement]:
        """Yield what a model's role needs for the endpoints and batch transforms that use the model."""
        captures, queue, transforms = (
            self.foundation.captures,
            self.foundation.queue,
            self.foundation.transforms,
        )
        for name, job in self.environment.batch_transforms.items():
            if key == job.model and transforms:
                yield from transforms.read(f"{name}/input/")
                yield from transforms.write(f"{name}/output/")
        for name, inference in self.environment.endpoints.items():
            if key not in inference.models.values():
                continue
            yield from watch_rollback_alarms(f"{self.prefix}{name}", inference, **self.location)
            if isinstance(inference, RealTime) and inference.data_capture:
                yield from captures.write(f"{name}/")
            elif not isinstance(inference, Serverless) and inference.core_dumps:
                yield from captures.write(f"{name}/core-dumps/")
            if isinstance(inference, Asynchronous) and queue:
                yield from queue.read(f"{name}/input/")
                yield from queue.write(f"{name}/output/")
                yield from queue.write(f"{name}/failure/")
                yield from self.queues[name].success.publish()
                yield from self.queues[name].error.publish()

    def _fetch(self, definition: Definition) -> Iterator[Statement]:
        """Yield what it takes to fetch the images and artifacts of a model."""
        environment = self.environment
        fetched: list[tuple[str | None, str | None]] = [
            (container.image, container.model_data_url) for container in definition.all_containers
        ]
        if isinstance(definition, ModelPackage):
            fetched += [(image, None) for image in definition.images]
            fetched += [(None, url) for url in definition.model_data_urls]
        for image, url in fetched:
            yield from fetch(image, url, environment.region, environment.partition)
