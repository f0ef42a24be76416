"""ECR registry: what holds for all repositories of an account and region: scanning, replication, caches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from constructs import Construct

from .._aws.ecr_pull_through_cache_rule import EcrPullThroughCacheRule
from .._aws.ecr_registry_policy import EcrRegistryPolicy
from .._aws.ecr_registry_scanning_configuration import (
    EcrRegistryScanningConfiguration,
    EcrRegistryScanningConfigurationRule,
    EcrRegistryScanningConfigurationRuleRepositoryFilter,
)
from .._aws.ecr_replication_configuration import (
    EcrReplicationConfiguration,
    EcrReplicationConfigurationReplicationConfiguration,
    EcrReplicationConfigurationReplicationConfigurationRule,
    EcrReplicationConfigurationReplicationConfigurationRuleDestination,
    EcrReplicationConfigurationReplicationConfigurationRuleRepositoryFilter,
)
from .._aws.ecr_repository_creation_template import (
    EcrRepositoryCreationTemplate,
    EcrRepositoryCreationTemplateEncryptionConfiguration,
)
from .._core import Principal, Statement, at_most, distinct, document, matches, one_of, record, refuse, when
from .._core.checks import no_longer_than
from ..ecr_repository import ImageRetention

UPSTREAMS: Mapping[str, bool] = {
    "ghcr.io": True,
    "public.ecr.aws": False,
    "quay.io": False,
    "registry-1.docker.io": True,
    "registry.gitlab.com": True,
    "registry.k8s.io": False,
}
"""Registries that ECR caches, and whether they want credentials.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html
"""

PREFIX = r"[a-z0-9]+([._-][a-z0-9]+)*(/[a-z0-9]+([._-][a-z0-9]+)*)*"
SECRET = r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:ecr-pullthroughcache/[\w/+=.@-]+"
REGION = r"[a-z]{2}(-[a-z]+)+-\d"


@record
class Replication:
    """Copies of new images in another region, another account, or both; old images are not copied.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/replication.html
    """

    region: str
    """Region of the copies."""
    account_id: str | None = None
    """Account of the copies, whose registry must let this one in; none means the own account."""
    repository_prefixes: tuple[str, ...] = ()
    """Starts of the names of the repositories to copy; none means all."""

    def __post_init__(self) -> None:
        refuse(
            matches("region", self.region, REGION, "eu-west-1"),
            matches("account_id", self.account_id, r"\d{12}", "111122223333"),
            distinct("repository_prefixes", self.repository_prefixes),
            at_most("repository_prefixes: number of prefixes", len(self.repository_prefixes), 100),
            *(
                matches("repository_prefixes", one, PREFIX + "[/-]?", "acme-")
                for one in self.repository_prefixes
            ),
        )


@record
class PullThroughCache:
    """Images of another registry, kept in this one when they are pulled for the first time.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html
    """

    upstream: Literal[
        "ghcr.io",
        "public.ecr.aws",
        "quay.io",
        "registry-1.docker.io",
        "registry.gitlab.com",
        "registry.k8s.io",
    ]
    """Host of the other registry."""
    credential_arn: str | None = None
    """Secret with the credentials that the other registry wants; its name starts with
    `ecr-pullthroughcache/`, and it is in the same account and region."""

    def __post_init__(self) -> None:
        wanted = UPSTREAMS.get(self.upstream)
        refuse(
            one_of("upstream", self.upstream, UPSTREAMS),
            matches(
                "credential_arn",
                self.credential_arn,
                SECRET,
                "arn:aws:secretsmanager:eu-west-1:111122223333:secret:ecr-pullthroughcache/docker-a1b2c3",
            ),
            when(
                wanted and self.credential_arn is None,
                f"credential_arn: supply the secret for {self.upstream}, got none",
            ),
            when(
                wanted is False and self.credential_arn is not None,
                f"credential_arn: remove it, {self.upstream} takes none; got {self.credential_arn}",
            ),
        )


@record
class Registry:
    """Decisions on the registry of an account and region, which has just one: let one environment own it."""

    scan_type: Literal["BASIC", "ENHANCED"] = "ENHANCED"
    """`ENHANCED`: Amazon Inspector, packages of languages too, again whenever a weakness becomes known.
    `BASIC`: the operating system's packages, once, at the push."""
    replications: Mapping[str, Replication] = field(default_factory=dict)
    """Copies by a name of yours, at most 10."""
    replicate_from_account_ids: tuple[str, ...] = ()
    """Other accounts whose registries may copy images into this one."""
    pull_through_caches: Mapping[str, PullThroughCache] = field(default_factory=dict)
    """Caches by the start of their repositories' names, such as `public`."""

    def __post_init__(self) -> None:
        places = [(one.region, one.account_id) for one in self.replications.values()]
        refuse(
            one_of("scan_type", self.scan_type, ("BASIC", "ENHANCED")),
            at_most("replications: number of replications", len(self.replications), 10),
            distinct("replications: region and account", places),
            distinct("replicate_from_account_ids", self.replicate_from_account_ids),
            *(
                matches("replicate_from_account_ids", one, r"\d{12}", "111122223333")
                for one in self.replicate_from_account_ids
            ),
            *(
                matches("pull_through_caches: name", one, PREFIX, "public")
                for one in self.pull_through_caches
            ),
        )


@record
class EcrRegistryConfig:
    """The registry's settings, and what its caches need."""

    registry: Registry
    prefix: str
    """Start of the names of cached repositories, such as `acme-prod-`."""
    kms_key_arn: str
    """Key for the images that the caches keep."""
    creation_role_arn: str
    """Role with which ECR makes the caches' repositories: `creation(…)` of this module, trusted to
    `ecr.amazonaws.com`."""
    account_id: str
    region: str
    partition: str = "aws"
    """`aws` or `aws-us-gov`."""
    retention: ImageRetention = ImageRetention()
    """Which cached images are removed."""

    def __post_init__(self) -> None:
        refuse(
            *(
                no_longer_than("pull_through_caches: prefix and name", f"{self.prefix}{name}", 30)
                for name in self.registry.pull_through_caches
            ),
            *(
                when(
                    (one.region, one.account_id or self.account_id) == (self.region, self.account_id),
                    f"replications.{name}.region: supply another region than the registry's own, "
                    f"or another account; got {one.region}",
                )
                for name, one in self.registry.replications.items()
            ),
            when(
                self.account_id in self.registry.replicate_from_account_ids,
                f"replicate_from_account_ids: supply other accounts than the registry's own, "
                f"got {self.account_id}",
            ),
        )


@record
class EcrRegistryOutputs:
    """What others need of the registry."""

    cache_urls: Mapping[str, str]
    """By the name of a cache, what stands before the upstream image's own path."""


def creation(
    prefix: str, kms_key_arn: str, account_id: str, region: str, partition: str = "aws"
) -> tuple[Statement, ...]:
    """Return what ECR needs to make a cache's repositories, encrypted under the key.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-creation-templates-custom.html
    """
    return (
        Statement(
            actions=("ecr:CreateRepository", "ecr:ReplicateImage", "ecr:TagResource"),
            resources=(f"arn:{partition}:ecr:{region}:{account_id}:repository/{prefix}*",),
        ),
        Statement(
            actions=("kms:CreateGrant", "kms:DescribeKey", "kms:RetireGrant"), resources=(kms_key_arn,)
        ),
    )


class EcrRegistry(Construct):
    """One per account and region: a second one would undo the first one's settings again and again."""

    def __init__(self, scope: Construct, id_: str, config: EcrRegistryConfig) -> None:
        super().__init__(scope, id_)
        registry = config.registry
        self._scanning(registry)
        if registry.replications:
            self._replication(config)
        if registry.replicate_from_account_ids:
            self._policy(config)
        for name, cache in sorted(registry.pull_through_caches.items()):
            self._cache(name, cache, config)
        host = f"{config.account_id}.dkr.ecr.{config.region}.amazonaws.com"
        self.outputs = EcrRegistryOutputs(
            cache_urls={
                name: f"{host}/{config.prefix}{name}" for name in sorted(registry.pull_through_caches)
            }
        )

    def _scanning(self, registry: Registry) -> None:
        """Scan every repository, also those that other tools make.

        https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning.html
        """
        frequency = {"BASIC": "SCAN_ON_PUSH", "ENHANCED": "CONTINUOUS_SCAN"}[registry.scan_type]
        everything = EcrRegistryScanningConfigurationRuleRepositoryFilter(filter="*", filter_type="WILDCARD")
        EcrRegistryScanningConfiguration(
            self,
            "this",
            scan_type=registry.scan_type,
            rule=[
                EcrRegistryScanningConfigurationRule(scan_frequency=frequency, repository_filter=[everything])
            ],
        )

    def _replication(self, config: EcrRegistryConfig) -> None:
        filter_ = EcrReplicationConfigurationReplicationConfigurationRuleRepositoryFilter
        destination = EcrReplicationConfigurationReplicationConfigurationRuleDestination
        rules = [
            EcrReplicationConfigurationReplicationConfigurationRule(
                destination=[destination(region=one.region, registry_id=one.account_id or config.account_id)],
                repository_filter=[
                    filter_(filter=prefix, filter_type="PREFIX_MATCH") for prefix in one.repository_prefixes
                ],
            )
            for _, one in sorted(config.registry.replications.items())
        ]
        EcrReplicationConfiguration(
            self,
            "replication",
            replication_configuration=EcrReplicationConfigurationReplicationConfiguration(rule=rules),
        )

    def _policy(self, config: EcrRegistryConfig) -> None:
        """Let other accounts copy images in, and make the repositories for them."""
        accounts = config.registry.replicate_from_account_ids
        replicate = Statement(
            sid="ReplicateFromOtherAccounts",
            principals=(Principal.accounts(accounts, config.partition),),
            actions=("ecr:CreateRepository", "ecr:ReplicateImage"),
            resources=(f"arn:{config.partition}:ecr:{config.region}:{config.account_id}:repository/*",),
        )
        EcrRegistryPolicy(self, "policy", policy=document(replicate))

    def _cache(self, name: str, cache: PullThroughCache, config: EcrRegistryConfig) -> None:
        """Make the template first: without it, ECR makes repositories that are mutable and without key."""
        prefix = f"{config.prefix}{name}"
        template = EcrRepositoryCreationTemplate(
            self,
            f"{name}_template",
            prefix=prefix,
            description=f"Images of {cache.upstream}",
            applied_for=["PULL_THROUGH_CACHE"],
            custom_role_arn=config.creation_role_arn,
            image_tag_mutability="IMMUTABLE",
            encryption_configuration=[
                EcrRepositoryCreationTemplateEncryptionConfiguration(
                    encryption_type="KMS", kms_key=config.kms_key_arn
                )
            ],
            lifecycle_policy=config.retention.document(),
        )
        EcrPullThroughCacheRule(
            self,
            f"{name}_cache",
            ecr_repository_prefix=template.prefix,
            upstream_registry_url=cache.upstream,
            upstream_repository_prefix="ROOT",  # AWS's own default, which else is a difference for ever
            credential_arn=cache.credential_arn,
        )
