"""S3 bucket: private, versioned, reached by TLS only, encrypted under one customer-managed key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from constructs import Construct

from .._aws.s3_bucket import S3Bucket
from .._aws.s3_bucket_lifecycle_configuration import (
    S3BucketLifecycleConfiguration,
    S3BucketLifecycleConfigurationRule,
    S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload,
    S3BucketLifecycleConfigurationRuleExpiration,
    S3BucketLifecycleConfigurationRuleFilter,
    S3BucketLifecycleConfigurationRuleNoncurrentVersionExpiration,
)
from .._aws.s3_bucket_logging import S3BucketLoggingA
from .._aws.s3_bucket_notification import S3BucketNotification
from .._aws.s3_bucket_ownership_controls import S3BucketOwnershipControls, S3BucketOwnershipControlsRule
from .._aws.s3_bucket_policy import S3BucketPolicy
from .._aws.s3_bucket_public_access_block import S3BucketPublicAccessBlock
from .._aws.s3_bucket_server_side_encryption_configuration import (
    S3BucketServerSideEncryptionConfigurationA,
    S3BucketServerSideEncryptionConfigurationRuleA,
    S3BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultA,
)
from .._aws.s3_bucket_versioning import S3BucketVersioningA, S3BucketVersioningVersioningConfiguration
from .._core import (
    Principal,
    Statement,
    at_least,
    distinct,
    document,
    matches,
    not_empty,
    record,
    refuse,
    when,
)

NAME = r"(?!xn--|sthree-|amzn-s3-demo-)(?!.*\.\.)(?!\d+(\.\d+){3}$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
"""What S3 allows as the name of a bucket.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
"""

EVERYONE = (Principal(kind="AWS", identifiers=("*",)),)


@record
class Retention:
    """For how long S3 keeps what is no longer current, and what was never finished."""

    noncurrent_days: int = 90
    """Days for which a version that was overwritten or deleted can be brought back."""
    incomplete_upload_days: int = 7
    """Days after which the parts of an unfinished multipart upload are removed."""
    expiration_days: int | None = None
    """Days after which an object itself expires; without it, objects stay."""

    def __post_init__(self) -> None:
        refuse(
            at_least("noncurrent_days", self.noncurrent_days, 1),
            at_least("incomplete_upload_days", self.incomplete_upload_days, 1),
            at_least("expiration_days", self.expiration_days, 1),
        )


@record
class Logging:
    """Where S3 writes who did what with this bucket."""

    bucket_name: str
    """A bucket of the kind `AccessLogs`: `Bucket.outputs.name`, since its policy must be there first."""
    prefix: str
    """Start of the log objects' keys, such as `artifacts/`."""


@record
class Data:
    """The bucket holds data: encrypted under your key, other keys refused."""

    kms_key_arn: str
    logging: Logging | None = None
    reader_account_ids: tuple[str, ...] = ()
    """Other accounts that may list and read all objects; the key must let them, too (`read_by_accounts`)."""
    event_bridge: bool = False
    """Whether S3 tells EventBridge of every object that is written or deleted, so that rules can act on it.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html
    """

    def __post_init__(self) -> None:
        refuse(
            distinct("reader_account_ids", self.reader_account_ids),
            *(
                matches("reader_account_ids", one, r"\d{12}", "111122223333")
                for one in self.reader_account_ids
            ),
        )


@record
class States(Data):
    """The bucket holds Terraform states: like data, and nobody can delete one, or a version of one.

    A lock, `….tflock` beside its state, is written and deleted with every run.
    https://developer.hashicorp.com/terraform/language/backend/s3#permissions-required
    """


@record
class AccessLogs:
    """The bucket receives other buckets' access logs, which S3 writes only under its own key.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
    """

    source_bucket_names: tuple[str, ...]
    account_id: str
    """Account of the source buckets; S3 writes for no other."""

    def __post_init__(self) -> None:
        refuse(
            not_empty("source_bucket_names", self.source_bucket_names),
            distinct("source_bucket_names", self.source_bucket_names),
        )


@record
class BucketConfig:
    """A bucket; its name is unique among all accounts, so it should say whose it is."""

    name: str
    content: Data | States | AccessLogs
    retention: Retention | None = Retention()
    """`None` keeps every version for ever."""
    partition: str = "aws"
    """`aws` or `aws-us-gov`."""
    force_destroy: bool = False
    """Whether the bucket may be deleted with objects in it."""

    def __post_init__(self) -> None:
        refuse(
            matches("name", self.name, NAME, "acme-prod-artifacts"),
            when(
                isinstance(self.content, States) and self.force_destroy is True,
                "force_destroy: supply false where states are held, got true",
            ),
        )


@record
class BucketOutputs:
    """What others need of a bucket."""

    name: str
    """Known only when the policy is in place: what uses the bucket by name finds it closed."""
    arn: str


class Bucket(Construct):
    """A bucket and all that makes it safe."""

    def __init__(self, scope: Construct, id_: str, config: BucketConfig) -> None:
        super().__init__(scope, id_)
        self.config = config
        self.arn = f"arn:{config.partition}:s3:::{config.name}"
        bucket = S3Bucket(self, "this", bucket=config.name, force_destroy=config.force_destroy)
        name = bucket.id
        S3BucketOwnershipControls(
            self,
            "ownership",
            bucket=name,
            rule=S3BucketOwnershipControlsRule(object_ownership="BucketOwnerEnforced"),
        )
        block = S3BucketPublicAccessBlock(
            self,
            "public_access_block",
            bucket=name,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
        )
        policy = S3BucketPolicy(
            self,
            "policy",
            bucket=name,
            policy=document(*self._policy()),
            depends_on=[block],  # S3 answers OperationAborted when both are changed at once
        )
        versioning = S3BucketVersioningA(
            self,
            "versioning",
            bucket=name,
            versioning_configuration=S3BucketVersioningVersioningConfiguration(status="Enabled"),
        )
        S3BucketServerSideEncryptionConfigurationA(
            self,
            "encryption",
            bucket=name,
            rule=[
                S3BucketServerSideEncryptionConfigurationRuleA(
                    apply_server_side_encryption_by_default=self._encryption(),
                    bucket_key_enabled=isinstance(config.content, Data),
                )
            ],
        )
        if config.retention:
            self._retain(bucket, versioning, config.retention)
        if isinstance(config.content, Data) and config.content.logging:
            S3BucketLoggingA(
                self,
                "logging",
                bucket=name,
                target_bucket=config.content.logging.bucket_name,
                target_prefix=config.content.logging.prefix,
            )
        if isinstance(config.content, Data) and config.content.event_bridge:
            S3BucketNotification(self, "notification", bucket=name, eventbridge=True)
        self.outputs = BucketOutputs(name=policy.bucket, arn=bucket.arn)

    def _encryption(self) -> S3BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultA:
        content = self.config.content
        if isinstance(content, AccessLogs):
            return S3BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultA(
                sse_algorithm="AES256"
            )
        return S3BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultA(
            sse_algorithm="aws:kms", kms_master_key_id=content.kms_key_arn
        )

    def _retain(self, bucket: S3Bucket, versioning: S3BucketVersioningA, retention: Retention) -> None:
        expiration = S3BucketLifecycleConfigurationRuleExpiration(days=retention.expiration_days)
        S3BucketLifecycleConfiguration(
            self,
            "lifecycle",
            bucket=bucket.id,
            rule=[
                S3BucketLifecycleConfigurationRule(
                    id="retention",
                    status="Enabled",
                    filter=[S3BucketLifecycleConfigurationRuleFilter(prefix="")],
                    expiration=[expiration] if retention.expiration_days is not None else None,
                    noncurrent_version_expiration=[
                        S3BucketLifecycleConfigurationRuleNoncurrentVersionExpiration(
                            noncurrent_days=retention.noncurrent_days
                        )
                    ],
                    abort_incomplete_multipart_upload=[
                        S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload(
                            days_after_initiation=retention.incomplete_upload_days
                        )
                    ],
                )
            ],
            depends_on=[versioning],  # a rule on noncurrent versions needs versions
        )

    def _policy(self) -> Iterator[Statement]:
        content = self.config.content
        both = (self.arn, f"{self.arn}/*")
        yield self._deny("DenyInsecureTransport", both, {"Bool": {"aws:SecureTransport": "false"}})
        yield self._deny("DenyOldTls", both, {"NumericLessThan": {"s3:TlsVersion": "1.2"}})
        if isinstance(content, AccessLogs):
            sources = tuple(
                f"arn:{self.config.partition}:s3:::{name}" for name in content.source_bucket_names
            )
            yield Statement(
                sid="ReceiveAccessLogs",
                principals=(Principal(kind="Service", identifiers=("logging.s3.amazonaws.com",)),),
                actions=("s3:PutObject",),
                resources=(f"{self.arn}/*",),
                conditions={
                    "ArnEquals": {"aws:SourceArn": sources},
                    "StringEquals": {"aws:SourceAccount": content.account_id},
                },
            )
            return
        # Without a header the bucket's own encryption applies: only a header that says otherwise is denied.
        algorithm, key = "s3:x-amz-server-side-encryption", "s3:x-amz-server-side-encryption-aws-kms-key-id"
        yield self._deny_put("DenyOtherEncryption", algorithm, "aws:kms")
        yield self._deny_put("DenyOtherKey", key, content.kms_key_arn)
        if content.reader_account_ids:
            yield Statement(
                sid="ReadByAccounts",
                principals=(Principal.accounts(content.reader_account_ids, self.config.partition),),
                actions=("s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"),
                resources=both,
            )
        if isinstance(content, States):
            yield self._deny("DenyDeletion", (self.arn,), {}, "s3:DeleteBucket")
            yield self._deny("DenyVersionDeletion", (f"{self.arn}/*",), {}, "s3:DeleteObjectVersion")
            yield self._deny("DenyStateDeletion", (f"{self.arn}/*.tfstate",), {}, "s3:DeleteObject")

    def _deny_put(self, sid: str, key: str, value: str) -> Statement:
        conditions = {"StringNotEquals": {key: value}, "Null": {key: "false"}}
        return self._deny(sid, (f"{self.arn}/*",), conditions, "s3:PutObject")

    def _deny(
        self,
        sid: str,
        resources: tuple[str, ...],
        conditions: Mapping[str, Mapping[str, str]],
        action: str = "s3:*",
    ) -> Statement:
        return Statement(
            sid=sid,
            effect="Deny",
            principals=EVERYONE,
            actions=(action,),
            resources=resources,
            conditions=conditions,
        )

    def read(self, prefix: str = "") -> tuple[Statement, ...]:
        """Return what a role needs to list and read the objects under a prefix such as `churn/`."""
        return (
            Statement(
                actions=("s3:ListBucket",),
                resources=(self.arn,),
                conditions={"StringLike": {"s3:prefix": f"{prefix}*"}},
            ),
            Statement(actions=("s3:GetObject", "s3:GetObjectVersion"), resources=(f"{self.arn}/{prefix}*",)),
            *self._use_key("kms:Decrypt"),
        )

    def write(self, prefix: str = "") -> tuple[Statement, ...]:
        """Return what a role needs to put objects under a prefix, in parts too; it does not let it read."""
        return (
            Statement(
                actions=("s3:AbortMultipartUpload", "s3:PutObject"), resources=(f"{self.arn}/{prefix}*",)
            ),
            *self._use_key("kms:Decrypt", "kms:GenerateDataKey"),
        )

    def _use_key(self, *actions: str) -> Iterator[Statement]:
        """Yield the use of the key for this bucket's objects alone.

        With a bucket key, the encryption context is the ARN of the bucket, else that of the object.
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
        """
        if isinstance(self.config.content, Data):
            yield Statement(
                actions=actions,
                resources=(self.config.content.kms_key_arn,),
                conditions={"StringLike": {"kms:EncryptionContext:aws:s3:arn": f"{self.arn}*"}},
            )
