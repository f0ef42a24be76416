"""What is planned now, against what was reviewed: by address and argument, and nothing secret."""

from __future__ import annotations

from typing import Any

import pytest

from sagewright.promised import differences

PLACEHOLDER = "arn:aws:preview:eu-west-1:111122223333:aws-kms-key-data-arn"
ARN = "arn:aws:kms:eu-west-1:111122223333:key/1"


def change(after: Any, *actions: str, address: str = "aws_x.this", **more: Any) -> dict[str, Any]:
    parts = ("after_unknown", "after_sensitive", "importing")
    body: dict[str, Any] = {"actions": list(actions or ("create",)), "after": after}
    body.update((name, more.pop(name)) for name in parts if name in more)
    return {"address": address, "mode": "managed", "type": address.split(".")[0], "change": body, **more}


def told(reviewed: list[Any], now: list[Any], preview: bool = False) -> list[str]:
    """What is said of two plans of the stack `s`."""
    assumed = {PLACEHOLDER, "preview-aws-x-id"} if preview else None
    before, after = ({"resource_changes": entries} for entries in (reviewed, now))
    return [str(one) for one in differences("s", before, after, assumed)]


def test_the_same_plan_has_no_differences() -> None:
    entries = [change({"a": 1, "b": [{"c": "d"}]}, after_unknown={"id": True}), change(None, "delete")]
    assert told(entries, entries) == []


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ({"a": {"b": 2}}, "a.b: reviewed 1, now 2"),
        ({"a": {"b": True}}, "a.b: reviewed 1, now true"),
        ({"a": {}}, "a.b: reviewed 1, now null"),
        ({"a": {"b": 1}, "c": "d"}, 'c: reviewed null, now "d"'),
        ({"a": [1]}, 'a: reviewed {"b": 1}, now [1]'),
    ],
)
def test_a_difference_is_told_by_its_smallest_part(after: Any, said: str) -> None:
    assert told([change({"a": {"b": 1}})], [change(after)]) == [f"s: aws_x.this: {said}"]


def test_elements_of_lists_are_told_by_their_number() -> None:
    said = told([change({"a": [{"b": 1}, {"b": 2}]})], [change({"a": [{"b": 1}, {"b": 3}]})])
    assert said == ["s: aws_x.this: a.1.b: reviewed 2, now 3"]
    said = told([change({"a": [1]})], [change({"a": [1, 2]})])
    assert said == ["s: aws_x.this: a: reviewed [1], now [1, 2]"]


@pytest.mark.parametrize(
    ("reviewed", "now", "said"),
    [
        ([], [change({})], "reviewed nothing, now create"),
        ([change({})], [], "reviewed create, now nothing"),
        ([change({}, "update")], [change({}, "delete", "create")], "reviewed update, now delete then create"),
        ([change({}, "no-op")], [change(None, "delete")], "reviewed nothing, now delete"),
        ([change({}, "update")], [change({}, "no-op")], "reviewed update, now nothing"),
        (
            [change({}, "no-op", previous_address="aws_x.old")],
            [change({}, "no-op", importing={"id": "i"})],
            "reviewed move from aws_x.old, now import i",
        ),
    ],
)
def test_what_is_done_to_a_resource_is_told(reviewed: list[Any], now: list[Any], said: str) -> None:
    assert told(reviewed, now) == [f"s: aws_x.this: {said}"]


def test_a_deposed_object_is_another_than_the_resource() -> None:
    said = told([change(None, "delete", deposed="1a")], [change(None, "delete")])
    assert said == [
        "s: aws_x.this: reviewed nothing, now delete",
        "s: aws_x.this 1a: reviewed delete, now nothing",
    ]


def test_what_nothing_is_done_to_and_data_that_is_read_are_not_told() -> None:
    assert told([change({"a": 1}, "no-op")], [change({"a": 2}, "no-op")]) == []
    assert told([], [{**change({}, "read"), "mode": "data"}]) == []


def test_a_value_that_was_unknown_may_be_anything() -> None:
    reviewed = [change({"a": {}}, after_unknown={"a": {"b": True}, "c": True})]
    assert told(reviewed, [change({"a": {"b": 1}, "c": [1]})]) == []


def test_a_value_that_was_reviewed_must_still_be_known() -> None:
    said = told([change({"a": 1})], [change({}, after_unknown={"a": True})])
    assert said == ["s: aws_x.this: a: reviewed 1, now known after apply"]


def test_a_placeholder_stands_for_any_value_in_its_text_and_for_no_more() -> None:
    policy = '{"Action": "kms:Decrypt", "Resource": "%s"}'
    reviewed = [change({"key": PLACEHOLDER, "policy": policy % PLACEHOLDER})]
    assert told(reviewed, [change({"key": ARN, "policy": policy % ARN})], preview=True) == []
    wider = told(reviewed, [change({"key": ARN, "policy": (policy % ARN).replace("Decrypt", "*")})], True)
    assert len(wider) == 1
    assert "policy: reviewed" in wider[0]
    assert len(told(reviewed, [change({"key": ARN, "policy": policy % ARN})])) == 2


def test_a_set_with_placeholders_may_be_sorted_otherwise() -> None:
    reviewed = [change({"ids": ["known", PLACEHOLDER, "preview-aws-x-id"]})]
    assert told(reviewed, [change({"ids": ["a", "b", "known"]})], preview=True) == []
    assert told(reviewed, [change({"ids": ["a", "b", "c"]})], preview=True) != []
    assert told(reviewed, [change({"ids": ["a", "known"]})], preview=True) != []


@pytest.mark.parametrize(
    ("reviewed", "now", "kept"),
    [
        (("update",), ("no-op",), True),
        (("delete", "create"), ("update",), True),
        (("create", "delete"), ("no-op",), True),
        (("update",), ("delete", "create"), False),
        (("create",), ("no-op",), False),
        (("delete", "create"), ("delete",), False),
        (("delete", "create"), ("create", "delete"), False),
    ],
)
def test_what_follows_a_preview_may_change_less_but_nothing_else(
    reviewed: tuple[str, ...], now: tuple[str, ...], kept: bool
) -> None:
    assert (told([change({"a": 1}, *reviewed)], [change({"a": 1}, *now)], preview=True) == []) is kept
    assert told([change({"a": 1}, *reviewed)], [change({"a": 1}, *now)]) != []


@pytest.mark.parametrize(
    ("reviewed", "now"),
    [
        (change({"a": "hunter2"}, after_sensitive={"a": True}), change({"a": "other"})),
        (change({"a": ["hunter2"]}, after_sensitive={"a": [True]}), change({"a": ["other"]})),
        (change({"db_password": "hunter2"}), change({"db_password": "hunter3"})),
        (change({"env": {"TOKEN": "hunter2"}}), change({"env": {"TOKEN": "x"}})),
        (change({"a": "say hunter2", "b": "hunter2"}, after_sensitive={"b": True}), change({"a": 1})),
        (change({"a": "hunter2"}, after_sensitive={"a": True}), change({}, after_unknown={"a": True})),
        (
            change({}, address='aws_x.this["hunter2"]'),
            change({"a": "hunter2"}, "no-op", after_sensitive={"a": True}),
        ),
    ],
)
def test_that_a_secret_differs_is_told_and_the_secret_is_not(reviewed: Any, now: Any) -> None:
    said = told([reviewed], [now])
    assert said
    assert "hunter" not in " ".join(said)


def test_long_values_are_cut() -> None:
    (said,) = told([change({"a": "x" * 5000})], [change({"a": "y"})])
    assert len(said) < 400
