"""The gate: what it asks, what it answers, and that nothing is passed over (PITFALLS P1 to P10)."""

from __future__ import annotations

import dataclasses
import datetime
import io
import json
import logging
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from sagewright.gate import Override, PlanInput, Report, gate, show
from sagewright.gate.identity import identity, key_of
from sagewright.gate.report import Result

from .conftest import ACCOUNT, Json, Judge, Planned, edit, environment, errors, plan, planned, states

KEY_ARN = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
REPOSITORY = planned(
    "aws_ecr_repository.churn",
    {
        "name": "acme-prod-churn",
        "image_tag_mutability": "IMMUTABLE",
        "image_scanning_configuration": [{"scan_on_push": True}],
        "encryption_configuration": [{"encryption_type": "KMS", "kms_key": KEY_ARN}],
        "force_delete": False,
    },
)
MUTABLE = planned("aws_ecr_repository.churn", {**REPOSITORY.values, "image_tag_mutability": "MUTABLE"})
BUCKET = planned("aws_s3_bucket.data", {"bucket": "acme-prod-data"}, actions=["delete"])


def by_rule(report: Report, rule: str) -> Result:
    (result,) = (result for result in report.results if result.rule == rule)
    return result


def test_a_denial_says_what_where_which_value_and_what_to_do(judge: Judge) -> None:
    report = judge(plan(MUTABLE))
    assert (report.verdict, report.exit_code) == ("denied", 1)
    denial = next(result for result in report.results if result.denies)
    assert denial.rule == "CKV_AWS_51"
    assert denial.address == "aws_ecr_repository.churn"
    assert denial.message == "image_tag_mutability is MUTABLE"
    assert denial.remedy == "Set image_tag_mutability to IMMUTABLE."


def made(tmp_path: Path, *resources: Planned, waivers: Sequence[Json] = ()) -> PlanInput:
    """Return a plan of repositories that was synthesized here, with waivers in its code."""
    path, synthesized = tmp_path / "plan.json", tmp_path / "cdk.tf.json"
    path.write_text(json.dumps(plan(*resources)), encoding="utf-8")
    churn = {"//": {"metadata": {"path": "prod-serving/churn/this"}}}
    lines = ["modules/ecr_repository/ecr_repository.py:40", "stacks/foundation.py:120", "main.py:54"]
    noted = {"places": {"prod-serving/churn/this": lines}, "waivers": list(waivers)}
    document = {"//": {"sagewright": noted}, "resource": {"aws_ecr_repository": {"churn": churn}}}
    synthesized.write_text(json.dumps(document), encoding="utf-8")
    return PlanInput(path=path, stack="prod-serving", synthesized=synthesized)


def test_what_fails_is_placed_in_python(tmp_path: Path) -> None:
    report = gate([made(tmp_path, MUTABLE)], environment())
    assert by_rule(report, "CKV_AWS_51").place == "stacks/foundation.py:120"
    assert {result.place for result in report.results if result.state == "pass"} == {""}
    said = io.StringIO()
    show(report, Console(file=said, width=200))
    assert "prod-serving: aws_ecr_repository.churn (stacks/foundation.py:120)" in said.getvalue()


@pytest.mark.parametrize(
    ("actions", "words"),
    [
        (["delete"], "is deleted"),
        (["delete", "create"], "is replaced"),
        (["create", "delete"], "is replaced"),
        (["forget"], "is dropped from the state"),
        (["create", "forget"], "is replaced, and the one of now is dropped"),
    ],
)
def test_a_plan_that_only_ends_a_stateful_resource_is_denied_where_it_is_protected(
    judge: Judge, actions: list[str], words: str
) -> None:
    group = planned(
        "aws_sagemaker_model_package_group.churn", {"model_package_group_name": "churn"}, actions=actions
    )
    report = judge(plan(group))
    assert report.exit_code == 1
    denial = by_rule(report, "SW_STATEFUL_DELETE")
    assert words in denial.message and denial.denies and denial.severity == "critical"
    assert judge(plan(group), protected=False).exit_code == 0


def test_the_argument_that_forces_a_replacement_is_named(judge: Judge) -> None:
    bucket = planned(
        "aws_kms_key.data", {}, actions=["delete", "create"], replace_paths=[["customer_master_key_spec"]]
    )
    denial = by_rule(judge(plan(bucket)), "SW_STATEFUL_DELETE")
    assert denial.message == "is replaced: customer_master_key_spec cannot be changed in place"


def test_a_deposed_object_is_not_deleted_either_and_is_judged_beside_the_current_one(judge: Judge) -> None:
    kept = planned("aws_ecr_repository.churn", REPOSITORY.values, actions=["no-op"])
    left = planned("aws_ecr_repository.churn", REPOSITORY.values, actions=["delete"], deposed="0a1b2c3d")
    report = judge(plan(kept, left))
    stateful = [result for result in report.results if result.rule == "SW_STATEFUL_DELETE"]
    assert [(result.state, result.message) for result in stateful] == [
        ("fail", "the left-over object 0a1b2c3d is deleted"),
        ("pass", ""),
    ]


def test_what_a_change_touches_comes_first(judge: Judge) -> None:
    kept = planned("aws_ecr_repository.a", MUTABLE.values, actions=["no-op"])
    new = planned("aws_ecr_repository.b", MUTABLE.values)
    report = judge(plan(kept, new))
    denied = [(result.address, result.touched) for result in report.results if result.denies]
    assert denied == [("aws_ecr_repository.b", True), ("aws_ecr_repository.a", False)]


def test_advice_does_not_close_the_gate(judge: Judge) -> None:
    alarm = planned("aws_cloudwatch_metric_alarm.errors", {"actions_enabled": False})
    report = judge(plan(alarm))
    assert report.exit_code == 0
    assert by_rule(report, "CKV_AWS_319").state == "fail"


VERSION = f"arn:aws:sagemaker:eu-central-1:{ACCOUNT}:model-package/acme-prod-churn/8"
MODEL = planned(
    "aws_sagemaker_model.churn",
    {
        "enable_network_isolation": True,
        "primary_container": [{"model_package_name": VERSION}],
        "vpc_config": [{"subnets": ["subnet-1"], "security_group_ids": ["sg-1"]}],
    },
)


def test_what_is_not_approved_is_denied_in_production_and_where_protected_and_advised_elsewhere(
    judge: Judge,
) -> None:
    rule = "SW_MODEL_APPROVAL"
    approved = judge(plan(MODEL), registry=lambda arn: "Approved")
    assert (approved.exit_code, by_rule(approved, rule).state) == (0, "pass")
    guarded: list[dict[str, Any]] = [{}, {"production": False}, {"protected": False}]
    for facts in guarded:
        report = judge(plan(MODEL), registry=lambda arn: "Rejected", **facts)
        assert (report.exit_code, by_rule(report, rule).state) == (1, "fail")
        assert by_rule(report, rule).message == f"{VERSION} is Rejected"
        report = judge(plan(MODEL), **facts)
        assert (report.exit_code, by_rule(report, rule).state) == (1, "unknown")
    elsewhere: dict[str, Any] = {"production": False, "protected": False}
    report = judge(plan(MODEL), registry=lambda arn: "Rejected", **elsewhere)
    result = by_rule(report, rule)
    assert (report.exit_code, result.state, result.mode) == (0, "fail", "advise")
    report = judge(plan(MODEL), **elsewhere)
    result = by_rule(report, rule)
    assert (report.exit_code, result.state, result.mode) == (0, "unknown", "advise")
    assert result.message == f"the approval of {VERSION} is not known: the registry was not asked"


UNKNOWN = planned(
    "aws_cloudwatch_log_group.churn",
    {"name": "churn", "kms_key_id": KEY_ARN},
    unknown={"retention_in_days": True},
    expressions={"retention_in_days": {"references": ["data.external.x.result"]}},
)


def test_an_unknown_value_denies_in_production_and_where_protected_and_advises_elsewhere(
    judge: Judge,
) -> None:
    report = judge(plan(UNKNOWN))
    assert report.exit_code == 1
    result = by_rule(report, "CKV_AWS_338")
    assert (result.state, result.mode) == ("unknown", "deny")
    assert result.message == "retention_in_days is known only after apply"
    staging = judge(plan(UNKNOWN), production=False)
    assert (staging.exit_code, by_rule(staging, "SW_LOG_RETENTION").mode) == (1, "deny")
    report = judge(plan(UNKNOWN), production=False, protected=False)
    result = by_rule(report, "SW_LOG_RETENTION")
    assert (report.exit_code, result.state, result.mode) == (0, "unknown", "advise")


def test_a_policy_with_one_unknown_arn_is_still_judged_by_its_actions(judge: Judge) -> None:
    statement = {"Effect": "Allow", "Action": "*", "Resource": "${aws_s3_bucket.data.arn}"}
    bucket = planned(
        "aws_s3_bucket.data",
        {"bucket": "acme-prod-data"},
        unknown={"arn": True},
        expressions={"bucket": {"constant_value": "acme-prod-data"}},
    )
    role_policy = planned(
        "aws_iam_role_policy.all",
        {"role": "acme-prod-churn"},
        unknown={"policy": True},
        expressions={
            "policy": {
                "constant_value": json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
                "references": ["aws_s3_bucket.data.arn", "aws_s3_bucket.data"],
            }
        },
    )
    result = by_rule(judge(plan(bucket, role_policy)), "SW_POLICY_STAR")
    assert (result.state, result.message) == ("fail", "a statement allows *")


def test_a_policy_of_which_only_the_references_are_known_is_unknown_not_passed(judge: Judge) -> None:
    role_policy = planned(
        "aws_iam_role_policy.all",
        {"role": "acme-prod-churn"},
        unknown={"policy": True},
        expressions={"policy": {"references": ["aws_s3_bucket.data.arn", "aws_s3_bucket.data"]}},
    )
    report = judge(plan(role_policy))
    found = {result.state for result in report.results if result.rule.startswith(("CKV_AWS_6", "CKV_AWS_2"))}
    assert found == {"unknown"}
    assert report.exit_code == 1


def test_two_resources_of_one_name_are_both_judged(judge: Judge) -> None:
    """checkov keeps a policy that it parsed by the resource's name, which instances share."""
    document = plan()
    for key, action in (("a", "s3:GetObject"), ("b", "s3:*")):
        statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
        values = {"policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}
        identity = {
            "address": f'aws_iam_role_policy.p["{key}"]',
            "mode": "managed",
            "type": "aws_iam_role_policy",
            "name": "p",
            "index": key,
        }
        document["planned_values"]["root_module"]["resources"].append({**identity, "values": values})
        change = {"actions": ["create"], "before": None, "after": values, "after_unknown": {}}
        document["resource_changes"].append({**identity, "change": change})
    document["configuration"]["root_module"]["resources"].append(
        {
            "address": "aws_iam_role_policy.p",
            "mode": "managed",
            "type": "aws_iam_role_policy",
            "name": "p",
            "expressions": {},
            "for_each_expression": {},
        }
    )
    found = states(judge(document), "CKV_AWS_290")
    assert found == {'aws_iam_role_policy.p["a"]': "pass", 'aws_iam_role_policy.p["b"]': "fail"}


def test_the_same_name_in_the_next_plan_is_judged_anew(judge: Judge) -> None:
    def with_action(action: str) -> Json:
        statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        return plan(planned("aws_iam_role_policy.p", {"policy": document}))

    assert states(judge(with_action("s3:GetObject")), "CKV_AWS_290") == {"aws_iam_role_policy.p": "pass"}
    assert states(judge(with_action("s3:PutObject")), "CKV_AWS_290") == {"aws_iam_role_policy.p": "fail"}


RAISING_CHECK = """
from checkov.common.models.enums import CheckCategories
from checkov.terraform.checks.resource.base_resource_check import BaseResourceCheck

class Broken(BaseResourceCheck):
    def __init__(self):
        super().__init__(name="broken", id="SW_LOG_RETENTION", categories=[CheckCategories.LOGGING],
                         supported_resources=["aws_cloudwatch_log_group"])

    def scan_resource_conf(self, conf):
        raise RuntimeError("out of order")

check = Broken()
"""
RAISING_RULE = """
from policies.plan.model import rule

@rule("SW_TAGS")
def broken(resource, planned):
    raise RuntimeError("out of order")
"""
LEAVING_CHECK = RAISING_CHECK.replace('RuntimeError("out of order")', "SystemExit(0)")
LEAVING_RULE = RAISING_RULE.replace('RuntimeError("out of order")', "SystemExit(0)")
ODD_RULE = """
from policies.plan.model import rule

@rule("SW_TAGS")
def odd(resource, planned):
    return True
"""
LOGS = planned(
    "aws_cloudwatch_log_group.churn", {"name": "churn", "kms_key_id": KEY_ARN, "retention_in_days": 400}
)


def replaced(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return change


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (
            lambda folder: (folder / "checkov" / "sagewright_log_retention.py").write_text(RAISING_CHECK),
            "the check failed: RuntimeError: out of order",
        ),
        (
            lambda folder: (folder / "plan" / "tags.py").write_text(RAISING_RULE),
            "the rule failed: RuntimeError: out of order",
        ),
        (
            lambda folder: (folder / "checkov" / "sagewright_log_retention.py").write_text(LEAVING_CHECK),
            "the check failed: SystemExit: 0",
        ),
        (
            lambda folder: (folder / "plan" / "tags.py").write_text(LEAVING_RULE),
            "the rule failed: SystemExit: 0",
        ),
        (
            lambda folder: (folder / "plan" / "tags.py").write_text("raise SystemExit(0)"),
            "cannot be loaded: SystemExit: 0",
        ),
        (
            lambda folder: (folder / "plan" / "tags.py").write_text(ODD_RULE),
            "expected a Finding, got True",
        ),
        (
            lambda folder: (folder / "checkov" / "__init__.py").unlink(),
            "__init__.py is missing",
        ),
        (
            lambda folder: (folder / "checkov").rename(folder / "elsewhere"),
            "checkov: there is no such folder",
        ),
        (
            lambda folder: (folder / "plan").rename(folder / "elsewhere"),
            "plan: there is no such folder",
        ),
        (
            lambda folder: (folder / "checkov" / "sagewright_log_retention.py").unlink(),
            "SW_LOG_RETENTION gave none for aws_cloudwatch_log_group.churn",
        ),
        (
            lambda folder: (folder / "checkov" / "sagewright_log_retention.py").write_text("check = ("),
            "cannot be loaded: SyntaxError",
        ),
        (
            lambda folder: (folder / "checkov" / "helper.py").write_text("x = 1\n"),
            "holds no check",
        ),
        (
            lambda folder: (folder / "checkov" / "twice.py").write_text(RAISING_CHECK),
            "SW_LOG_RETENTION is there twice",
        ),
        (
            lambda folder: (folder / "plan" / "tags.py").unlink(),
            "policies/plan has no SW_TAGS",
        ),
        (
            lambda folder: (folder / "plan" / "twice.py").write_text(RAISING_RULE),
            "SW_TAGS is there twice",
        ),
        (
            lambda folder: edit(folder / "catalog.yaml", replaced("id: CKV_AWS_338", "id: CKV_AWS_99338")),
            "checkov has no CKV_AWS_99338",
        ),
        (
            lambda folder: edit(folder / "catalog.yaml", replaced("id: SW_TAGS", "id: SW_LABELS")),
            "policies/plan has SW_TAGS, catalog.yaml has not",
        ),
        (
            lambda folder: edit(
                folder / "catalog.yaml", replaced("types: [aws_subnet]", "types: [aws_vpc, aws_subnet]")
            ),
            "CKV_AWS_130 is not for aws_vpc",
        ),
        (lambda folder: (folder / "catalog.yaml").unlink(), "catalog.yaml: cannot be read"),
        (lambda folder: (folder / "catalog.yaml").write_text("rules: ["), "catalog.yaml: not YAML"),
        (lambda folder: (folder / "catalog.yaml").write_text(""), "supply a mapping, got NoneType"),
        (
            lambda folder: edit(folder / "catalog.yaml", replaced("severity: critical", "severity: huge")),
            "rules.0 (SW_STATEFUL_DELETE).severity: Input should be 'critical', 'high', 'medium' or 'low'",
        ),
        (
            lambda folder: edit(folder / "catalog.yaml", replaced("id: CKV_AWS_63", "id: CKV_AWS_62")),
            "listed twice: CKV_AWS_62",
        ),
        (lambda folder: (folder / "waivers.yaml").unlink(), "waivers.yaml: cannot be read"),
        (lambda folder: folder.rename(folder.with_name("elsewhere")), "catalog.yaml: cannot be read"),
    ],
)
def test_policies_that_cannot_be_asked_close_the_gate(
    judge: Judge, policies: Path, damage: Callable[[Path], object], text: str
) -> None:
    assert judge(plan(LOGS), policies=policies).exit_code == 0
    damage(policies)
    report = judge(plan(LOGS), policies=policies)
    assert report.exit_code == 3
    assert text in errors(report)


def test_a_check_on_the_graph_that_raises_closes_the_gate(
    judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sagewright.gate import checks

    vpc = planned("aws_vpc.this", {"cidr_block": "10.0.0.0/16"})
    check = checks.builtin_checks(["CKV2_AWS_11"])["CKV2_AWS_11"]

    def broken(graph: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr(check, "run", broken)
    report = judge(plan(vpc))
    assert report.exit_code == 3
    result = by_rule(report, "CKV2_AWS_11")
    assert (result.state, result.message) == ("error", "the check failed: RuntimeError: out of order")


def test_checkov_failing_as_a_whole_closes_the_gate(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    from sagewright.gate import checks

    def broken(plan: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr(checks, "for_checkov", broken)
    report = judge(plan(LOGS))
    assert report.exit_code == 3
    assert "checkov failed: RuntimeError: out of order" in errors(report)
    assert "CKV_AWS_338 gave none for aws_cloudwatch_log_group.churn" in errors(report)


def test_a_check_that_skips_a_resource_closes_the_gate(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    from sagewright.gate import checks

    run = checks.run
    monkeypatch.setattr(checks, "run", lambda plan, rules: list(run(plan, rules))[:-1])
    report = judge(plan(LOGS, REPOSITORY))
    assert report.exit_code == 3
    assert "gave none for" in errors(report)


def test_a_rule_that_gives_two_results_closes_the_gate(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    from sagewright.gate import checks

    run = checks.run
    monkeypatch.setattr(checks, "run", lambda plan, rules: 2 * list(run(plan, rules)))
    report = judge(plan(LOGS))
    assert report.exit_code == 3
    assert "gave 2 for aws_cloudwatch_log_group.churn" in errors(report)


def test_every_resource_is_owed_one_result_of_every_rule_that_is_for_it(judge: Judge) -> None:
    report = judge(plan(LOGS, REPOSITORY, planned("aws_ecr_repository.other", REPOSITORY.values)))
    assert report.verdict == "open", errors(report)
    assert states(report, "CKV_AWS_51") == {
        "aws_ecr_repository.churn": "pass",
        "aws_ecr_repository.other": "pass",
    }
    assert set(states(report, "SW_TAGS")) == {
        "aws_cloudwatch_log_group.churn",
        "aws_ecr_repository.churn",
        "aws_ecr_repository.other",
    }


WAIVER = """
waivers:
  - rule: CKV_AWS_51
    environments: [prod]
    stack: serving
    address: aws_ecr_repository.churn
    reason: tags are moved until the build is repaired
    owner: ml-platform@example.com
    ticket: ML-4711
    expires: 2031-01-31
"""
LAST_DAY = datetime.date(2031, 1, 31)


def waived(policies: Path, text: str = WAIVER) -> Path:
    (policies / "waivers.yaml").write_text(text, encoding="utf-8")
    return policies


def test_a_waiver_opens_the_gate_until_its_last_day_and_stays_visible(judge: Judge, policies: Path) -> None:
    report = judge(plan(MUTABLE), policies=waived(policies), today=LAST_DAY)
    assert report.exit_code == 0, errors(report)
    result = by_rule(report, "CKV_AWS_51")
    assert result.state == "waived"
    assert result.waiver == (
        "tags are moved until the build is repaired (ml-platform@example.com, until 2031-01-31)"
    )


def test_a_waiver_that_has_ended_is_an_error_and_excuses_nothing(judge: Judge, policies: Path) -> None:
    report = judge(plan(MUTABLE), policies=waived(policies), today=LAST_DAY + datetime.timedelta(days=1))
    assert report.exit_code == 3
    assert "ended on 2031-01-31" in errors(report)
    assert by_rule(report, "CKV_AWS_51").state == "fail"


def test_a_waiver_that_covers_nothing_is_an_error(judge: Judge, policies: Path) -> None:
    report = judge(plan(REPOSITORY), policies=waived(policies), today=LAST_DAY)
    assert report.exit_code == 3
    assert "covers nothing in these plans" in errors(report)


@pytest.mark.parametrize(("old", "new"), [("[prod]", "[staging]"), ("stack: serving", "stack: training")])
def test_a_waiver_for_another_environment_or_stack_is_left_alone(
    judge: Judge, policies: Path, old: str, new: str
) -> None:
    report = judge(plan(MUTABLE), policies=waived(policies, WAIVER.replace(old, new)), today=LAST_DAY)
    assert report.exit_code == 1
    assert errors(report) == ""


def test_a_waiver_does_not_stand_in_the_way_of_removing_what_it_excused(judge: Judge, policies: Path) -> None:
    gone = planned("aws_ecr_repository.churn", MUTABLE.values, actions=["delete"])
    report = judge(plan(gone, LOGS), policies=waived(policies), today=LAST_DAY, protected=False)
    assert report.exit_code == 0, errors(report)


def test_a_star_in_a_waiver_stands_for_any_characters(judge: Judge, policies: Path) -> None:
    text = WAIVER.replace("aws_ecr_repository.churn", 'aws_ecr_repository.ch*["ur*"]')
    report = judge(plan(MUTABLE), policies=waived(policies, text), today=LAST_DAY)
    assert "covers nothing" in errors(report), "brackets are plain characters"
    text = WAIVER.replace("aws_ecr_repository.churn", "aws_ecr_repository.ch*")
    assert judge(plan(MUTABLE), policies=waived(policies, text), today=LAST_DAY).exit_code == 0


@pytest.mark.parametrize(
    "address",
    ["a*", "aws_*", "*_*", "aws_ecr_repository.*", "*.churn", "aws_ecr_*.churn", "aws_ecr_repository.c*"],
)
def test_a_waiver_for_almost_anything_is_refused(judge: Judge, policies: Path, address: str) -> None:
    text = WAIVER.replace("aws_ecr_repository.churn", f'"{address}"')
    report = judge(plan(MUTABLE), policies=waived(policies, text), today=LAST_DAY)
    assert "name what is waived, its whole type and some of its name" in errors(report)


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("    expires: 2031-01-31\n", "", "waivers.0 (CKV_AWS_51).expires: Field required"),
        ("2031-01-31", "soon", "expires: Input should be a valid date"),
        ("    owner: ml-platform@example.com\n", "", "owner: Field required"),
        ("    ticket: ML-4711\n", "", "ticket: Field required"),
        ("address: aws_ecr_repository.churn", "construct: ch*", "construct: String should match pattern"),
        (
            "    address: aws_ecr_repository.churn\n",
            "",
            "supply either an address or a construct, got '' and ''",
        ),
        ("    reason:", "    construct: churn\n    reason:", "supply either an address or a construct"),
        ("reason: tags are moved until the build is repaired", "reason: later", "reason: String should have"),
        (
            "aws_ecr_repository.churn",
            '"*"',
            "name what is waived, its whole type and some of its name: got '*'",
        ),
        ("rule: CKV_AWS_51", "rule: CKV_AWS_9999", "no such rule: CKV_AWS_9999"),
        ("environments: [prod]", "environments: []", "environments: List should have at least 1 item"),
        ("    stack: serving\n", "    stack: serving\n    stack: training\n", "'stack' is there twice"),
        ("owner:", "approver:", "approver: Extra inputs are not permitted"),
    ],
)
def test_a_waiver_that_is_not_understood_is_an_error(
    judge: Judge, policies: Path, old: str, new: str, text: str
) -> None:
    assert old in WAIVER
    report = judge(plan(MUTABLE), policies=waived(policies, WAIVER.replace(old, new)), today=LAST_DAY)
    assert report.exit_code == 3
    assert text in errors(report)


NOTED: Json = {
    "rule": "CKV_AWS_51",
    "construct": "prod-serving/churn",
    "reason": "tags are moved until the build is repaired",
    "owner": "ml-platform@example.com",
    "ticket": "ML-4711",
    "expires": "2031-01-31",
    "lines": ["stacks/foundation.py:121", "main.py:54"],
}


def test_a_waiver_in_code_opens_the_gate_until_its_last_day_and_says_where_it_is_written(
    tmp_path: Path,
) -> None:
    source = made(tmp_path, MUTABLE, waivers=[NOTED])
    report = gate([source], environment(), today=LAST_DAY)
    assert report.exit_code == 0, errors(report)
    result = by_rule(report, "CKV_AWS_51")
    assert (result.state, result.ticket) == ("waived", "ML-4711")
    assert (result.place, result.waived_in) == ("stacks/foundation.py:120", "stacks/foundation.py:121")
    report = gate([source], environment(), today=LAST_DAY + datetime.timedelta(days=1))
    assert "ended on 2031-01-31; mend what it excused, or renew it in stacks/foundation.py:121" in errors(
        report
    )


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"construct": "prod-serving/chu"},
            "covers nothing in these plans; take it out of stacks/foundation.py",
        ),
        (
            {"rule": "CKV_AWS_163"},
            "CKV_AWS_163 for churn in prod-serving of ml-platform@example.com covers noth",
        ),
        ({"rule": "SW_NO"}, "stacks/foundation.py:121: no such rule: SW_NO"),
        ({"expires": "soon"}, "prod-serving: waiver in code: expires: Input should be a valid date"),
        ({"construct": "prod-serving"}, "waiver in code: document: supply either an address or a construct"),
    ],
)
def test_a_waiver_in_code_that_is_wrong_or_not_needed_is_an_error(
    tmp_path: Path, changes: Json, text: str
) -> None:
    report = gate([made(tmp_path, MUTABLE, waivers=[{**NOTED, **changes}])], environment(), today=LAST_DAY)
    assert report.exit_code == 3
    assert text in errors(report)


def test_a_waiver_in_code_of_a_rule_that_is_not_for_an_environment_is_left_alone(tmp_path: Path) -> None:
    waiver = {**NOTED, "rule": "SW_ENDPOINT_SCALING"}
    source = made(tmp_path, REPOSITORY, waivers=[waiver])
    assert gate([source], environment(production=False), today=LAST_DAY).exit_code == 0
    assert gate([source], environment(), today=LAST_DAY).exit_code == 3


def test_a_waiver_may_name_a_construct_and_needs_a_plan_that_was_synthesized_here(
    judge: Judge, tmp_path: Path, policies: Path
) -> None:
    waived(policies, WAIVER.replace("address: aws_ecr_repository.churn", "construct: churn"))
    report = gate([made(tmp_path, MUTABLE)], environment(), policies=policies, today=LAST_DAY)
    assert (report.exit_code, by_rule(report, "CKV_AWS_51").state) == (0, "waived")
    assert by_rule(report, "CKV_AWS_51").waived_in == "policies/waivers.yaml"
    assert "covers nothing" in errors(judge(plan(MUTABLE), policies=policies, today=LAST_DAY))


OVERRIDE = Override(
    rule="SW_STATEFUL_DELETE",
    reason="copied elsewhere with hunter2-hunter2",
    group="ml-leads",
    approver="arn:aws:sts::111122223333:assumed-role/acme-prod-overrides/ada",
)


def test_an_override_opens_the_gate_for_its_rule_only_and_is_recorded(tmp_path: Path) -> None:
    secret = planned("aws_ssm_parameter.s", {"value": "hunter2-hunter2"}, sensitive={"value": True})
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(plan(BUCKET, MUTABLE, secret)), encoding="utf-8")
    report = gate([PlanInput(path=path)], environment(), overrides=[OVERRIDE])
    assert states(report, "SW_STATEFUL_DELETE")["aws_s3_bucket.data"] == "fail"
    assert not any(result.denies for result in report.results if result.rule == OVERRIDE.rule)
    assert by_rule(report, "CKV_AWS_51").denies
    (told,) = report.to_dict()["overrides"]
    assert (told["rule"], told["group"], told["approver"]) == (OVERRIDE.rule, "ml-leads", OVERRIDE.approver)
    said = io.StringIO()
    show(report, Console(file=said, width=200))
    assert f"because: copied elsewhere with (sensitive) (ml-leads: {OVERRIDE.approver})" in said.getvalue()
    assert "1 denied, 1 overridden; " in said.getvalue()
    assert "hunter2" not in said.getvalue() + json.dumps(report.to_dict())

    path.write_text(json.dumps(plan(BUCKET, LOGS)), encoding="utf-8")
    assert gate([PlanInput(path=path)], environment()).exit_code == 1
    assert gate([PlanInput(path=path)], environment(), overrides=[OVERRIDE]).exit_code == 0


@pytest.mark.parametrize("rule", ["CKV_AWS_51", "SW_NO"])
def test_a_rule_that_may_not_be_overridden_stays_and_asking_for_it_closes_the_gate(
    rule: str, tmp_path: Path
) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(plan(MUTABLE)), encoding="utf-8")
    override = dataclasses.replace(OVERRIDE, rule=rule)
    report = gate([PlanInput(path=path)], environment(), overrides=[override])
    assert report.exit_code == 3
    assert f"{rule} may not be overridden" in errors(report)
    assert by_rule(report, "CKV_AWS_51").denies


def test_a_rule_says_when_to_override_it_where_it_may_be_and_only_there(judge: Judge, policies: Path) -> None:
    edit(policies / "catalog.yaml", replaced("mode: deny unless overridden", "mode: deny"))
    assert "override says when, for mode 'deny unless overridden' only, got 'deny'" in errors(
        judge(plan(BUCKET), policies=policies)
    )


def test_relations_are_followed_over_stacks(judge: Judge) -> None:
    variants = [
        {"variant_name": "only", "model_name": "churn", "instance_type": "", "serverless_config": [{}]}
    ]
    configuration = planned(
        "aws_sagemaker_endpoint_configuration.c", {"name": "c", "production_variants": variants}
    )
    training = {"Environment": "prod", "Stack": "training"}
    values = {"name": "churn", "enable_network_isolation": False, "tags_all": training}
    model = plan(planned("aws_sagemaker_model.m", values), tags=training)
    report = judge(plan(configuration), model)
    assert states(report, "SW_MODEL_VPC") == {"aws_sagemaker_model.m": "pass"}
    assert states(judge(model), "SW_MODEL_VPC") == {"aws_sagemaker_model.m": "fail"}


def test_the_report_for_a_program_is_json_with_every_field(judge: Judge) -> None:
    document = json.loads(json.dumps(judge(plan(MUTABLE)).to_dict()))
    assert {
        key: document[key] for key in ("format", "environment", "verdict", "exit_code", "stacks", "touched")
    } == {
        "format": 1,
        "environment": "prod",
        "verdict": "denied",
        "exit_code": 1,
        "stacks": ["prod-serving"],
        "touched": 1,
    }
    assert sum(document["counts"].values()) == len(document["results"])
    first = document["results"][0]
    assert first["rule"] == "CKV_AWS_51"
    assert set(first) == {
        *("rule", "title", "severity", "state", "mode", "stack", "address"),
        *("message", "remedy", "touched", "waiver", "ticket", "waived_in", "place", "override"),
    }


def test_the_digest_of_a_plan_is_stable_and_tells_two_secrets_apart(judge: Judge) -> None:
    def digest(value: str, kept: str = "x") -> str:
        secret = planned("aws_ssm_parameter.a", {"value": value}, sensitive={"value": True})
        other = planned("aws_ssm_parameter.b", {"value": kept}, actions=["no-op"])
        document = judge(plan(secret, other)).to_dict()
        assert [one["stack"] for one in document["plans"]] == ["prod-serving"]
        return str(document["plans"][0]["digest"])

    assert digest("one") == digest("one") == digest("one", "y") != digest("two")


def test_the_key_of_digests_is_made_once_and_readable_for_its_user_only(tmp_path: Path) -> None:
    key = key_of(tmp_path)
    assert key_of(tmp_path) == key
    assert len(key) == 32
    assert (tmp_path / "plan-key").stat().st_mode & 0o777 == 0o600
    assert identity(plan(LOGS), key) != identity(plan(LOGS), b"another")


def test_a_program_beside_the_provider_is_denied_wherever_it_stands(judge: Judge) -> None:
    document = plan(LOGS)
    root = document["configuration"]["root_module"]
    root["resources"].append({"address": "data.external.x", "mode": "data", "type": "external", "name": "x"})
    inner: Json = {"address": "null_resource.x", "mode": "managed", "type": "null_resource", "name": "x"}
    inner |= {"provisioners": [{"type": "remote-exec"}, {"type": "remote-exec"}], "count_expression": {}}
    root["module_calls"] = {"m": {"module": {"resources": [inner]}}}
    report = judge(document)
    assert {result.address: result.message for result in report.results if result.denies} == {
        "data.external.x": "the data source runs a program",
        "module.m.null_resource.x": "provisioner remote-exec runs a program",
    }


def test_the_variable_that_turns_failures_into_passes_has_no_effect(
    judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = planned(
        "aws_cloudwatch_log_group.churn",
        {"name": "churn", "retention_in_days": 400},
        unknown={"kms_key_id": True},
    )
    before = states(judge(plan(group)), "SW_LOG_KMS")
    monkeypatch.setenv("EVAL_TF_PLAN_AFTER_UNKNOWN", "true")
    assert states(judge(plan(group)), "SW_LOG_KMS") == before == {"aws_cloudwatch_log_group.churn": "fail"}


def test_no_packet_leaves_and_nothing_is_printed(
    judge: Judge, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the gate opened a socket")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    assert judge(plan(MUTABLE, BUCKET)).exit_code == 1
    assert capfd.readouterr() == ("", "")
    assert (root.handlers, root.level) == (handlers, level)


OFFLINE = """
import socket, sys, time
def refuse(*_, **__):
    raise SystemExit("the gate opened a socket")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from sagewright import gate
assert "checkov" not in sys.modules and "pydantic" not in sys.modules, "importing the gate must be cheap"
gate.preload()
assert "checkov" in sys.modules
import logging
assert not logging.getLogger().handlers and logging.getLogger().level == logging.WARNING
"""


def test_the_gate_is_imported_cheaply_and_preloads_without_network_or_noise() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", OFFLINE],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_plan_is_not_changed_by_judging_it(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(plan(MUTABLE)), encoding="utf-8")
    before = path.read_bytes()
    gate([PlanInput(path=path)], environment())
    assert path.read_bytes() == before


def test_blocks_whose_number_is_unknown_are_not_taken_for_none(judge: Judge) -> None:
    dynamic = planned(
        "aws_sagemaker_endpoint_configuration.c",
        {"name": "c"},
        unknown={"production_variants": True, "data_capture_config": True},
    )
    report = judge(plan(dynamic))
    for rule in ("SW_ENDPOINT_KMS", "SW_ENDPOINT_OUTPUT_KMS", "SW_ENDPOINT_INSTANCES"):
        assert by_rule(report, rule).state == "unknown", rule
