"""What an account needs before anything else: the states' bucket, the limits of all roles, CI's two roles.

People make it, with `sagewright bootstrap`; CI can change none of it.
"""

from __future__ import annotations

from cdktf import TerraformOutput, TerraformResource
from constructs import Construct

from modules.bucket import AccessLogs, Bucket, BucketConfig, Logging, Retention, States
from modules.ci_roles import CiRoles, CiRolesConfig
from modules.key import Key, KeyConfig
from modules.oidc_provider import OidcProvider, OidcProviderConfig

from . import boundary
from .base import EnvironmentStack
from .environment import Ci, Environment, State

PART = "bootstrap"
STATE_RETENTION = Retention(noncurrent_days=365)
"""A state of a year ago describes nothing that is there; the one of now never expires."""


class Bootstrap(EnvironmentStack):
    """Takes over the bucket that its own state is in: the command makes it before there is a state."""

    COMMAND = PART

    def __init__(self, scope: Construct, name: str, environment: Environment) -> None:
        super().__init__(scope, PART, name, environment)
        if environment.state is None:
            raise ValueError("state: supply the bucket of the Terraform state, got nothing")
        self.boundary = boundary.make(self)
        self.state_key = Key(
            self,
            "state_key",
            KeyConfig(
                alias=f"{self.prefix}state",
                description="Terraform states",
                deletion_window_days=environment.key_deletion_window_days,
                account_id=environment.account_id,
                partition=environment.partition,
            ),
        )
        self.states = self._states(environment.state, environment.access_logs)
        if environment.ci:
            self._ci(environment.ci, environment.state)

    def _states(self, state: State, access_logs: Retention | None) -> Bucket:
        logs = self._access_logs(state, access_logs) if access_logs else None
        states = Bucket(
            self,
            "state_bucket",
            BucketConfig(
                name=state.bucket,
                content=States(
                    kms_key_arn=self.state_key.outputs.arn,
                    logging=Logging(bucket_name=logs.outputs.name, prefix="states/") if logs else None,
                ),
                retention=STATE_RETENTION,
                partition=self.environment.partition,
            ),
        )
        bucket = states.node.find_child("this")
        assert isinstance(bucket, TerraformResource)
        bucket.import_from(state.bucket)
        return states

    @property
    def log_bucket_name(self) -> str:
        """The bucket for who read and wrote the states; a name that no other account has taken."""
        return f"{self.prefix}state-logs-{self.environment.account_id}"

    def _access_logs(self, state: State, retention: Retention) -> Bucket:
        return Bucket(
            self,
            "access_logs_bucket",
            BucketConfig(
                name=self.log_bucket_name,
                content=AccessLogs(
                    source_bucket_names=(state.bucket,), account_id=self.environment.account_id
                ),
                retention=retention,
                partition=self.environment.partition,
            ),
        )

    def _ci(self, ci: Ci, state: State) -> None:
        trust = ci.trust(self.environment_name)
        roles = CiRoles(
            self,
            "ci",
            CiRolesConfig(
                prefix=self.prefix,
                tags={
                    "Organization": self.environment.organization,
                    "Environment": self.environment_name,
                },
                parameter_path=f"/sagewright/{self.environment_name}",
                trust=trust,
                provider_arn=ci.provider_arn or self._provider(trust.url, trust.audience),
                state_bucket_name=state.bucket,
                state_key_prefix=f"{self.environment_name}-",
                own_state_key=f"{self.node.id}.tfstate",
                state_kms_key_arn=self.state_key.outputs.arn,
                plans_context={"environment": self.environment_name},
                roles_boundary_name=boundary.name(self),
                closed_bucket_names=(self.log_bucket_name,),
                may_empty=not self.environment.protected,
                **self.location,
            ),
        )
        TerraformOutput(self, "plan_role_arn", value=roles.outputs.plan_role_arn)
        TerraformOutput(self, "apply_role_arn", value=roles.outputs.apply_role_arn)

    def _provider(self, url: str, audience: str) -> str:
        config = OidcProviderConfig(url=url, audiences=(audience,))
        return OidcProvider(self, "oidc_provider", config).outputs.arn
