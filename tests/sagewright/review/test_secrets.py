"""No secret is in any format of a review, wherever it stands in a plan: by mark, by name, by look."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from sagewright.gate.catalog import Catalog
from sagewright.gate.redaction import masked
from sagewright.review.document import document
from sagewright.review.junit import junit
from sagewright.review.markdown import render
from sagewright.review.model import Attribute, Review
from sagewright.review.sarif import sarif
from tests.sagewright.gate.conftest import Json, plan, planned

from .conftest import ReviewOf, result

SECRET = "Tr0ub4dor&3-horse"
OTHER = "c0rrect-B4ttery"
KEY = "AKIAIOSFODNN7EXAMPLE"


def everything(review: Review, catalog: Catalog) -> str:
    """Return a review in every format, one after the other."""
    log = json.dumps(sarif(review, catalog), ensure_ascii=False)
    return "\n".join(
        [render(review), json.dumps(document(review), ensure_ascii=False), log, junit(review), repr(review)]
    )


def changed(before: Json, after: Json, mark: Any = None, **more: Any) -> Json:
    """Return a plan that changes one resource, with Terraform's marks on it."""
    return plan(
        planned("aws_ssm_parameter.a", after, actions=["update"], before=before, sensitive=mark or {}, **more)
    )


def blocks(value: str) -> Json:
    return {"rule": [{"name": "open"}, {"name": "x", "header": [{"text": "open"}, {"text": value}]}]}


BLOCK_MARK = {"rule": [{}, {"header": [{}, {"text": True}]}]}
POLICY = '{{"Statement": [{{"Effect": "Allow", "Action": "s3:*", "Resource": "{0}"}}]}}'
POSITIONS = {
    "an argument, by mark": changed({"text": SECRET}, {"text": OTHER}, {"text": True}),
    "a nested list of blocks, by mark": changed(blocks(SECRET), blocks(OTHER), BLOCK_MARK),
    "a whole block, by mark": changed(blocks(SECRET), blocks(OTHER), {"rule": True}),
    "a list, by mark": changed({"words": ["a", SECRET]}, {"words": ["a", OTHER]}, {"words": [False, True]}),
    "a number, by mark": changed({"pin": 987654}, {"pin": 876543}, {"pin": True}),
    "a short text, by mark": changed({"text": "q7"}, {"text": "z8"}, {"text": True}),
    "only before, by mark": changed({"text": SECRET}, {"text": "open"}, {"text": True}),
    "only after, by mark": changed({"text": None}, {"text": OTHER}, {"text": True}),
    "a JSON text, by mark": changed(
        {"text": json.dumps({"deep": [SECRET]})}, {"text": json.dumps({"deep": [OTHER]})}, {"text": True}
    ),
    "a policy, by mark": changed(
        {"policy": POLICY.format(SECRET)}, {"policy": POLICY.format(OTHER)}, {"policy": True}
    ),
    "an argument, by name": changed({"master_password": SECRET}, {"master_password": OTHER}),
    "a map of variables, by name": changed(
        {"environment": {"DB_PASSWORD": SECRET, "LEVEL": "1"}},
        {"environment": {"DB_PASSWORD": OTHER, "LEVEL": "2"}},
    ),
    "a list of names and values, by name": changed(
        {"env": [{"name": "API_TOKEN", "value": SECRET}, {"name": "LEVEL", "value": "1"}]},
        {"env": [{"name": "API_TOKEN", "value": OTHER}, {"name": "LEVEL", "value": "2"}]},
    ),
    "a JSON text, by name": changed(
        {"body": json.dumps({"a": {"api_key": SECRET}})}, {"body": json.dumps({"a": {"api_key": OTHER}})}
    ),
    "a JSON text in a JSON text, by name": changed(
        {"body": json.dumps({"a": json.dumps({"api_key": SECRET})})},
        {"body": json.dumps({"a": json.dumps({"api_key": OTHER})})},
    ),
    "an argument, by look": changed({"text": "open"}, {"text": f"use {KEY}"}),
    "a policy, by look": changed({"policy": None}, {"policy": POLICY.format(KEY)}),
    "the name of an attribute, by look": changed({"map": {}}, {"map": {KEY: "open"}}),
    "an address, by look": plan(planned(f"aws_s3_bucket.{KEY}", {"bucket": "open"})),
    "a new resource, by mark": plan(
        planned("aws_ssm_parameter.a", {"text": SECRET}, sensitive={"text": True}, expressions={"text": {}})
    ),
    "a resource that goes, by mark": plan(
        planned(
            "aws_sagemaker_domain.a",
            {},
            actions=["delete"],
            before={"home_efs_file_system_id": "fs-1", "text": SECRET},
            sensitive={"text": True},
        )
    ),
    "an output, by mark": plan(
        planned("aws_s3_bucket.a"),
        output_changes={
            "url": {
                "actions": ["update"],
                "before": SECRET,
                "after": OTHER,
                "before_sensitive": True,
                "after_sensitive": True,
            }
        },
    ),
    "an output, by name": plan(
        planned("aws_s3_bucket.a"),
        output_changes={"password": {"actions": ["create"], "before": None, "after": SECRET}},
    ),
    "a variable, by name": plan(
        planned("aws_s3_bucket.a", {"text": f"has {SECRET} in it"}, expressions={"text": {}}),
        variables={"token": {"value": SECRET}},
    ),
    "drift, by mark": plan(
        planned("aws_s3_bucket.a"),
        resource_drift=[
            {
                "address": "aws_s3_bucket.a",
                "mode": "managed",
                "type": "aws_s3_bucket",
                "change": {
                    "actions": ["update"],
                    "before": {"words": {"x": SECRET}},
                    "after": {"words": {"x": OTHER}},
                    "before_sensitive": {"words": {"x": True}},
                    "after_sensitive": {"words": {"x": True}},
                },
            }
        ],
    ),
    "where traffic goes, by mark": plan(
        planned(
            "aws_sagemaker_endpoint_configuration.a",
            {
                "name": "v2",
                "production_variants": [{"variant_name": SECRET, "instance_type": OTHER}],
            },
            sensitive={"production_variants": [{"variant_name": True, "instance_type": True}]},
        ),
        planned("aws_sagemaker_endpoint.a", {"name": "churn", "endpoint_config_name": "v2"}),
    ),
    "a principal, by mark": plan(
        planned(
            "aws_kms_grant.a",
            {"grantee_principal": SECRET, "key_id": "k", "operations": ["Decrypt"]},
            sensitive={"grantee_principal": True},
        )
    ),
}


@pytest.mark.parametrize("document_", POSITIONS.values(), ids=POSITIONS.keys())
def test_a_secret_is_in_no_format(review: ReviewOf, catalog: Catalog, document_: Json) -> None:
    said = result(message=f"value is {SECRET} or {KEY}", address="aws_s3_bucket.a")
    made = review(document_, results=[said] if SECRET in json.dumps(document_) else [])
    text = everything(made, catalog)
    for secret in (SECRET, OTHER, KEY, SECRET.replace("&", "&amp;"), "987654", "876543"):
        assert secret not in text
    for short in ("q7", "z8"):
        assert f'"{short}"' not in text and f"'{short}'" not in text and f"`{short}`" not in text


def attributes(made: Review) -> list[Attribute]:
    return [one for group in made.changes for change in group.changes for one in change.attributes]


def test_a_changed_secret_is_said_to_be_changed(review: ReviewOf) -> None:
    (attribute,) = attributes(review(POSITIONS["an argument, by mark"]))
    assert (attribute.before.nature, attribute.before.text) == ("sensitive", "sensitive, changed")
    assert (attribute.after.nature, attribute.after.text) == ("sensitive", "sensitive, changed")


def test_a_secret_that_stays_is_not_said_to_be_changed(review: ReviewOf) -> None:
    made = review(changed({"text": SECRET, "n": 1}, {"text": SECRET, "n": 2}, {"text": True}))
    assert [attribute.path for attribute in attributes(made)] == ["n"]


def test_what_is_beside_a_secret_is_shown(review: ReviewOf) -> None:
    made = review(POSITIONS["a list of names and values, by name"])
    told = {attribute.path: attribute.after.text for attribute in attributes(made)}
    assert told == {"env[API_TOKEN].value": "sensitive, changed", "env[LEVEL].value": "2"}


def test_masking_keeps_the_shape_and_what_is_no_secret() -> None:
    value = {"a": [{"password": "x", "n": 1}], "b": json.dumps({"token": "y", "c": 2}), "d": None}
    assert masked(value, {"a": [{"n": True}]}) == {
        "a": [{"password": "(sensitive)", "n": "(sensitive)"}],
        "b": '{"token": "(sensitive)", "c": 2}',
        "d": None,
    }


def test_every_text_of_the_model_went_through_the_redactor(review: ReviewOf, catalog: Catalog) -> None:
    """A secret in the name of a stack, which comes from a tag, is the gate's business; all else is ours."""
    made = review(plan(planned(f"aws_sagemaker_feature_group.{KEY}", {}, actions=["delete"])))
    assert made.losses and made.nodes
    assert KEY not in repr(dataclasses.asdict(made))
