"""An environment that begins small: without models, then with them, by plain cdktf, and gone again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sagewright.local import process

from .checkout import Checkout, left_over, make

pytestmark = pytest.mark.local

NAMED = {"SAGEWRIGHT_ENVIRONMENT": "local"}


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    """A checkout with an embedded AWS of its own."""
    project = make(tmp_path)
    yield Checkout(project=project, running=process.up(project.work))
    process.down(project.work)


def test_an_environment_begins_without_models_gets_them_by_cdktf_and_goes(checkout: Checkout) -> None:
    checkout.slim("local")
    whole = checkout.document("local")
    checkout.write("local", {key: whole[key] for key in whole if key not in ("models", "endpoints")})
    demo = checkout.run("sagewright", "demo")
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert "describe-endpoint" not in demo.stdout

    checkout.write("local", whole)
    deployed = checkout.cdktf("deploy", "local-*", "--auto-approve", **NAMED)
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    assert "gate" in deployed.stdout
    assert checkout.endpoint("local", "churn")["EndpointStatus"] == "InService"

    destroyed = checkout.cdktf("destroy", "local-*", "--auto-approve", **NAMED)
    assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
    assert left_over(checkout, "local") == {}
