"""Unknown values are read from the configuration where it tells, and nowhere else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from policies.plan.model import Block, Template, Undecided, Unknown
from sagewright.gate.expressions import Expressions, split

from .conftest import Json, Planned, plan, planned

BUCKET = planned("aws_s3_bucket.b", {"bucket": "data"}, unknown={"arn": True, "id": True})
NAMED = planned(
    "aws_s3_bucket.n",
    {"tags": {"Kind": "logs"}, "list": ["x", "y"]},
    unknown={"bucket": True},
    expressions={
        "bucket": {"constant_value": "${var.organization}-logs", "references": ["var.organization"]}
    },
)


def complete(
    expression: Any, unknown: Any = True, value: Any = None, locals_: Json | None = None, **top: Any
) -> Any:
    """Return what an argument `x` comes to, given its expression."""
    subject = planned(
        "aws_x.s",
        {} if value is None else {"x": value},
        unknown={"x": unknown},
        expressions={"x": expression} if expression is not None else {},
    )
    resources: list[Planned] = [BUCKET, NAMED, subject]
    document = plan(*resources, variables={"organization": {"value": "acme"}}, **top)
    values = {resource.address: resource.values for resource in resources}
    marks = {resource.address: resource.unknown for resource in resources}
    expressions = Expressions(document, values, marks, locals_ or {})
    return expressions.complete(subject.address, "", subject.values, subject.unknown)["x"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("${aws_s3_bucket.b.bucket}", "data"),
        ("s3://${aws_s3_bucket.b.bucket}/churn", "s3://data/churn"),
        ("${var.organization}", "acme"),
        ("${aws_s3_bucket.n.tags}", {"Kind": "logs"}),
        ("${aws_s3_bucket.n.tags.Kind}", "logs"),
        ('${aws_s3_bucket.n.tags["Kind"]}', "logs"),
        ("${aws_s3_bucket.n.list[1]}", "y"),
        ("${aws_s3_bucket.n.bucket}", "acme-logs"),
        ("$${not} and %%{not}", "${not} and %{not}"),
        ("${local.region}", "eu-central-1"),
        ("${local.nested.name}", "acme-nested"),
    ],
)
def test_what_the_configuration_tells_is_known(text: str, value: object) -> None:
    locals_ = {"region": "eu-central-1", "nested": {"name": "${var.organization}-nested"}}
    found = complete({"constant_value": text}, locals_=locals_)
    assert found == value
    assert not isinstance(found, Template)


@pytest.mark.parametrize(
    ("text", "references"),
    [
        ("${aws_s3_bucket.b.arn}", ("aws_s3_bucket.b.arn",)),
        ("${aws_s3_bucket.b.arn}/*", ("aws_s3_bucket.b.arn",)),
        (
            '{"Resource": ["${aws_s3_bucket.b.arn}", "${aws_s3_bucket.b.id}"]}',
            ("aws_s3_bucket.b.arn", "aws_s3_bucket.b.id"),
        ),
    ],
)
def test_what_aws_has_yet_to_name_stays_in_place(text: str, references: tuple[str, ...]) -> None:
    found = complete({"constant_value": text})
    assert isinstance(found, Template)
    assert found == text
    assert found.references == references


@pytest.mark.parametrize(
    "text",
    [
        "${upper(aws_s3_bucket.b.arn)}",
        "${var.missing}",
        "${local.missing}",
        "${each.value}",
        "${data.aws_iam_policy_document.d.json}",
        "${module.m.arn}",
        "${aws_s3_bucket.gone.arn}",
        "${aws_s3_bucket.b}",
        "${aws_s3_bucket.n.tags.Missing}",
        '${true ? "*" : aws_s3_bucket.b.arn}',
        "%{ if true }*%{ endif }",
        "${~ aws_s3_bucket.b.arn ~}",
        "${aws_s3_bucket.b.arn",
        '{"Action": "${local.missing}"}',
    ],
)
def test_what_the_configuration_does_not_tell_plainly_is_unknown(text: str) -> None:
    assert isinstance(complete({"constant_value": text}), Unknown)


def test_an_argument_of_hcl_is_unknown_but_tells_its_references() -> None:
    found = complete({"references": ["aws_s3_bucket.b.arn", "aws_s3_bucket.b"]})
    assert found == Unknown(("aws_s3_bucket.b.arn",))


@pytest.mark.parametrize("reference", ["var.x", "local.x", "each.value", "data.aws_x.y.z", "module.m.arn"])
def test_a_reference_to_anything_but_a_resource_promises_no_value(reference: str) -> None:
    found = complete({"references": ["aws_s3_bucket.b.arn", reference]})
    assert found == Unknown()
    with pytest.raises(Undecided):
        Block({"x": found}).has("x")


def test_what_is_not_configured_is_left_to_aws() -> None:
    found = complete(None)
    assert found == Unknown(computed=True)
    assert Block({"x": found}).has("x") is False


def test_nested_blocks_are_completed_in_place() -> None:
    expression = [
        {"name": {"constant_value": "a"}, "bucket": {"constant_value": "${aws_s3_bucket.b.bucket}"}}
    ]
    found = complete(expression, unknown=[{"bucket": True}], value=[{"name": "a"}])
    assert found == [{"name": "a", "bucket": "data"}]


def test_blocks_of_a_set_are_matched_by_what_is_known_of_them() -> None:
    expression = [
        {"name": {"constant_value": "a"}, "bucket": {"constant_value": "first"}},
        {"name": {"constant_value": "b"}, "bucket": {"constant_value": "second"}},
    ]
    unknown = [{"bucket": True}, {"bucket": True}]
    found = complete(expression, unknown=unknown, value=[{"name": "b"}, {"name": "a"}])
    assert found == [{"name": "b", "bucket": "second"}, {"name": "a", "bucket": "first"}]


def test_blocks_that_cannot_be_told_apart_stay_unknown() -> None:
    expression = [{"bucket": {"constant_value": "first"}}, {"bucket": {"constant_value": "second"}}]
    found = complete(expression, unknown=[{"bucket": True}, {"bucket": True}], value=[{}, {}])
    assert found == [{"bucket": Unknown()}, {"bucket": Unknown()}]


def test_members_of_a_map_are_completed() -> None:
    expression = {"constant_value": {"a": "${aws_s3_bucket.b.bucket}", "b": "${upper(var.organization)}"}}
    found = complete(expression, unknown={"a": True, "b": True}, value={"c": "known"})
    assert found == {"a": "data", "b": Unknown(), "c": "known"}


def test_references_in_a_circle_end() -> None:
    one = planned(
        "aws_x.a",
        unknown={"x": True},
        expressions={"x": {"constant_value": "${aws_x.b.x}", "references": []}},
    )
    two = planned(
        "aws_x.b",
        unknown={"x": True},
        expressions={"x": {"constant_value": "${aws_x.a.x}", "references": []}},
    )
    values: dict[str, Json] = {"aws_x.a": {}, "aws_x.b": {}}
    marks = {"aws_x.a": one.unknown, "aws_x.b": two.unknown}
    expressions = Expressions(plan(one, two), values, marks, {})
    assert expressions.complete("aws_x.a", "", {}, one.unknown)["x"] == Template("${aws_x.b.x}")


def in_module(**call: Any) -> Any:
    """Return what an argument of a resource in a child module comes to, which takes it from the caller."""
    document = plan(BUCKET)
    document["configuration"]["root_module"]["module_calls"] = {
        "m": {
            "expressions": {"name": {"constant_value": "${aws_s3_bucket.b.bucket}-copy"}},
            "module": {
                "resources": [
                    {
                        "address": "aws_x.s",
                        "mode": "managed",
                        "type": "aws_x",
                        "name": "s",
                        "expressions": {"x": {"constant_value": "${var.name}"}},
                    }
                ],
                "variables": {"name": {}},
            },
            **call,
        }
    }
    values: dict[str, Json] = {"aws_s3_bucket.b": BUCKET.values, "module.m.aws_x.s": {}}
    expressions = Expressions(document, values, {"module.m.aws_x.s": {"x": True}}, {})
    return expressions.complete("module.m.aws_x.s", "module.m", {}, {"x": True})["x"]


def test_a_variable_of_a_module_is_what_its_caller_hands_in() -> None:
    assert in_module() == "data-copy"


def test_a_variable_of_a_repeated_module_may_differ_and_is_unknown() -> None:
    assert isinstance(in_module(for_each_expression={}), Unknown)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", [(True, "")]),
        ("a${b}c", [(True, "a"), (False, "b"), (True, "c")]),
        ('${f("}", {a = 1})}', [(False, 'f("}", {a = 1})')]),
        ('${"\\"}"}', [(False, '"\\"}"')]),
    ],
)
def test_a_template_is_split_at_its_interpolations(text: str, parts: list[tuple[bool, str]]) -> None:
    assert split(text) == parts


def test_reading_an_unknown_value_never_gives_one() -> None:
    block = Block({"a": {"b": [1, Unknown()]}, "c": Unknown()}, "aws_x.s")
    assert block["a"]["b"][0] == 1
    for read in (
        lambda: block["c"],
        lambda: block.get("c"),
        lambda: block["a"]["b"][1],
        lambda: block.blocks("c"),
    ):
        with pytest.raises(Undecided):
            read()
    with pytest.raises(Undecided, match=r"aws_x\.s: a\.b\[1\]"):
        list(block["a"]["b"])


def repeated(expression: Json, reference: Json, key: Any = "a") -> Any:
    """Return what an argument of one instance comes to, that refers to instances of a bucket."""
    index = json.dumps([key])
    document = plan()
    document["configuration"]["root_module"]["resources"] = [
        {
            "address": "aws_s3_bucket.b",
            "mode": "managed",
            "expressions": reference,
            "for_each_expression": {},
        },
        {
            "address": "aws_x.s",
            "mode": "managed",
            "expressions": {"x": expression},
            "for_each_expression": {},
        },
    ]
    values: dict[str, Json] = {f"aws_s3_bucket.b{index}": {}, f"aws_x.s{index}": {}}
    marks = {f"aws_s3_bucket.b{index}": {"bucket": True, "id": True}, f"aws_x.s{index}": {"x": True}}
    expressions = Expressions(document, values, marks, {})
    return expressions.complete(f"aws_x.s{index}", "", {}, {"x": True})["x"]


@pytest.mark.parametrize("key", ["a", "with space"])
def test_each_key_means_the_instance_of_the_same_key(key: str) -> None:
    reference = {"bucket": {"constant_value": "data-${each.key}"}}
    named = repeated({"constant_value": "${aws_s3_bucket.b[each.key].bucket}"}, reference, key)
    assert named == f"data-{key}"
    found = repeated({"constant_value": "${aws_s3_bucket.b[each.key].id}"}, reference, key)
    assert Block({"x": found}).references("x") == (f'aws_s3_bucket.b["{key}"]',)
    found = repeated({"references": ["aws_s3_bucket.b", "each.key"]}, reference, key)
    assert Block({"x": found}).references("x") == (f'aws_s3_bucket.b["{key}"]',)


def test_count_index_means_the_instance_of_the_same_number() -> None:
    found = repeated({"constant_value": "${aws_s3_bucket.b[count.index].id}"}, {}, 1)
    assert Block({"x": found}).references("x") == ("aws_s3_bucket.b[1]",)
    assert repeated({"constant_value": "${count.index}"}, {}, 1) == 1


def test_each_key_beside_other_references_tells_nothing() -> None:
    for references in (
        ["aws_s3_bucket.b", "each.key", "var.x"],
        ["aws_s3_bucket.b", "aws_x.c", "each.key"],
        ["aws_s3_bucket.b.id", "aws_s3_bucket.b", "each.key"],
        ["aws_s3_bucket.b", "each.value"],
    ):
        assert repeated({"references": references}, {}) == Unknown()


def test_a_text_that_is_not_whole_cannot_be_read_as_a_value() -> None:
    block = Block({"x": Template("${terraform_data.it.output}"), "y": [Template("${a.b.c}-d")]})
    for read in (lambda: block["x"], lambda: block.get("x"), lambda: list(block["y"])):
        with pytest.raises(Undecided):
            read()
    assert block.text("x") == "${terraform_data.it.output}"
