"""Plan rules at their edges: relations by name and by reference, kinds of endpoints, unknown values."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import pytest

from policies.plan.model import (
    DEFAULTS,
    Change,
    Limits,
    Planned,
    Resource,
    Template,
    Unanswered,
    Undecided,
    Unknown,
)
from sagewright.gate import rules
from sagewright.gate.catalog import POLICIES

RULES = rules.own_rules(POLICIES)


def resource(address: str, values: Mapping[str, Any], stack: str = "prod-serving") -> Resource:
    type_, name = address.split(".")
    change = Change(stack=stack, address=address, type=type_, actions=("create",))
    return Resource(
        stack=stack, address=address, type=type_, name=name, module="", values=values, change=change
    )


def ask(rule: str, *resources: Resource, limits: Limits = DEFAULTS) -> tuple[str, str]:
    """Return what a rule says of the first resource, among all of them."""
    verdict = rules.ask(RULES[rule], resources[0], Planned(resources, limits=limits))
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
        ([{"subnets": Unknown(("aws_subnet.a.id",)), "security_group_ids": ["sg-1"]}], "pass"),
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
        ("aws:kms", Unknown(("aws_kms_key.data.arn",)), "pass"),
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


def test_an_argument_that_may_mean_any_bucket_leaves_it_unknown() -> None:
    assert ask("SW_BUCKET_ACCESS_LOG", bucket(), logging(Unknown(), "logs"))[0] == "unknown"
    assert ask("SW_BUCKET_KMS", bucket(), bucket("source"), logging("source", Unknown()))[0] == "unknown"


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


ARN = "arn:aws:kms:eu-central-1:111122223333:"
OF_AWS = ["alias/aws/s3", f"{ARN}alias/aws/s3", f"{ARN}key/of-aws"]


def online(key: Any, **arguments: Any) -> dict[str, Any]:
    return {"enable_online_store": True, "security_config": [{"kms_key_id": key}], **arguments}


def results(option: Any, key: Any) -> dict[str, Any]:
    encryption = {"encryption_option": option, "kms_key_arn": key}
    return {"result_configuration": [{"encryption_configuration": [encryption]}]}


@pytest.mark.parametrize(
    ("key", "state"),
    [
        *((key, "fail") for key in OF_AWS),
        (f"{ARN}key/ours", "pass"),
        ("alias/ours", "pass"),
        (Template("${aws_kms_key.ours.arn}"), "pass"),
        (Unknown(("aws_kms_key.ours.arn",)), "pass"),
        (Template("${terraform_data.it.output}"), "unknown"),
        (Unknown(("terraform_data.it.output",)), "unknown"),
        (Template("alias/aws/${aws_kms_key.ours.id}"), "unknown"),
        (Unknown(("aws_kms_key.ours.policy",)), "unknown"),
        (Unknown(computed=True), "fail"),
    ],
)
def test_a_key_of_ours_is_the_same_everywhere(key: Any, state: str) -> None:
    capture = [{"kms_key_id": key}]
    by_default = {"sse_algorithm": "aws:kms", "kms_master_key_id": key}
    planned = Planned(
        (
            configuration(variant(), kms_key_arn=key, data_capture_config=capture),
            bucket(),
            resource(
                "aws_s3_bucket_server_side_encryption_configuration.a",
                {"bucket": "data", "rule": [{"apply_server_side_encryption_by_default": [by_default]}]},
            ),
            resource("aws_cloudwatch_log_group.a", {"kms_key_id": key}),
            resource(
                "aws_ecr_repository.a",
                {"encryption_configuration": [{"encryption_type": "KMS", "kms_key": key}]},
            ),
            resource("aws_ssm_parameter.a", {"type": "SecureString", "key_id": key}),
            resource("aws_sagemaker_domain.a", {"kms_key_id": key}),
            resource("aws_sagemaker_feature_group.a", {"online_store_config": [online(key)]}),
            resource("aws_athena_workgroup.a", {"configuration": [results("SSE_KMS", key)]}),
            resource("aws_sns_topic.a", {"kms_master_key_id": key}),
            resource(
                "aws_sfn_state_machine.a",
                {"encryption_configuration": [{"type": "CUSTOMER_MANAGED_KMS_KEY", "kms_key_id": key}]},
            ),
        ),
        aws_keys=frozenset({f"{ARN}key/of-aws"}),
    )
    for rule, subject in (
        ("SW_ENDPOINT_KMS", planned.resources[0]),
        ("SW_ENDPOINT_OUTPUT_KMS", planned.resources[0]),
        ("SW_BUCKET_KMS", planned.resources[1]),
        ("SW_LOG_KMS", planned.resources[3]),
        ("SW_REPOSITORY_KMS", planned.resources[4]),
        ("SW_PARAMETER_KMS", planned.resources[5]),
        ("SW_STUDIO_KMS", planned.resources[6]),
        ("SW_FEATURE_STORE_KMS", planned.resources[7]),
        ("SW_QUERY_KMS", planned.resources[8]),
        ("SW_WORKFLOW_KMS", planned.resources[9]),
        ("SW_WORKFLOW_KMS", planned.resources[10]),
    ):
        assert rules.ask(RULES[rule], subject, planned).state == state, rule


def scheduled(**bounds: Any) -> Resource:
    values = {"resource_id": "endpoint/churn/variant/champion", "scalable_target_action": [bounds]}
    return resource("aws_appautoscaling_scheduled_action.night", values)


@pytest.mark.parametrize(
    ("bounds", "state"),
    [
        ({"min_capacity": "2", "max_capacity": "9"}, "pass"),
        ({"min_capacity": None, "max_capacity": ""}, "pass"),
        ({"min_capacity": 0}, "fail"),
        ({"max_capacity": "1"}, "fail"),
        ({"min_capacity": Unknown()}, "unknown"),
    ],
)
def test_a_scheduled_action_does_not_go_below_the_minimum(bounds: Any, state: str) -> None:
    rest = [target(), policy(), scheduled(**bounds)]
    assert ask(INSTANCES, configuration(variant()), endpoint(), *rest)[0] == state
    assert ask(SCALING, endpoint(), configuration(variant()), *rest)[0] == state


def test_a_scheduled_action_of_another_target_does_not_count() -> None:
    other = scheduled(min_capacity=0)
    other.values["resource_id"] = "endpoint/other/variant/champion"  # type: ignore[index]
    assert ask(INSTANCES, configuration(variant()), endpoint(), target(), other)[0] == "pass"
    other.values["resource_id"] = Unknown()  # type: ignore[index]
    assert ask(INSTANCES, configuration(variant()), endpoint(), target(), other)[0] == "unknown"


MONITOR = "SW_ENDPOINT_MONITOR"
DEFINITION = "aws_sagemaker_data_quality_job_definition"


def job_definition(endpoint_name: Any = "churn", **inputs: Any) -> Resource:
    source = [{"endpoint_name": endpoint_name}]
    values = {"name": "churn-data", "data_quality_job_input": [{"endpoint_input": source, **inputs}]}
    return resource(f"{DEFINITION}.churn", values)


def monitoring(definition_name: Any = "churn-data") -> Resource:
    config = [{"monitoring_job_definition_name": definition_name}]
    return resource("aws_sagemaker_monitoring_schedule.churn", {"monitoring_schedule_config": config})


REFERENCES = {
    "endpoint": Unknown(("aws_sagemaker_endpoint.churn.id",)),
    "definition": Template(f"${{{DEFINITION}.churn.name}}"),
}


@pytest.mark.parametrize(
    ("others", "state"),
    [
        ([], "fail"),
        ([job_definition()], "fail"),
        ([job_definition(), monitoring()], "pass"),
        ([job_definition(REFERENCES["endpoint"]), monitoring(REFERENCES["definition"])], "pass"),
        ([job_definition("fraud"), monitoring()], "fail"),
        ([job_definition(), monitoring("other")], "fail"),
        ([job_definition(endpoint_input=[]), monitoring()], "fail"),
        ([job_definition(Unknown()), monitoring()], "unknown"),
        ([job_definition(), monitoring(Unknown())], "unknown"),
    ],
)
def test_a_schedule_counts_for_the_endpoint_that_its_definition_names(
    others: list[Resource], state: str
) -> None:
    assert ask(MONITOR, endpoint(), configuration(variant()), *others)[0] == state


def test_endpoints_that_no_schedule_can_monitor_need_none() -> None:
    serverless = variant(initial_instance_count=None, serverless_config=[{"max_concurrency": 5}])
    assert ask(MONITOR, endpoint(), configuration(serverless))[0] == "pass"
    queued = configuration(variant(), async_inference_config=[{"output_config": []}])
    assert ask(MONITOR, endpoint(), queued)[0] == "pass"


QUEUE = "SW_ENDPOINT_QUEUE"
QUEUED = configuration(variant(), async_inference_config=[{"output_config": []}])
WAKING = policy(
    arn="arn:policy",
    step_scaling_policy_configuration=[{"step_adjustment": [{"scaling_adjustment": 1}]}],
)


def alarm(actions: Any, metric_name: str = "HasBacklogWithoutCapacity") -> Resource:
    values = {"metric_name": metric_name, "alarm_actions": actions}
    return resource("aws_cloudwatch_metric_alarm.waking", values)


@pytest.mark.parametrize(
    ("actions", "state"),
    [
        (["arn:policy"], "pass"),
        (["arn:other"], "fail"),
        (None, "fail"),
        (Unknown(references=("aws_appautoscaling_policy.champion.arn",)), "pass"),
        ([Unknown(references=("aws_appautoscaling_policy.champion.arn",))], "pass"),
        (Unknown(references=("aws_appautoscaling_policy.other.arn",)), "fail"),
        (Unknown(), "unknown"),
    ],
)
def test_an_endpoint_that_may_have_no_instance_is_woken(actions: Any, state: str) -> None:
    rest = [QUEUED, target(min_capacity=0), WAKING, alarm(actions)]
    assert ask(QUEUE, endpoint(), *rest)[0] == state


@pytest.mark.parametrize(
    "rest",
    [
        [WAKING],
        [WAKING, alarm(["arn:policy"], metric_name="ApproximateBacklogSize")],
        [policy(arn="arn:policy"), alarm(["arn:policy"])],
    ],
    ids=["no alarm", "an alarm on another metric", "a policy that adds nothing"],
)
def test_what_does_not_wake_an_endpoint_does_not_count(rest: list[Resource]) -> None:
    found = ask(QUEUE, endpoint(), QUEUED, target(min_capacity=0), *rest)
    assert found == (
        "fail",
        "variant champion may have no instance, and no alarm on HasBacklogWithoutCapacity adds one",
    )


def test_an_endpoint_that_keeps_an_instance_or_is_not_scaled_need_not_be_woken() -> None:
    assert ask(QUEUE, endpoint(), QUEUED, target(min_capacity=1)) == ("pass", "")
    assert ask(QUEUE, endpoint(), QUEUED) == ("pass", "")
    assert ask(QUEUE, endpoint(), configuration(variant()), target(min_capacity=0)) == ("pass", "")
    assert ask(QUEUE, endpoint(configuration_name=Unknown()))[0] == "unknown"


def test_an_action_that_takes_the_last_instance_needs_waking_too() -> None:
    night = scheduled(min_capacity="0", max_capacity="1")
    assert ask(QUEUE, endpoint(), QUEUED, target(min_capacity=1), night)[0] == "fail"


def test_invocations_per_instance_do_not_scale_an_asynchronous_endpoint() -> None:
    metric = [{"predefined_metric_type": "SageMakerVariantInvocationsPerInstance"}]
    tracking = policy(
        target_tracking_scaling_policy_configuration=[{"predefined_metric_specification": metric}]
    )
    found = ask(QUEUE, endpoint(), QUEUED, target(), tracking)
    assert found == (
        "fail",
        "variant champion is scaled by SageMakerVariantInvocationsPerInstance, which an asynchronous "
        "endpoint lacks",
    )


@pytest.mark.parametrize("key", [None, "", "arn:aws:kms:eu-central-1:111122223333:key/1", Unknown()])
def test_a_serverless_endpoint_takes_no_volume_key(key: Any) -> None:
    serverless = configuration(variant(serverless_config=[{}]), kms_key_arn=key)
    expected = "unknown" if isinstance(key, Unknown) else "fail" if key else "pass"
    assert ask("SW_ENDPOINT_KMS", serverless)[0] == expected


@pytest.mark.parametrize("variants", ["production_variants", "shadow_production_variants"])
def test_core_dumps_have_a_key(variants: str) -> None:
    dumping = variant(core_dump_config=[{"kms_key_id": None}])
    dumped: dict[str, Any] = {variants: [dumping]}
    found = ask("SW_ENDPOINT_OUTPUT_KMS", configuration(**dumped))
    assert found == ("fail", f"{variants}.core_dump_config.kms_key_id is not set")


@pytest.mark.parametrize("rule", ["SW_MODEL_ISOLATION", "SW_MODEL_VPC"])
def test_a_serverless_decoy_does_not_excuse_a_model(rule: str) -> None:
    open_model = model(enable_network_isolation=False)
    decoy = configuration(variant(serverless_config=[{}]), name="decoy")
    hidden = configuration(variant(model_name=Unknown()))
    assert ask(rule, open_model, decoy, hidden)[0] == "unknown"
    shadow = configuration(variant(model_name="other"), shadow_production_variants=[variant()])
    assert ask(rule, open_model, decoy, shadow)[0] == "fail"
    unrelated = configuration(variant(model_name=Unknown(), serverless_config=[{}]))
    assert ask(rule, open_model, decoy, unrelated)[0] == "pass"
    assert ask(rule, open_model, unrelated)[0] == "unknown"
    assert (
        ask(rule, open_model, decoy, configuration(Unknown(), production_variants=Unknown()))[0] == "unknown"
    )


def updated(*names: str, guarded: bool = True, before: Any = "churn-0") -> list[Any]:
    """Return an endpoint that is updated to variants of some names, and its configuration."""
    new = configuration(*(variant(name) for name in names))
    values = {
        "name": "churn",
        "endpoint_config_name": "churn-1",
        "deployment_config": [{"rolling_update_policy": []}] if guarded else [],
    }
    change = Change(
        stack="prod-serving",
        address="aws_sagemaker_endpoint.churn",
        type="aws_sagemaker_endpoint",
        actions=("update",),
        before={"endpoint_config_name": before},
    )
    one = resource("aws_sagemaker_endpoint.churn", values)
    return [dataclasses.replace(one, change=change), new]


OLD = Change(
    stack="prod-serving",
    address="aws_sagemaker_endpoint_configuration.churn",
    type="aws_sagemaker_endpoint_configuration",
    actions=("create", "delete"),
    before={"name": "churn-0", "production_variants": [{"variant_name": "champion"}]},
)


@pytest.mark.parametrize(
    ("resources", "changes", "found"),
    [
        (updated("champion"), [OLD], ("pass", "")),
        (updated("champion", "b"), [OLD], ("fail", "the variants are champion, and b would come")),
        (updated("b"), [OLD], ("fail", "the variants are champion, and b would come, champion would go")),
        (updated("b", guarded=False), [OLD], ("pass", "")),
        (updated("b", before="churn-1"), [OLD], ("pass", "")),
        (updated("b"), [], ("unknown", "endpoint_config_name is known only after apply")),
        ([endpoint(), configuration(variant("b"))], [OLD], ("pass", "")),
    ],
)
def test_a_guarded_update_keeps_the_names_of_variants(
    resources: list[Resource], changes: list[Change], found: tuple[str, str]
) -> None:
    resources[0].values.setdefault("deployment_config", [])  # type: ignore[attr-defined]
    verdict = rules.ask(
        RULES["SW_ENDPOINT_VARIANTS"], resources[0], Planned(tuple(resources), tuple(changes))
    )
    assert (verdict.state, verdict.message) == found


KINDS: dict[str, dict[str, Any]] = {
    "real-time": {"production_variants": [variant()]},
    "serverless": {"production_variants": [variant(serverless_config=[{"max_concurrency": 5}])]},
    "asynchronous": {
        "production_variants": [variant()],
        "async_inference_config": [{"output_config": []}],
    },
}


@pytest.mark.parametrize(
    ("before", "after", "actions", "found"),
    [
        *((kind, kind, ("update",), ("pass", "")) for kind in KINDS),
        *(
            (before, after, ("update",), ("fail", f"is {before}, and cannot be updated to {after}"))
            for before, after in (
                ("real-time", "serverless"),
                ("real-time", "asynchronous"),
                ("asynchronous", "real-time"),
                ("asynchronous", "serverless"),
                ("serverless", "asynchronous"),
            )
        ),
        (
            "serverless",
            "real-time",
            ("update",),
            ("pass", "from serverless to instances, which cannot be taken back"),
        ),
        (
            "serverless",
            "real-time",
            ("delete", "create"),
            ("fail", "is serverless, and is replaced by one that is real-time"),
        ),
        ("real-time", "real-time", ("delete", "create"), ("pass", "")),
        ("real-time", "serverless", ("create",), ("pass", "")),
        ("real-time", "serverless", ("no-op",), ("pass", "")),
    ],
)
def test_an_endpoint_keeps_its_kind(
    before: str, after: str, actions: tuple[str, ...], found: tuple[str, str]
) -> None:
    one, _ = updated("champion")
    changed = dataclasses.replace(one, change=dataclasses.replace(one.change, actions=actions))
    new = configuration(**KINDS[after])
    old = dataclasses.replace(OLD, before={"name": "churn-0", **KINDS[before]})
    verdict = rules.ask(RULES["SW_ENDPOINT_KIND"], changed, Planned((changed, new), (old,)))
    assert (verdict.state, verdict.message) == found


@pytest.mark.parametrize(
    ("resources", "changes", "state"),
    [
        (updated("champion", before="churn-1")[:1], [], "pass"),
        (updated("champion"), [], "unknown"),
        (updated("champion")[:1], [OLD], "unknown"),
        ([updated("champion")[0], configuration(production_variants=Unknown())], [OLD], "unknown"),
    ],
)
def test_the_kind_of_an_endpoint_is_unknown_where_its_configurations_are(
    resources: list[Resource], changes: list[Change], state: str
) -> None:
    planned = Planned(tuple(resources), tuple(changes))
    assert rules.ask(RULES["SW_ENDPOINT_KIND"], resources[0], planned).state == state


GROUP = "arn:aws:sagemaker:eu-central-1:111122223333:model-package/acme-prod-churn"


def registry(arn: str) -> str:
    """Answer of the versions 1 to 3, and of no other."""
    statuses = {"1": "Approved", "2": "PendingManualApproval", "3": "Rejected"}
    number = arn.rpartition("/")[2]
    if number not in statuses:
        raise Unanswered(f"the approval of {arn}", "AccessDenied")
    return statuses[number]


def made_of(*versions: Any, actions: tuple[str, ...] = ("create",)) -> Resource:
    """Return a model that is made of some versions: alone, or as containers in a row."""
    containers = [{"image": None, "model_package_name": one} for one in versions]
    block = "primary_container" if len(versions) == 1 else "container"
    one = resource("aws_sagemaker_model.churn", {block: containers})
    return dataclasses.replace(one, change=dataclasses.replace(one.change, actions=actions))


@pytest.mark.parametrize(
    ("model", "found"),
    [
        (made_of(f"{GROUP}/1"), ("pass", "")),
        (made_of(f"{GROUP}/2"), ("fail", f"{GROUP}/2 is PendingManualApproval")),
        (made_of(f"{GROUP}/3", actions=("create", "delete")), ("fail", f"{GROUP}/3 is Rejected")),
        (made_of(f"{GROUP}/3", actions=("update",)), ("fail", f"{GROUP}/3 is Rejected")),
        (made_of(f"{GROUP}/3", actions=("no-op",)), ("pass", "it stays as it is")),
        (made_of(f"{GROUP}/4"), ("unknown", f"the approval of {GROUP}/4 is not known: AccessDenied")),
        (made_of(f"{GROUP}/1", f"{GROUP}/2"), ("fail", f"{GROUP}/2 is PendingManualApproval")),
        (made_of(f"{GROUP}/4", f"{GROUP}/2"), ("fail", f"{GROUP}/2 is PendingManualApproval")),
        (
            made_of(Unknown()),
            ("unknown", "primary_container[0].model_package_name is known only after apply"),
        ),
        (made_of(""), ("pass", "")),
        (made_of(None), ("pass", "")),
    ],
)
def test_a_model_is_made_of_approved_versions(model: Resource, found: tuple[str, str]) -> None:
    verdict = rules.ask(RULES["SW_MODEL_APPROVAL"], model, Planned((model,), registry=registry))
    assert (verdict.state, verdict.message) == found


def test_an_approval_is_unknown_where_the_registry_is_not_asked() -> None:
    state, message = ask("SW_MODEL_APPROVAL", made_of(f"{GROUP}/1"))
    assert (state, message) == (
        "unknown",
        f"the approval of {GROUP}/1 is not known: the registry was not asked",
    )


def allowed(**members: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", **members}})


@pytest.mark.parametrize(
    ("members", "state"),
    [
        *(({"Action": action}, "fail") for action in ("*", "*:*", "*:Get*", "s3*:Get", ["s3:Get*", "*"])),
        ({"NotAction": "iam:*"}, "fail"),
        ({"Action": ["s3:*", "iam:Get*"]}, "pass"),
        ({"Action": "${terraform_data.it.output}"}, "unknown"),
        ({"Action": "s3:${aws_iam_role.a.name}"}, "unknown"),
        ({"Action": "s3:Get", "Resource": "${terraform_data.it.output}"}, "unknown"),
        ({"Action": "s3:Get", "Resource": "${aws_s3_bucket.a.arn}/*"}, "pass"),
        ({"Action": "s3:Get", "Resource": "arn:aws:s3:::${random_id.a.hex}"}, "pass"),
        (
            {"Action": "s3:Get", "Condition": {"Null": {"x": "${terraform_data.it.output}"}}},
            "unknown",
        ),
        ({"Action": "s3:Get", "Resource": "arn:aws:s3:::a/${aws:username}/*"}, "pass"),
    ],
)
def test_a_policy_names_the_services_whose_actions_it_allows(members: Any, state: str) -> None:
    text = Template(allowed(**members))
    assert ask("SW_POLICY_STAR", resource("aws_iam_policy.a", {"policy": text}))[0] == state


@pytest.mark.parametrize("text", [Unknown(), Template("${terraform_data.it.output}"), "no JSON", "[]"])
def test_a_policy_that_cannot_be_read_is_unknown(text: Any) -> None:
    assert ask("SW_POLICY_STAR", resource("aws_iam_policy.a", {"policy": text}))[0] == "unknown"


ORGANIZATION = {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}


@pytest.mark.parametrize(
    ("members", "state"),
    [
        *(
            ({"Principal": principal}, "fail")
            for principal in (
                "*",
                {"AWS": "*"},
                {"AWS": ["a", "*"]},
                {"*": "*"},
                {"AWS": "arn:aws:iam::*:root"},
            )
        ),
        ({"NotPrincipal": {"AWS": "a"}}, "fail"),
        ({"Principal": "*", "Condition": ORGANIZATION}, "pass"),
        ({"Principal": "*", "Condition": {"StringLike": {"aws:PrincipalOrgID": ["o-1", "*"]}}}, "fail"),
        ({"Principal": "*", "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}}, "fail"),
        ({"Principal": "*", "Condition": {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}}, "fail"),
        ({"Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}, "fail"),
        ({"Principal": {"Service": "sagemaker.amazonaws.com"}}, "pass"),
        ({"Principal": {"AWS": "${aws_iam_role.a.arn}"}}, "pass"),
        ({"Principal": {"AWS": "${terraform_data.it.output}"}}, "unknown"),
    ],
)
def test_a_role_is_not_for_everybody(members: Any, state: str) -> None:
    text = Template(allowed(Action="sts:AssumeRole", **members))
    assert ask("SW_ROLE_TRUST", resource("aws_iam_role.a", {"assume_role_policy": text}))[0] == state


@pytest.mark.parametrize(
    ("type_", "name"),
    [
        ("aws_cloudwatch_event_bus_policy", "policy"),
        ("aws_cloudwatch_log_resource_policy", "policy_document"),
        ("aws_ecr_registry_policy", "policy"),
        ("aws_sns_topic_policy", "policy"),
    ],
)
@pytest.mark.parametrize(
    ("members", "found"),
    [
        ({"Principal": "*"}, ("fail", "lets * in")),
        ({"Principal": {"*": "*"}}, ("fail", "lets * in")),
        ({"NotPrincipal": {"AWS": "a"}}, ("fail", "allows by NotPrincipal, which means all others")),
        ({"Principal": "*", "Condition": ORGANIZATION}, ("pass", "")),
        (
            {"Principal": "*", "Condition": {"StringEquals": {"AWS:SourceOwner": "111122223333"}}},
            ("pass", ""),
        ),
        ({"Principal": {"AWS": "arn:aws:iam::444455556666:root"}}, ("pass", "")),
        ({"Principal": {"Service": "${terraform_data.it.output}"}}, ("unknown", "is known only after apply")),
    ],
)
def test_what_others_may_use_is_not_for_everybody(
    type_: str, name: str, members: Any, found: tuple[str, str]
) -> None:
    text = Template(allowed(Action="sns:Publish", Resource="*", **members))
    state, message = found
    said = (state, f"{name} {message}" if message else "")
    assert ask("SW_POLICY_PUBLIC", resource(f"{type_}.a", {name: text})) == said


def test_a_policy_inside_a_topic_hides_only_where_it_is_configured() -> None:
    told = resource("aws_sns_topic.a", {"policy": allowed(Action="sns:Publish", Principal="*")})
    assert ask("SW_POLICY_INLINE", told)[0] == "pass"
    written = dataclasses.replace(told, configured=frozenset({"policy"}))
    assert ask("SW_POLICY_INLINE", written) == ("fail", "policy is set")


AWS = "arn:aws:iam::aws:policy/"


@pytest.mark.parametrize(
    ("arn", "state"),
    [
        (f"{AWS}AdministratorAccess", "fail"),
        (f"{AWS}AmazonSageMakerFullAccess", "fail"),
        (f"{AWS}aws-service-role/CloudWatchFullAccessV2", "fail"),
        (f"{AWS}service-role/AmazonSageMakerGroundTruthExecution", "pass"),
        ("arn:aws:iam::111122223333:policy/OurFullAccess", "pass"),
        (Template("${aws_iam_policy.a.arn}"), "pass"),
        (Template(f"{AWS}${{aws_iam_policy.a.name}}"), "unknown"),
        (Template("${terraform_data.it.output}"), "unknown"),
    ],
)
def test_a_wide_policy_of_aws_is_not_used(arn: Any, state: str) -> None:
    for type_, name in (
        ("aws_iam_role_policy_attachment", "policy_arn"),
        ("aws_ssoadmin_managed_policy_attachment", "managed_policy_arn"),
    ):
        assert ask("SW_POLICY_AWS", resource(f"{type_}.a", {name: arn}))[0] == state
    role = resource("aws_iam_role.a", {"managed_policy_arns": ["x", arn]})
    written = dataclasses.replace(role, configured=frozenset({"managed_policy_arns"}))
    assert ask("SW_POLICY_AWS", written)[0] == state
    assert ask("SW_POLICY_AWS", role)[0] == "pass", "AWS tells what is attached elsewhere"


def test_what_is_inside_a_role_is_left_alone_only_where_aws_tells_of_it() -> None:
    inside = {"inline_policy": [{"name": "a", "policy": "{}"}]}
    role = resource("aws_iam_role.a", inside)
    assert ask("SW_POLICY_INLINE", role) == ("fail", "inline_policy a is set")
    told = dataclasses.replace(role, change=dataclasses.replace(role.change, before=inside))
    assert ask("SW_POLICY_INLINE", told)[0] == "pass"
    written = dataclasses.replace(told, configured=frozenset({"inline_policy"}))
    assert ask("SW_POLICY_INLINE", written)[0] == "fail"
    assert ask("SW_POLICY_INLINE", resource("aws_iam_role.a", {"inline_policy": Unknown()}))[0] == "unknown"
    assert (
        ask("SW_POLICY_INLINE", resource("aws_iam_role.a", {"inline_policy": Unknown(computed=True)}))[0]
        == "pass"
    )


def entry(**arguments: Any) -> dict[str, Any]:
    return {"from_port": 22, "to_port": 22, "protocol": "tcp", "cidr_blocks": ["0.0.0.0/0"], **arguments}


@pytest.mark.parametrize(
    ("entries", "state"),
    [
        ([entry()], "fail"),
        ([entry(cidr_blocks=["10.0.0.0/8"], self=True), entry()], "fail"),
        ([entry(cidr_blocks=Unknown()), entry()], "fail"),
        ([entry(from_port=0, to_port=65535)], "fail"),
        ([entry(from_port=0, to_port=0, protocol="-1")], "fail"),
        ([entry(from_port=443, to_port=443)], "pass"),
        ([entry(cidr_blocks=["10.0.0.0/8"], from_port=Unknown())], "pass"),
        ([entry(cidr_blocks=Unknown())], "unknown"),
        ([entry(cidr_blocks=[Unknown()])], "unknown"),
        ([entry(to_port=Unknown())], "unknown"),
        (Unknown(), "unknown"),
        (Unknown(computed=True), "pass"),
        ([], "pass"),
    ],
)
def test_the_world_does_not_come_in(entries: Any, state: str) -> None:
    for type_ in ("aws_security_group", "aws_default_security_group"):
        assert ask("SW_GROUP_INGRESS", resource(f"{type_}.a", {"ingress": entries}))[0] == state


def test_a_rule_by_itself_is_judged_by_its_direction() -> None:
    values = entry(protocol="-1", type="egress")
    assert ask("SW_GROUP_INGRESS", resource("aws_security_group_rule.a", values))[0] == "pass"
    assert ask("SW_GROUP_EGRESS", resource("aws_security_group_rule.a", values))[0] == "fail"
    values = {"ip_protocol": "-1", "cidr_ipv6": "::/0", "cidr_ipv4": None}
    assert ask("SW_GROUP_INGRESS", resource("aws_vpc_security_group_ingress_rule.a", values))[0] == "fail"


@pytest.mark.parametrize("argument", ["force_destroy", "force_delete"])
def test_a_switch_that_comes_from_elsewhere_is_not_off(argument: str) -> None:
    laundered = resource("aws_s3_bucket.a", {argument: Template("${terraform_data.it.output}")})
    assert ask("SW_STATEFUL_FORCE_DESTROY", laundered)[0] == "unknown"


def domain(**arguments: Any) -> Resource:
    return resource("aws_sagemaker_domain.studio", arguments)


@pytest.mark.parametrize(
    ("access", "state"),
    [("VpcOnly", "pass"), ("PublicInternetOnly", "fail"), (None, "fail"), (Unknown(), "unknown")],
)
def test_apps_reach_the_network_through_the_vpc(access: Any, state: str) -> None:
    assert ask("SW_STUDIO_VPC", domain(app_network_access_type=access))[0] == state


@pytest.mark.parametrize(
    ("policy", "state"),
    [
        ([{"home_efs_file_system": "Retain"}], "pass"),
        ([{"home_efs_file_system": None}], "pass"),
        ([], "pass"),
        ([{"home_efs_file_system": "Delete"}], "fail"),
        ([{"home_efs_file_system": Unknown()}], "unknown"),
        (Unknown(), "unknown"),
    ],
)
def test_homes_outlive_their_domain(policy: Any, state: str) -> None:
    assert ask("SW_STUDIO_HOMES", domain(retention_policy=policy))[0] == state


def idle(status: Any) -> list[dict[str, Any]]:
    return [{"app_lifecycle_management": [{"idle_settings": [{"lifecycle_management": status}]}]}]


def settings(lab: Any, editor: Any, hidden: Any = ()) -> list[dict[str, Any]]:
    portal = [{"hidden_app_types": list(hidden)}] if isinstance(hidden, (list, tuple)) else hidden
    return [
        {
            "studio_web_portal_settings": portal,
            "jupyter_lab_app_settings": lab,
            "code_editor_app_settings": editor,
        }
    ]


ON, OFF = idle("ENABLED"), idle("DISABLED")


@pytest.mark.parametrize(
    ("users", "spaces", "state"),
    [
        (settings(ON, ON), [], "pass"),
        (settings(ON, OFF), [], "fail"),
        (settings(ON, []), [], "fail"),
        (settings(ON, [], ["CodeEditor"]), [], "pass"),
        (settings(ON, [{"app_lifecycle_management": []}]), [], "fail"),
        (settings(ON, ON), [{"jupyter_lab_app_settings": ON}], "pass"),
        (settings(ON, ON), [{"jupyter_lab_app_settings": OFF}], "fail"),
        (settings([], ON, ["JupyterLab"]), [{"jupyter_lab_app_settings": []}], "pass"),
        (settings(ON, Unknown()), [], "unknown"),
        (settings(ON, [], Unknown()), [], "unknown"),
        (settings(ON, [], [Unknown()]), [], "unknown"),
    ],
)
def test_every_app_that_is_shown_ends_when_it_is_idle(users: Any, spaces: Any, state: str) -> None:
    studio = domain(default_user_settings=users, default_space_settings=spaces)
    assert ask("SW_STUDIO_IDLE", studio)[0] == state


@pytest.mark.parametrize(
    ("users", "state"),
    [(settings([], []), "pass"), (settings(ON, []), "pass"), (settings(OFF, []), "fail"), ([], "pass")],
)
def test_a_profile_does_not_switch_idle_shutdown_off(users: Any, state: str) -> None:
    profile = resource("aws_sagemaker_user_profile.grace", {"user_settings": users})
    assert ask("SW_STUDIO_IDLE", profile)[0] == state


def notebook(**arguments: Any) -> Resource:
    values = {
        "direct_internet_access": "Disabled",
        "root_access": "Disabled",
        "subnet_id": "subnet-1",
        "instance_metadata_service_configuration": [{"minimum_instance_metadata_service_version": "2"}],
        **arguments,
    }
    return resource("aws_sagemaker_notebook_instance.churn", values)


METADATA = "instance_metadata_service_configuration.minimum_instance_metadata_service_version"


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({}, ("pass", "")),
        ({"subnet_id": Unknown(("aws_subnet.a.id",))}, ("pass", "")),
        ({"subnet_id": Unknown()}, ("unknown", "subnet_id is known only after apply")),
        ({"subnet_id": None}, ("fail", "subnet_id is not set")),
        ({"direct_internet_access": "Enabled"}, ("fail", "direct_internet_access is Enabled")),
        ({"root_access": None}, ("fail", "root_access is not set")),
        ({"root_access": "Enabled", "subnet_id": Unknown()}, ("fail", "root_access is Enabled")),
        ({"instance_metadata_service_configuration": []}, ("fail", f"{METADATA} is not 2")),
        (
            {"instance_metadata_service_configuration": Unknown(computed=True)},
            ("fail", f"{METADATA} is not 2"),
        ),
        (
            {
                "instance_metadata_service_configuration": [
                    {"minimum_instance_metadata_service_version": Unknown(computed=True)}
                ]
            },
            ("fail", f"{METADATA} is not 2"),
        ),
    ],
)
def test_a_notebook_instance_is_closed(arguments: Any, found: tuple[str, str]) -> None:
    assert ask("SW_NOTEBOOK_CLOSED", notebook(**arguments)) == found


def shares(option: Any, key: Any) -> dict[str, Any]:
    return {"sharing_settings": [{"notebook_output_option": option, "s3_kms_key_id": key}]}


@pytest.mark.parametrize(
    ("users", "found"),
    [
        ([shares("Disabled", None)], ("pass", "")),
        ([shares("Allowed", f"{ARN}key/ours")], ("pass", "")),
        ([shares("Allowed", None)], ("fail", "user_settings.sharing_settings.s3_kms_key_id is not set")),
        (
            [{"canvas_app_settings": [{"workspace_settings": [{"s3_kms_key_id": "alias/aws/s3"}]}]}],
            (
                "fail",
                "user_settings.canvas_app_settings.workspace_settings.s3_kms_key_id is alias/aws/s3, "
                "a key of AWS",
            ),
        ),
        (
            [shares(Unknown(), None)],
            (
                "unknown",
                "user_settings[0].sharing_settings[0].notebook_output_option is known only after apply",
            ),
        ),
    ],
)
def test_what_a_profile_writes_to_s3_has_a_key(users: Any, found: tuple[str, str]) -> None:
    profile = resource("aws_sagemaker_user_profile.grace", {"user_settings": users})
    assert ask("SW_STUDIO_KMS", profile) == found


OFFLINE = {"s3_storage_config": [{"kms_key_id": f"{ARN}key/ours"}]}


@pytest.mark.parametrize(
    ("stores", "found"),
    [
        ({"offline_store_config": [OFFLINE]}, ("pass", "")),
        (
            {"online_store_config": [online(f"{ARN}key/ours")], "offline_store_config": [OFFLINE]},
            ("pass", ""),
        ),
        ({"online_store_config": [online(None, enable_online_store=False)]}, ("pass", "")),
        (
            {"online_store_config": [online(None, security_config=[])], "offline_store_config": [OFFLINE]},
            ("fail", "online_store_config.security_config is missing"),
        ),
        (
            {"offline_store_config": [{"s3_storage_config": [{"kms_key_id": None}]}]},
            ("fail", "offline_store_config.s3_storage_config.kms_key_id is not set"),
        ),
        (
            {"online_store_config": Unknown()},
            ("unknown", "online_store_config is known only after apply"),
        ),
    ],
)
def test_both_stores_of_a_feature_group_have_a_key(stores: Any, found: tuple[str, str]) -> None:
    assert ask("SW_FEATURE_STORE_KMS", resource("aws_sagemaker_feature_group.a", stores)) == found


@pytest.mark.parametrize(
    ("configuration", "state"),
    [
        ([results("CSE_KMS", f"{ARN}key/ours")], "pass"),
        ([results("SSE_S3", None)], "fail"),
        ([results(Unknown(), f"{ARN}key/ours")], "unknown"),
        ([{"result_configuration": []}], "fail"),
        ([], "fail"),
    ],
)
def test_results_of_queries_have_a_key(configuration: Any, state: str) -> None:
    assert (
        ask("SW_QUERY_KMS", resource("aws_athena_workgroup.a", {"configuration": configuration}))[0] == state
    )


@pytest.mark.parametrize("encryption", [[], [{"type": "AWS_OWNED_KEY", "kms_key_id": f"{ARN}key/ours"}]])
def test_a_state_machine_under_a_key_of_aws_fails(encryption: Any) -> None:
    machine = resource("aws_sfn_state_machine.a", {"encryption_configuration": encryption})
    assert ask("SW_WORKFLOW_KMS", machine)[0] == "fail"
