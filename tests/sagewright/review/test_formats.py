"""JSON, SARIF and JUnit of a review: what programs read."""

from __future__ import annotations

import dataclasses
import json
from xml.etree import ElementTree

import jsonschema  # type: ignore[import-untyped]
import pytest

from sagewright.gate.catalog import Catalog
from sagewright.review.document import document, schema
from sagewright.review.junit import junit
from sagewright.review.model import NOWHERE, Review
from sagewright.review.sarif import sarif
from sagewright.synth import Place
from tests.sagewright.gate.conftest import plan, planned
from tools import review_examples, review_schema

from .conftest import ReviewOf, result
from .test_markdown import whole


@pytest.fixture(scope="module")
def danger() -> Review:
    """The example that is denied."""
    return review_examples.review("danger")


def test_the_published_schema_is_that_of_the_model() -> None:
    assert review_schema.TARGET.read_text(encoding="utf-8") == review_schema.text()


@pytest.mark.parametrize("name", ["danger", "all"])
def test_the_json_keeps_to_its_schema(danger: Review, name: str) -> None:
    given = json.loads(json.dumps(document(danger if name == "danger" else whole("x"))))
    jsonschema.Draft202012Validator(schema()).validate(given)
    assert given["format"] == 1 and given["comment_key"].startswith("<!-- sagewright-review:")


def test_the_schema_describes_its_parts_and_forbids_others() -> None:
    described = schema()
    assert set(described["required"]) == set(described["properties"])
    assert all("description" in one or "const" in one for one in described["properties"].values())
    for part in described["$defs"].values():
        assert part["additionalProperties"] is False and "description" in part


def test_a_result_is_at_the_line_of_whoever_uses_the_module(danger: Review, catalog: Catalog) -> None:
    (run,) = sarif(danger, catalog)["runs"]
    placed = [one for one in run["results"] if one["ruleId"] == "CKV_AWS_289"]
    (location,) = placed[0]["locations"]
    physical = location["physicalLocation"]
    assert physical["artifactLocation"] == {"uri": "stacks/serving.py", "uriBaseId": "%SRCROOT%"}
    assert physical["region"]["startLine"] > 1
    assert location["logicalLocations"][0]["fullyQualifiedName"].startswith(
        "shop-serving/aws_iam_role_policy."
    )
    assert placed[0]["relatedLocations"][0]["physicalLocation"]["artifactLocation"]["uri"].startswith(
        "modules/"
    )


def test_a_result_without_a_place_is_at_the_stacks_synthesized_file(catalog: Catalog) -> None:
    (first, *_) = whole("x").failures
    bare = dataclasses.replace(whole("x"), failures=(dataclasses.replace(first, place=NOWHERE, stack="a b"),))
    (found, *_) = sarif(bare, catalog)["runs"][0]["results"]
    assert found["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "cdktf.out/stacks/a%20b/cdk.tf.json", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 1},
    }


def test_sarif_has_what_github_requires(danger: Review, catalog: Catalog) -> None:
    """https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning"""
    log = sarif(danger, catalog)
    assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-2.1.0.json")
    (run,) = log["runs"]
    rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
    assert run["tool"]["driver"]["name"] == "sagewright"
    assert len(run["results"]) == len(danger.failures)
    for found in run["results"]:
        rule = rules[found["ruleId"]]
        assert rule["shortDescription"]["text"] and rule["help"]["text"]
        assert 0 < float(rule["properties"]["security-severity"]) < 10
        assert found["level"] in ("error", "warning", "note") and found["message"]["text"]
        assert len(found["locations"]) == 1
    marks = [json.dumps(found["partialFingerprints"]) for found in run["results"]]
    assert len(set(marks)) == len(marks)


def test_a_waived_result_is_suppressed_and_says_why(catalog: Catalog) -> None:
    results = sarif(whole("x"), catalog)["runs"][0]["results"]
    waived, overridden = [one["suppressions"][0] for one in results if "suppressions" in one]
    assert waived["kind"] == "external" and "until 2030-01-01" in waived["justification"]
    assert overridden["kind"] == "external" and overridden["justification"] == "x (x: x)"


def test_an_error_of_the_gate_has_a_rule_too(review: ReviewOf, catalog: Catalog) -> None:
    error = result(rule="SW_GATE", state="error", stack="", address="", message="no plan")
    (run,) = sarif(review(plan(planned("aws_s3_bucket.a")), results=[error]), catalog)["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["SW_GATE"]
    assert run["results"][0]["level"] == "error"


def test_junit_has_one_case_for_each_rule_of_each_stack(review: ReviewOf) -> None:
    results = [
        result(),
        result(address="aws_s3_bucket.b"),
        result(rule="SW_LOG_KMS", state="pass", message=""),
        result(rule="SW_LOG_KMS", mode="advise"),
        result(rule="SW_QUERY_KMS", state="waived", waiver="x (y, until 2030-01-01)"),
        result(rule="SW_GATE", state="error", stack="", address=""),
    ]
    root = ElementTree.fromstring(junit(review(plan(planned("aws_s3_bucket.a")), results=results)))
    cases = {
        (case.get("classname"), (case.get("name") or "").split()[0]): [child.tag for child in case]
        for case in root.iter("testcase")
    }
    assert cases == {
        ("prod", "SW_GATE"): ["error"],
        ("prod-serving", "SW_TAGS"): ["failure"],
        ("prod-serving", "SW_LOG_KMS"): ["system-out"],
        ("prod-serving", "SW_QUERY_KMS"): ["skipped"],
    }
    (suite,) = (one for one in root if one.get("name") == "prod-serving")
    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["3", "1", "0", "1"]
    (failure,) = root.iter("failure")
    assert (failure.text or "").count("denied: aws_s3_bucket.") == 2


def test_junit_is_well_formed_whatever_a_plan_says(review: ReviewOf) -> None:
    said = result(message="\x00\x1b<]]>&\ud800", address="aws_s3_bucket.a")
    ElementTree.fromstring(junit(review(plan(planned("aws_s3_bucket.a")), results=[said])))


def test_a_place_with_a_blank_is_a_legal_address(catalog: Catalog) -> None:
    (first, *_) = whole("x").failures
    place = Place(construct="", lines=("my stacks/ü.py:7",))
    log = sarif(dataclasses.replace(whole("x"), failures=(dataclasses.replace(first, place=place),)), catalog)
    physical = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert physical["artifactLocation"]["uri"] == "my%20stacks/%C3%BC.py"
    assert physical["region"]["startLine"] == 7


@pytest.mark.parametrize("example", review_examples.NAMES)
def test_the_examples_in_the_docs_are_what_is_written_today(example: str) -> None:
    kept = (review_examples.PAGES / f"{example}.md").read_text(encoding="utf-8")
    assert kept == review_examples.page(example), f"run: {review_examples.COMMAND}"
