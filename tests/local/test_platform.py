"""A whole environment, as its users run it: deployed, changed in place, verified, gone without a trace."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from sagewright.local import process

from .checkout import Checkout, left_over, make
from .ci import lacking, requests

pytestmark = pytest.mark.local


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    """A checkout with an embedded AWS of its own."""
    project = make(tmp_path)
    yield Checkout(project=project, running=process.up(project.work))
    process.down(project.work)


def endpoint(checkout: Checkout, environment: str) -> dict[str, object]:
    """Describe the environment's one endpoint."""
    client = checkout.client("sagemaker", environment)
    (name,) = (each["EndpointName"] for each in client.list_endpoints()["Endpoints"])
    described: dict[str, object] = client.describe_endpoint(EndpointName=name)
    return described


def test_the_demo_deploys_everything_converges_and_is_destroyed_without_a_trace(checkout: Checkout) -> None:
    demo = checkout.run("sagewright", "demo")
    assert demo.returncode == 0, demo.stdout + demo.stderr
    look_at_it = "\n".join(
        line for line in demo.stdout.splitlines() if line.startswith(("unset ", "export ", "/"))
    )
    pasted = subprocess.run(
        ["sh", "-ec", look_at_it], capture_output=True, text=True, env={"PATH": os.defpath}
    )
    assert "'EndpointStatus': 'InService'" in pasted.stdout, look_at_it + pasted.stderr
    assert checkout.sagewright("deploy", "-e", "local")["changed"] is False
    checkout.sagewright("destroy", "-e", "local")
    assert left_over(checkout, "local") == {}


def test_endpoints_and_features_change_in_place_and_what_people_made_is_cleaned_up(
    checkout: Checkout,
) -> None:
    checkout.slim("local", "feature_groups", "studio")
    checkout.sagewright("deploy", "-e", "local")
    before = endpoint(checkout, "local")

    document = checkout.document("local")
    variants = document["endpoints"]["churn"]["variants"]
    variants["champion"]["weight"], variants["challenger"]["weight"] = 70, 30
    variants["champion"]["scaling"].update(min_capacity=2, max_capacity=4)
    variants["challenger"]["instance_count"] = 3
    image, _, digest = document["models"]["churn-v4"]["image"].partition("@sha256:")
    document["models"]["churn-v9"] = {"image": f"{image}@sha256:{digest[::-1]}"}
    variants["champion"]["model"] = "churn-v9"
    checkout.write("local", document)

    checkout.sagewright("plan", "-e", "local")
    actions = changed(checkout, "local-serving")
    assert actions["aws_sagemaker_endpoint"] == {"update"}
    assert actions["aws_sagemaker_endpoint_configuration"] == {"create+delete"}
    assert checkout.sagewright("deploy", "-e", "local")["changed"] is True

    after = endpoint(checkout, "local")
    assert after["EndpointArn"] == before["EndpointArn"]
    assert after["CreationTime"] == before["CreationTime"]
    assert after["EndpointConfigName"] != before["EndpointConfigName"]
    live = live_variants(checkout, "local")
    assert {each["VariantName"]: (each["CurrentWeight"], each["CurrentInstanceCount"]) for each in live} == {
        "champion": (70, 2),
        "challenger": (30, 3),
    }

    features = document["feature_groups"]["customers"]["v1"]["features"]
    features["churned"] = {"type": "Integral"}
    checkout.write("local", document)
    added = checkout.sagewright("features", "add", "-e", "local")["added"]
    assert added == ["local-features: acme-local-customers-v1: churned (Integral)"]
    assert checkout.sagewright("deploy", "-e", "local")["changed"] is False

    what_people_make(checkout)
    studio = checkout.sagewright("cleanup", "studio", "-e", "local")["deleted"]
    assert [deletion.split()[0] for deletion in studio] == ["app", "user"]
    versions = checkout.sagewright("cleanup", "model-packages", "-e", "local")["deleted"]
    assert len(versions) == 1
    checkout.sagewright("destroy", "-e", "local")
    assert left_over(checkout, "local") == {}


def what_people_make(checkout: Checkout) -> None:
    """Make what Terraform knows nothing of: an app, a profile, a version of a model."""
    sagemaker = checkout.client("sagemaker", "local")
    (domain,) = sagemaker.list_domains()["Domains"]
    where = {"DomainId": domain["DomainId"]}
    sagemaker.create_user_profile(**where, UserProfileName="guest")
    sagemaker.create_app(**where, SpaceName="notes", AppType="JupyterLab", AppName="default")
    sagemaker.create_model_package(
        ModelPackageGroupName="acme-local-churn", ModelApprovalStatus="PendingManualApproval"
    )


def changed(checkout: Checkout, stack: str) -> dict[str, set[str]]:
    """Return the actions by resource type of the newest plan of a stack."""
    plan = json.loads((checkout.project.work / "plans" / f"{stack}.json").read_text())
    actions: dict[str, set[str]] = {}
    for change in plan["resource_changes"]:
        if change["change"]["actions"] != ["no-op"]:
            actions.setdefault(change["type"], set()).add("+".join(change["change"]["actions"]))
    return actions


def test_an_environment_without_models_and_endpoints_is_deployed_and_destroyed(checkout: Checkout) -> None:
    checkout.slim("local")
    document = checkout.document("local")
    del document["models"], document["endpoints"]
    checkout.write("local", document)
    demo = checkout.run("sagewright", "demo")
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert "describe-endpoint" not in demo.stdout
    checkout.sagewright("verify", "-e", "local")
    checkout.sagewright("destroy", "-e", "local")
    assert left_over(checkout, "local") == {}


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


def test_a_rollback_of_sagemaker_fails_the_run_and_the_next_run_mends_it(checkout: Checkout) -> None:
    checkout.slim("local")
    checkout.sagewright("deploy", "-e", "local")
    document = checkout.document("local")
    variants = document["endpoints"]["churn"]["variants"]
    variants["champion"]["weight"], variants["challenger"]["weight"] = 50, 50
    checkout.write("local", document)
    name = str(endpoint(checkout, "local")["EndpointName"])
    fail(checkout, "UpdateEndpoint", name)
    rolled_back = checkout.run("sagewright", "deploy", "-e", "local")
    assert rolled_back.returncode == 3, rolled_back.stdout + rolled_back.stderr
    assert name in rolled_back.stderr
    assert checkout.sagewright("deploy", "-e", "local")["changed"] is True
    weights = {each["VariantName"]: each["CurrentWeight"] for each in live_variants(checkout, "local")}
    assert weights == {"champion": 50, "challenger": 50}


def live_variants(checkout: Checkout, environment: str) -> list[dict[str, object]]:
    """Return the production variants that are live."""
    variants: list[dict[str, object]] = endpoint(checkout, environment)["ProductionVariants"]  # type: ignore[assignment]
    return variants


def fail(checkout: Checkout, operation: str, name: str) -> None:
    """Make an operation of the embedded AWS fail once, after it was accepted."""
    body = json.dumps({"operation": operation, "name": name}).encode()
    request = urllib.request.Request(f"{checkout.running.url}/sagewright/faults", data=body, method="POST")
    urllib.request.urlopen(request).close()
