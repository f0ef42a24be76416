"""All of checkov's own rules, run by stock checkov on every stack of `prod`: no failure without a reason."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from sagewright import bootstrap
from sagewright.gate.catalog import matches
from sagewright.local import process
from sagewright.steps import Steps
from tests.local.checkout import Checkout, make

from .conftest import CATALOG, Found, stock_checkov

pytestmark = pytest.mark.local

STACKS = {f"prod-{part}" for part in ("bootstrap", "features", "foundation", "serving", "studio", "training")}


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The plans of all stacks of `prod`, in an account that has none of them."""
    project = make(tmp_path_factory.mktemp("prod"))
    folder = tmp_path_factory.mktemp("plans")
    checkout = Checkout(project=project, running=process.up(project.work))
    try:
        steps = Steps(Console(file=io.StringIO()))
        run = bootstrap.prepare(project, "prod", True, steps, lambda *_: None)
        stacks = run.assembly.of("prod")
        with run.saved_plans(stacks):
            run.plan(stacks)
        checkout.sagewright("plan", "-e", "prod", "--local")
        for plan in (project.work / "plans").glob("*.json"):
            shutil.copy(plan, folder)
        yield folder
    finally:
        process.down(project.work)


@pytest.fixture(scope="module")
def stock(plans: Path) -> Found:
    """What stock checkov says of them."""
    return stock_checkov(plans)


def test_every_stack_is_looked_at(plans: Path, stock: Found) -> None:
    assert {path.stem for path in plans.iterdir()} == STACKS
    assert {plan for plan, _, _ in stock} == STACKS


LISTED = {(check.id, pattern) for check in CATALOG.left_out for pattern in check.fails}


@pytest.fixture(scope="module")
def failing(stock: Found) -> set[tuple[str, str]]:
    """What fails: check and address."""
    return {(id_, address) for (_, id_, address), said in stock.items() if said == "fail"}


def test_what_stock_checkov_fails_is_left_out_with_a_reason(failing: set[tuple[str, str]]) -> None:
    without = {
        (id_, address)
        for id_, address in failing
        if not any(id_ == listed and matches(pattern, address) for listed, pattern in LISTED)
    }
    assert not without, "mend the stack, or list the address under left_out in policies/catalog.yaml"


def test_nothing_is_listed_that_stock_checkov_does_not_fail(failing: set[tuple[str, str]]) -> None:
    needless = {
        (listed, pattern)
        for listed, pattern in LISTED
        if not any(id_ == listed and matches(pattern, address) for id_, address in failing)
    }
    assert not needless, "take it out of fails in policies/catalog.yaml"
