"""What everything else of an environment stands on: boundary, keys, network, buckets, repositories."""

from __future__ import annotations

from constructs import Construct

from modules._core import Statement
from modules.api_gateway_account import ApiGatewayAccount, ApiGatewayAccountConfig
from modules.bucket import AccessLogs, Bucket, BucketConfig, Data, Logging
from modules.budget import Budget, BudgetConfig, MonthlyBudget
from modules.ecr_registry import EcrRegistry, EcrRegistryConfig, Registry, creation
from modules.ecr_repository import EcrRepository, EcrRepositoryConfig
from modules.endpoint import Asynchronous
from modules.event_bus import EventBus, EventBusConfig
from modules.key import Key, KeyConfig, read_by_accounts, use_by_log_groups, use_by_service
from modules.network import Network, NetworkConfig
from modules.pipeline import NewData
from modules.role import Role, RoleConfig, Services
from modules.state_machine import use_by_log_delivery
from modules.topic import Topic, TopicConfig

from . import boundary
from .base import ENVIRONMENT_TAG, EnvironmentStack
from .environment import Environment


class Foundation(EnvironmentStack):
    """One key for data and one for logs: who may read logs need not be able to read data."""

    def __init__(self, scope: Construct, name: str, environment: Environment) -> None:
        super().__init__(scope, "foundation", name, environment)
        self.boundary = boundary.make(self) if environment.embedded else boundary.made(self)
        self.data_key = Key(
            self,
            "data_key",
            KeyConfig(
                alias=f"{self.prefix}data",
                description="Data: buckets, images, volumes of instances",
                deletion_window_days=environment.key_deletion_window_days,
                statements=self._users_of_data(),
                account_id=environment.account_id,
                partition=environment.partition,
            ),
        )
        self.logs_key = Key(
            self,
            "logs_key",
            KeyConfig(
                alias=f"{self.prefix}logs",
                description="Logs",
                deletion_window_days=environment.key_deletion_window_days,
                statements=(use_by_log_groups(**self.location),),
                account_id=environment.account_id,
                partition=environment.partition,
            ),
        )
        self.network = Network(
            self,
            "network",
            NetworkConfig(
                name=self.prefix.removesuffix("-"),
                network=environment.network,
                features=environment.features,
                kms_key_arn=self.logs_key.outputs.arn,
                permissions_boundary_arn=self.boundary.outputs.arn,
                flow_log_retention_days=environment.log_retention_days,
                **self.location,
            ),
        )
        queued = any(isinstance(one, Asynchronous) for one in environment.endpoints.values())
        purposes = (
            *("artifacts", "captures"),
            *(("features",) if environment.feature_groups else ()),
            *(("monitors",) if environment.monitors else ()),
            *(("queue",) if queued else ()),
            *(("transforms",) if environment.batch_transforms else ()),
        )
        access_logs = self._access_logs(*purposes) if environment.access_logs else None
        self.artifacts = self._bucket(
            "artifacts",
            access_logs,
            environment.deployer_account_ids,
            event_bridge=any(
                isinstance(trigger, NewData)
                for pipeline in environment.pipelines.values()
                for trigger in pipeline.triggers.values()
            ),
        )
        self.captures = self._bucket("captures", access_logs)
        self.features = self._bucket("features", access_logs) if environment.feature_groups else None
        self.monitors = self._bucket("monitors", access_logs) if environment.monitors else None
        """What monitors are given, and what they find."""
        self.queue = self._bucket("queue", access_logs) if queued else None
        """Input, results and failures of asynchronous endpoints."""
        self.transforms = self._transforms(access_logs) if environment.batch_transforms else None
        """Input and results of batch transforms."""
        self.repositories = {
            key: EcrRepository(
                self,
                f"{key}_repository",
                EcrRepositoryConfig(
                    name=f"{self.prefix}{key}",
                    kms_key_arn=self.data_key.outputs.arn,
                    retention=repository.retention,
                    pull_account_ids=repository.pull_account_ids,
                    partition=environment.partition,
                    force_delete=not environment.protected,
                ),
            )
            for key, repository in environment.repositories.items()
        }
        self.alarms = self._alarms() if environment.told_by else None
        """Topic that people are told by."""
        if environment.budget:
            self._budget(environment.budget)
        if environment.registry:
            self._registry(environment.registry)
        if environment.approval_sender_account_ids:
            self._event_bus(environment.approval_sender_account_ids)
        if environment.api_gateway_logs:
            self._api_gateway_logs()
        self._publish()

    def _users_of_data(self) -> tuple[Statement, ...]:
        """Return who uses the data key without this account's IAM, each where there is need of it."""
        environment, account_id = self.environment, self.environment.account_id
        deployers, artifacts = environment.deployer_account_ids, self._bucket_name("artifacts")
        logged = environment.state_machines or environment.batch_transforms or environment.monitors
        return (
            *((read_by_accounts(deployers, artifacts, environment.partition),) if deployers else ()),
            *(use_by_service(service, account_id) for service in environment.told_by),
            *((use_by_service("sagemaker.amazonaws.com", account_id),) if environment.labeling else ()),
            *((use_by_log_delivery(**self.location),) if logged else ()),
            *(
                (use_by_service("events.amazonaws.com", account_id),)
                if environment.approval_sender_account_ids
                else ()
            ),
        )

    def _alarms(self) -> Topic:
        """Make the topic by which people are told of failures, bad endpoints and costs."""
        environment = self.environment
        start, account_id = f"arn:{environment.partition}", environment.account_id
        here = f"{environment.region}:{account_id}"
        senders = {
            "budgets.amazonaws.com": f"{start}:budgets::{account_id}:budget/{self.prefix}*",
            "cloudwatch.amazonaws.com": f"{start}:cloudwatch:{here}:alarm:{self.prefix}*",
        }
        topic = Topic(
            self,
            "alarms",
            TopicConfig(
                name=f"{self.prefix}alarms",
                kms_key_arn=self.data_key.outputs.arn,
                publishing_services={service: senders[service] for service in environment.told_by},
                subscriptions=environment.alarm_subscriptions,
                **self.location,
            ),
        )
        self.publish("topics/alarms_arn", topic.outputs.arn, "Topic that is told of alarms and costs")
        return topic

    def _budget(self, budget: MonthlyBudget) -> None:
        assert self.alarms is not None
        Budget(
            self,
            "budget",
            BudgetConfig(
                name=f"{self.prefix}monthly",
                tag_key=ENVIRONMENT_TAG,
                tag_value=self.environment_name,
                budget=budget,
                topic_arn=self.alarms.outputs.arn,
            ),
        )

    def _registry(self, registry: Registry) -> None:
        role = Role(
            self,
            "registry_caches_role",
            RoleConfig(
                name=f"{self.prefix}registry-caches",
                description="Makes the repositories of the caches",
                trust=Services(names=("ecr.amazonaws.com",)),
                permissions_boundary_arn=self.boundary.outputs.arn,
                account_id=self.environment.account_id,
                partition=self.environment.partition,
                statements=creation(self.prefix, self.data_key.outputs.arn, **self.location),
            ),
        )
        EcrRegistry(
            self,
            "registry",
            EcrRegistryConfig(
                registry=registry,
                prefix=self.prefix,
                kms_key_arn=self.data_key.outputs.arn,
                creation_role_arn=role.outputs.arn,
                **self.location,
            ),
        )

    def _event_bus(self, sender_account_ids: tuple[str, ...]) -> None:
        bus = EventBus(
            self,
            "approvals_bus",
            EventBusConfig(
                name=f"{self.prefix}approvals",
                description="Approvals and rejections of model versions in other accounts",
                kms_key_arn=self.data_key.outputs.arn,
                sender_account_ids=sender_account_ids,
                sources=("aws.sagemaker",),
                **self.location,
            ),
        )
        self.publish("event_bus_arn", bus.outputs.arn, "Bus on which other accounts tell of approvals")

    def _api_gateway_logs(self) -> None:
        ApiGatewayAccount(
            self,
            "api_gateway_account",
            ApiGatewayAccountConfig(
                name=f"{self.prefix}api-gateway-logs",
                permissions_boundary_arn=self.boundary.outputs.arn,
                **self.location,
            ),
        )

    def _bucket_name(self, purpose: str) -> str:
        """Return a name that no other account has taken."""
        return f"{self.prefix}{purpose}-{self.environment.account_id}"

    def _transforms(self, access_logs: Bucket | None) -> Bucket:
        jobs = self.environment.batch_transforms.values()
        return self._bucket("transforms", access_logs, event_bridge=any(job.new_data for job in jobs))

    def _bucket(
        self,
        purpose: str,
        access_logs: Bucket | None,
        reader_account_ids: tuple[str, ...] = (),
        event_bridge: bool = False,
    ) -> Bucket:
        return Bucket(
            self,
            f"{purpose}_bucket",
            BucketConfig(
                name=self._bucket_name(purpose),
                content=Data(
                    kms_key_arn=self.data_key.outputs.arn,
                    logging=Logging(bucket_name=access_logs.outputs.name, prefix=f"{purpose}/")
                    if access_logs
                    else None,
                    reader_account_ids=reader_account_ids,
                    event_bridge=event_bridge,
                ),
                retention=self.environment.retention,
                partition=self.environment.partition,
                force_destroy=not self.environment.protected,
            ),
        )

    def _access_logs(self, *purposes: str) -> Bucket:
        return Bucket(
            self,
            "access_logs_bucket",
            BucketConfig(
                name=self._bucket_name("access-logs"),
                content=AccessLogs(
                    source_bucket_names=tuple(map(self._bucket_name, purposes)),
                    account_id=self.environment.account_id,
                ),
                retention=self.environment.access_logs,
                partition=self.environment.partition,
                force_destroy=not self.environment.protected,
            ),
        )

    def _publish(self) -> None:
        network = self.network.outputs
        self.publish("network/vpc_id", network.vpc_id, "VPC of the environment")
        self.publish("network/subnet_ids", network.subnet_ids, "Private subnets for workloads")
        self.publish(
            "network/security_group_ids", network.security_group_ids, "Security groups for workloads"
        )
        self.publish("keys/data_arn", self.data_key.outputs.arn, "Key for data")
        self.publish("buckets/artifacts", self.artifacts.outputs.name, "Bucket for model artifacts")
        self.publish("permissions_boundary_arn", self.boundary.outputs.arn, "Boundary that every role takes")
        for key, repository in self.repositories.items():
            self.publish(
                "repositories/{key}_url", repository.outputs.repository_url, "Image repository", key=key
            )
