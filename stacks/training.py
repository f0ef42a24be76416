"""Where models come from: registry, tracking, pipelines, labeling, and the roles that train and approve."""

from __future__ import annotations

import re
from pathlib import Path

from constructs import Construct

from modules import pipeline as pipelines
from modules import state_machine as state_machines
from modules._core import Statement
from modules.labeling import Labeling, LabelingConfig, Workers, label
from modules.log_group import LogGroup, LogGroupConfig
from modules.mlflow_tracking_server import (
    MlflowTrackingServer,
    MlflowTrackingServerConfig,
    TrackingServer,
    register_models,
    store_artifacts,
)
from modules.model_package_group import Approvals, ModelPackageGroup, ModelPackageGroupConfig
from modules.pipeline import PipelineConfig
from modules.role import Principals, Role, RoleConfig, Services, execution, fetch
from modules.state_machine import StateMachineConfig
from modules.topic import Topic, TopicConfig

from .base import EnvironmentStack
from .environment import Environment, Pipeline, StateMachine
from .foundation import Foundation

ROOT = Path(__file__).resolve().parent.parent
"""Where the definitions of pipelines and state machines are looked for."""

IMAGE = r"\d{12}\.dkr\.ecr[^\"\s]*@sha256:[0-9a-f]{64}"
"""A container image in ECR, by digest, in a longer text."""

SAGEMAKER = Services(names=("sagemaker.amazonaws.com",))

NO_APPROVAL = Statement(
    sid="NoApproval",
    effect="Deny",
    actions=("sagemaker:CreateModelPackage", "sagemaker:UpdateModelPackage"),
    resources=("*",),
    conditions={"StringEquals": {"sagemaker:ModelApprovalStatus": "Approved"}},
)
"""Whatever else a role that makes models is granted, it cannot approve one, at birth or later.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemakerai.html
"""

STEPS = (
    "AddTags",
    *(
        f"{verb}{kind}Job"
        for kind in ("HyperParameterTuning", "Processing", "Training", "Transform")
        for verb in ("Create", "Describe", "Stop")
    ),
    "CreateModel",
    "DeleteModel",
    "DescribeModel",
)
"""What a pipeline does; SageMaker names what it makes `pipelines-…`, or as the step says."""


class Training(EnvironmentStack):
    """The author of a model cannot approve it: two roles, and the one is denied what the other does."""

    def __init__(self, scope: Construct, name: str, environment: Environment, foundation: Foundation) -> None:
        super().__init__(scope, "training", name, environment)
        self.add_dependency(foundation)
        self.foundation = foundation
        self.groups = {
            key: ModelPackageGroup(
                self,
                f"{key}_model_package_group",
                ModelPackageGroupConfig(
                    name=f"{self.prefix}{key}",
                    description=group.description,
                    reader_account_ids=group.reader_account_ids,
                    deployer_account_ids=group.deployer_account_ids,
                    approvals=group.approvals,
                    events_role_arn=self._tells(key, group.approvals) if group.approvals else None,
                    **self.location,
                ),
            )
            for key, group in environment.model_package_groups.items()
        }
        self.training_role = self._training_role()
        self.publish(
            "roles/training_arn", self.training_role.outputs.arn, "Role for training jobs and pipelines"
        )
        for key, made in self.groups.items():
            self.publish("model_package_groups/{key}", made.outputs.name, "Model package group", key=key)
        if environment.approver_principal_arns and self.groups:
            approver = self._approver_role()
            self.publish("roles/approver_arn", approver.outputs.arn, "Role that approves model versions")
        if environment.tracking_server:
            self._tracking(environment.tracking_server)
        for key, pipeline in environment.pipelines.items():
            self._pipeline(key, pipeline)
        for key, state_machine in environment.state_machines.items():
            self._state_machine(key, state_machine)
        if environment.labeling:
            self._labeling(environment.labeling)

    def _role(
        self, id_: str, name: str, description: str, trust: Services | Principals, *statements: Statement
    ) -> Role:
        return Role(
            self,
            id_,
            RoleConfig(
                name=f"{self.prefix}{name}",
                description=description,
                trust=trust,
                permissions_boundary_arn=self.foundation.boundary.outputs.arn,
                account_id=self.environment.account_id,
                partition=self.environment.partition,
                statements=statements,
            ),
        )

    def _tells(self, key: str, approvals: Approvals) -> str:
        role = self._role(
            f"{key}_approvals_role",
            f"{key}-approvals",
            f"Tells of approved and rejected versions of {key}",
            Services(names=("events.amazonaws.com",)),
            approvals.put(),
        )
        return role.outputs.arn

    def _training_role(self) -> Role:
        foundation = self.foundation
        grants = [
            *foundation.artifacts.read(),
            *foundation.artifacts.write(),
            foundation.data_key.attach_volumes(),
        ]
        for repository in foundation.repositories.values():
            grants += repository.pull()
        for group in self.groups.values():
            grants += [group.read(), group.register()]
        for image in sorted(self._images()):
            grants += fetch(image, None, self.environment.region, self.environment.partition)
        if self.environment.pipelines:
            grants += self._run_steps()
        return self._role(
            "training_role",
            "training",
            "Training, processing and tuning jobs, and pipelines of them",
            SAGEMAKER,
            *grants,
            *execution(log_group_names=("/aws/sagemaker/*",), **self.location),
            NO_APPROVAL,
        )

    def _images(self) -> set[str]:
        """Return the images that the pipelines name, in whatever account they are."""
        return {
            image
            for pipeline in self.environment.pipelines.values()
            for text in (_read(pipeline.definition), *map(str, pipeline.parameters.values()))
            for image in re.findall(IMAGE, text)
        }

    def _run_steps(self) -> list[Statement]:
        """Return what a pipeline's role needs to run its steps, which have this role, too.

        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-access.html
        """
        where, partition = self.location, self.environment.partition
        home = f"arn:{partition}:sagemaker:{where['region']}:{where['account_id']}"
        steps = Statement(
            actions=tuple(f"sagemaker:{operation}" for operation in STEPS),
            resources=(f"{home}:*/pipelines-*", f"{home}:*/{self.prefix}*"),
        )
        pass_on = Statement(
            actions=("iam:PassRole",),
            resources=(f"arn:{partition}:iam::{where['account_id']}:role/{self.prefix}training",),
            conditions={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        )
        return [steps, pass_on]

    def _approver_role(self) -> Role:
        return self._role(
            "approver_role",
            "approver",
            "Approves and rejects model versions",
            Principals(arns=self.environment.approver_principal_arns),
            *(grant for group in self.groups.values() for grant in (group.read(), group.approve())),
        )

    def _tracking(self, tracking_server: TrackingServer) -> None:
        foundation = self.foundation
        artifacts = f"s3://{foundation.artifacts.config.name}/mlflow"
        register = register_models(self.prefix, **self.location)
        role = self._role(
            "tracking_server_role",
            "tracking-server",
            "Stores what MLflow tracks",
            SAGEMAKER,
            *store_artifacts(artifacts, foundation.data_key.outputs.arn, self.environment.partition),
            *((*register, NO_APPROVAL) if tracking_server.automatic_model_registration else ()),
        )
        server = MlflowTrackingServer(
            self,
            "tracking_server",
            MlflowTrackingServerConfig(
                name=f"{self.prefix}tracking",
                artifact_store_uri=artifacts,
                role_arn=role.outputs.arn,
                server=tracking_server,
                **self.location,
            ),
        )
        self.publish("tracking_server", server.outputs.name, "MLflow tracking server")

    def _pipeline(self, key: str, pipeline: Pipeline) -> None:
        name, foundation = f"{self.prefix}{key}", self.foundation
        assert foundation.alarms is not None
        text = _read(pipeline.definition)
        launch = None
        if pipeline.schedules or pipeline.triggers:
            key_arn = foundation.data_key.outputs.arn
            launch = self._role(
                f"{key}_pipeline_launch_role",
                f"{key}-pipeline-launch",
                f"Starts the pipeline {key}",
                Services(names=pipelines.LAUNCHING_SERVICES),
                *pipelines.launch(name, pipeline.schedules, key_arn, **self.location),
            )
        made = pipelines.Pipeline(
            self,
            f"{key}_pipeline",
            PipelineConfig(
                name=name,
                display_name=key,
                description=pipeline.description,
                definition=text,
                parameters={**self._wired(text), **pipeline.parameters},
                max_parallel_execution_steps=pipeline.max_parallel_execution_steps,
                role_arn=self.training_role.outputs.arn,
                schedules=pipeline.schedules,
                triggers=pipeline.triggers,
                launch_role_arn=launch.outputs.arn if launch else None,
                kms_key_arn=foundation.data_key.outputs.arn,
                bucket_names={"artifacts": foundation.artifacts.config.name},
                model_package_group_names={key: f"{self.prefix}{key}" for key in self.groups},
                monitor_names={one: self.monitor_name(one) for one in self.environment.monitors},
                alarm_topic_arns=(foundation.alarms.outputs.arn,),
                **self.location,
            ),
        )
        self.publish("pipelines/{key}", made.outputs.name, "Pipeline", key=key)

    def _wired(self, definition: str) -> dict[str, str]:
        """Return what the environment has for those parameters of a definition that ask for it."""
        foundation, network = self.foundation, self.foundation.network.outputs
        there = {
            "ArtifactsBucket": foundation.artifacts.config.name,
            "KmsKeyArn": foundation.data_key.outputs.arn,
            "Prefix": self.prefix,
            "RoleArn": self.training_role.outputs.arn,
            "SecurityGroupId": network.security_group_ids[0],
            "SubnetId1": network.subnet_ids[0],
            "SubnetId2": network.subnet_ids[1],
        }
        asked = pipelines.parameter_names(definition)
        return {name: value for name, value in there.items() if name in asked}

    def _state_machine(self, key: str, state_machine: StateMachine) -> None:
        name, foundation = f"{self.prefix}{key}", self.foundation
        key_arn = foundation.data_key.outputs.arn
        assert foundation.alarms is not None
        logs = LogGroup(
            self,
            f"{key}_state_machine_logs",
            LogGroupConfig(
                name=f"/aws/vendedlogs/states/{name}",
                kms_key_arn=foundation.logs_key.outputs.arn,
                retention_days=self.environment.log_retention_days,
                **self.location,
            ),
        )
        started = {one: f"{self.prefix}{one}" for one in state_machine.pipelines}
        role = self._role(
            f"{key}_state_machine_role",
            f"{key}-state-machine",
            f"Runs the state machine {key}",
            Services(names=("states.amazonaws.com",)),
            *state_machines.execution(name, key_arn, **self.location),
            *foundation.alarms.publish(),
            *(pipelines.start(one, **self.location) for one in started.values()),
            *(grant for one in started.values() for grant in pipelines.describe(one, **self.location)),
        )
        launch = None
        if state_machine.schedules:
            launch = self._role(
                f"{key}_state_machine_launch_role",
                f"{key}-state-machine-launch",
                f"Starts the state machine {key}",
                Services(names=state_machines.LAUNCHING_SERVICES),
                *state_machines.launch(name, state_machine.schedules, key_arn, **self.location),
            )
        made = state_machines.StateMachine(
            self,
            f"{key}_state_machine",
            StateMachineConfig(
                name=name,
                definition=_read(state_machine.definition),
                definition_substitutions={
                    "AlarmTopicArn": foundation.alarms.outputs.arn,
                    **{f"PipelineName_{one.replace('-', '_')}": name for one, name in started.items()},
                },
                type=state_machine.type,
                role_arn=role.outputs.arn,
                kms_key_arn=key_arn,
                log_group_arn=logs.outputs.arn,
                schedules=state_machine.schedules,
                launch_role_arn=launch.outputs.arn if launch else None,
                alarm_topic_arns=(foundation.alarms.outputs.arn,),
                **self.location,
            ),
        )
        self.publish("state_machines/{key}_arn", made.outputs.arn, "State machine", key=key)

    def _labeling(self, workers: Workers) -> None:
        """Make teams, the topic that tells them of new jobs, and the role of these jobs."""
        where, partition, foundation = self.location, self.environment.partition, self.foundation
        teams = f"arn:{partition}:sagemaker:{where['region']}:{where['account_id']}:workteam/*"
        topic = Topic(
            self,
            "labeling_topic",
            TopicConfig(
                name=f"{self.prefix}labeling",
                kms_key_arn=foundation.data_key.outputs.arn,
                publishing_services={"sagemaker.amazonaws.com": teams},
                **where,
            ),
        )
        labeling = Labeling(
            self,
            "labeling",
            LabelingConfig(
                name=f"{self.prefix}labeling",
                workers=workers,
                notification_topic_arn=topic.outputs.arn,
                **where,
            ),
        )
        data = f"s3://{foundation.artifacts.config.name}/labeling"
        role = self._role(
            "labeling_role",
            "labeling",
            "Reads what is to be labeled, and writes the labels",
            SAGEMAKER,
            *label(input_s3_uris=(f"{data}/input/",), output_s3_uri=f"{data}/output/", **where),
            foundation.data_key.decrypt(),
            foundation.data_key.encrypt(),
            foundation.data_key.attach_volumes(),
        )
        self.publish("roles/labeling_arn", role.outputs.arn, "Role for labeling jobs")
        for key, arn in labeling.outputs.workteam_arns.items():
            self.publish("workteams/{key}_arn", arn, "Work team", key=key)
        for key, arn in labeling.outputs.human_task_ui_arns.items():
            self.publish("human_task_uis/{key}_arn", arn, "Human task UI", key=key)


def _read(definition: str) -> str:
    return (ROOT / definition).read_text(encoding="utf-8")
