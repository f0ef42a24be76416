"""What a deployment serves: the API as it was then. moto keeps no such thing.

https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-deploy-api.html
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from moto.apigateway.models import RestAPI, Stage, apigateway_backends


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployed:
    """An API at the time of a deployment, in moto's objects."""

    resources: Mapping[str, tuple[str, Mapping[str, Any]]]
    """Path → id and methods."""
    authorizers: Mapping[str, Any]
    request_validators: Mapping[str, Any]
    models: Mapping[str, Any]
    gateway_responses: Mapping[str, Any]
    binary_media_types: tuple[str, ...]
    api_key_source: str
    policy: str | None

    def match(self, path: str) -> tuple[str, dict[str, str]] | None:
        """Return the path of the resource that a request is for, with its parameters.

        A part that is written out comes before a parameter, and that before one that takes all the rest.
        """
        wanted = path.strip("/").split("/")
        found = [
            (template, parameters)
            for template in self.resources
            if (parameters := _parameters(template.strip("/").split("/"), wanted)) is not None
        ]
        return min(found, key=lambda one: _rank(one[0]), default=None)


def _rank(template: str) -> list[int]:
    return [2 if part.endswith("+}") else int(part.startswith("{")) for part in template.split("/")]


def _parameters(template: list[str], wanted: list[str]) -> dict[str, str] | None:
    found: dict[str, str] = {}
    for index, part in enumerate(template):
        if part.endswith("+}") and len(wanted) > index:
            return found | {part[1:-2]: "/".join(wanted[index:])}
        if index >= len(wanted):
            return None
        if part.startswith("{"):
            found[part[1:-1]] = wanted[index]
        elif part != wanted[index]:
            return None
    return found if len(template) == len(wanted) else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """A stage, with what it serves."""

    account_id: str
    region: str
    api: RestAPI
    stage: Stage
    deployed: Deployed

    @property
    def backend(self) -> Any:
        """What moto knows of API Gateway in the account and region."""
        return apigateway_backends[self.account_id][self.region]

    @property
    def arn(self) -> str:
        """Begin of the ARNs of the stage's methods."""
        return f"arn:aws:execute-api:{self.region}:{self.account_id}:{self.api.id}/{self.stage.name}"


@cache
def apply() -> None:
    """Let a deployment keep what it was made of."""
    create = RestAPI.create_deployment

    def create_deployment(self: Any, *args: Any, **kwargs: Any) -> Any:
        deployment: Any = create(self, *args, **kwargs)
        deployment.deployed = _snapshot(self)
        return deployment

    RestAPI.create_deployment = create_deployment  # type: ignore[method-assign]


def _snapshot(api: Any) -> Deployed:
    kept = ("authorizers", "request_validators", "models", "gateway_responses")
    return Deployed(
        resources={
            resource.get_path(): (resource.id, copy.deepcopy(resource.resource_methods))
            for resource in api.resources.values()
        },
        **{name: copy.deepcopy(getattr(api, name)) for name in kept},
        binary_media_types=tuple(api.binaryMediaTypes),
        api_key_source=api.api_key_source,
        policy=api.policy,
    )


def find(api_id: str, stage_name: str) -> Served | None:
    """Return a stage of an API of any account and region, as it was deployed; `None` if there is none."""
    for account_id, region, api in _apis():
        stage = api.stages.get(stage_name) if api.id == api_id else None
        deployment: Any = api.deployments.get(stage.deployment_id) if stage else None
        if stage is not None and deployment is not None:
            return Served(
                account_id=account_id,
                region=region,
                api=api,
                stage=stage,
                deployed=deployment.deployed,
            )
    return None


def _apis() -> Iterator[tuple[str, str, Any]]:
    for account_id, regions in list(apigateway_backends.items()):
        for region, backend in list(regions.items()):
            yield from ((account_id, region, api) for api in list(backend.apis.values()))
