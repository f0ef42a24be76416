"""Plan rules at their edges: relations by name and by reference, kinds of endpoints, unknown values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from policies.plan.model import Change, Planned, Resource, Template, Undecided, Unknown
from sagewright.gate import rules
from sagewright.gate.catalog import POLICIES

RULES = rules.own_rules(POLICIES)


def resource(address: str, values: Mapping[str, Any], stack: str = "prod-serving") -> Resource:
    type_, name = address.split(".")
    change = Change(stack=stack, address=address, type=type_, actions=("create",))
    return Resource(
        stack=stack, address=address, type=type_, name=name, module="", values=values, change=change
    )


def ask(rule: str, *resources: Resource) -> tuple[str, str]:
    """Return what a rule says of the first resource, among all of them."""
    verdict = rules.ask(RULES[rule], resources[0], Planned(resources))
    return verdict.state, verdict.message


def variant(name: str = "champion", **arguments: Any) -> dict[str, Any]:
    return {
        "variant_name": name,
        "model_name": "churn",
        "instance_type": "ml.m5.large",
        "initial_instance_count": 2,
        "serverless_config": [],
        **arguments,
    }


def configuration(*variants: Any, name: str = "churn", **arguments: Any) -> Resource:
    values = {
        "name": f"{name}-1",
        "production_variants": list(variants),
        "async_inference_config": [],
        **arguments,
    }
    return resource(f"aws_sagemaker_endpoint_configuration.{name}", values)


def endpoint(name: str = "churn", configuration_name: Any = "churn-1") -> Resource:
    values = {"name": name, "endpoint_config_name": configuration_name}
    return resource(f"aws_sagemaker_endpoint.{name}", values)


def target(variant_name: str = "champion", endpoint_name: str = "churn", **arguments: Any) -> Resource:
    values = {
        "resource_id": f"endpoint/{endpoint_name}/variant/{variant_name}",
        "scalable_dimension": "sagemaker:variant:DesiredInstanceCount",
        "min_capacity": 2,
        **arguments,
    }
    return resource(f"aws_appautoscaling_target.{endpoint_name}_{variant_name}", values)


def policy(variant_name: str = "champion", **arguments: Any) -> Resource:
    values = {"resource_id": f"endpoint/churn/variant/{variant_name}", **arguments}
    return resource(f"aws_appautoscaling_policy.{variant_name}", values)


INSTANCES = "SW_ENDPOINT_INSTANCES"


@pytest.mark.parametrize(
    ("variants", "state"),
    [
        ([variant()], "pass"),
        ([variant(initial_instance_count=1)], "fail"),
        ([variant(initial_instance_count=1), variant("challenger", initial_instance_count=1)], "pass"),
        ([variant(initial_instance_count=0)], "fail"),
        ([variant(initial_instance_count=None)], "fail"),
        ([], "fail"),
        ([variant(initial_instance_count=Unknown())], "unknown"),
        ([variant(initial_instance_count=None, serverless_config=[{"max_concurrency": 5}])], "pass"),
    ],
)
def test_instances_are_counted_over_all_variants(variants: list[Any], state: str) -> None:
    assert ask(INSTANCES, configuration(*variants))[0] == state


def test_asynchronous_endpoints_may_have_no_instance() -> None:
    queued = configuration(variant(initial_instance_count=1), async_inference_config=[{"output_config": []}])
    assert ask(INSTANCES, queued)[0] == "pass"


def test_the_minimum_of_scaling_counts_where_it_is_lower() -> None:
    low = [configuration(variant(initial_instance_count=3)), endpoint(), target(min_capacity=1)]
    assert ask(INSTANCES, *low) == (
        "fail",
        "1 instance at the lowest over all variants (champion 1), expected at least 2",
    )
    assert ask(INSTANCES, low[0], low[1], target(min_capacity=2))[0] == "pass"


def test_the_minimum_of_scaling_does_not_make_up_for_a_lower_count() -> None:
    few = configuration(variant(initial_instance_count=1))
    assert ask(INSTANCES, few, endpoint(), target(min_capacity=2))[0] == "fail"


def test_scaling_of_another_endpoint_does_not_count() -> None:
    others = [endpoint("other", "other-1"), target(endpoint_name="other", min_capacity=1)]
    assert ask(INSTANCES, configuration(variant()), *others)[0] == "pass"


SCALING = "SW_ENDPOINT_SCALING"


def test_a_variant_with_target_and_policy_scales() -> None:
    assert ask(SCALING, endpoint(), configuration(variant()), target(), policy()) == ("pass", "")


def test_every_variant_must_scale() -> None:
    found = ask(SCALING, endpoint(), configuration(variant(), variant("challenger")), target(), policy())
    assert found == ("fail", "variant challenger has no scalable target")


def test_a_target_without_a_policy_does_not_scale() -> None:
    found = ask(SCALING, endpoint(), configuration(variant()), target())
    assert found == ("fail", "variant champion has a scalable target without a scaling policy")


def test_a_target_of_another_dimension_does_not_count() -> None:
    other = target(scalable_dimension="sagemaker:variant:DesiredProvisionedConcurrency")
    assert ask(SCALING, endpoint(), configuration(variant()), other, policy())[0] == "fail"


def test_a_burstable_type_cannot_scale() -> None:
    found = ask(SCALING, endpoint(), configuration(variant(instance_type="ml.t2.medium")), target(), policy())
    assert found == ("fail", "variant champion is of the burstable type ml.t2.medium, which cannot scale")


def test_serverless_variants_scale_by_themselves() -> None:
    serverless = variant(instance_type=None, serverless_config=[{"max_concurrency": 5}])
    assert ask(SCALING, endpoint(), configuration(serverless))[0] == "pass"


def test_names_that_are_not_known_yet_are_followed_by_reference() -> None:
    by_reference = endpoint(configuration_name=Template("${aws_sagemaker_endpoint_configuration.churn.name}"))
    later = configuration(variant(), name="churn")
    later.values["name"] = Unknown(computed=True)  # type: ignore[index]
    scaled = target(resource_id=Template("endpoint/${aws_sagemaker_endpoint.churn.name}/variant/champion"))
    policed = policy(resource_id=Template("${aws_appautoscaling_target.churn_champion.resource_id}"))
    assert ask(SCALING, by_reference, later, scaled, policed) == ("pass", "")


def test_a_configuration_in_another_stack_is_found_by_name_only() -> None:
    elsewhere = resource(
        "aws_sagemaker_endpoint_configuration.churn",
        {"name": "churn-1", "production_variants": [variant()]},
        stack="prod-training",
    )
    assert ask(SCALING, endpoint(), elsewhere, target(), policy())[0] == "pass"
    by_reference = endpoint(configuration_name=Template("${aws_sagemaker_endpoint_configuration.churn.name}"))
    assert ask(SCALING, by_reference, elsewhere)[0] == "unknown"


def test_a_configuration_that_is_in_no_plan_leaves_it_unknown() -> None:
    assert ask(SCALING, endpoint()) == ("unknown", "endpoint_config_name is known only after apply")


def test_what_is_unknown_of_another_resource_is_said_with_its_address() -> None:
    found = ask(SCALING, endpoint(), configuration(variant()), target(resource_id=Unknown()))
    assert found == (
        "unknown",
        "resource_id of aws_appautoscaling_target.churn_champion is known only after apply",
    )


def model(**arguments: Any) -> Resource:
    values = {"name": "churn", "enable_network_isolation": True, "vpc_config": [], **arguments}
    return resource("aws_sagemaker_model.churn", values)


@pytest.mark.parametrize(
    ("value", "state"), [(True, "pass"), (False, "fail"), (None, "fail"), (Unknown(), "unknown")]
)
def test_network_isolation_must_be_on(value: Any, state: str) -> None:
    assert ask("SW_MODEL_ISOLATION", model(enable_network_isolation=value))[0] == state


@pytest.mark.parametrize(
    ("vpc", "state"),
    [
        ([{"subnets": ["subnet-1"], "security_group_ids": ["sg-1"]}], "pass"),
        ([{"subnets": [], "security_group_ids": ["sg-1"]}], "fail"),
        ([{"subnets": ["subnet-1"], "security_group_ids": []}], "fail"),
        ([{"subnets": Unknown(("aws_subnet.a",)), "security_group_ids": ["sg-1"]}], "pass"),
        ([{"subnets": Unknown(), "security_group_ids": ["sg-1"]}], "unknown"),
        (Unknown(), "unknown"),
        ([], "fail"),
    ],
)
def test_a_model_needs_subnets_and_security_groups(vpc: Any, state: str) -> None:
    assert ask("SW_MODEL_VPC", model(vpc_config=vpc))[0] == state


@pytest.mark.parametrize("rule", ["SW_MODEL_ISOLATION", "SW_MODEL_VPC"])
def test_a_model_for_serverless_only_is_excused_and_one_that_serves_both_is_not(rule: str) -> None:
    open_model = model(enable_network_isolation=False)
    serverless = configuration(variant(serverless_config=[{}]), name="rare")
    assert ask(rule, open_model, serverless)[0] == "pass"
    assert ask(rule, open_model, serverless, configuration(variant()))[0] == "fail"


TAGS = dict.fromkeys(("Organization", "Environment", "Stack", "Owner", "CostCenter", "ManagedBy"), "x")


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        (TAGS, ("pass", "")),
        ({**TAGS, "More": "y"}, ("pass", "")),
        ({**TAGS, "Owner": ""}, ("fail", "without the tag Owner")),
        ({}, ("fail", f"without the tags {', '.join(TAGS)}")),
        (None, ("fail", f"without the tags {', '.join(TAGS)}")),
        ({**TAGS, "Owner": Unknown()}, ("unknown", "tags_all.Owner is known only after apply")),
        (
            {"Owner": Unknown()},
            ("fail", "without the tags Organization, Environment, Stack, CostCenter, ManagedBy"),
        ),
        (Unknown(), ("unknown", "tags_all is known only after apply")),
    ],
)
def test_every_required_tag_must_have_a_value(tags: Any, found: tuple[str, str]) -> None:
    assert ask("SW_TAGS", resource("aws_vpc.a", {"tags_all": tags})) == found


def bucket(name: str = "data") -> Resource:
    return resource(f"aws_s3_bucket.{name}", {"bucket": name})


def logging(source: Any, destination: Any) -> Resource:
    return resource("aws_s3_bucket_logging.data", {"bucket": source, "target_bucket": destination})


def encryption(algorithm: str, key: Any) -> Resource:
    by_default = {"sse_algorithm": algorithm, "kms_master_key_id": key}
    return resource(
        "aws_s3_bucket_server_side_encryption_configuration.data",
        {"bucket": "data", "rule": [{"apply_server_side_encryption_by_default": [by_default]}]},
    )


@pytest.mark.parametrize(
    ("algorithm", "key", "state"),
    [
        ("aws:kms", "arn:aws:kms:eu-central-1:111122223333:key/x", "pass"),
        ("aws:kms:dsse", "arn:aws:kms:eu-central-1:111122223333:key/x", "pass"),
        ("aws:kms", Unknown(("aws_kms_key.data",)), "pass"),
        ("aws:kms", "", "fail"),
        ("aws:kms", None, "fail"),
        ("AES256", "", "fail"),
    ],
)
def test_a_bucket_needs_a_key_of_ours(algorithm: str, key: Any, state: str) -> None:
    assert ask("SW_BUCKET_KMS", bucket(), encryption(algorithm, key))[0] == state


def test_a_bucket_without_encryption_fails_unless_it_receives_access_logs() -> None:
    assert ask("SW_BUCKET_KMS", bucket())[0] == "fail"
    assert ask("SW_BUCKET_KMS", bucket(), bucket("source"), logging("source", "data"))[0] == "pass"


def test_a_bucket_that_logs_to_itself_is_not_excused() -> None:
    assert ask("SW_BUCKET_KMS", bucket(), logging("data", "data"))[0] == "fail"


def test_a_bucket_is_logged_or_receives_the_logs() -> None:
    assert ask("SW_BUCKET_ACCESS_LOG", bucket())[0] == "fail"
    assert ask("SW_BUCKET_ACCESS_LOG", bucket(), bucket("logs"), logging("data", "logs"))[0] == "pass"
    assert ask("SW_BUCKET_ACCESS_LOG", bucket("logs"), bucket(), logging("data", "logs"))[0] == "pass"
    by_reference = logging(Template("${aws_s3_bucket.data.id}"), "logs")
    assert ask("SW_BUCKET_ACCESS_LOG", bucket(), by_reference)[0] == "pass"


def test_an_argument_that_may_mean_any_bucket_means_none() -> None:
    assert ask("SW_BUCKET_ACCESS_LOG", bucket(), logging(Unknown(), "logs"))[0] == "fail"


@pytest.mark.parametrize("argument", ["force_destroy", "force_delete"])
def test_content_may_not_be_deleted_with_its_container(argument: str) -> None:
    assert ask("SW_STATEFUL_FORCE_DESTROY", resource("aws_s3_bucket.a", {argument: True}))[0] == "fail"
    assert ask("SW_STATEFUL_FORCE_DESTROY", resource("aws_s3_bucket.a", {argument: False}))[0] == "pass"
    assert (
        ask("SW_STATEFUL_FORCE_DESTROY", resource("aws_s3_bucket.a", {argument: Unknown()}))[0] == "unknown"
    )


def test_undecided_says_of_what() -> None:
    assert str(Undecided("a.b", "aws_x.s")) == "aws_x.s: a.b"


def test_two_names_that_are_not_set_are_not_the_same() -> None:
    nameless = configuration(variant())
    nameless.values["name"] = None  # type: ignore[index]
    assert ask(SCALING, endpoint(configuration_name=None), nameless)[0] == "unknown"
