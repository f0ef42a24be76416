"""Reviews of plans made by hand, without the rules of the gate: its report is made by hand too."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import pytest

from sagewright.cost import Cost
from sagewright.environment import Environment
from sagewright.gate.catalog import POLICIES, Catalog, read_catalog
from sagewright.gate.plan import Plan, PlanInput, read
from sagewright.gate.report import Report, Result
from sagewright.registry import Version
from sagewright.review.build import Judged, build
from sagewright.review.model import Review
from sagewright.review.traffic import Versions, not_asked
from tests.sagewright.gate.conftest import Json, environment

TODAY = datetime.date(2030, 1, 1)


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """The rules that ship."""
    return read_catalog(POLICIES)


def result(**facts: Any) -> Result:
    """Return a failure that denies, or one that differs in some facts."""
    return Result(
        **{
            "rule": "SW_TAGS",
            "title": "everything carries the tags",
            "severity": "high",
            "state": "fail",
            "mode": "deny",
            "stack": "prod-serving",
            "address": "aws_s3_bucket.a",
            "message": "Owner is missing",
            "remedy": "Add it.",
            "touched": True,
            **facts,
        }
    )


def report(*results: Result, stacks: Sequence[str] = ("prod-serving",), name: str = "prod") -> Report:
    """Return a report on some stacks."""
    digests = tuple(f"digest of {stack}" for stack in stacks)
    return Report(
        environment=name, stacks=tuple(stacks), digests=digests, results=results, touched=1, rules=1
    )


def read_plan(document: Json, folder: Path, **facts: Any) -> Plan:
    """Return a plan made by hand as the gate reads it."""
    path = folder / f"plan-{len(list(folder.iterdir()))}.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    facts_: Environment = environment(**facts)
    return read(PlanInput(path=path), facts_, show)


def show(path: Path) -> dict[str, Any]:
    """Show no saved plan."""
    raise NotImplementedError(path)


def version(arn: str) -> Version:
    """Say of every version that it is approved."""
    return Version(
        arn=arn,
        approval="Approved",
        status="Completed",
        reason="",
        modified_by="",
        modified_at="",
        metrics={"auc": "0.9"},
        images=(),
        model_data_urls=(),
    )


class ReviewOf(Protocol):
    """Reviews plans of `prod` made by hand."""

    def __call__(
        self,
        *plans: Json,
        results: Sequence[Result] = (),
        versions: Versions = not_asked,
        costs: Mapping[str, Cost] = ...,
    ) -> Review: ...


@pytest.fixture
def review(tmp_path: Path, catalog: Catalog) -> ReviewOf:
    """Read plans and review them."""

    def run(
        *documents: Json,
        results: Sequence[Result] = (),
        versions: Versions = not_asked,
        costs: Mapping[str, Cost] = {},
    ) -> Review:
        plans = [read_plan(document, tmp_path) for document in documents]
        said = report(*results, stacks=[plan.stack for plan in plans])
        return build([Judged(report=said, plans=plans, costs=costs)], catalog, TODAY, versions)

    return run
