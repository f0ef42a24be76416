"""Where models answer: the models that endpoints may serve, the endpoints, and their roles and logs."""

from __future__ import annotations

from constructs import Construct

from modules.endpoint import Endpoint, EndpointConfig, watch_rollback_alarms
from modules.log_group import LogGroup, LogGroupConfig
from modules.model import Container, Model, ModelConfig
from modules.role import Role, RoleConfig, Services, execution, fetch

from .base import EnvironmentStack, wait_for
from .environment import Environment
from .foundation import Foundation


class Serving(EnvironmentStack):
    """Each model has a role of its own, which reads that model's image and artifact and no other's."""

    def __init__(self, scope: Construct, name: str, environment: Environment, foundation: Foundation) -> None:
        super().__init__(scope, "serving", name, environment)
        self.add_dependency(foundation)
        self.logs = {key: self._logs(key, foundation) for key in environment.endpoints}
        models = {
            key: self._model(key, container, foundation) for key, container in environment.models.items()
        }
        for key, inference in environment.endpoints.items():
            captures = f"s3://{foundation.captures.config.name}/{key}"
            endpoint = Endpoint(
                self,
                f"{key}_endpoint",
                EndpointConfig(
                    name=f"{self.prefix}{key}",
                    model_names={name: model.outputs.name for name, model in models.items()},
                    kms_key_arn=foundation.data_key.outputs.arn,
                    inference=inference,
                    data_capture_s3_uri=captures if inference.data_capture else None,
                ),
            )
            wait_for(endpoint, self.logs[key])
            self.publish("endpoints/{key}", endpoint.outputs.name, "Endpoint", key=key)

    def _logs(self, key: str, foundation: Foundation) -> LogGroup:
        """Make the log group of an endpoint, which SageMaker else makes without key and without end."""
        return LogGroup(
            self,
            f"{key}_logs",
            LogGroupConfig(
                name=f"/aws/sagemaker/Endpoints/{self.prefix}{key}",
                kms_key_arn=foundation.logs_key.outputs.arn,
                retention_days=self.environment.log_retention_days,
                **self.location,
            ),
        )

    def _model(self, key: str, container: Container, foundation: Foundation) -> Model:
        environment = self.environment
        endpoints = {
            name: inference
            for name, inference in environment.endpoints.items()
            if any(variant.model == key for variant in inference.variants.values())
        }
        grants = [
            grant
            for name, inference in endpoints.items()
            if inference.data_capture
            for grant in foundation.captures.write(f"{name}/")
        ]
        grants += [watch_rollback_alarms(f"{self.prefix}{name}", **self.location) for name in endpoints]
        role = Role(
            self,
            f"{key}_role",
            RoleConfig(
                name=f"{self.prefix}{key}-model",
                description=f"Fetches and runs the model {key}",
                trust=Services(names=("sagemaker.amazonaws.com",)),
                permissions_boundary_arn=foundation.boundary.outputs.arn,
                account_id=environment.account_id,
                partition=environment.partition,
                statements=(
                    *grants,
                    foundation.data_key.attach_volumes(),
                    *fetch(
                        container.image, container.model_data_url, environment.region, environment.partition
                    ),
                    *execution(
                        log_group_names=(f"/aws/sagemaker/Endpoints/{self.prefix}*",), **self.location
                    ),
                ),
            ),
        )
        return Model(
            self,
            f"{key}_model",
            ModelConfig(
                name=f"{self.prefix}{key}",
                execution_role_arn=role.outputs.arn,
                subnet_ids=foundation.network.outputs.subnet_ids,
                security_group_ids=foundation.network.outputs.security_group_ids,
                container=container,
            ),
        )
