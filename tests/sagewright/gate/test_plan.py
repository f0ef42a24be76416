"""What is no plan, is not whole, or is another's closes the gate (PITFALLS P2)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sagewright.gate import PlanInput, Report, gate

from .conftest import TAGS, Json, Judge, environment, errors, plan, planned

KEY = planned("aws_ssm_parameter.a", {"type": "String", "value": "x"})
OTHER = planned("aws_ssm_parameter.b", {"type": "String", "value": "y"})
KEPT = planned("aws_ssm_parameter.c", {"type": "String", "value": "z"}, actions=["no-op"])


def without(document: Json, *keys: str) -> Json:
    return {key: value for key, value in document.items() if key not in keys}


def test_a_whole_plan_is_judged_and_the_gate_opens(judge: Judge) -> None:
    report = judge(plan(KEY, OTHER, KEPT), stack="prod-serving")
    assert (report.verdict, report.exit_code) == ("open", 0), errors(report)
    assert report.stacks == ("prod-serving",)
    assert report.touched == 2


def closed(report: Report, text: str) -> None:
    assert (report.verdict, report.exit_code) == ("error", 3)
    assert text in errors(report)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"[]", "expected a JSON object, got list"),
        (b"{}", "format_version and terraform_version are missing"),
        (b'{"Statement": []}', "format_version and terraform_version are missing"),
        (b"No changes. Your infrastructure matches", "neither a saved plan nor whole JSON"),
        (b"\xff\xfe{", "neither a saved plan nor whole JSON"),
        (b"PK\x03\x04 cut off", "is a saved plan that is not whole"),
    ],
)
def test_what_is_no_plan_is_refused(tmp_path: Path, content: bytes | None, text: str) -> None:
    path = tmp_path / "plan.json"
    if content is not None:
        path.write_bytes(content)
    closed(gate([PlanInput(path=path)], environment()), text)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    closed(gate([PlanInput(path=tmp_path)], environment()), "cannot be read: Is a directory")


def test_no_plan_at_all_is_refused() -> None:
    closed(gate([], environment()), "there is no plan")


@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_plan_is_refused_wherever_it_ends(tmp_path: Path, fraction: float) -> None:
    text = json.dumps(plan(KEY, OTHER))
    path = tmp_path / "plan.json"
    path.write_text(text[: int(len(text) * fraction)], encoding="utf-8")
    closed(gate([PlanInput(path=path)], environment()), "neither a saved plan nor whole JSON")


def drop_value(document: Json) -> None:
    document["planned_values"]["root_module"]["resources"].pop()


def drop_change(document: Json) -> None:
    document["resource_changes"].pop()


def drop_both(document: Json) -> None:
    drop_value(document)
    drop_change(document)


def empty(document: Json) -> None:
    document["planned_values"] = {"root_module": {}}
    document["resource_changes"] = []


def empty_but_configured(document: Json) -> None:
    empty(document)
    document["prior_state"] = {}


def empty_throughout(document: Json) -> None:
    empty(document)
    document["configuration"] = {}


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (drop_value, "planned_values lacks aws_ssm_parameter.c"),
        (drop_change, "resource_changes lacks aws_ssm_parameter.c"),
        (drop_both, "resource_changes lacks aws_ssm_parameter.c"),
        (empty, "resource_changes lacks aws_ssm_parameter.c"),
        (empty_but_configured, "resource_changes lacks aws_ssm_parameter.a, aws_ssm_parameter.b"),
        (lambda document: document.update(planned_values=None), "planned_values is missing or no object"),
        (lambda document: document.update(resource_changes={}), "resource_changes is missing or no list"),
        (lambda document: document.pop("configuration"), "configuration is missing or no object"),
        (empty_throughout, "says nothing"),
        (lambda document: document.update(errored=True), "terraform plan that failed"),
        (lambda document: document.update(complete=False), "made with -target"),
        (
            lambda document: document.update(deferred_changes=[{"reason": "provider_config_unknown"}]),
            "deferred",
        ),
        (lambda document: document.update(format_version="2.0"), "format_version '2.0', expected 1.x"),
        (lambda document: document.update(values=document.pop("planned_values")), "is a state, not a plan"),
        (lambda document: document["resource_changes"][0].pop("change"), "is not laid out as a plan"),
        (lambda document: document["resource_changes"].append("text"), "is not laid out as a plan"),
    ],
)
def test_a_plan_that_is_not_whole_is_refused(judge: Judge, damage: Callable[[Json], Any], text: str) -> None:
    document = plan(KEY, OTHER, KEPT)
    damage(document)
    closed(judge(document), text)


def test_an_empty_plan_of_a_configuration_with_resources_is_refused_even_if_its_lists_are_left_out(
    judge: Judge,
) -> None:
    document = plan(KEY)
    document["planned_values"] = {"root_module": {}}
    del document["resource_changes"], document["prior_state"]
    closed(judge(document), "resource_changes lacks aws_ssm_parameter.a")


def test_a_plan_that_destroys_everything_is_whole(judge: Judge) -> None:
    document = plan(planned("aws_ssm_parameter.c", {"type": "String"}, actions=["delete"]))
    document["configuration"]["root_module"]["resources"] = plan(KEY, KEPT)["configuration"]["root_module"][
        "resources"
    ]
    report = judge(document, stack="prod-serving")
    assert report.verdict == "open", errors(report)


def test_a_plan_that_destroys_nothing_is_whole(judge: Judge) -> None:
    document = plan(KEY, applyable=False)
    document["planned_values"], document["prior_state"] = {"root_module": {}}, {}
    del document["resource_changes"]
    report = judge(document, stack="prod-serving")
    assert report.verdict == "open", errors(report)


def test_a_moved_resource_is_not_missed(judge: Judge) -> None:
    document = plan(planned("aws_ssm_parameter.new", {"type": "String"}, actions=["no-op"]))
    document["prior_state"]["values"]["root_module"]["resources"][0]["address"] = "aws_ssm_parameter.old"
    document["resource_changes"][0]["previous_address"] = "aws_ssm_parameter.old"
    report = judge(document)
    assert report.verdict == "open", errors(report)


def test_count_zero_is_no_gap(judge: Judge) -> None:
    document = plan(KEY)
    document["configuration"]["root_module"]["resources"].append(
        {**OTHER.identity, "expressions": {}, "count_expression": {"constant_value": 0}}
    )
    report = judge(document)
    assert report.verdict == "open", errors(report)


@pytest.mark.parametrize(
    ("tags", "stack", "text"),
    [
        (
            {**TAGS, "Stack": "prod-training"},
            "prod-serving",
            "is of stack prod-training, expected prod-serving",
        ),
        ({**TAGS, "Environment": "dev"}, "prod-serving", "is of environment dev, expected prod"),
        ({**TAGS, "Environment": "dev"}, None, "is of environment dev, expected prod"),
        ({"Owner": "ml"}, "prod-serving", "no default tag Stack, expected prod-serving"),
    ],
)
def test_a_plan_of_another_stack_or_environment_is_refused(
    judge: Judge, tags: dict[str, str], stack: str | None, text: str
) -> None:
    document = plan(planned("aws_ssm_parameter.a", {"type": "String", "tags_all": {}}), tags=tags)
    closed(judge(document, stack=stack), text)


def test_the_stack_tag_may_leave_the_environment_out(judge: Judge) -> None:
    report = judge(plan(KEY, tags={**TAGS, "Stack": "serving"}), stack="prod-serving")
    assert report.stacks == ("prod-serving",), errors(report)


def test_a_plan_for_another_account_is_refused(judge: Judge) -> None:
    closed(
        judge(plan(KEY), account_id="999999999999"), "is for account 111122223333, but prod is 999999999999"
    )


def test_a_plan_of_any_origin_is_judged_without_a_name(judge: Judge) -> None:
    document = plan(planned("aws_ssm_parameter.a", {"type": "String", "tags_all": {}}))
    document["configuration"]["provider_config"] = {"aws": {"name": "aws"}}
    report = judge(document)
    assert report.stacks == ("plan-0",)
    assert report.verdict == "denied", "without tags, it must not pass"


def test_tags_that_are_not_constant_are_taken_from_the_resources(judge: Judge) -> None:
    document = plan(
        planned("aws_ssm_parameter.a", {"type": "String", "tags_all": {**TAGS, "Environment": "dev"}})
    )
    document["configuration"]["provider_config"] = {"aws": {"name": "aws"}}
    closed(judge(document), "is of environment dev, expected prod")


def test_a_second_plan_of_a_stack_is_refused(judge: Judge) -> None:
    closed(judge(plan(KEY), plan(OTHER)), "is a second plan of stack prod-serving")


def synthesized(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "cdk.tf.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_a_plan_that_was_not_made_from_what_is_synthesized_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(plan(KEY, OTHER)), encoding="utf-8")
    same = synthesized(tmp_path, {"resource": {"aws_ssm_parameter": {"a": {}, "b": {}}}})
    source = PlanInput(path=path, stack="prod-serving", synthesized=same)
    assert gate([source], environment()).verdict == "open"
    synthesized(tmp_path, {"resource": {"aws_ssm_parameter": {"a": {}, "renamed": {}}}})
    closed(gate([source], environment()), "only one has aws_ssm_parameter.b, aws_ssm_parameter.renamed")
    same.write_text("{", encoding="utf-8")
    closed(gate([source], environment()), "no synthesized configuration to compare with")


def test_one_bad_plan_closes_the_gate_for_all_and_the_others_are_still_judged(judge: Judge) -> None:
    bucket = planned("aws_s3_bucket.a", {"bucket": "a"}, actions=["delete"])
    report = judge(plan(bucket), plan(KEY, tags={**TAGS, "Environment": "dev"}))
    assert report.exit_code == 3
    assert any(result.rule == "SW_STATEFUL_DELETE" and result.denies for result in report.results)


GONE = {"type": "String", "tags_all": {**TAGS, "Environment": "dev"}}


@pytest.mark.parametrize("actions", [["delete"], ["update"], ["delete", "create"], ["forget"]])
def test_what_changes_must_not_have_been_of_another_environment(judge: Judge, actions: list[str]) -> None:
    document = plan(planned("aws_ssm_parameter.a", {"type": "String"}, actions=actions, before=GONE))
    closed(judge(document), "is of environment dev, prod, expected prod")
    kept = plan(KEY, planned("aws_ssm_parameter.b", GONE, actions=["no-op"]))
    assert judge(kept).verdict == "open", "what stays as it is is nobody's harm"


def test_what_changes_must_not_have_been_of_another_stack(judge: Judge) -> None:
    before = {"type": "String", "tags_all": {**TAGS, "Stack": "training"}}
    document = plan(planned("aws_ssm_parameter.a", {"type": "String"}, actions=["update"], before=before))
    for stack in (None, "prod-serving"):
        closed(judge(document, stack=stack), "is of stack prod-serving, prod-training, expected prod-serving")


def arn(account: str, service: str = "kms") -> Json:
    return {"arn": f"arn:aws:{service}:eu-central-1:{account}:thing/1"}


def test_what_changes_must_not_be_in_another_account(judge: Judge) -> None:
    document = plan(planned("aws_kms_alias.a", actions=["delete"], before=arn("888899990000")), tags={})
    document["configuration"]["provider_config"] = {}
    closed(judge(document), "is for account 888899990000, but prod is 111122223333")
    document = plan(
        planned("aws_kms_alias.a", actions=["delete"], before=arn("111122223333")),
        planned("aws_s3_object.a", actions=["delete"], before=arn("", "s3")),
        planned("aws_kms_alias.b", arn("888899990000"), actions=["no-op"]),
        planned("aws_cloudwatch_event_target.a", arn("888899990000", "events")),
    )
    assert judge(document).verdict == "open", "a rule may tell another account's bus"


def test_no_provider_may_be_for_another_account_only(judge: Judge) -> None:
    document = plan(KEY)
    document["configuration"]["provider_config"]["aws.other"] = {
        "name": "aws",
        "alias": "other",
        "expressions": {"allowed_account_ids": {"constant_value": ["888899990000"]}},
    }
    closed(judge(document), "is for account 888899990000, but prod is 111122223333")


def test_a_plan_that_says_two_things_of_one_object_is_refused(judge: Judge) -> None:
    document = plan(planned("aws_kms_key.a", actions=["delete"]))
    again = plan(planned("aws_kms_key.a", actions=["no-op"]))
    document["resource_changes"] += again["resource_changes"]
    document["planned_values"] = again["planned_values"]
    closed(judge(document), "says two things of aws_kms_key.a")


@pytest.mark.parametrize(
    "odd",
    [
        {"variables": {"x": "s"}},
        {"output_changes": [1]},
        {"resource_drift": ["x"]},
        {"prior_state": "x"},
        {"configuration": {"provider_config": [1], "root_module": {}}},
    ],
)
def test_a_plan_whose_secrets_cannot_be_told_is_refused(judge: Judge, odd: Json) -> None:
    closed(judge(plan(KEY, **odd)), "is not laid out as a plan")
