"""Inventories: every difference is told, and regenerating keeps the choice of what is compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.conftest import Synthesized
from tests.inventory import Inventory

FOUND = Synthesized(
    {
        "resource": {
            "aws_kms_key": {
                "data_key": {"policy": "{}", "rule": [{"days": 30, "id": "a"}], "//": {"metadata": {}}}
            },
            "aws_s3_bucket": {"artifacts": {"bucket": "acme"}},
        },
        "output": {"arn": {"value": "x"}},
    }
)
TEXT = """# A key.
values:
  aws_kms_key.data_key:
    rule: [{days: 30}]
counts: {aws_kms_key: 1, aws_s3_bucket: 1}
outputs: [arn]
"""


def inventory(folder: Path, text: str) -> Inventory:
    (folder / "key.yaml").write_text(text, encoding="utf-8")
    return Inventory(folder, "pytest 'here' --regenerate", regenerate=False)


def test_what_the_inventory_does_not_name_may_be_anything(tmp_path: Path) -> None:
    inventory(tmp_path, TEXT)("key", FOUND)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("days: 30", "days: 31", "values.aws_kms_key.data_key.rule[0].days: got 30, expected 31"),
        ("days: 30", "years: 1", "values.aws_kms_key.data_key.rule[0].years: got nothing, expected 1"),
        (
            "[{days: 30}]",
            "[]",
            "values.aws_kms_key.data_key.rule: got [{'days': 30, 'id': 'a'}], expected []",
        ),
        ("aws_kms_key: 1, ", "", "counts.aws_kms_key: got 1, expected 0"),
        ("aws_kms_key: 1", "aws_sns_topic: 2, aws_kms_key: 1", "counts.aws_sns_topic: got 0, expected 2"),
        ("[arn]", "[]", "outputs.arn: got it, expected nothing"),
        ("[arn]", "[arn, id]", "outputs.id: got nothing, expected it"),
    ],
)
def test_a_difference_is_told_with_its_place_and_the_command_that_accepts_it(
    tmp_path: Path, old: str, new: str, line: str
) -> None:
    with pytest.raises(AssertionError) as failed:
        inventory(tmp_path, TEXT.replace(old, new))("key", FOUND)
    assert str(failed.value).splitlines() == ["key.yaml:", line, "to accept: pytest 'here' --regenerate"]


def test_a_missing_inventory_fails(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="to accept: "):
        Inventory(tmp_path, "pytest", regenerate=False)("missing", FOUND)


def test_regenerating_keeps_the_comment_and_what_is_compared_with_the_values_of_today(tmp_path: Path) -> None:
    stale = TEXT.replace("days: 30", "days: 7").replace("[arn]", "[]").replace("aws_kms_key: 1, ", "")
    replace(inventory(tmp_path, stale), regenerate=True)("key", FOUND)
    text = (tmp_path / "key.yaml").read_text(encoding="utf-8")
    assert text.startswith("# A key.\n")
    assert yaml.safe_load(text) == yaml.safe_load(TEXT)
    inventory(tmp_path, text)("key", FOUND)
