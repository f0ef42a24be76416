"""ECR: pull-through caches and repository creation templates, which moto does not have."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from moto.ecr.models import ecr_backends

from sagewright.local.mends.operation import Operation
from sagewright.local.refusal import Refused

MOST_PER_REGISTRY = 50
"""Rules, and templates, that a registry may have: one page shows them all.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html
"""
UPSTREAMS = {
    "ghcr.io": "github-container-registry",
    "public.ecr.aws": "ecr-public",
    "quay.io": "quay",
    "registry-1.docker.io": "docker-hub",
    "registry.gitlab.com": "gitlab-container-registry",
    "registry.k8s.io": "k8s",
}
WITH_CREDENTIALS = ("docker-hub", "github-container-registry", "gitlab-container-registry")


def _kept(account_id: str, region: str, kind: str) -> dict[str, dict[str, Any]]:
    """Return what is there of a kind, by prefix; moto's reset forgets it with the backend."""
    backend = ecr_backends[account_id][region]
    kept: dict[str, dict[str, Any]] = backend.__dict__.setdefault(f"sagewright_{kind}", {})
    return kept


def _create_rule(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    rules, prefix = _kept(account_id, region, "rules"), request["ecrRepositoryPrefix"]
    if prefix in rules:
        raise Refused(
            "PullThroughCacheRuleAlreadyExistsException",
            f"A pull through cache rule with repository prefix '{prefix}' already exists.",
        )
    _refuse_more(rules)
    url = request["upstreamRegistryUrl"]
    upstream = UPSTREAMS.get(url)
    if upstream is None:
        if url.endswith((".azurecr.io", ".amazonaws.com")):
            raise NotImplementedError(f"a cache of {url}")
        message = f"The upstream registry '{url}' is not supported."
        raise Refused("UnsupportedUpstreamRegistryException", message)
    if upstream in WITH_CREDENTIALS and not request.get("credentialArn"):
        raise Refused("InvalidParameterException", f"A credential ARN is required for '{url}'.")
    now = time.time()
    rules[prefix] = {
        "upstreamRepositoryPrefix": "ROOT",
        **request,
        "upstreamRegistry": upstream,
        "registryId": account_id,
        "createdAt": now,
        "updatedAt": now,
    }
    return _without(rules[prefix], "updatedAt")


def _update_rule(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    rule = _rule(account_id, region, request)
    rule |= {**request, "updatedAt": time.time()}
    return _without(rule, "createdAt", "upstreamRegistryUrl", "upstreamRegistry")


def _delete_rule(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    rule = _rule(account_id, region, request)
    del _kept(account_id, region, "rules")[request["ecrRepositoryPrefix"]]
    return _without(rule, "updatedAt", "upstreamRegistry")


def _rule(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    prefix = request["ecrRepositoryPrefix"]
    return _one(
        _kept(account_id, region, "rules"),
        prefix,
        "PullThroughCacheRuleNotFoundException",
        f"The pull through cache rule with repository prefix '{prefix}' does not exist in the registry "
        f"with id '{account_id}'",
    )


def _describe_rules(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    wanted = request.get("ecrRepositoryPrefixes")
    if wanted:
        found = [_rule(account_id, region, {"ecrRepositoryPrefix": prefix}) for prefix in wanted]
    else:
        found = list(_kept(account_id, region, "rules").values())
    return {"pullThroughCacheRules": _on_one_page(found, request)}


def _create_template(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    templates, prefix = _kept(account_id, region, "templates"), request["prefix"]
    if prefix in templates:
        raise Refused(
            "TemplateAlreadyExistsException", f"The repository creation template '{prefix}' already exists."
        )
    _refuse_more(templates)
    encryption = request.get("encryptionConfiguration", {"encryptionType": "AES256"})
    if (encryption["encryptionType"] != "AES256" or request.get("resourceTags")) and not request.get(
        "customRoleArn"
    ):
        raise Refused(
            "ValidationException", "A custom role is required for KMS encryption and resource tags."
        )
    now = time.time()
    templates[prefix] = {
        "imageTagMutability": "MUTABLE",
        **request,
        "encryptionConfiguration": encryption,
        "createdAt": now,
        "updatedAt": now,
    }
    return {"registryId": account_id, "repositoryCreationTemplate": templates[prefix]}


def _update_template(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    template = _template(account_id, region, request["prefix"])
    template |= {**request, "updatedAt": time.time()}
    return {"registryId": account_id, "repositoryCreationTemplate": template}


def _delete_template(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    template = _template(account_id, region, request["prefix"])
    del _kept(account_id, region, "templates")[request["prefix"]]
    return {"registryId": account_id, "repositoryCreationTemplate": template}


def _template(account_id: str, region: str, prefix: str) -> dict[str, Any]:
    message = f"The repository creation template '{prefix}' does not exist."
    return _one(_kept(account_id, region, "templates"), prefix, "TemplateNotFoundException", message)


def _describe_templates(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    wanted = request.get("prefixes")
    if wanted:
        found = [_template(account_id, region, prefix) for prefix in wanted]
    else:
        found = list(_kept(account_id, region, "templates").values())
    return {"registryId": account_id, "repositoryCreationTemplates": _on_one_page(found, request)}


def _one(kept: Mapping[str, dict[str, Any]], prefix: str, code: str, message: str) -> dict[str, Any]:
    if prefix not in kept:
        raise Refused(code, message)
    return kept[prefix]


def _refuse_more(kept: Mapping[str, dict[str, Any]]) -> None:
    if len(kept) >= MOST_PER_REGISTRY:
        raise Refused("LimitExceededException", f"The limit of {MOST_PER_REGISTRY} has been exceeded.")


def _on_one_page(found: list[dict[str, Any]], request: Mapping[str, Any]) -> list[dict[str, Any]]:
    if "nextToken" in request or request.get("maxResults", MOST_PER_REGISTRY) < len(found):
        raise NotImplementedError("a second page")
    return found


def _without(item: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name not in names}


OPERATIONS: Mapping[str, Operation] = {
    "CreatePullThroughCacheRule": _create_rule,
    "UpdatePullThroughCacheRule": _update_rule,
    "DeletePullThroughCacheRule": _delete_rule,
    "DescribePullThroughCacheRules": _describe_rules,
    "CreateRepositoryCreationTemplate": _create_template,
    "UpdateRepositoryCreationTemplate": _update_template,
    "DeleteRepositoryCreationTemplate": _delete_template,
    "DescribeRepositoryCreationTemplates": _describe_templates,
}
