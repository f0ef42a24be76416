"""Features: add to the live feature groups what their configuration has more, without replacing anything.

Terraform would replace a group for a feature, and its data would be gone: the provider knows no
UpdateFeatureGroup for features (https://github.com/hashicorp/terraform-provider-aws/issues/26809).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError, WaiterError
from botocore.waiter import WaiterModel, create_waiter_with_client

from sagewright.errors import SagewrightError, Usage
from sagewright.verify import Aws, NotAnswered, resources

TYPE = "aws_sagemaker_feature_group"
MOST_ADDITIONS = 100
"""In one request: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateFeatureGroup.html."""

POLL_SECONDS = 5
POLLS = 120
"""Ten minutes for one update."""

Definition = Mapping[str, Any]
"""A feature as AWS spells it: `{"FeatureName": …, "FeatureType": …}`."""
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """One feature group of a stack, as it is configured."""

    stack: str
    address: str
    """Terraform address."""
    name: str
    """Name in AWS."""
    features: tuple[Definition, ...]

    def __str__(self) -> str:
        return f"{self.stack}: {self.name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Addition:
    """What a live group lacks."""

    group: Group
    features: tuple[Definition, ...]

    def __str__(self) -> str:
        return f"{self.group}: {_listed(self.features)}"


def pending(
    stack: str,
    state: Mapping[str, Any],
    synthesized: Mapping[str, Any],
    session: boto3.session.Session,
    only: Collection[str] = (),
) -> tuple[Addition, ...]:
    """Return what the feature groups of a stack lack; changes nothing.

    `state` is the output of `terraform show -json`, `synthesized` the stack's cdk.tf.json. Groups that are
    not in the state are left out: an apply makes them with all of their features. So are those to which
    the configuration gives another name: an apply makes another group. `only` names groups by
    their name in AWS or in Terraform; without it, all are compared.

    Raises `Usage`, with a line for each, where a live feature is configured otherwise or not at all, and
    where `only` has a name that no group has; `SagewrightError` where AWS does not answer.
    """
    aws = Aws(session)
    groups = _chosen(stack, list(_groups(stack, state, synthesized)), only)
    lives = [(group, _live(aws, group)) for group in groups]
    broken = [problem for group, live in lives for problem in _broken(group, live)]
    if broken:
        raise Usage("\n".join(broken))
    lacking = (Addition(group=group, features=_lacking(group.features, live)) for group, live in lives)
    return tuple(addition for addition in lacking if addition.features)


def add(additions: Sequence[Addition], session: boto3.session.Session, say: Say = lambda _: None) -> None:
    """Add what `pending` told, and wait until SageMaker has done it.

    It can be run again after any error or interruption: what was added meanwhile is left alone. Raises
    `SagewrightError` where AWS refuses, fails, or takes longer than ten minutes.
    """
    aws = Aws(session)
    for addition in additions:
        group = addition.group
        missing = _lacking(addition.features, _live(aws, group))
        for start in range(0, len(missing), MOST_ADDITIONS):
            some = missing[start : start + MOST_ADDITIONS]
            say(f"{group}: adding {_listed(some)}")
            _call(aws, group, "update_feature_group", FeatureAdditions=list(some))
            _check_outcome(group, some, _live(aws, group))


def _groups(stack: str, state: Mapping[str, Any], synthesized: Mapping[str, Any]) -> Iterator[Group]:
    """Yield the groups that are both in the state and, under the same name, in the configuration."""
    configured = synthesized.get("resource", {}).get(TYPE, {})
    for resource in resources(state.get("values", {}).get("root_module", {})):
        group = configured.get(resource.address.removeprefix(f"{TYPE}."))
        if resource.type != TYPE or group is None:
            continue
        name = resource.values["feature_group_name"]
        if group["feature_group_name"] == name or "${" in group["feature_group_name"]:
            features = tuple(_definition(one) for one in group["feature_definition"])
            yield Group(stack=stack, address=resource.address, name=name, features=features)


def _definition(configured: Mapping[str, Any]) -> Definition:
    """Return a feature of Terraform's as AWS spells it."""
    made: dict[str, Any] = {
        "FeatureName": configured["feature_name"],
        "FeatureType": configured["feature_type"],
    }
    if configured.get("collection_type"):
        made["CollectionType"] = configured["collection_type"]
    vector = _only(_only(configured.get("collection_config")).get("vector_config"))
    if vector:
        made["CollectionConfig"] = {"VectorConfig": {"Dimension": vector["dimension"]}}
    return made


def _only(block: Any) -> Mapping[str, Any]:
    """Return a block of which there is at most one: Terraform's JSON has it as such, or in a list."""
    found: Mapping[str, Any] = (block[0] if isinstance(block, list) and block else block) or {}
    return found


def _chosen(stack: str, groups: Sequence[Group], only: Collection[str]) -> list[Group]:
    names = {name: group for group in groups for name in (group.name, group.address.rpartition(".")[2])}
    unknown = [name for name in only if name not in names]
    if unknown:
        known = ", ".join(group.name for group in groups) or "none: apply first"
        raise Usage(f"{stack}: supply feature groups that are deployed ({known}), got {', '.join(unknown)}")
    return [group for group in groups if not only or group in [names[name] for name in only]]


def _live(aws: Aws, group: Group) -> Mapping[str, Any]:
    """Return what AWS describes, when no update is under way any more, with the features of all pages."""
    answer = _call(aws, group, "describe_feature_group")
    if answer.get("LastUpdateStatus", {}).get("Status") == "InProgress":
        waiter = create_waiter_with_client("FeatureGroupUpdated", _updated(), aws.client("sagemaker"))
        try:
            waiter.wait(FeatureGroupName=group.name)
        except (WaiterError, ClientError, BotoCoreError) as error:
            raise SagewrightError(f"{group}: {error}; run this again") from None
        answer = _call(aws, group, "describe_feature_group")
    if answer["FeatureGroupStatus"] != "Created":
        status, reason = answer["FeatureGroupStatus"], answer.get("FailureReason", "no reason given")
        raise SagewrightError(f"{group}: it must be Created, got {status}: {reason}")
    features, page = list(answer["FeatureDefinitions"]), answer
    while page.get("NextToken"):
        page = _call(aws, group, "describe_feature_group", NextToken=page["NextToken"])
        features += page["FeatureDefinitions"]
    return {**answer, "FeatureDefinitions": features}


def _call(aws: Aws, group: Group, operation: str, **arguments: Any) -> Mapping[str, Any]:
    try:
        return aws.call("sagemaker", operation, FeatureGroupName=group.name, **arguments)
    except NotAnswered as error:
        raise SagewrightError(f"{group}: {error}") from None


def _updated() -> WaiterModel:
    """Return a waiter that ends with the update, however it ends; botocore has none for feature groups."""
    acceptor = {
        "matcher": "path",
        "argument": "LastUpdateStatus.Status == 'InProgress'",
        "expected": False,
        "state": "success",
    }
    waiter = {
        "operation": "DescribeFeatureGroup",
        "delay": POLL_SECONDS,
        "maxAttempts": POLLS,
        "acceptors": [acceptor],
    }
    return WaiterModel({"version": 2, "waiters": {"FeatureGroupUpdated": waiter}})


def _broken(group: Group, live: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is live and configured otherwise, or not at all."""
    configured = {one["FeatureName"]: _type(one) for one in group.features}
    for one in live["FeatureDefinitions"]:
        name, type_ = one["FeatureName"], _type(one)
        got = configured.get(name, "none")
        if got != type_:
            yield (
                f"{group}: {name}: supply {type_}, as live, or a new version of the group, got {got}; "
                "SageMaker neither changes nor removes a feature"
            )


def _lacking(features: Sequence[Definition], live: Mapping[str, Any]) -> tuple[Definition, ...]:
    names = {one["FeatureName"] for one in live["FeatureDefinitions"]}
    return tuple(one for one in features if one["FeatureName"] not in names)


def _check_outcome(group: Group, added: Sequence[Definition], live: Mapping[str, Any]) -> None:
    """Raise what SageMaker says of an update that failed, or that left features out."""
    outcome = live.get("LastUpdateStatus", {})
    if outcome.get("Status") == "Failed" or _lacking(added, live):
        reason = outcome.get("FailureReason") or "no reason given"
        raise SagewrightError(f"{group}: SageMaker did not add {_listed(added)}: {reason}")


def _listed(definitions: Sequence[Definition]) -> str:
    return ", ".join(f"{one['FeatureName']} ({_type(one)})" for one in definitions)


def _type(definition: Definition) -> str:
    """Return the type of a feature as one text: `Integral`, `String List`, `Fractional Vector 64`."""
    vector = definition.get("CollectionConfig", {}).get("VectorConfig", {})
    parts = (definition["FeatureType"], definition.get("CollectionType"), vector.get("Dimension"))
    return " ".join(str(part) for part in parts if part)
