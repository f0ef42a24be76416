"""Where models come from: the registry, the role that trains, and the role that approves."""

from __future__ import annotations

from constructs import Construct

from modules._core import Statement
from modules.model_package_group import ModelPackageGroup, ModelPackageGroupConfig
from modules.role import Principals, Role, RoleConfig, Services, execution

from .base import EnvironmentStack
from .environment import Environment
from .foundation import Foundation

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


class Training(EnvironmentStack):
    """The author of a model cannot approve it: two roles, and the one is denied what the other does."""

    def __init__(self, scope: Construct, name: str, environment: Environment, foundation: Foundation) -> None:
        super().__init__(scope, "training", name, environment)
        self.add_dependency(foundation)
        self.groups = {
            key: ModelPackageGroup(
                self,
                f"{key}_model_package_group",
                ModelPackageGroupConfig(
                    name=f"{self.prefix}{key}",
                    description=group.description,
                    reader_account_ids=group.reader_account_ids,
                    deployer_account_ids=group.deployer_account_ids,
                    **self.location,
                ),
            )
            for key, group in environment.model_package_groups.items()
        }
        self.training_role = self._training_role(foundation)
        self.publish(
            "roles/training_arn", self.training_role.outputs.arn, "Role for training jobs and pipelines"
        )
        for key, group in self.groups.items():
            self.publish(f"model_package_groups/{key}", group.outputs.name, f"Model package group of {key}")
        if environment.approver_principal_arns and self.groups:
            approver = self._approver_role(foundation)
            self.publish("roles/approver_arn", approver.outputs.arn, "Role that approves model versions")

    def _training_role(self, foundation: Foundation) -> Role:
        grants = [
            *foundation.artifacts.read(),
            *foundation.artifacts.write(),
            foundation.data_key.attach_volumes(),
        ]
        for repository in foundation.repositories.values():
            grants += repository.pull()
        for group in self.groups.values():
            grants += [group.read(), group.register()]
        return Role(
            self,
            "training_role",
            RoleConfig(
                name=f"{self.prefix}training",
                description="Training, processing and tuning jobs, and pipelines of them",
                trust=Services(names=("sagemaker.amazonaws.com",)),
                permissions_boundary_arn=foundation.boundary.outputs.arn,
                account_id=self.environment.account_id,
                partition=self.environment.partition,
                statements=(
                    *grants,
                    *execution(log_group_names=("/aws/sagemaker/*",), **self.location),
                    NO_APPROVAL,
                ),
            ),
        )

    def _approver_role(self, foundation: Foundation) -> Role:
        groups = self.groups.values()
        return Role(
            self,
            "approver_role",
            RoleConfig(
                name=f"{self.prefix}approver",
                description="Approves and rejects model versions",
                trust=Principals(arns=self.environment.approver_principal_arns),
                permissions_boundary_arn=foundation.boundary.outputs.arn,
                account_id=self.environment.account_id,
                partition=self.environment.partition,
                statements=tuple(grant for group in groups for grant in (group.read(), group.approve())),
            ),
        )
