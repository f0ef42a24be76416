"""Nothing of a secret is shown, wherever it stands and however it gets into a message (PITFALLS P4)."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from sagewright.gate import PlanError, Report, redacted_text, show
from sagewright.gate.redaction import HIDDEN, Redactor, looks_secret

from .conftest import Json, Judge, edit, plan, planned

SECRET = "Tr0ub4dor&3-horse"
LEAKY_RULE = """
import json
from policies.plan.model import failed, rule

@rule("SW_TAGS")
def leaky(resource, planned):
    after, before = dict(resource.values), dict(resource.change.before)
    return failed(f"{json.dumps(after, default=str)} {json.dumps(before)}")
"""


def printed(report: Report) -> str:
    """Return everything that the gate shows of a report, to people and to programs."""
    file = io.StringIO()
    show(report, Console(file=file, width=100_000, force_terminal=False))
    return file.getvalue() + json.dumps(report.to_dict(), ensure_ascii=False)


def leak_all(policies: Path) -> Path:
    """Make a rule tell every value that it sees."""
    (policies / "plan" / "tags.py").write_text(LEAKY_RULE, encoding="utf-8")
    edit(policies.parent / "policies" / "catalog.yaml", lambda text: text.replace("taggable: true\n", "\n"))
    return policies


def nested(value: Any) -> Json:
    return {"rule": [{"plain": "open"}, {"header": [{"value": value}]}]}


POSITIONS = {
    "an argument": planned("aws_s3_bucket.a", {"note": SECRET}, sensitive={"note": True}),
    "a list of blocks": planned(
        "aws_s3_bucket.a", nested(SECRET), sensitive={"rule": [{}, {"header": [{"value": True}]}]}
    ),
    "a whole block": planned("aws_s3_bucket.a", nested(SECRET), sensitive={"rule": True}),
    "a map": planned(
        "aws_s3_bucket.a", {"environment": {"X": SECRET}}, sensitive={"environment": {"X": True}}
    ),
    "a list": planned("aws_s3_bucket.a", {"words": ["open", SECRET]}, sensitive={"words": [False, True]}),
    "inside a document": planned(
        "aws_s3_bucket.a", {"note": json.dumps({"deep": [{"x": SECRET}]})}, sensitive={"note": True}
    ),
    "the value before": planned(
        "aws_s3_bucket.a",
        {"note": "new"},
        actions=["update"],
        before={"note": SECRET},
        sensitive={"note": True},
    ),
    "by the name of the secret key": planned("aws_s3_bucket.a", {"secret_key": SECRET}),
    "by the name of an argument": planned("aws_s3_bucket.a", {"master_password": SECRET}),
    "by the name of a variable of a model": planned(
        "aws_s3_bucket.a", {"primary_container": [{"environment": {"DB_PASSWORD": SECRET}}]}
    ),
    "by the name beside it": planned("aws_s3_bucket.a", {"env": [{"name": "API_TOKEN", "value": SECRET}]}),
    "by name, inside a document": planned("aws_s3_bucket.a", {"body": json.dumps({"api_key": SECRET})}),
}


@pytest.mark.parametrize("resource", POSITIONS.values(), ids=POSITIONS.keys())
def test_a_marked_value_is_hidden_in_every_output(judge: Judge, policies: Path, resource: Any) -> None:
    report = judge(plan(resource), policies=leak_all(policies))
    text = printed(report)
    assert HIDDEN in text, "the rule must have told the value"
    assert SECRET not in text
    assert SECRET[:8] not in text


@pytest.mark.parametrize("where", ["variables", "outputs", "provider", "drift", "other resource"])
def test_a_value_that_is_marked_elsewhere_is_hidden_here(judge: Judge, policies: Path, where: str) -> None:
    resources = [planned("aws_s3_bucket.a", {"note": f"connect with {SECRET} now"})]
    if where == "other resource":
        resources.append(planned("aws_ssm_parameter.p", {"value": SECRET}, sensitive={"value": True}))
    document = plan(*resources)
    if where == "variables":
        document["variables"] = {"word": {"value": SECRET}}
        document["configuration"]["root_module"]["variables"] = {"word": {"sensitive": True}}
    elif where == "outputs":
        document["output_changes"] = {
            "word": {"actions": ["create"], "before": None, "after": SECRET, "after_sensitive": True}
        }
    elif where == "provider":
        provider = document["configuration"]["provider_config"]["aws"]["expressions"]
        provider["secret_key"] = {"constant_value": SECRET}
    elif where == "drift":
        document["resource_drift"] = [
            {"change": {"before": {"note": SECRET}, "before_sensitive": {"note": True}, "after": None}}
        ]
    text = printed(judge(document, policies=leak_all(policies)))
    assert f"connect with {HIDDEN} now" in text
    assert SECRET not in text


LOOKS = [
    "AKIAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "postgres://churn:horse-staple@db.example.com/churn",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIBOgIBAAJBAKj34GkxFhD90vcNLYLInFEX\n-----END RSA PRIVATE KEY-----",
]


@pytest.mark.parametrize("value", LOOKS)
def test_a_value_that_looks_like_a_key_is_hidden_under_any_name(
    judge: Judge, policies: Path, value: str
) -> None:
    resource = planned("aws_s3_bucket.a", {"environment": {"SETTING": value}})
    text = printed(judge(plan(resource), policies=leak_all(policies)))
    assert HIDDEN in text
    assert value not in text
    assert max(value.splitlines(), key=len) not in text


@pytest.mark.parametrize(
    "value",
    [
        "222233334444.dkr.ecr.eu-central-1.amazonaws.com/churn@sha256:" + "0123456789abcdef" * 4,
        "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "arn:aws:sagemaker:eu-central-1:111122223333:endpoint-config/acme-prod-churn-20300101000000000000000001",
        "aws_sagemaker_endpoint_configuration.churn_endpoint_configuration",
        "arn:aws:iam::111122223333:role/service-role/AmazonSageMakerServiceCatalogProductsExecutionRole",
        "arn:aws:iam::111122223333:role/service-role/AmazonSageMaker-ExecutionRole-20300101T000001",
        "endpoint/acme-prod-churn/variant/champion",
        "SageMakerVariantInvocationsPerInstance",
        "s3://acme-prod-captures/churn/2030/01/01/00",
        "https://docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html",
        "cloudwatch:namespace is /aws/sagemaker/Endpoints",
        "subnet-0a1b2c3d4e5f60718",
    ],
)
def test_names_arns_and_digests_stay_readable(value: str) -> None:
    assert not looks_secret(value)
    assert Redactor().hide(value) == value


def test_the_name_of_a_resource_stays_readable_although_a_parameter_publishes_it(
    judge: Judge, policies: Path
) -> None:
    repository = planned(
        "aws_ecr_repository.a", {"name": "acme-prod-churn", "image_tag_mutability": "MUTABLE"}
    )
    published = planned("aws_ssm_parameter.a", {"value": "acme-prod-churn"}, sensitive={"value": True})
    text = printed(judge(plan(repository, published), policies=leak_all(policies)))
    assert '\\"name\\": \\"acme-prod-churn\\"' in text


def test_short_values_are_not_looked_for_in_other_texts(judge: Judge) -> None:
    resource = planned("aws_ssm_parameter.a", {"type": "String", "value": "1"}, sensitive={"value": True})
    logs = planned("aws_cloudwatch_log_group.a", {"name": "a", "retention_in_days": 11})
    report = judge(plan(resource, logs))
    assert "retention_in_days is 11" in printed(report)


def test_a_long_message_is_cut_after_redaction_not_before(judge: Judge, policies: Path) -> None:
    filler = "x" * 290
    rule = f"""
from policies.plan.model import failed, rule

@rule("SW_TAGS")
def leaky(resource, planned):
    return failed("{filler}" + resource.values["note"])
"""
    (policies / "plan" / "tags.py").write_text(rule, encoding="utf-8")
    resource = planned("aws_s3_bucket.a", {"note": SECRET}, sensitive={"note": True})
    text = printed(judge(plan(resource), policies=policies))
    assert SECRET[:4] not in text


def test_what_a_broken_rule_says_is_redacted_too(judge: Judge, policies: Path) -> None:
    rule = """
from policies.plan.model import rule

@rule("SW_TAGS")
def leaky(resource, planned):
    raise ValueError(resource.values["note"])
"""
    (policies / "plan" / "tags.py").write_text(rule, encoding="utf-8")
    resource = planned("aws_s3_bucket.a", {"note": SECRET}, sensitive={"note": True})
    text = printed(judge(plan(resource), policies=policies))
    assert f"the rule failed: ValueError: {HIDDEN}" in text
    assert SECRET not in text


def test_every_key_in_a_text_is_hidden_not_only_the_first() -> None:
    text = "AKIAABCDEFGHIJKLMNOP, AKIAQRSTUVWXYZ234567; a://u:hunter22@h b://v:sommer99@h"
    assert Redactor().hide(text) == f"{HIDDEN}, {HIDDEN}; a{HIDDEN}h b{HIDDEN}h"


def test_what_surrounds_a_private_key_stays_readable() -> None:
    key = "-----BEGIN PRIVATE KEY-----\nMIIBOgIBAAJBAKj34GkxFhD90vcN\n-----END PRIVATE KEY-----"
    assert Redactor().hide(f"before\n{key}\nafter") == f"before\n{HIDDEN}\nafter"


def test_the_id_of_what_is_no_resource_of_aws_may_be_a_secret() -> None:
    made = planned("random_string.word", {"result": SECRET, "id": SECRET})
    used = planned("aws_db_instance.a", {"password": SECRET}, sensitive={"password": True})
    redactor = Redactor()
    redactor.learn(plan(made, used))
    assert redactor.hide(f"the word is {SECRET}") == f"the word is {HIDDEN}"


@pytest.mark.parametrize("argument", ["region", "path", "url", "type", "address"])
def test_a_marked_value_stays_hidden_where_another_argument_holds_it_unmarked(argument: str) -> None:
    marked = planned("aws_ssm_parameter.a", {"value": SECRET}, sensitive={"value": True})
    redactor = Redactor()
    redactor.learn(plan(marked, planned("aws_x.a", {argument: SECRET})))
    assert SECRET not in redactor.hide(SECRET)


def test_the_text_of_a_plan_is_told_without_its_secrets() -> None:
    environment = {"DB_PASSWORD": SECRET, "MODE": SECRET}
    document = plan(planned("aws_sagemaker_model.m", {"primary_container": [{"environment": environment}]}))
    text = f'+ name = "m"\n+ environment = {{\n  + "DB_PASSWORD" = "{SECRET}"\n  + "MODE" = "{SECRET}"\n}}'
    told = redacted_text(text, document)
    assert SECRET not in told
    assert told.count(HIDDEN) == 2
    assert '+ name = "m"' in told


def test_the_text_of_what_is_no_plan_is_not_told() -> None:
    with pytest.raises(PlanError, match="is not laid out as a plan"):
        redacted_text("text", {"variables": {"x": "s"}})
