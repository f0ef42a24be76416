"""Athena workgroup: how queries run, what they may cost, and where their results go."""

from __future__ import annotations

from typing import Literal, get_args

from constructs import Construct

from .._aws.athena_workgroup import (
    AthenaWorkgroup as Workgroup,
)
from .._aws.athena_workgroup import (
    AthenaWorkgroupConfiguration,
    AthenaWorkgroupConfigurationEngineVersion,
    AthenaWorkgroupConfigurationResultConfiguration,
    AthenaWorkgroupConfigurationResultConfigurationEncryptionConfiguration,
)
from .._core import Statement, at_least, matches, one_of, record, refuse, when
from .._core.checks import no_longer_than

FEWEST_BYTES = 10 * 1024 * 1024
"""Smallest limit that the provider takes; Athena itself takes 10,000,000.

https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/athena_workgroup
"""
EngineVersion = Literal["Athena engine version 3", "AUTO"]


@record
class Queries:
    """How queries run."""

    bytes_scanned_cutoff_per_query: int = 100_000_000_000
    """A query that reads more than so many bytes is cancelled; what it read is billed. At least 10 MiB."""
    engine_version: EngineVersion = "Athena engine version 3"
    """`AUTO` lets AWS choose the version, and change it."""

    def __post_init__(self) -> None:
        refuse(
            at_least("bytes_scanned_cutoff_per_query", self.bytes_scanned_cutoff_per_query, FEWEST_BYTES),
            one_of("engine_version", self.engine_version, get_args(EngineVersion)),
        )


@record
class AthenaWorkgroupConfig:
    """A workgroup whose settings bind everyone who queries in it."""

    name: str
    output_s3_uri: str
    """Where results go, such as `s3://bucket/athena/`; in a bucket of the workgroup's own account."""
    kms_key_arn: str
    """Key of the results."""
    account_id: str
    region: str
    partition: str = "aws"
    """`aws` or `aws-us-gov`."""
    description: str | None = None
    """Who queries what, at most 1024 characters."""
    queries: Queries = Queries()
    force_destroy: bool = False
    """Whether the workgroup may be deleted with its history and saved queries."""

    def __post_init__(self) -> None:
        refuse(
            matches("name", self.name, r"[a-zA-Z0-9._-]{1,128}", "acme-dev-features"),
            when(
                not self.output_s3_uri.startswith("s3://"),
                f"output_s3_uri: supply what starts with s3://, got {self.output_s3_uri!r}",
            ),
            matches("output_s3_uri", self.output_s3_uri, "s3://[^/]+/(.+/)?", "s3://bucket/athena/"),
            no_longer_than("description", self.description, 1024),
        )


@record
class AthenaWorkgroupOutputs:
    """What others need of a workgroup."""

    name: str
    """What `StartQueryExecution` takes."""
    arn: str


class AthenaWorkgroup(Construct):
    """A client can choose neither another place for its results, nor another encryption.

    https://docs.aws.amazon.com/athena/latest/ug/workgroups-settings-override.html
    """

    def __init__(self, scope: Construct, id_: str, config: AthenaWorkgroupConfig) -> None:
        super().__init__(scope, id_)
        self.config = config
        workgroup = Workgroup(
            self,
            "this",
            name=config.name,
            description=config.description,
            force_destroy=config.force_destroy,
            configuration=AthenaWorkgroupConfiguration(
                enforce_workgroup_configuration=True,
                publish_cloudwatch_metrics_enabled=True,
                bytes_scanned_cutoff_per_query=config.queries.bytes_scanned_cutoff_per_query,
                engine_version=AthenaWorkgroupConfigurationEngineVersion(
                    selected_engine_version=config.queries.engine_version
                ),
                result_configuration=AthenaWorkgroupConfigurationResultConfiguration(
                    output_location=config.output_s3_uri,
                    expected_bucket_owner=config.account_id,
                    encryption_configuration=AthenaWorkgroupConfigurationResultConfigurationEncryptionConfiguration(
                        encryption_option="SSE_KMS", kms_key_arn=config.kms_key_arn
                    ),
                ),
            ),
        )
        self.outputs = AthenaWorkgroupOutputs(name=workgroup.name, arn=workgroup.arn)

    def query(self) -> tuple[Statement, ...]:
        """Return what runs queries and fetches their results, those of others included.

        The tables and their data are granted by what holds them.
        https://docs.aws.amazon.com/athena/latest/ug/example-policies-workgroup.html
        """
        config = self.config
        path = config.output_s3_uri.removeprefix("s3://")
        bucket_name, _, prefix = path.partition("/")
        bucket = f"arn:{config.partition}:s3:::{bucket_name}"
        return (
            Statement(
                actions=(
                    "athena:BatchGetQueryExecution",
                    "athena:GetQueryExecution",
                    "athena:GetQueryResults",
                    "athena:GetWorkGroup",
                    "athena:ListQueryExecutions",
                    "athena:StartQueryExecution",
                    "athena:StopQueryExecution",
                ),
                resources=(
                    f"arn:{config.partition}:athena:{config.region}:{config.account_id}:workgroup/{config.name}",
                ),
            ),
            Statement(actions=("s3:GetBucketLocation", "s3:ListBucketMultipartUploads"), resources=(bucket,)),
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
                resources=(config.kms_key_arn,),
                conditions={"StringLike": {"kms:EncryptionContext:aws:s3:arn": f"{bucket}*"}},
            ),
        )
