"""Verify: every difference between what was planned and what is live is found, and said in AWS's words."""

from __future__ import annotations

import copy
import io
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any
from urllib.request import Request, urlopen

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError
from rich.console import Console

from sagewright import verify as subject
from sagewright.errors import SagewrightError
from sagewright.local.process import Running
from sagewright.project import Project, embedded
from sagewright.providers import Providers
from sagewright.terraform import Terraform
from sagewright.verify import Finding, show, verify

ROOT = Path(__file__).resolve().parents[2]
NEW, OLD = "acme-local-churn-new", "acme-local-churn-old"
IMAGE = f"222233334444.dkr.ecr.eu-west-1.amazonaws.com/churn@sha256:{'a' * 64}"
ENDPOINT, CONFIGURATION = "aws_sagemaker_endpoint.churn", "aws_sagemaker_endpoint_configuration.churn"
TARGET = "aws_appautoscaling_target.churn"

SESSION = boto3.session.Session("test", "test", region_name="eu-west-1")

Answer = dict[str, Any]


class Refusal(Exception):
    """What a fake operation raises to be answered with an error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.answer = {"Error": {"Code": code, "Message": message}}


@dataclass
class Live:
    """An account in miniature: what Describe answers, by name."""

    endpoints: dict[str, Answer] = field(default_factory=dict)
    configurations: dict[str, Answer] = field(default_factory=dict)
    models: dict[str, Answer] = field(default_factory=dict)
    packages: dict[str, Answer] = field(default_factory=dict)
    groups: dict[str, Answer] = field(default_factory=dict)
    schedules: dict[str, Answer] = field(default_factory=dict)
    targets: list[Answer] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)
    """What DescribeEndpoint says first, one after the other."""
    calls: list[str] = field(default_factory=list)

    def session(self) -> boto3.session.Session:
        """A real session whose clients are answered here; shared, since loading API models is slow."""
        SESSION.events.unregister("before-call", unique_id="live")
        SESSION.events.register("before-call", self.answer, unique_id="live")  # type: ignore[arg-type]
        return SESSION

    def answer(self, model: Any, params: Any, **_: Any) -> tuple[Any, Any]:
        self.calls.append(model.name)
        body = json.loads(params["body"])
        try:
            return SimpleNamespace(status_code=200), getattr(self, model.name)(body)
        except Refusal as refusal:
            return SimpleNamespace(status_code=400), refusal.answer

    def DescribeEndpoint(self, request: Answer) -> Answer:
        found = known(self.endpoints, request["EndpointName"], "endpoint")
        return {**found, "EndpointStatus": self.statuses.pop(0)} if self.statuses else found

    def DescribeEndpointConfig(self, request: Answer) -> Answer:
        return known(self.configurations, request["EndpointConfigName"], "endpoint configuration")

    def DescribeModel(self, request: Answer) -> Answer:
        return known(self.models, request["ModelName"], "model")

    def DescribeModelPackage(self, request: Answer) -> Answer:
        return known(self.packages, request["ModelPackageName"], "model package")

    def DescribeModelPackageGroup(self, request: Answer) -> Answer:
        return known(self.groups, request["ModelPackageGroupName"], "model package group")

    def DescribeMonitoringSchedule(self, request: Answer) -> Answer:
        return known(self.schedules, request["MonitoringScheduleName"], "monitoring schedule")

    def DescribeScalableTargets(self, request: Answer) -> Answer:
        keys = ("ServiceNamespace", "ScalableDimension")
        return {
            "ScalableTargets": [
                target
                for target in self.targets
                if target["ResourceId"] in request["ResourceIds"]
                and all(target[key] == request[key] for key in keys)
            ]
        }


def known(answers: dict[str, Answer], name: str, kind: str) -> Answer:
    if name not in answers:
        raise Refusal("ValidationException", f'Could not find {kind} "{name}".')
    return copy.deepcopy(answers[name])


def resource(address: str, /, *depends_on: str, **values: Any) -> Answer:
    type_, _, name = address.rpartition("/")[2].partition(".")
    return {
        "address": address.replace("/", "."),
        "mode": "managed",
        "type": type_,
        "name": name,
        "values": values,
        "depends_on": list(depends_on),
    }


def variant(name: str, weight: float | None, count: int | None, **more: Any) -> Answer:
    return {
        "variant_name": name,
        "model_name": f"acme-local-{name}",
        "initial_variant_weight": weight,
        "initial_instance_count": count,
        "serverless_config": [],
        **more,
    }


def live_variant(name: str, weight: float, count: int) -> Answer:
    return {
        "VariantName": name,
        "CurrentWeight": weight,
        "DesiredWeight": weight,
        "CurrentInstanceCount": count,
        "DesiredInstanceCount": count,
    }


def configured(name: str, weight: float, count: int) -> Answer:
    return {
        "VariantName": name,
        "ModelName": f"acme-local-{name}",
        "InitialVariantWeight": weight,
        "InitialInstanceCount": count,
    }


def resources_of_state() -> list[Answer]:
    """The state of a serving stack: two variants, the first of them scaled."""
    return [
        resource(
            ENDPOINT, CONFIGURATION, "aws_sagemaker_model.champion", name="churn", endpoint_config_name=NEW
        ),
        resource(
            CONFIGURATION,
            "aws_sagemaker_model.champion",
            name=NEW,
            production_variants=[variant("champion", 90, 2), variant("challenger", 10, 1)],
            shadow_production_variants=[],
        ),
        resource(
            "aws_sagemaker_model.champion",
            name="acme-local-champion",
            primary_container=[{"image": IMAGE}],
            container=[],
            enable_network_isolation=True,
        ),
        resource(
            TARGET,
            ENDPOINT,
            CONFIGURATION,
            service_namespace="sagemaker",
            resource_id="endpoint/churn/variant/champion",
            scalable_dimension="sagemaker:variant:DesiredInstanceCount",
            min_capacity=2,
            max_capacity=4,
        ),
        resource("aws_sagemaker_model_package_group.churn", model_package_group_name="acme-local-churn"),
        resource("aws_s3_bucket.artifacts", bucket="acme-local-artifacts"),
    ]


def state(*resources: Answer, children: tuple[Answer, ...] = ()) -> Answer:
    root = {"resources": list(resources), "child_modules": list(children)}
    return {"format_version": "1.0", "terraform_version": "1.11.4", "values": {"root_module": root}}


def change(resources: list[Answer], address: str, **values: Any) -> Answer:
    """Change what the state says of one resource, and return the state."""
    next(one for one in resources if one["address"] == address)["values"].update(values)
    return state(*resources)


@pytest.fixture
def live() -> Live:
    """What is live just as it was planned."""
    variants = [("champion", 90.0, 2), ("challenger", 10.0, 1)]
    return Live(
        endpoints={
            "churn": {
                "EndpointName": "churn",
                "EndpointConfigName": NEW,
                "EndpointStatus": "InService",
                "ProductionVariants": [live_variant(*one) for one in variants],
            }
        },
        configurations={
            NEW: {"EndpointConfigName": NEW, "ProductionVariants": [configured(*one) for one in variants]}
        },
        models={
            "acme-local-champion": {"PrimaryContainer": {"Image": IMAGE}, "EnableNetworkIsolation": True}
        },
        groups={"acme-local-churn": {"ModelPackageGroupStatus": "Completed"}},
        targets=[
            {
                "ServiceNamespace": "sagemaker",
                "ResourceId": "endpoint/churn/variant/champion",
                "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
                "MinCapacity": 2,
                "MaxCapacity": 4,
            }
        ],
    )


@pytest.fixture
def planned() -> list[Answer]:
    return resources_of_state()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "POLL_SECONDS", 0)
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)


def differences(found: tuple[Finding, ...]) -> dict[tuple[str, str], tuple[str, str]]:
    return {(one.address, one.check): (one.expected, one.live) for one in found if not one.ok}


def test_what_is_live_as_planned_has_no_difference(live: Live, planned: list[Answer]) -> None:
    found = verify("local-serving", state(*planned), live.session())
    assert not differences(found)
    assert [(one.check, one.live) for one in found if one.address == ENDPOINT] == [
        ("exists", "exists"),
        ("status", "InService"),
        ("endpoint_config_name", NEW),
        ("live configuration", "exists"),
        ("variants", "challenger, champion"),
        ("variant champion weight", "90"),
        ("variant champion instance count", "2"),
        ("variant champion model", "acme-local-champion"),
        ("variant challenger weight", "10"),
        ("variant challenger instance count", "1"),
        ("variant challenger model", "acme-local-challenger"),
        ("shadow variants", "none"),
    ]
    assert {one.address for one in found} == {one["address"] for one in planned} - {"aws_s3_bucket.artifacts"}


def roll_back(live: Live, planned: list[Answer], reason: str) -> Answer:
    """Leave what provider and SageMaker leave: the state and the endpoint name the old configuration."""
    live.endpoints["churn"] |= {"EndpointConfigName": OLD, "FailureReason": reason}
    return change(planned, ENDPOINT, endpoint_config_name=OLD)


def test_an_update_that_sagemaker_rolled_back_is_found_although_the_state_agrees_with_it(
    live: Live, planned: list[Answer]
) -> None:
    document = roll_back(live, planned, "The primary container did not pass the ping health check.")
    found = differences(verify("local-serving", document, live.session()))
    expected, said = found[ENDPOINT, "endpoint_config_name"]
    assert expected == NEW
    assert said.startswith(f"{OLD}: SageMaker rolled the update back")
    assert said.endswith("FailureReason: The primary container did not pass the ping health check.")


def test_a_roll_back_without_a_reason_is_found(live: Live, planned: list[Answer]) -> None:
    found = differences(verify("local-serving", roll_back(live, planned, ""), live.session()))
    assert found[ENDPOINT, "endpoint_config_name"][1].endswith("it gives no FailureReason")


def test_a_live_configuration_that_terraform_deleted_is_found(live: Live, planned: list[Answer]) -> None:
    found = differences(verify("local-serving", roll_back(live, planned, ""), live.session()))
    assert found[ENDPOINT, "live configuration"] == (
        "exists",
        f'{OLD}: ValidationException: Could not find endpoint configuration "{OLD}". '
        f"(DescribeEndpointConfig); {subject.STUCK}",
    )


def test_after_a_roll_back_the_variants_are_compared_with_the_planned_ones(
    live: Live, planned: list[Answer]
) -> None:
    live.endpoints["churn"]["ProductionVariants"][0] |= {"CurrentWeight": 50.0, "DesiredWeight": 50.0}
    live.configurations[OLD] = live.configurations.pop(NEW)
    live.configurations[OLD]["ProductionVariants"][0]["ModelName"] = "acme-local-before"
    found = differences(verify("local-serving", roll_back(live, planned, ""), live.session()))
    assert found[ENDPOINT, "variant champion weight"] == ("90", "50")
    assert found[ENDPOINT, "variant champion model"] == ("acme-local-champion", "acme-local-before")


@pytest.mark.parametrize(
    ("status", "reason", "said"),
    [
        ("Failed", "no capacity", "Failed: no capacity"),
        ("UpdateRollbackFailed", "no capacity", "UpdateRollbackFailed: no capacity"),
        ("OutOfService", None, "OutOfService"),
    ],
)
def test_an_endpoint_that_is_not_in_service_is_found_at_once(
    live: Live, planned: list[Answer], status: str, reason: str | None, said: str
) -> None:
    live.endpoints["churn"]["EndpointStatus"] = status
    if reason:
        live.endpoints["churn"]["FailureReason"] = reason
    found = differences(verify("local-serving", state(*planned), live.session()))
    assert found == {(ENDPOINT, "status"): ("InService", said)}
    assert live.calls.count("DescribeEndpoint") == 1


@pytest.mark.parametrize("status", ["Creating", "Updating", "SystemUpdating", "RollingBack"])
def test_an_endpoint_under_way_is_waited_for(live: Live, planned: list[Answer], status: str) -> None:
    live.statuses = [status] * 3
    assert not differences(verify("local-serving", state(*planned), live.session()))
    assert not live.statuses


def test_waiting_ends_with_a_failure(live: Live, planned: list[Answer]) -> None:
    live.statuses = ["Updating", "Updating", "UpdateRollbackFailed", "UpdateRollbackFailed"]
    found = differences(verify("local-serving", state(*planned), live.session()))
    assert found[ENDPOINT, "status"] == ("InService", "UpdateRollbackFailed")


def test_waiting_is_bounded(live: Live, planned: list[Answer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "POLLS", 3)
    live.endpoints["churn"]["EndpointStatus"] = "Updating"
    found = differences(verify("local-serving", state(*planned), live.session()))
    assert found[ENDPOINT, "status"] == ("InService", "Updating")
    assert live.calls.count("DescribeEndpoint") == 5


def test_an_aws_that_is_out_of_reach_while_waiting_is_asked_once_more(
    live: Live, planned: list[Answer]
) -> None:
    live.statuses = ["Updating"]
    answer = live.DescribeEndpoint

    def interrupted(request: Answer) -> Answer:
        if live.calls.count("DescribeEndpoint") == 2:
            raise EndpointConnectionError(endpoint_url="https://aws")
        return answer(request)

    live.DescribeEndpoint = interrupted  # type: ignore[method-assign]
    assert not differences(verify("local-serving", state(*planned), live.session()))
    assert live.calls.count("DescribeEndpoint") == 3


def test_an_endpoint_that_vanishes_while_it_is_waited_for_is_found(live: Live, planned: list[Answer]) -> None:
    live.statuses = ["Updating"]
    answer = live.DescribeEndpoint

    def once(request: Answer) -> Answer:
        if not live.statuses:
            live.endpoints.clear()
        return answer(request)

    live.DescribeEndpoint = once  # type: ignore[method-assign]
    found = differences(verify("local-serving", state(*planned), live.session()))
    assert 'Could not find endpoint "churn".' in found[ENDPOINT, "exists"][1]


@pytest.mark.parametrize(
    ("members", "check", "expected", "said"),
    [
        ({"CurrentWeight": 50.0, "DesiredWeight": 50.0}, "weight", "10", "50"),
        ({"DesiredWeight": 50.0}, "weight", "10", "10 (desired 50)"),
        ({"CurrentInstanceCount": 0}, "instance count", "1", "0 (desired 1)"),
        ({"CurrentInstanceCount": 3, "DesiredInstanceCount": 3}, "instance count", "1", "3"),
    ],
)
def test_another_weight_or_count_is_found(
    live: Live, planned: list[Answer], members: Answer, check: str, expected: str, said: str
) -> None:
    live.endpoints["churn"]["ProductionVariants"][1] |= members
    found = differences(verify("local-serving", state(*planned), live.session()))
    assert found == {(ENDPOINT, f"variant challenger {check}"): (expected, said)}


def test_weights_are_compared_in_single_precision(live: Live, planned: list[Answer]) -> None:
    live.endpoints["churn"]["ProductionVariants"][1] |= {"CurrentWeight": 0.1, "DesiredWeight": 0.1}
    variants = [variant("champion", 90, 2), variant("challenger", 0.10000000149011612, 1)]
    document = change(planned, CONFIGURATION, production_variants=variants)
    assert not differences(verify("local-serving", document, live.session()))


def test_a_weight_that_is_left_out_is_one(live: Live, planned: list[Answer]) -> None:
    variants = [variant("champion", 90, 2), variant("challenger", None, 1)]
    document = change(planned, CONFIGURATION, production_variants=variants)
    found = differences(verify("local-serving", document, live.session()))
    assert found == {(ENDPOINT, "variant challenger weight"): ("1", "10")}


@pytest.mark.parametrize(("count", "ok"), [(1, False), (2, True), (3, True), (4, True), (5, False)])
def test_autoscaling_may_have_changed_the_count_within_its_capacity(
    live: Live, planned: list[Answer], count: int, ok: bool
) -> None:
    live.endpoints["churn"]["ProductionVariants"][0] |= {
        "CurrentInstanceCount": count,
        "DesiredInstanceCount": count,
    }
    found = differences(verify("local-serving", state(*planned), live.session()))
    expected = {(ENDPOINT, "variant champion instance count"): ("2 to 4", str(count))}
    assert found == ({} if ok else expected)


def test_a_variant_that_is_missing_or_too_many_is_found(live: Live, planned: list[Answer]) -> None:
    live.endpoints["churn"]["ProductionVariants"][1]["VariantName"] = "intruder"
    found = differences(verify("local-serving", state(*planned), live.session()))
    assert found == {(ENDPOINT, "variants"): ("challenger, champion", "champion, intruder")}


def test_shadow_variants_are_compared_too(live: Live, planned: list[Answer]) -> None:
    document = change(planned, CONFIGURATION, shadow_production_variants=[variant("shadow", 1, 1)])
    found = differences(verify("local-serving", document, live.session()))
    assert found == {
        (ENDPOINT, "shadow variants"): ("shadow", "none"),
        (ENDPOINT, "shadow variant shadow model"): ("acme-local-shadow", "none"),
    }
    live.configurations[NEW]["ShadowProductionVariants"] = [configured("shadow", 1.0, 1)]
    live.endpoints["churn"]["ShadowProductionVariants"] = [live_variant("shadow", 0.5, 1)]
    found = differences(verify("local-serving", document, live.session()))
    assert found == {(ENDPOINT, "shadow variant shadow weight"): ("1", "0.5")}


def test_a_serverless_variant_has_a_capacity_instead_of_a_count(live: Live, planned: list[Answer]) -> None:
    serverless = {"memory_size_in_mb": 2048, "max_concurrency": 5}
    variants = [variant("champion", 90, 2), variant("challenger", 10, None, serverless_config=[serverless])]
    document = change(planned, CONFIGURATION, production_variants=variants)
    endpoint_variant = live.endpoints["churn"]["ProductionVariants"][1]
    found = differences(verify("local-serving", document, live.session()))
    assert found == {(ENDPOINT, "variant challenger capacity"): ("2048 MB, 5 at once", "not serverless")}
    endpoint_variant["CurrentServerlessConfig"] = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
    assert not differences(verify("local-serving", document, live.session()))


def test_a_configuration_of_another_stack_is_compared_by_its_name(live: Live) -> None:
    document = state(resource(ENDPOINT, name="churn", endpoint_config_name=NEW))
    assert not differences(verify("local-serving", document, live.session()))
    live.endpoints["churn"]["ProductionVariants"][0] |= {"CurrentWeight": 1.0, "DesiredWeight": 1.0}
    found = differences(verify("local-serving", document, live.session()))
    assert found == {(ENDPOINT, "variant champion weight"): ("90", "1")}
    live.endpoints["churn"]["EndpointConfigName"] = OLD
    found = differences(verify("local-serving", document, live.session()))
    assert found[ENDPOINT, "endpoint_config_name"][0] == NEW
    live.configurations[OLD] = live.configurations[NEW]
    checks = {one.check for one in verify("local-serving", document, live.session())}
    assert checks == {"exists", "status", "endpoint_config_name", "live configuration"}


def test_a_configuration_that_is_named_without_a_reference_is_compared(
    live: Live, planned: list[Answer]
) -> None:
    planned[0]["depends_on"] = []
    document = change(planned, CONFIGURATION, production_variants=[variant("champion", 90, 2)])
    found = differences(verify("local-serving", document, live.session()))
    assert found == {(ENDPOINT, "variants"): ("champion", "challenger, champion")}


def test_endpoints_made_with_for_each_in_modules_have_their_own_configurations(
    live: Live, planned: list[Answer]
) -> None:
    def instance(one: Answer, key: str, **values: Any) -> Answer:
        address = f'module.serving["a.b"].{one["address"]}["{key}]"]'
        return {**one, "address": address, "values": {**one["values"], **values}}

    endpoint, configuration = planned[:2]
    endpoint["depends_on"] = [f"module.serving.{CONFIGURATION}"]
    made = [
        instance(endpoint, "one", endpoint_config_name=OLD),
        instance(configuration, "one"),
        instance(configuration, "two", name="two"),
    ]
    document = state(children=({"address": "module.serving", "resources": made},))
    for name in (OLD, "two"):
        live.endpoints["churn"]["EndpointConfigName"] = name
        found = differences(verify("local-serving", document, live.session()))
        assert found[made[0]["address"], "endpoint_config_name"][0] == NEW


def test_an_endpoint_that_depends_on_several_configurations_may_have_any(
    live: Live, planned: list[Answer]
) -> None:
    other = resource("aws_sagemaker_endpoint_configuration.other", name="other", production_variants=[])
    planned[0]["depends_on"].append(other["address"])
    live.configurations["other"] = {}
    assert not differences(verify("local-serving", state(*planned, other), live.session()))
    found = differences(verify("local-serving", roll_back(live, [*planned, other], ""), live.session()))
    assert found[ENDPOINT, "endpoint_config_name"][0] == f"{NEW} or other"


def test_deposed_objects_and_data_sources_are_not_planned(live: Live, planned: list[Answer]) -> None:
    deposed = resource(CONFIGURATION, name=OLD, production_variants=[]) | {"deposed_key": "abcd1234"}
    data = resource("aws_sagemaker_model.read", name="elsewhere") | {"mode": "data"}
    assert not differences(verify("local-serving", state(*planned, deposed, data), live.session()))


def test_a_scalable_target_that_is_missing_or_different_is_found(live: Live, planned: list[Answer]) -> None:
    live.targets[0] |= {"MinCapacity": 1, "MaxCapacity": 8}
    found = differences(verify("local-serving", state(*planned), live.session()))
    assert found == {(TARGET, "capacity"): ("2 to 4", "1 to 8")}
    live.targets.clear()
    found = differences(verify("local-serving", state(*planned), live.session()))
    said = "endpoint/churn/variant/champion is not registered (DescribeScalableTargets)"
    assert found == {(TARGET, "exists"): ("exists", said)}


def scheduled(least: str, most: str) -> Answer:
    return resource(
        "aws_appautoscaling_scheduled_action.night",
        TARGET,
        service_namespace="sagemaker",
        resource_id="endpoint/churn/variant/champion",
        scalable_dimension="sagemaker:variant:DesiredInstanceCount",
        scalable_target_action=[{"min_capacity": least, "max_capacity": most}],
    )


@pytest.mark.parametrize(("bounds", "ok"), [((2, 4), True), ((0, 1), True), ((0, 4), False), ((2, 1), False)])
def test_scheduled_actions_may_have_set_their_bounds(
    live: Live, planned: list[Answer], bounds: tuple[int, int], ok: bool
) -> None:
    live.targets[0] |= {"MinCapacity": bounds[0], "MaxCapacity": bounds[1]}
    found = differences(verify("local-serving", state(*planned, scheduled("0", "1")), live.session()))
    said = "{} to {}".format(*bounds)
    assert found == ({} if ok else {(TARGET, "capacity"): ("2 to 4 or 0 to 1", said)})


def test_a_scheduled_action_that_sets_one_bound_leaves_the_other(live: Live, planned: list[Answer]) -> None:
    live.targets[0] |= {"MinCapacity": 3, "MaxCapacity": 4}
    assert not differences(verify("local-serving", state(*planned, scheduled("3", "")), live.session()))


@pytest.mark.parametrize(("count", "ok"), [(0, True), (2, True), (3, False)])
def test_an_asynchronous_endpoint_may_be_down_to_no_instance(
    live: Live, planned: list[Answer], count: int, ok: bool
) -> None:
    live.endpoints["churn"]["ProductionVariants"][0] |= {
        "CurrentInstanceCount": count,
        "DesiredInstanceCount": count,
    }
    live.targets[0] |= {"MinCapacity": 0, "MaxCapacity": 2}
    document = change(planned, TARGET, min_capacity=0, max_capacity=2)
    found = differences(verify("local-serving", document, live.session()))
    expected = {(ENDPOINT, "variant champion instance count"): ("0 to 2", str(count))}
    assert found == ({} if ok else expected)


def serverless(live: Live, planned: list[Answer], concurrency: int | None) -> list[Answer]:
    """Make the champion serverless, live and as planned, with this provisioned concurrency live."""
    settings = {"memory_size_in_mb": 2048, "max_concurrency": 5, "provisioned_concurrency": 2}
    variants = [
        variant("champion", 90, None, serverless_config=[settings]),
        variant("challenger", 10, 1),
    ]
    change(planned, CONFIGURATION, production_variants=variants)
    change(planned, TARGET, scalable_dimension="sagemaker:variant:DesiredProvisionedConcurrency")
    live.targets[0]["ScalableDimension"] = "sagemaker:variant:DesiredProvisionedConcurrency"
    shown = {"MemorySizeInMB": 2048, "MaxConcurrency": 5, "ProvisionedConcurrency": concurrency}
    shown = {name: value for name, value in shown.items() if value is not None}
    live.endpoints["churn"]["ProductionVariants"][0] |= {
        "CurrentServerlessConfig": shown,
        "DesiredServerlessConfig": shown,
    }
    return planned


@pytest.mark.parametrize(("concurrency", "ok"), [(2, True), (4, True), (5, False), (None, False)])
def test_autoscaling_may_have_changed_provisioned_concurrency_within_its_capacity(
    live: Live, planned: list[Answer], concurrency: int | None, ok: bool
) -> None:
    document = state(*serverless(live, planned, concurrency))
    found = differences(verify("local-serving", document, live.session()))
    expected = {
        (ENDPOINT, "variant champion provisioned concurrency"): ("2 to 4", str(concurrency or "none"))
    }
    assert found == ({} if ok else expected)


def test_provisioned_concurrency_that_nothing_scales_is_as_planned(live: Live, planned: list[Answer]) -> None:
    without = [one for one in serverless(live, planned, 3) if one["address"] != TARGET]
    found = differences(verify("local-serving", state(*without), live.session()))
    assert found == {(ENDPOINT, "variant champion provisioned concurrency"): ("2", "3")}


@pytest.mark.parametrize("status", ["Approved", "Rejected", None])
def test_a_model_of_a_version_that_is_not_approved_is_found(
    live: Live, planned: list[Answer], status: str | None
) -> None:
    package = "arn:aws:sagemaker:eu-west-1:111122223333:model-package/churn/7"
    live.models["acme-local-champion"]["PrimaryContainer"] = {"ModelPackageName": package}
    live.packages = {package: {"ModelApprovalStatus": status}} if status else {}
    model = "aws_sagemaker_model.champion"
    document = change(planned, model, primary_container=[{"model_package_name": package}])
    found = differences(verify("local-serving", document, live.session()))
    said = status or f'ValidationException: Could not find model package "{package}". (DescribeModelPackage)'
    assert found == ({} if status == "Approved" else {(model, "approval"): ("Approved", said)})
    anywhere = verify("local-serving", document, live.session(), approved=False)
    assert differences(anywhere) == {}
    assert [(one.expected, one.live) for one in anywhere if one.check == "approval"] == [("any", said)]


def test_a_model_with_another_image_or_without_isolation_is_found(live: Live, planned: list[Answer]) -> None:
    live.models["acme-local-champion"] = {"PrimaryContainer": {"Image": "other"}}
    found = differences(verify("local-serving", state(*planned), live.session()))
    assert found == {
        ("aws_sagemaker_model.champion", "image"): (IMAGE, "other"),
        ("aws_sagemaker_model.champion", "network isolation"): ("on", "off"),
    }


def test_the_containers_of_a_pipeline_are_compared_in_order(live: Live, planned: list[Answer]) -> None:
    containers = [{"image": IMAGE}, {"image": "", "model_package_name": "package"}]
    document = change(planned, "aws_sagemaker_model.champion", primary_container=[], container=containers)
    live.models["acme-local-champion"] = {
        "Containers": [{"ModelPackageName": "package"}, {"Image": IMAGE}],
        "EnableNetworkIsolation": True,
    }
    live.packages["package"] = {"ModelApprovalStatus": "Approved"}
    found = differences(verify("local-serving", document, live.session()))
    assert found == {("aws_sagemaker_model.champion", "image"): (f"{IMAGE}, package", f"package, {IMAGE}")}


def test_a_package_group_that_failed_is_found(live: Live, planned: list[Answer]) -> None:
    live.groups["acme-local-churn"]["ModelPackageGroupStatus"] = "Failed"
    found = differences(verify("local-serving", state(*planned), live.session()))
    assert found == {("aws_sagemaker_model_package_group.churn", "status"): ("Completed", "Failed")}


SCHEDULE = "aws_sagemaker_monitoring_schedule.churn"


def monitored(live: Live, **changes: Any) -> dict[tuple[str, str], tuple[str, str]]:
    """Return what differs between a monitoring schedule and what is live of it, with some changes."""
    live.schedules["churn-data"] = {
        "MonitoringScheduleStatus": "Scheduled",
        "MonitoringScheduleConfig": {
            "MonitoringJobDefinitionName": "churn-data",
            "ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"},
        },
        **changes,
    }
    config = {
        "monitoring_job_definition_name": "churn-data",
        "schedule_config": [{"schedule_expression": "cron(0 * ? * * *)"}],
    }
    planned = resource(SCHEDULE, name="churn-data", monitoring_schedule_config=[config])
    return differences(verify("local-serving", state(planned), live.session()))


def test_a_monitoring_schedule_as_planned_has_no_difference(live: Live) -> None:
    assert monitored(live) == {}


def test_a_monitoring_schedule_that_somebody_stopped_is_found(live: Live) -> None:
    found = monitored(live, MonitoringScheduleStatus="Stopped")
    assert found == {(SCHEDULE, "status"): ("Scheduled", "Stopped")}


def test_a_monitoring_schedule_that_failed_is_found_with_the_reason(live: Live) -> None:
    found = monitored(live, MonitoringScheduleStatus="Failed", FailureReason="no data")
    assert found == {(SCHEDULE, "status"): ("Scheduled", "Failed: no data")}


def test_a_monitoring_schedule_of_another_definition_or_time_is_found(live: Live) -> None:
    config = {
        "MonitoringJobDefinitionName": "other",
        "ScheduleConfig": {"ScheduleExpression": "cron(0 0 ? * * *)"},
    }
    assert monitored(live, MonitoringScheduleConfig=config) == {
        (SCHEDULE, "job definition"): ("churn-data", "other"),
        (SCHEDULE, "schedule"): ("cron(0 * ? * * *)", "cron(0 0 ? * * *)"),
    }


def test_what_is_gone_is_found_in_the_words_of_aws(live: Live, planned: list[Answer]) -> None:
    found = differences(verify("local-serving", state(*planned), Live().session()))
    assert {check for _, check in found} == {"exists"}
    assert {address for address, _ in found} == {one["address"] for one in planned[:5]}
    said = 'ValidationException: Could not find endpoint "churn". (DescribeEndpoint)'
    assert found[ENDPOINT, "exists"] == ("exists", said)


def test_denied_access_is_a_finding(live: Live, planned: list[Answer]) -> None:
    def denied(request: Answer) -> Answer:
        raise Refusal("AccessDeniedException", "not authorized to perform sagemaker:DescribeEndpoint")

    live.DescribeEndpoint = denied  # type: ignore[method-assign]
    found = differences(verify("local-serving", state(*planned), live.session()))
    said = "AccessDeniedException: not authorized to perform sagemaker:DescribeEndpoint (DescribeEndpoint)"
    assert found == {(ENDPOINT, "exists"): ("exists", said)}


def test_an_endpoint_url_where_nobody_answers_is_a_finding(
    planned: list[Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{taken.getsockname()[1]}")
        monkeypatch.setattr(subject, "QUICK", Config(retries={"total_max_attempts": 1}))
        session = boto3.session.Session("test", "test", region_name="eu-west-1")
        found = differences(verify("local-serving", state(*planned[:1]), session))
    assert found[ENDPOINT, "exists"][1].startswith("Could not connect to the endpoint URL")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [("AWS_ENDPOINT_URL", "no-url", "Invalid endpoint"), ("AWS_REGION", "eu west 1", "eu west 1")],
)
def test_a_session_that_leads_nowhere_is_a_finding(
    planned: list[Answer], monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    region = None if name == "AWS_REGION" else "eu-west-1"
    monkeypatch.setenv("AWS_DEFAULT_REGION", value)
    session = boto3.session.Session("test", "test", region_name=region)
    found = differences(verify("local-serving", state(*planned[:1]), session))
    assert said in found[ENDPOINT, "exists"][1]


def test_a_session_without_a_region_is_a_finding(
    planned: list[Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    found = differences(verify("local-serving", state(*planned[:1]), boto3.session.Session("test", "test")))
    assert found[ENDPOINT, "exists"][1] == "sagemaker: You must specify a region."


@contextmanager
def babbler(body: bytes) -> Iterator[str]:
    """A server that answers everything alike, as a captive proxy does."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("body", "check", "said"),
    [
        (b"<html>Welcome</html>", "status", "none"),
        (b"[]", "exists", "not an answer of AWS: "),
        (b'{"ProductionVariants": 5}', "exists", "not an answer of AWS: "),
        (b'{"CreationTime": "yesterday"}', "exists", "not an answer of AWS: Invalid timestamp"),
    ],
)
def test_an_answer_that_is_not_of_aws_is_a_finding(
    planned: list[Answer], monkeypatch: pytest.MonkeyPatch, body: bytes, check: str, said: str
) -> None:
    with babbler(body) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        session = boto3.session.Session("test", "test", region_name="eu-west-1")
        found = differences(verify("local-serving", state(planned[0]), session))
    assert found[ENDPOINT, check][1].startswith(said)


def test_a_state_in_which_nothing_is_deployed_is_a_finding(live: Live) -> None:
    found = verify("local-serving", {"format_version": "1.0"}, live.session())
    assert [str(one) for one in found] == ["local-serving: local-serving: state: planned applied, live empty"]
    assert not found[0].ok


def test_a_stack_without_resources_has_no_state_and_that_is_well(live: Live) -> None:
    assert verify("local-serving", {"format_version": "1.0"}, live.session(), empty=True) == ()


@pytest.mark.parametrize(
    ("document", "got"),
    [
        ({"format_version": "1.2", "planned_values": {}}, "a plan"),
        ({"version": 4, "serial": 1}, "a mapping of version, serial"),
        ({}, "a mapping of nothing"),
    ],
)
def test_a_document_that_is_no_state_is_refused(live: Live, document: Answer, got: str) -> None:
    with pytest.raises(SagewrightError, match=f"local-serving: state: supply .* got {got}$"):
        verify("local-serving", document, live.session())


def test_a_finding_is_plain_data_for_programs(live: Live, planned: list[Answer]) -> None:
    found = verify("local-serving", state(*planned[4:5]), live.session())
    assert json.loads(json.dumps([one.to_dict() for one in found]))[1] == {
        "stack": "local-serving",
        "address": "aws_sagemaker_model_package_group.churn",
        "check": "status",
        "expected": "Completed",
        "live": "Completed",
        "ok": True,
    }


def shown(findings: tuple[Finding, ...]) -> list[str]:
    output = io.StringIO()
    show(findings, Console(file=output, width=20))
    return output.getvalue().splitlines()


def test_differences_are_shown_first_with_both_sides(live: Live, planned: list[Answer]) -> None:
    planned[4]["address"] = 'aws_sagemaker_model_package_group.churn["[red]"]'
    planned[0]["address"] = 'aws_sagemaker_endpoint.churn["[red]"]'
    live.endpoints["churn"]["ProductionVariants"][1] |= {"CurrentWeight": 50.0, "DesiredWeight": 50.0}
    lines = shown(verify("local-serving", state(*planned), live.session()))
    assert lines[:3] == [
        f"✗ local-serving {planned[0]['address']}: variant challenger weight",
        "    planned  10",
        "    live     50",
    ]
    assert f"✓ local-serving {planned[4]['address']}  exists, status Completed" in lines
    assert len(lines) == 3 + 4


ACCOUNT_ID, REGION = "111122223333", "eu-west-1"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
        }
    ],
}


@pytest.fixture
def aws(empty_aws: Running, monkeypatch: pytest.MonkeyPatch) -> boto3.session.Session:
    """An empty account on the embedded AWS."""
    administer(empty_aws, "/moto-api/state-manager/unset-transition", model_name="sagemaker::endpoint")
    for name, value in empty_aws.environment(ACCOUNT_ID, REGION).items():
        monkeypatch.setenv(name, value)
    return boto3.session.Session()


def administer(running: Running, path: str, **document: Any) -> None:
    request = Request(f"{running.url}{path}", data=json.dumps(document).encode(), method="POST")
    request.add_header("Content-Type", "application/json")
    with urlopen(request) as answer:
        assert answer.status in (200, 201)


def serve(aws: boto3.session.Session) -> Any:
    """Make the endpoint of the fixture `planned`, and return the client."""
    sagemaker: Any = aws.client("sagemaker")
    role = aws.client("iam").create_role(RoleName="model", AssumeRolePolicyDocument=json.dumps(TRUST))
    for name in ("champion", "challenger"):
        sagemaker.create_model(
            ModelName=f"acme-local-{name}",
            ExecutionRoleArn=role["Role"]["Arn"],
            EnableNetworkIsolation=True,
            PrimaryContainer={"Image": IMAGE},
        )
    configure(sagemaker, OLD, 50)
    sagemaker.create_endpoint(EndpointName="churn", EndpointConfigName=OLD)
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="churn")
    sagemaker.create_model_package_group(ModelPackageGroupName="acme-local-churn")
    aws.client("application-autoscaling").register_scalable_target(
        ServiceNamespace="sagemaker",
        ResourceId="endpoint/churn/variant/champion",
        ScalableDimension="sagemaker:variant:DesiredInstanceCount",
        MinCapacity=2,
        MaxCapacity=4,
    )
    return sagemaker


def configure(sagemaker: Any, name: str, weight: int) -> None:
    variants = [configured("champion", weight, 2), configured("challenger", 100 - weight, 1)]
    sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[{**one, "InstanceType": "ml.m5.large"} for one in variants],
    )


def test_an_update_on_the_embedded_aws_is_waited_for_and_is_as_planned(
    aws: boto3.session.Session, empty_aws: Running, planned: list[Answer]
) -> None:
    sagemaker = serve(aws)
    configure(sagemaker, NEW, 90)
    transition = {"progression": "manual", "times": 4}
    administer(
        empty_aws,
        "/moto-api/state-manager/set-transition",
        model_name="sagemaker::endpoint",
        transition=transition,
    )
    sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName=NEW)
    assert sagemaker.describe_endpoint(EndpointName="churn")["EndpointStatus"] == "Updating"
    found = verify("local-serving", state(*planned), aws)
    assert not differences(found)
    assert ("status", "InService") in {(one.check, one.live) for one in found}


def test_a_roll_back_on_the_embedded_aws_is_found(
    aws: boto3.session.Session, empty_aws: Running, planned: list[Answer]
) -> None:
    sagemaker = serve(aws)
    configure(sagemaker, NEW, 90)
    administer(empty_aws, "/sagewright/faults", operation="UpdateEndpoint", reason="no ping")
    sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName=NEW)
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="churn")
    sagemaker.delete_endpoint_config(EndpointConfigName=OLD)
    found = differences(verify("local-serving", state(*planned), aws))
    assert set(found) == {
        (ENDPOINT, "endpoint_config_name"),
        (ENDPOINT, "live configuration"),
        (ENDPOINT, "variant champion weight"),
        (ENDPOINT, "variant challenger weight"),
    }
    expected, said = found[ENDPOINT, "endpoint_config_name"]
    assert expected == NEW
    assert said.startswith(f"{OLD}: SageMaker rolled the update back")
    assert said.endswith("FailureReason: no ping")


def test_denied_access_on_the_embedded_aws_is_a_finding(
    aws: boto3.session.Session, empty_aws: Running, planned: list[Answer]
) -> None:
    serve(aws)
    fault = {"operation": "DescribeModel", "code": "AccessDeniedException", "reason": "not authorized"}
    administer(empty_aws, "/sagewright/faults", **fault)
    found = differences(verify("local-serving", state(planned[2]), aws))
    assert found == {
        ("aws_sagemaker_model.champion", "exists"): (
            "exists",
            "AccessDeniedException: not authorized (DescribeModel)",
        )
    }


@pytest.mark.local
def test_a_roll_back_that_terraform_takes_for_a_success_is_found(
    aws: boto3.session.Session, empty_aws: Running, tmp_path: Path
) -> None:
    """The provider writes the old name into the state: the state alone would agree with what is live."""
    variant_ = {"variant_name": "champion", "model_name": "${aws_sagemaker_model.champion.name}"}
    size = {"instance_type": "ml.m5.large", "initial_instance_count": 2}
    configuration = {
        "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws"}}},
        "provider": {"aws": {"region": REGION}},
        "variable": {"weight": {"default": 90}, "plan_gate": {"default": ""}},
        "resource": {
            "aws_iam_role": {"model": {"name": "model", "assume_role_policy": json.dumps(TRUST)}},
            "aws_sagemaker_model": {
                "champion": {
                    "name": "acme-local-champion",
                    "execution_role_arn": "${aws_iam_role.model.arn}",
                    "primary_container": {"image": IMAGE},
                }
            },
            "aws_sagemaker_endpoint_configuration": {
                "churn": {
                    "name_prefix": "churn-",
                    "production_variants": [{**variant_, **size, "initial_variant_weight": "${var.weight}"}],
                    "lifecycle": {"create_before_destroy": True},
                }
            },
            "aws_sagemaker_endpoint": {
                "churn": {
                    "name": "churn",
                    "endpoint_config_name": "${aws_sagemaker_endpoint_configuration.churn.name}",
                }
            },
        },
    }
    (tmp_path / "cdk.tf.json").write_text(json.dumps(configuration))
    project = Project(root=ROOT)
    providers = Providers()
    variables = embedded(project.variables(), empty_aws.environment(ACCOUNT_ID, REGION))
    terraform = Terraform(project, tmp_path, variables, providers=providers)

    def apply(weight: int) -> Answer:
        terraform.plan(tmp_path / "tfplan", f"-var=weight={weight}")
        terraform.apply(tmp_path / "tfplan")
        return terraform.show()

    terraform.init()
    applied = apply(90)
    assert not differences(verify("local-serving", applied, aws))
    administer(empty_aws, "/sagewright/faults", operation="UpdateEndpoint", reason="no ping")
    rolled_back = apply(80)
    names = {
        one["address"]: one["values"]["name"] for one in rolled_back["values"]["root_module"]["resources"]
    }
    endpoint = aws.client("sagemaker").describe_endpoint(EndpointName="churn")
    assert endpoint["EndpointConfigName"] != names[CONFIGURATION]
    found = differences(verify("local-serving", rolled_back, aws))
    expected, said = found[ENDPOINT, "endpoint_config_name"]
    assert expected == names[CONFIGURATION]
    assert said.startswith(f"{endpoint['EndpointConfigName']}: SageMaker rolled the update back")
    assert found[ENDPOINT, "variant champion weight"] == ("80", "90")
    state_name = next(
        one["values"]["endpoint_config_name"]
        for one in rolled_back["values"]["root_module"]["resources"]
        if one["address"] == ENDPOINT
    )
    assert state_name == endpoint["EndpointConfigName"], "the provider no longer hides the roll-back"
    providers.close()


def test_what_aws_says_is_shown_as_it_is(live: Live, planned: list[Answer]) -> None:
    document = roll_back(live, planned, "container [red]exited[/red] with [0]")
    lines = shown(verify("local-serving", document, live.session()))
    assert lines[2].endswith("FailureReason: container [red]exited[/red] with [0]")
