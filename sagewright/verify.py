"""Verify: what is live is what was planned, or it is said what AWS did instead.

Terraform reports success when SageMaker has rolled an update back, and writes the old endpoint
configuration into the state (https://github.com/hashicorp/terraform-provider-aws/issues/46663). So the
state alone proves nothing: which configuration was planned is read from the endpoint's dependencies.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from botocore.waiter import WaiterModel, create_waiter_with_client
from rich.console import Console
from rich.markup import escape

from sagewright.errors import SagewrightError
from sagewright.target import QUICK

POLL_SECONDS = 5
POLLS = 240
"""Twenty minutes for an endpoint that is on its way: Terraform has waited for it already."""

UNDER_WAY = ("Creating", "Updating", "SystemUpdating", "RollingBack")
"""Statuses that an endpoint leaves by itself:
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html."""

EXISTS = "exists"

NOT_FOUND = "Could not find"
STUCK = "until one of this name exists again, SageMaker refuses to update the endpoint"
"""Terraform deletes the configuration that an endpoint was rolled back to:
https://github.com/hashicorp/terraform-provider-aws/issues/48997."""

INSTANCE_KEY = re.compile(r'\[(?:\d+|"(?:[^"\\]|\\.)*")]')
"""What `count` and `for_each` add to an address."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One comparison of what was planned with what is live."""

    stack: str
    address: str
    """Terraform address of the resource."""
    check: str
    expected: str
    live: str
    """What AWS answered; its own words where it refused."""
    ok: bool

    def __str__(self) -> str:
        return f"{self.stack}: {self.address}: {self.check}: planned {self.expected}, live {self.live}"

    def to_dict(self) -> dict[str, Any]:
        """Return the finding for a program."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """One resource of the state."""

    address: str
    type: str
    values: Mapping[str, Any]
    depends_on: frozenset[str]
    """Addresses, without instance keys, of all that it depends on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One comparison, of a resource that the caller knows."""

    check: str
    expected: str
    live: str
    ok: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """A production or shadow variant as it was planned."""

    name: str
    model_name: str
    weight: float
    instance_count: int | None
    """`None` for a serverless variant."""
    serverless: str | None
    provisioned_concurrency: int | None
    """`None` where nothing is kept warm."""


INSTANCE_COUNT = "sagemaker:variant:DesiredInstanceCount"
PROVISIONED_CONCURRENCY = "sagemaker:variant:DesiredProvisionedConcurrency"

Configuration = Mapping[str, Mapping[str, Variant]]
"""An endpoint configuration: variants by name, under `ProductionVariants` and `ShadowProductionVariants`."""


class NotAnswered(Exception):
    """AWS refused, or could not be reached; the text holds its own words."""


@dataclass(slots=True)
class Aws:
    """The account and region of a session; each client is made once."""

    session: boto3.session.Session
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """Return a client; raises `NotAnswered` where the session has no region or a wrong endpoint."""
        if service not in self._clients:
            try:
                self._clients[service] = self.session.client(service, config=QUICK)  # type: ignore[call-overload]
            except (BotoCoreError, ValueError) as error:
                raise NotAnswered(f"{service}: {error}") from None
        return self._clients[service]

    def call(self, service: str, operation: str, **arguments: Any) -> Mapping[str, Any]:
        """Call a read-only operation; raises `NotAnswered`."""
        client = self.client(service)
        name = client.meta.method_to_api_mapping[operation]
        try:
            answer: Mapping[str, Any] = getattr(client, operation)(**arguments)
        except ClientError as refused:
            error = refused.response.get("Error", {})
            raise NotAnswered(f"{error.get('Code')}: {error.get('Message')} ({name})") from None
        except BotoCoreError as error:
            raise NotAnswered(f"{error} ({name})") from None
        except Exception as error:  # botocore's parsers raise whatever they stumble over
            raise NotAnswered(f"not an answer of AWS: {error} ({name})") from None
        return answer


Find = Callable[[Aws, Resource], Mapping[str, Any]]
Compare = Callable[["Context", Resource, Mapping[str, Any]], Iterator[Row]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """How the resources of one type are found in AWS, and what is compared."""

    find: Find
    """Raises `NotAnswered` where there is none."""
    compare: Compare | None = None
    """`None` for what exists as planned or not at all, because it cannot be changed in place."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What a comparison may look at beside its own resource."""

    aws: Aws
    resources: Sequence[Resource]
    approved: bool
    """Whether a model's version must be approved."""

    def of(self, type_: str) -> list[Resource]:
        """Return the state's resources of one type."""
        return [resource for resource in self.resources if resource.type == type_]


def verify(
    stack: str,
    state: Mapping[str, Any],
    session: boto3.session.Session,
    *,
    empty: bool = False,
    approved: bool = True,
) -> tuple[Finding, ...]:
    """Compare a stack's state after apply with what is live.

    `state` is the output of `terraform show -json`; an empty one is a finding, unless the stack itself is
    `empty`. Every kind in `KINDS` is compared; what AWS refuses,
    does not know or does not answer is a finding, in its own words. A model's version of the registry must be
    `approved`, or it is only told whether it is. Waits up to 20 minutes for an
    endpoint that is being changed. Raises `SagewrightError` where `state` is no such document.
    """
    if "format_version" not in state or "planned_values" in state:
        got = "a plan" if "planned_values" in state else f"a mapping of {', '.join(state) or 'nothing'}"
        raise SagewrightError(f"{stack}: state: supply the output of `terraform show -json`, got {got}")
    if "values" not in state:
        if empty:
            return ()
        nothing = Row(check="state", expected="applied", live="empty", ok=False)
        return (Finding(stack=stack, address=stack, **asdict(nothing)),)
    context = Context(
        aws=Aws(session),
        resources=tuple(resources(state["values"].get("root_module", {}))),
        approved=approved,
    )
    return tuple(
        Finding(stack=stack, address=resource.address, **asdict(row))
        for resource in context.resources
        if resource.type in KINDS
        for row in _compare(context, resource)
    )


def show(findings: Sequence[Finding], console: Console) -> None:
    """Print what differs, then one line for every resource that is as planned."""
    wrong = [finding for finding in findings if not finding.ok]
    for finding in wrong:
        where = f"{finding.stack} {finding.address}: {finding.check}"
        sides = f"    planned  {finding.expected}\n    live     {finding.live}"
        console.print(f"[red]✗[/] {escape(where)}\n{escape(sides)}", soft_wrap=True)
    differing = {(finding.stack, finding.address) for finding in wrong}
    alike: dict[tuple[str, str], list[str]] = {}
    for finding in findings:
        said = finding.check if finding.check == EXISTS else f"{finding.check} {finding.live}"
        alike.setdefault((finding.stack, finding.address), []).append(said)
    for place, checks in alike.items():
        if place in differing:
            continue
        line = f"[green]✓[/] {escape(' '.join(place))}  [dim]{escape(', '.join(checks))}[/]"
        console.print(line, soft_wrap=True)


def resources(module: Mapping[str, Any]) -> Iterator[Resource]:
    """Return the managed resources of a state's module and its child modules.

    Deposed objects are left out: they were replaced, and are no longer planned.
    """
    for entry in module.get("resources", []):
        if entry["mode"] == "managed" and "deposed_key" not in entry:
            yield Resource(
                address=entry["address"],
                type=entry["type"],
                values=entry["values"],
                depends_on=frozenset(entry.get("depends_on", [])),
            )
    for child in module.get("child_modules", []):
        yield from resources(child)


def _compare(context: Context, resource: Resource) -> Iterator[Row]:
    kind = KINDS[resource.type]
    try:
        live = kind.find(context.aws, resource)
    except NotAnswered as error:
        yield Row(check=EXISTS, expected=EXISTS, live=str(error), ok=False)
        return
    yield _equal(EXISTS, EXISTS, EXISTS)
    if kind.compare is not None:
        yield from kind.compare(context, resource, live)


def _equal(check: str, expected: str, live: str) -> Row:
    return Row(check=check, expected=expected, live=live, ok=expected == live)


def _describe(service: str, operation: str, **arguments: str) -> Find:
    """Find by an operation whose arguments are attributes of the resource."""

    def find(aws: Aws, resource: Resource) -> Mapping[str, Any]:
        return aws.call(service, operation, **{name: resource.values[key] for name, key in arguments.items()})

    return find


def _attribute(check: str, name: str, expected: str) -> Compare:
    """Compare one attribute of the answer with a constant."""

    def compare(context: Context, resource: Resource, live: Mapping[str, Any]) -> Iterator[Row]:
        yield _equal(check, expected, str(live.get(name, "none")))

    return compare


def _settled_endpoint(aws: Aws, resource: Resource) -> Mapping[str, Any]:
    name = resource.values["name"]
    live = aws.call("sagemaker", "describe_endpoint", EndpointName=name)
    if live.get("EndpointStatus") not in UNDER_WAY:
        return live
    waiter = create_waiter_with_client("EndpointSettled", _settled(), aws.client("sagemaker"))
    with suppress(Exception):  # whatever ends the waiting, the next answer tells
        waiter.wait(EndpointName=name)
    return aws.call("sagemaker", "describe_endpoint", EndpointName=name)


def _settled() -> WaiterModel:
    """Return botocore's `EndpointInService`, but ended by every status that stays as it is."""
    under_way = ", ".join(f"'{status}'" for status in UNDER_WAY)
    acceptor = {
        "matcher": "path",
        "argument": f"contains([{under_way}], EndpointStatus)",
        "expected": False,
        "state": "success",
    }
    waiter = {
        "operation": "DescribeEndpoint",
        "delay": POLL_SECONDS,
        "maxAttempts": POLLS,
        "acceptors": [acceptor],
    }
    return WaiterModel({"version": 2, "waiters": {"EndpointSettled": waiter}})


def _compare_endpoint(context: Context, resource: Resource, live: Mapping[str, Any]) -> Iterator[Row]:
    status, reason = str(live.get("EndpointStatus", "none")), live.get("FailureReason")
    yield Row(
        check="status",
        expected="InService",
        live=f"{status}: {reason}" if reason else status,
        ok=status == "InService",
    )
    live_name = str(live.get("EndpointConfigName", "none"))
    planned = _planned_configurations(context, resource)
    yield _configuration_row(planned, live_name, reason)
    live_configuration = None
    try:
        answer = context.aws.call("sagemaker", "describe_endpoint_config", EndpointConfigName=live_name)
        live_configuration = _configuration_of_aws(answer)
        yield _equal("live configuration", EXISTS, EXISTS)
    except NotAnswered as error:
        stuck = f"; {STUCK}" if NOT_FOUND in str(error) else ""
        yield Row(check="live configuration", expected=EXISTS, live=f"{live_name}: {error}{stuck}", ok=False)
    name = live_name if live_name in planned else next(iter(planned))
    configuration = planned[name] or (live_configuration if name == live_name else None)
    if configuration is None:
        return
    for label, key in (("variant", "ProductionVariants"), ("shadow variant", "ShadowProductionVariants")):
        variants = configuration[key]
        lives = {str(one.get("VariantName")): one for one in live.get(key, [])}
        yield _equal(f"{label}s", _names(variants), _names(lives))
        for variant in variants.values():
            what = f"{label} {variant.name}"
            if variant.name in lives:
                yield from _compare_variant(context, resource, what, variant, lives[variant.name])
            if live_configuration is not None:
                other = live_configuration[key].get(variant.name)
                yield _equal(f"{what} model", variant.model_name, other.model_name if other else "none")


def _planned_configurations(context: Context, endpoint: Resource) -> dict[str, Configuration | None]:
    """Return the endpoint configurations that were planned, by name: one, unless it depends on several.

    The endpoint's own `endpoint_config_name` counts only where it depends on no configuration of this
    state: after a roll-back it holds the old name. `None` stands for one that the state does not hold.
    """
    known = context.of("aws_sagemaker_endpoint_configuration")
    found = [one for one in known if INSTANCE_KEY.sub("", one.address) in endpoint.depends_on]
    keys = INSTANCE_KEY.findall(endpoint.address)
    found = [one for one in found if INSTANCE_KEY.findall(one.address) == keys] or found
    name = endpoint.values["endpoint_config_name"]
    return {one.values["name"]: _configuration_of_state(one.values) for one in found} or {
        name: next((_configuration_of_state(one.values) for one in known if one.values["name"] == name), None)
    }


def _configuration_row(planned: Collection[str], live_name: str, reason: str | None) -> Row:
    names = " or ".join(planned)
    if live_name in planned:
        return Row(check="endpoint_config_name", expected=names, live=live_name, ok=True)
    said = f"FailureReason: {reason}" if reason else "it gives no FailureReason"
    what = f"{live_name}: SageMaker rolled the update back, or something else changed the endpoint; {said}"
    return Row(check="endpoint_config_name", expected=names, live=what, ok=False)


def _configuration_of_state(values: Mapping[str, Any]) -> Configuration:
    def variants(key: str) -> dict[str, Variant]:
        found = [
            Variant(
                name=one["variant_name"],
                model_name=one["model_name"],
                weight=_weight(one.get("initial_variant_weight")),
                instance_count=one.get("initial_instance_count"),
                serverless=next(
                    (
                        _serverless(serverless["memory_size_in_mb"], serverless["max_concurrency"])
                        for serverless in one.get("serverless_config") or []
                    ),
                    None,
                ),
                provisioned_concurrency=next(
                    (
                        serverless.get("provisioned_concurrency") or None
                        for serverless in one.get("serverless_config") or []
                    ),
                    None,
                ),
            )
            for one in values.get(key) or []
        ]
        return {one.name: one for one in found}

    return {
        "ProductionVariants": variants("production_variants"),
        "ShadowProductionVariants": variants("shadow_production_variants"),
    }


def _configuration_of_aws(answer: Mapping[str, Any]) -> Configuration:
    def variants(key: str) -> dict[str, Variant]:
        found = [
            Variant(
                name=one["VariantName"],
                model_name=str(one.get("ModelName", "none")),
                weight=_weight(one.get("InitialVariantWeight")),
                instance_count=one.get("InitialInstanceCount"),
                serverless=_serverless_of_aws(one.get("ServerlessConfig")),
                provisioned_concurrency=one.get("ServerlessConfig", {}).get("ProvisionedConcurrency"),
            )
            for one in answer.get(key, [])
        ]
        return {one.name: one for one in found}

    return {key: variants(key) for key in ("ProductionVariants", "ShadowProductionVariants")}


def _serverless_of_aws(answer: Mapping[str, Any] | None) -> str | None:
    return _serverless(answer.get("MemorySizeInMB"), answer.get("MaxConcurrency")) if answer else None


def _serverless(memory_size_in_mb: int | None, max_concurrency: int | None) -> str:
    return f"{memory_size_in_mb} MB, {max_concurrency} at once"


def _weight(weight: float | None) -> float:
    """1.0 if left out: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html."""
    return 1.0 if weight is None else weight


def _names(variants: Iterable[str]) -> str:
    return ", ".join(sorted(variants)) or "none"


def _planned_capacity(
    context: Context, endpoint_name: str, variant: str, dimension: str, initial: int | None
) -> tuple[int, int]:
    """Return the least and the most that a variant may have: a registered target may have changed it."""
    for target in context.of("aws_appautoscaling_target"):
        values = target.values
        if (values["resource_id"], values["scalable_dimension"]) == (
            f"endpoint/{endpoint_name}/variant/{variant}",
            dimension,
        ):
            least, most = zip(*_planned_bounds(context, target), strict=True)
            return min(least), max(most)
    return int(initial or 0), int(initial or 0)


def _planned_bounds(context: Context, target: Resource) -> list[tuple[int, int]]:
    """Return the bounds that a scalable target was registered with, and those that scheduled actions set."""
    name = ("service_namespace", "resource_id", "scalable_dimension")
    bounds = [(int(target.values["min_capacity"]), int(target.values["max_capacity"]))]
    for action in context.of("aws_appautoscaling_scheduled_action"):
        if all(action.values[part] == target.values[part] for part in name):
            (least, most), (bound,) = bounds[0], action.values["scalable_target_action"]
            bounds.append((int(bound["min_capacity"] or least), int(bound["max_capacity"] or most)))
    return bounds


def _compare_variant(
    context: Context, endpoint: Resource, what: str, variant: Variant, live: Mapping[str, Any]
) -> Iterator[Row]:
    weights = [live.get("CurrentWeight"), live.get("DesiredWeight")]
    yield Row(
        check=f"{what} weight",
        expected=f"{variant.weight:g}",
        live=_current_and_desired(*weights),
        ok=all(one is not None and math.isclose(one, variant.weight, rel_tol=1e-6) for one in weights),
    )
    if variant.serverless:
        current, desired = (live.get(f"{when}ServerlessConfig") or {} for when in ("Current", "Desired"))
        yield _equal(f"{what} capacity", variant.serverless, _serverless_of_aws(current) or "not serverless")
        if variant.provisioned_concurrency is None:
            return
        counted, dimension = "provisioned concurrency", PROVISIONED_CONCURRENCY
        initial: int | None = variant.provisioned_concurrency
        counts = [one.get("ProvisionedConcurrency") for one in (current, desired)]
    else:
        counted, dimension = "instance count", INSTANCE_COUNT
        initial = variant.instance_count
        counts = [live.get("CurrentInstanceCount"), live.get("DesiredInstanceCount")]
    least, most = _planned_capacity(context, endpoint.values["name"], variant.name, dimension, initial)
    yield Row(
        check=f"{what} {counted}",
        expected=_range(least, most),
        live=_current_and_desired(*counts),
        ok=all(one is not None and least <= one <= most for one in counts),
    )


def _current_and_desired(current: float | None, desired: float | None) -> str:
    """Say one number where both are the same; weights are single precision in AWS."""
    said = ["none" if one is None else f"{one:g}" for one in (current, desired)]
    return said[0] if said[0] == said[1] else f"{said[0]} (desired {said[1]})"


def _range(fewest: int, most: int) -> str:
    return str(fewest) if fewest == most else f"{fewest} to {most}"


def _compare_model(context: Context, resource: Resource, live: Mapping[str, Any]) -> Iterator[Row]:
    planned = [*(resource.values.get("primary_container") or []), *(resource.values.get("container") or [])]
    containers = [*filter(None, [live.get("PrimaryContainer")]), *live.get("Containers", [])]
    yield _equal(
        "image",
        ", ".join(one.get("image") or one.get("model_package_name") or "none" for one in planned),
        ", ".join(one.get("Image") or one.get("ModelPackageName") or "none" for one in containers),
    )
    yield _equal(
        "network isolation",
        _on(resource.values.get("enable_network_isolation")),
        _on(live.get("EnableNetworkIsolation")),
    )
    for package in [one["model_package_name"] for one in planned if one.get("model_package_name")]:
        yield _approval(context, package)


def _approval(context: Context, package: str) -> Row:
    """Ask whether a version of the registry is approved; SageMaker does not, when it makes a model of it."""
    try:
        answer = context.aws.call("sagemaker", "describe_model_package", ModelPackageName=package)
        said = str(answer.get("ModelApprovalStatus", "none"))
    except NotAnswered as error:
        said = str(error)
    expected = "Approved" if context.approved else "any"
    return Row(check="approval", expected=expected, live=said, ok=said == expected or not context.approved)


def _compare_schedule(context: Context, resource: Resource, live: Mapping[str, Any]) -> Iterator[Row]:
    """Compare whether, when and what a schedule runs: it can be stopped, or changed, beside Terraform."""
    status, reason = str(live.get("MonitoringScheduleStatus", "none")), live.get("FailureReason")
    yield Row(
        check="status",
        expected="Scheduled",
        live=f"{status}: {reason}" if reason else status,
        ok=status == "Scheduled",
    )
    (planned,) = resource.values["monitoring_schedule_config"]
    config = live.get("MonitoringScheduleConfig", {})
    yield _equal(
        "job definition",
        planned["monitoring_job_definition_name"],
        config.get("MonitoringJobDefinitionName", "none"),
    )
    for schedule in planned.get("schedule_config") or []:
        expression = config.get("ScheduleConfig", {}).get("ScheduleExpression", "none")
        yield _equal("schedule", schedule["schedule_expression"], expression)


def _on(flag: bool | None) -> str:
    return "on" if flag else "off"


def _registered_target(aws: Aws, resource: Resource) -> Mapping[str, Any]:
    values = resource.values
    answer = aws.call(
        "application-autoscaling",
        "describe_scalable_targets",
        ServiceNamespace=values["service_namespace"],
        ResourceIds=[values["resource_id"]],
        ScalableDimension=values["scalable_dimension"],
    )
    for target in answer.get("ScalableTargets", []):
        found: Mapping[str, Any] = target
        return found
    raise NotAnswered(f"{values['resource_id']} is not registered (DescribeScalableTargets)")


def _compare_target(context: Context, resource: Resource, live: Mapping[str, Any]) -> Iterator[Row]:
    planned = _planned_bounds(context, resource)
    bounds = live.get("MinCapacity"), live.get("MaxCapacity")
    yield Row(
        check="capacity",
        expected=" or ".join(f"{least} to {most}" for least, most in dict.fromkeys(planned)),
        live="{} to {}".format(*("none" if bound is None else bound for bound in bounds)),
        ok=bounds in planned,
    )


KINDS: Mapping[str, Kind] = {
    "aws_appautoscaling_target": Kind(find=_registered_target, compare=_compare_target),
    "aws_sagemaker_endpoint": Kind(find=_settled_endpoint, compare=_compare_endpoint),
    "aws_sagemaker_endpoint_configuration": Kind(
        find=_describe("sagemaker", "describe_endpoint_config", EndpointConfigName="name")
    ),
    "aws_sagemaker_data_quality_job_definition": Kind(
        find=_describe("sagemaker", "describe_data_quality_job_definition", JobDefinitionName="name")
    ),
    "aws_sagemaker_model": Kind(
        find=_describe("sagemaker", "describe_model", ModelName="name"), compare=_compare_model
    ),
    "aws_sagemaker_model_package_group": Kind(
        find=_describe(
            "sagemaker", "describe_model_package_group", ModelPackageGroupName="model_package_group_name"
        ),
        compare=_attribute("status", "ModelPackageGroupStatus", "Completed"),
    ),
    "aws_sagemaker_monitoring_schedule": Kind(
        find=_describe("sagemaker", "describe_monitoring_schedule", MonitoringScheduleName="name"),
        compare=_compare_schedule,
    ),
}
"""What is verified, by Terraform type: how it is found, what is compared. A new type is one entry."""
