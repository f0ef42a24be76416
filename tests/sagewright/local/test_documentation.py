"""docs/embedded-aws.md says all that there is."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from sagewright.local.faults import Fault
from sagewright.local.kinds import FACTS
from sagewright.local.mends import application_autoscaling

ROOT = Path(__file__).resolve().parents[3]
MODULES = sorted(path.name for path in (ROOT / "sagewright" / "local").glob("[a-z]*.py"))
SMALL = ("refusal.py", "sagemaker.py", "service_models.py")
PAGE = (ROOT / "docs" / "embedded-aws.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name",
    [
        *FACTS,
        *(f"`{field.name}`" for field in fields(Fault)),
        *application_autoscaling.OPERATIONS,
        *(
            f"`{path.name}`"
            for path in (ROOT / "sagewright" / "local").glob("[a-z]*.py")
            if path.name not in SMALL
        ),
    ],
)
def test_the_page_names(name: str) -> None:
    assert re.search(rf"(?<!\w){re.escape(name)}(?!\w)", PAGE)
