"""ECR repository: a tag never changes its image, every image is scanned, old ones are removed."""

from __future__ import annotations

import json

from constructs import Construct

from .._aws.ecr_lifecycle_policy import EcrLifecyclePolicy
from .._aws.ecr_repository import (
    EcrRepository as Repository,
)
from .._aws.ecr_repository import (
    EcrRepositoryEncryptionConfiguration,
    EcrRepositoryImageScanningConfiguration,
)
from .._aws.ecr_repository_policy import EcrRepositoryPolicy
from .._core import Principal, Statement, at_least, distinct, document, matches, record, refuse

PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
PUSH = ("ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart")


@record
class ImageRetention:
    """Which images ECR removes by itself."""

    untagged_days: int = 14
    """Days after which an image that no tag names is removed."""
    tagged_count: int = 100
    """Number of tagged images that are kept; the oldest go first."""

    def __post_init__(self) -> None:
        refuse(
            at_least("untagged_days", self.untagged_days, 1),
            at_least("tagged_count", self.tagged_count, 1),
        )

    def document(self) -> str:
        """Return the lifecycle policy as ECR spells it.

        https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html
        """
        untagged = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days"}
        tagged = {"tagStatus": "tagged", "tagPatternList": ["*"], "countType": "imageCountMoreThan"}
        rules = (
            {**untagged, "countNumber": self.untagged_days},
            {**tagged, "countNumber": self.tagged_count},
        )
        expire = {"type": "expire"}
        listed = [
            {"rulePriority": priority, "selection": rule, "action": expire}
            for priority, rule in enumerate(rules, start=1)
        ]
        return json.dumps({"rules": listed}, sort_keys=True)


@record
class EcrRepositoryConfig:
    """A repository of container images."""

    name: str
    kms_key_arn: str
    """Key for the images; it cannot be changed later."""
    retention: ImageRetention = ImageRetention()
    pull_account_ids: tuple[str, ...] = ()
    """Other accounts that may pull: those of the environments to which images are promoted."""
    partition: str = "aws"
    """`aws` or `aws-us-gov`."""
    force_delete: bool = False
    """Whether the repository may be deleted with images in it."""

    def __post_init__(self) -> None:
        refuse(
            matches("name", self.name, r"(?=.{2,256}$)[a-z0-9]+([._/-]+[a-z0-9]+)*", "acme-prod/churn"),
            distinct("pull_account_ids", self.pull_account_ids),
            *(matches("pull_account_ids", one, r"\d{12}", "111122223333") for one in self.pull_account_ids),
        )


@record
class EcrRepositoryOutputs:
    """What others need of a repository."""

    name: str
    arn: str
    repository_url: str
    """Image name without tag or digest."""


def pull_all(prefix: str, account_id: str, region: str, partition: str = "aws") -> tuple[Statement, ...]:
    """Return what pulls images of all repositories whose names start so, those to come included."""
    repositories = f"arn:{partition}:ecr:{region}:{account_id}:repository/{prefix}*"
    return (
        Statement(actions=PULL, resources=(repositories,)),
        Statement(actions=("ecr:GetAuthorizationToken",), resources=("*",)),
    )


class EcrRepository(Construct):
    """One repository; images are deployed by digest."""

    def __init__(self, scope: Construct, id_: str, config: EcrRepositoryConfig) -> None:
        super().__init__(scope, id_)
        repository = Repository(
            self,
            "this",
            name=config.name,
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration=EcrRepositoryImageScanningConfiguration(scan_on_push=True),
            encryption_configuration=[
                EcrRepositoryEncryptionConfiguration(encryption_type="KMS", kms_key=config.kms_key_arn)
            ],
            force_delete=config.force_delete,
        )
        EcrLifecyclePolicy(self, "lifecycle", repository=repository.name, policy=config.retention.document())
        if config.pull_account_ids:
            pull = Statement(
                sid="PullFromOtherAccounts",
                principals=(Principal.accounts(config.pull_account_ids, config.partition),),
                actions=PULL,
            )
            EcrRepositoryPolicy(self, "policy", repository=repository.name, policy=document(pull))
        self.outputs = EcrRepositoryOutputs(
            name=repository.name, arn=repository.arn, repository_url=repository.repository_url
        )

    def pull(self) -> tuple[Statement, ...]:
        """Return what a role needs to pull images."""
        return (Statement(actions=PULL, resources=(self.outputs.arn,)), self._log_in())

    def push(self) -> tuple[Statement, ...]:
        """Return what a role needs to push images; layers that are there already are found by `PULL`."""
        return (Statement(actions=(*PULL, *PUSH), resources=(self.outputs.arn,)), self._log_in())

    def _log_in(self) -> Statement:
        return Statement(actions=("ecr:GetAuthorizationToken",), resources=("*",))
