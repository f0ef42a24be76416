"""SageMaker feature group: typed features of records, for inference and for training."""

from __future__ import annotations

from cdktf import Fn, TerraformLocal, TerraformResourceLifecycle
from constructs import Construct

from .._aws.sagemaker_feature_group import SagemakerFeatureGroup
from .._core import Statement, at_least, matches, record, refuse, unresolved, when
from .._core.checks import no_longer_than
from . import blocks
from .decisions import LONGEST_NAME, NAME, TABLE_NAME, ExistingTable, FeatureGroupDefinition
from .schema import keeps_live_features, signature, warn_of_missing_features


@record
class FeatureGroupConfig:
    """One version of a feature group. Versions live side by side, each with its own data."""

    name: str
    """Start of the group's name, environment prefix included; `-v<version>` is its end."""
    definition: FeatureGroupDefinition
    """The decisions on it."""
    role_arn: str
    """Role by which SageMaker writes the offline store: `write_offline_stores(…)` is what it needs."""
    kms_key_arn: str
    """Key of both stores."""
    account_id: str
    region: str
    partition: str = "aws"
    """`aws` or `aws-us-gov`."""
    version: int = 1
    """Another number is another group. Use none twice: table and objects of a group outlive it."""
    offline_store_s3_uri: str | None = None
    """Where the offline store is, such as `s3://bucket/features`, without a slash at the end."""
    glue_database_name: str | None = None
    """Database in which SageMaker makes the offline store's table."""

    def __post_init__(self) -> None:
        offline = self.definition.offline_store
        existing = offline is not None and isinstance(offline.glue_table, ExistingTable)
        refuse(
            matches("name", self.name, NAME, "acme-dev-customers"),
            at_least("version", self.version, 1),
            no_longer_than("name: with the version", self.group_name, LONGEST_NAME),
            when(
                offline and self.offline_store_s3_uri is None,
                "offline_store_s3_uri: supply where the offline store is, got none",
            ),
            when(
                self.offline_store_s3_uri is not None and not self.offline_store_s3_uri.startswith("s3://"),
                f"offline_store_s3_uri: supply what starts with s3://, got {self.offline_store_s3_uri!r}",
            ),
            matches(
                "offline_store_s3_uri",
                self.offline_store_s3_uri,
                "s3://[^/]+(/.*[^/])?",
                "s3://bucket/features",
            ),
            when(
                offline and not existing and self.glue_database_name is None,
                "glue_database_name: supply the database for the offline store's table, got none",
            ),
            matches("glue_database_name", self.glue_database_name, TABLE_NAME, "acme_dev_features"),
        )

    @property
    def group_name(self) -> str:
        """Name of the group in AWS."""
        return f"{self.name}-v{self.version}"


@record
class FeatureGroupOutputs:
    """What others need of a feature group."""

    name: str
    """What `PutRecord` and `GetRecord` take."""
    arn: str
    database_name: str | None
    """Glue database of the offline store's table; `None` without offline store, like all that follow."""
    table_name: str | None
    """The table; `is_deleted` tells which of its rows are deletions."""
    resolved_output_s3_uri: str | None
    """Where SageMaker writes the records."""


def write_offline_stores(
    *,
    s3_uri: str,
    kms_key_arn: str,
    glue_database_name: str,
    account_id: str,
    region: str,
    partition: str = "aws",
) -> tuple[Statement, ...]:
    """Return what the role of all feature groups under one S3 URI and in one database needs.

    SageMaker tries the key by itself when a group is made, so that no condition may tie it to S3. Iceberg's
    metadata is read again.
    https://docs.aws.amazon.com/sagemaker/latest/dg/security-iam-awsmanpol-feature-store.html
    https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-security.html
    """
    bucket, objects = _s3_arns(s3_uri, partition)
    catalog = f"arn:{partition}:glue:{region}:{account_id}"
    return (
        Statement(actions=("s3:GetBucketAcl",), resources=(bucket,)),
        Statement(actions=("s3:PutObject", "s3:PutObjectAcl"), resources=(f"{objects}/*",)),
        Statement(actions=("s3:GetObject",), resources=(f"{objects}/*/metadata/*",)),
        Statement(
            actions=("glue:GetTable", "glue:UpdateTable"),
            resources=(
                f"{catalog}:catalog",
                f"{catalog}:database/{glue_database_name}",
                f"{catalog}:table/{glue_database_name}/*",
            ),
        ),
        Statement(actions=("kms:Decrypt", "kms:GenerateDataKey"), resources=(kms_key_arn,)),
    )


def _s3_arns(s3_uri: str, partition: str) -> tuple[str, str]:
    """Return the ARN of the bucket, and that of all under the URI but for a last `/*`."""
    path = s3_uri.removeprefix("s3://")
    return f"arn:{partition}:s3:::{path.partition('/')[0]}", f"arn:{partition}:s3:::{path}"


class FeatureGroup(Construct):
    """Whoever adds a feature to the definition runs `sagewright features add`, which keeps all data.

    A plan tells what is to be added, and fails where a live feature is defined otherwise or not at all.
    """

    def __init__(self, scope: Construct, id_: str, config: FeatureGroupConfig) -> None:
        super().__init__(scope, id_)
        self.config = config
        definition, offline = config.definition, config.definition.offline_store
        self._arn = (
            f"arn:{config.partition}:sagemaker:{config.region}:{config.account_id}:"
            f"feature-group/{config.group_name}"
        )
        self._table = self._table_of_group()
        configured = TerraformLocal(
            self, "features", {name: signature(feature) for name, feature in definition.features.items()}
        )
        group = SagemakerFeatureGroup(
            self,
            "this",
            feature_group_name=config.group_name,
            description=definition.description,
            record_identifier_feature_name=definition.record_identifier,
            event_time_feature_name=definition.event_time,
            feature_definition=[
                blocks.feature_definition(name, feature) for name, feature in definition.features.items()
            ],
            role_arn=config.role_arn,
            online_store_config=blocks.online_store(definition.online_store, config.kms_key_arn)
            if definition.online_store
            else None,
            offline_store_config=blocks.offline_store(
                offline, config.offline_store_s3_uri, config.kms_key_arn, *self._table
            )
            if offline and config.offline_store_s3_uri and self._table
            else None,
            throughput_config=blocks.throughput(definition.throughput),
            lifecycle=TerraformResourceLifecycle(
                ignore_changes=["description", "feature_definition"],  # either would replace the group
                postcondition=[keeps_live_features(configured)],
            ),
        )
        warn_of_missing_features(group, configured)
        database_name, table_name = self._table or (None, None)
        self.outputs = FeatureGroupOutputs(
            name=group.feature_group_name,
            arn=group.arn,
            database_name=database_name,
            table_name=table_name,
            resolved_output_s3_uri=group.offline_store_config.s3_storage_config.resolved_output_s3_uri
            if offline
            else None,
        )

    def describe(self) -> Statement:
        """Return what looks at the group and its features."""
        return Statement(
            actions=("sagemaker:DescribeFeatureGroup", "sagemaker:DescribeFeatureMetadata"),
            resources=(self._arn,),
        )

    def write(self) -> tuple[Statement, ...]:
        """Return what puts and deletes records, in both stores."""
        put = Statement(actions=("sagemaker:DeleteRecord", "sagemaker:PutRecord"), resources=(self._arn,))
        return (put, self._decrypt_online()) if self.config.definition.online_store else (put,)

    def read_online(self) -> tuple[Statement, ...]:
        """Return what reads the latest records; nothing where there is no online store."""
        if not self.config.definition.online_store:
            return ()
        read = Statement(actions=("sagemaker:BatchGetRecord", "sagemaker:GetRecord"), resources=(self._arn,))
        return (read, self._decrypt_online())

    def read_offline(self) -> tuple[Statement, ...]:
        """Return what reads the history: the table, its objects and their key; nothing where there is none.

        A query needs a workgroup besides: `query()` of the module `athena_workgroup`.
        """
        config = self.config
        if not (config.definition.offline_store and config.offline_store_s3_uri and self._table):
            return ()
        bucket, objects = _s3_arns(config.offline_store_s3_uri, config.partition)
        catalog = f"arn:{config.partition}:glue:{config.region}:{config.account_id}"
        database_name, table_name = self._table
        own = f"{config.account_id}/sagemaker/{config.region}/offline-store/{config.group_name}-*"
        prefix = objects.removeprefix(bucket).removeprefix("/")
        return (
            Statement(
                actions=("glue:GetDatabase", "glue:GetPartitions", "glue:GetTable"),
                resources=(
                    f"{catalog}:catalog",
                    f"{catalog}:database/{database_name}",
                    f"{catalog}:table/{database_name}/{table_name}",
                ),
            ),
            Statement(actions=("s3:GetBucketLocation",), resources=(bucket,)),
            Statement(
                actions=("s3:ListBucket",),
                resources=(bucket,),
                conditions={"StringLike": {"s3:prefix": f"{prefix}/{own}" if prefix else own}},
            ),
            Statement(actions=("s3:GetObject",), resources=(f"{objects}/{own}",)),
            Statement(
                actions=("kms:Decrypt",),
                resources=(config.kms_key_arn,),
                conditions={"StringLike": {"kms:EncryptionContext:aws:s3:arn": f"{bucket}*"}},
            ),
        )

    def _decrypt_online(self) -> Statement:
        """Return the use of the key by SageMaker for its caller.

        https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-security.html
        """
        return Statement(
            actions=("kms:Decrypt",),
            resources=(self.config.kms_key_arn,),
            conditions={"StringEquals": {"kms:ViaService": f"sagemaker.{self.config.region}.amazonaws.com"}},
        )

    def _table_of_group(self) -> tuple[str, str] | None:
        """Return database and name of the offline store's table; a new one is named after the group."""
        offline, name = self.config.definition.offline_store, self.config.group_name
        if offline is None:
            return None
        if isinstance(offline.glue_table, ExistingTable):
            return offline.glue_table.database_name, offline.glue_table.table_name
        folded = Fn.lower(Fn.replace(name, "-", "_")) if unresolved(name) else name.replace("-", "_").lower()
        return self.config.glue_database_name or "", folded
