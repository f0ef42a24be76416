"""Customer-managed KMS key: rotated, named by an alias, used by whom its policy and IAM say."""

from __future__ import annotations

from constructs import Construct

from .._aws.kms_alias import KmsAlias
from .._aws.kms_key import KmsKey
from .._core import Principal, Statement, at_least, at_most, document, matches, record, refuse

ENCRYPT = (
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
DECRYPT = ("kms:Decrypt", "kms:DescribeKey")


@record
class KeyConfig:
    """A symmetric key. Its account may delegate use by IAM; services are let in one by one."""

    alias: str
    """Name of the key, without `alias/`."""
    description: str
    """What the key protects."""
    account_id: str
    """Account whose IAM policies govern the key."""
    partition: str = "aws"
    """`aws` or `aws-us-gov`."""
    statements: tuple[Statement, ...] = ()
    """Who else may use it: `use_by_log_groups(…)`, `use_by_service(…)`, or statements of your own."""
    deletion_window_days: int = 30
    """Days from the deletion of the key until nothing can read its data any more."""
    rotation_period_days: int = 365
    """Days after which KMS makes new key material; the old stays usable."""

    def __post_init__(self) -> None:
        refuse(
            matches("alias", self.alias, r"(?!aws/)[\w/-]{1,250}", "acme-prod-data"),
            at_least("deletion_window_days", self.deletion_window_days, 7),
            at_most("deletion_window_days", self.deletion_window_days, 30),
            at_least("rotation_period_days", self.rotation_period_days, 90),
            at_most("rotation_period_days", self.rotation_period_days, 2560),
        )


@record
class KeyOutputs:
    """What others need of a key."""

    arn: str
    key_id: str
    alias: str
    """Name of the alias, with `alias/`."""


def use_by_service(service: str, account_id: str) -> Statement:
    """Let an AWS service use the key, on behalf of one account only.

    The condition keeps the service from being sent by someone else's resources (confused deputy).
    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    return Statement(
        sid="UseBy" + "".join(part.capitalize() for part in service.split(".")[0].split("-")),
        principals=(Principal(kind="Service", identifiers=(service,)),),
        actions=(*ENCRYPT, "kms:Decrypt"),
        resources=("*",),
        conditions={"StringEquals": {"aws:SourceAccount": account_id}},
    )


def use_by_log_groups(region: str, account_id: str, prefix: str = "", partition: str = "aws") -> Statement:
    """Let CloudWatch Logs encrypt the log groups of one account and region, or those under a prefix.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    """
    groups = f"arn:{partition}:logs:{region}:{account_id}:log-group:{prefix}*"
    return Statement(
        sid="UseByLogs",
        principals=(Principal(kind="Service", identifiers=(f"logs.{region}.amazonaws.com",)),),
        actions=(*ENCRYPT, "kms:Decrypt"),
        resources=("*",),
        conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
    )


def read_by_accounts(account_ids: tuple[str, ...], bucket_name: str, partition: str = "aws") -> Statement:
    """Let other accounts read the objects of one bucket that lets them, too (`Data.reader_account_ids`).

    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html
    """
    bucket = f"arn:{partition}:s3:::{bucket_name}"
    return Statement(
        sid="ReadByAccounts",
        principals=(Principal.accounts(account_ids, partition),),
        actions=("kms:Decrypt",),
        resources=("*",),
        conditions={"StringLike": {"kms:EncryptionContext:aws:s3:arn": (bucket, f"{bucket}/*")}},
    )


class Key(Construct):
    """One key for one purpose; other modules take `outputs.arn`."""

    def __init__(self, scope: Construct, id_: str, config: KeyConfig) -> None:
        super().__init__(scope, id_)
        delegate = Statement(
            sid="DelegateToIam",
            principals=(Principal.accounts((config.account_id,), config.partition),),
            actions=("kms:*",),
            resources=("*",),
        )
        key = KmsKey(
            self,
            "this",
            description=config.description,
            enable_key_rotation=True,
            rotation_period_in_days=config.rotation_period_days,
            deletion_window_in_days=config.deletion_window_days,
            policy=document(delegate, *config.statements),
        )
        alias = KmsAlias(self, "alias", name=f"alias/{config.alias}", target_key_id=key.key_id)
        self.outputs = KeyOutputs(arn=key.arn, key_id=key.key_id, alias=alias.name)

    def encrypt(self) -> Statement:
        """Return what a role needs to write data under this key."""
        return Statement(actions=ENCRYPT, resources=(self.outputs.arn,))

    def decrypt(self) -> Statement:
        """Return what a role needs to read data under this key."""
        return Statement(actions=DECRYPT, resources=(self.outputs.arn,))

    def attach_volumes(self) -> Statement:
        """Return what a role needs so that AWS services put the key on storage volumes for it.

        A grant can be made for an AWS resource only, not handed to a person.
        https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
        """
        return Statement(
            actions=("kms:CreateGrant",),
            resources=(self.outputs.arn,),
            conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
        )
