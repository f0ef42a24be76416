"""Production, whole, on the embedded AWS: what CI's roles may do is enough, and what is kept is kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sagewright.local import process

from .checkout import Checkout, make
from .ci import lacking, requests

pytestmark = pytest.mark.local


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    """A checkout with an embedded AWS of its own."""
    project = make(tmp_path)
    yield Checkout(project=project, running=process.up(project.work))
    process.down(project.work)


def test_prod_converges_and_the_deletion_of_a_stateful_resource_is_denied(checkout: Checkout) -> None:
    checkout.bootstrap("prod")
    before = len(requests(checkout))
    checkout.sagewright("deploy", "-e", "prod", "--local")
    assert lacking(checkout, "prod", "acme-prod-apply", requests(checkout)[before:]) == []
    before = len(requests(checkout))
    assert checkout.sagewright("deploy", "-e", "prod", "--local")["changed"] is False
    assert lacking(checkout, "prod", "acme-prod-plan", requests(checkout)[before:]) == []
    document = checkout.document("prod")
    repository, *_ = document["repositories"]
    del document["repositories"][repository]
    checkout.write("prod", document)
    denied = checkout.run("sagewright", "deploy", "-e", "prod", "--local")
    assert denied.returncode == 1, denied.stdout + denied.stderr
    assert "aws_ecr_repository" in denied.stdout
    names = checkout.client("ecr", "prod").describe_repositories()["repositories"]
    assert any(repository in each["repositoryName"] for each in names)
