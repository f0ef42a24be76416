"""SageMaker MLflow tracking server: runs, metrics and models of experiments, by IAM and in your bucket."""

from __future__ import annotations

import re
from typing import Literal

from constructs import Construct

from .._aws.sagemaker_mlflow_tracking_server import SagemakerMlflowTrackingServer
from .._core import Statement, matches, one_of, record, refuse, unresolved, when
from .._core.checks import no_longer_than
from . import actions

STORE = r"s3://([^/]+)(?:/(.*?))?/?"
"""A bucket, and what the keys in it start with."""


@record
class TrackingServer:
    """What people decide about a tracking server, which costs money for as long as it is there.

    https://docs.aws.amazon.com/sagemaker/latest/dg/mlflow.html
    """

    mlflow_version: str = "3.0"
    """Major and minor version; clients need the same. Another one replaces the server: all runs are lost."""
    tracking_server_size: Literal["Small", "Medium", "Large"] = "Small"
    """Up to 25, 50 or 100 people. Another size is put in place within the hour."""
    automatic_model_registration: bool = False
    """Whether SageMaker's registry gets each model that MLflow's gets, where it waits for approval. The
    server's role needs `register_models(…)`. Provider 5.100 never sends that it is switched off again."""
    weekly_maintenance_window_start: str | None = None
    """Day and time in UTC when AWS may put a new patch in place, such as `Tue:03:30`; AWS chooses by
    default."""

    def __post_init__(self) -> None:
        refuse(
            matches("mlflow_version", self.mlflow_version, r"\d+\.\d+", "3.0"),
            one_of("tracking_server_size", self.tracking_server_size, ("Small", "Medium", "Large")),
            matches(
                "weekly_maintenance_window_start",
                self.weekly_maintenance_window_start,
                "(Mon|Tue|Wed|Thu|Fri|Sat|Sun):([01][0-9]|2[0-3]):[0-5][0-9]",
                "Tue:03:30",
            ),
        )


@record
class MlflowTrackingServerConfig:
    """A server for a team; who may do what on it, each role's IAM says."""

    name: str
    """The server's name, at most 256 characters."""
    role_arn: str
    """Role that the server itself acts as, with the statements of `store_artifacts(…)`. Another one replaces
    the server: all runs are lost."""
    artifact_store_uri: str
    """Where artifacts go: `s3://<bucket>/<prefix>`, a bucket of this account, whose key protects them."""
    account_id: str
    """Account that the server is in."""
    region: str
    """Region that the server is in."""
    partition: str = "aws"
    """`aws` or `aws-us-gov`."""
    server: TrackingServer = TrackingServer()
    """Version, size, registration and maintenance."""

    def __post_init__(self) -> None:
        refuse(
            matches("name", self.name, "[a-zA-Z0-9](-*[a-zA-Z0-9])*", "acme-dev-experiments"),
            no_longer_than("name", self.name, 256),
            matches(
                "role_arn",
                self.role_arn,
                r"arn:aws[a-z-]*:iam::\d{12}:role/.+",
                "arn:aws:iam::111122223333:role/acme-dev-mlflow",
            ),
            matches("artifact_store_uri", self.artifact_store_uri, STORE, "s3://bucket/mlflow"),
            no_longer_than("artifact_store_uri", self.artifact_store_uri, 1024),
        )


@record
class MlflowTrackingServerOutputs:
    """What others need of a tracking server."""

    name: str
    """What `CreatePresignedMlflowTrackingServerUrl` takes."""
    arn: str
    """What clients give to `mlflow.set_tracking_uri`, with the package `sagemaker-mlflow` installed."""
    url: str
    """Address of the web pages, which a presigned URL opens."""


def store_artifacts(
    artifact_store_uri: str, kms_key_arn: str, partition: str = "aws"
) -> tuple[Statement, ...]:
    """Return what the server's own role needs: its artifacts, under the key of their bucket.

    None of it may be a Token: the ARNs are made of it.
    https://docs.aws.amazon.com/sagemaker/latest/dg/mlflow-create-tracking-server-iam.html
    """
    found = re.fullmatch(STORE, artifact_store_uri)
    refuse(
        when(
            unresolved(artifact_store_uri),
            f"artifact_store_uri: supply what is known before the plan, got {artifact_store_uri!r}",
        ),
        matches("artifact_store_uri", artifact_store_uri, STORE, "s3://bucket/mlflow"),
    )
    assert found
    bucket, prefix = f"arn:{partition}:s3:::{found[1]}", f"{found[2]}/" if found[2] else ""
    return (
        Statement(actions=("s3:GetBucketLocation",), resources=(bucket,)),
        Statement(
            actions=("s3:ListBucket",),
            resources=(bucket,),
            conditions={"StringLike": {"s3:prefix": f"{prefix}*"}},
        ),
        Statement(
            actions=(
                "s3:AbortMultipartUpload",
                "s3:GetObject",
                "s3:ListMultipartUploadParts",
                "s3:PutObject",
            ),
            resources=(f"{bucket}/{prefix}*",),
        ),
        Statement(
            actions=("kms:Decrypt", "kms:GenerateDataKey"),
            resources=(kms_key_arn,),
            conditions={"StringLike": {"kms:EncryptionContext:aws:s3:arn": f"{bucket}*"}},
        ),
    )


def register_models(
    name_prefix: str, account_id: str, region: str, partition: str = "aws"
) -> tuple[Statement, ...]:
    """Return what the server's own role needs to register models whose names in MLflow start so.

    It approves none, and brings none into production. A group has the model's name and six digits more.
    https://docs.aws.amazon.com/sagemaker/latest/dg/mlflow-track-experiments-model-registration.html
    """
    refuse(matches("name_prefix", name_prefix, "[a-zA-Z0-9][a-zA-Z0-9-]*", "acme-dev-"))
    home = f"arn:{partition}:sagemaker:{region}:{account_id}"
    groups = f"{home}:model-package-group/{name_prefix}*"
    versions = f"{home}:model-package/{name_prefix}*"
    waiting = {"sagemaker:ModelApprovalStatus": "PendingManualApproval"}
    return (
        Statement(
            actions=("sagemaker:CreateModelPackageGroup", "sagemaker:DescribeModelPackageGroup"),
            resources=(groups,),
        ),
        Statement(
            actions=("sagemaker:AddTags", "sagemaker:CreateModelPackage"),
            resources=(groups, versions),
            conditions={"StringEqualsIfExists": waiting},
        ),
        Statement(
            actions=("sagemaker:UpdateModelPackage",),
            resources=(versions,),
            conditions={"StringEqualsIfExists": {**waiting, "sagemaker:ModelLifeCycle/stage": "staging"}},
        ),
    )


class MlflowTrackingServer(Construct):
    """What is logged is kept by AWS with the server, and goes with it; artifacts stay in the bucket.

    The server is in no VPC: IAM keeps it closed, and a VPC endpoint leads to it.
    """

    def __init__(self, scope: Construct, id_: str, config: MlflowTrackingServerConfig) -> None:
        super().__init__(scope, id_)
        home = f"arn:{config.partition}:sagemaker:{config.region}:{config.account_id}"
        self._arn = f"{home}:mlflow-tracking-server/{config.name}"
        server = SagemakerMlflowTrackingServer(
            self,
            "this",
            tracking_server_name=config.name,
            role_arn=config.role_arn,
            artifact_store_uri=config.artifact_store_uri,
            mlflow_version=config.server.mlflow_version,
            tracking_server_size=config.server.tracking_server_size,
            automatic_model_registration=config.server.automatic_model_registration,
            weekly_maintenance_window_start=config.server.weekly_maintenance_window_start,
        )
        self.outputs = MlflowTrackingServerOutputs(
            name=server.tracking_server_name, arn=server.arn, url=server.tracking_server_url
        )

    def read(self) -> tuple[Statement, ...]:
        """Return what a role needs to look at runs, metrics and models."""
        return self._on(*actions.READ)

    def experiment(self) -> tuple[Statement, ...]:
        """Return what a role needs to log runs and models; it deletes nothing and promotes nothing.

        Clients write artifacts themselves: give the role the bucket, too.
        """
        return self._on(*actions.READ, *actions.EXPERIMENT)

    def curate(self) -> tuple[Statement, ...]:
        """Return what a role needs to do everything that MLflow can: delete, restore, rename, promote."""
        return self._on(*actions.READ, *actions.EXPERIMENT, *actions.CURATE)

    def presign(self) -> tuple[Statement, ...]:
        """Return what a role needs to open the web pages, on which it may do what it may do by the API."""
        return (
            Statement(actions=("sagemaker:CreatePresignedMlflowTrackingServerUrl",), resources=(self._arn,)),
            Statement(actions=actions.OPEN, resources=("*",)),
        )

    def _on(self, *names: str) -> tuple[Statement, ...]:
        return (
            Statement(actions=("sagemaker:DescribeMlflowTrackingServer",), resources=(self._arn,)),
            Statement(actions=names, resources=(self._arn,)),
        )
