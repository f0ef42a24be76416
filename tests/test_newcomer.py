"""The README is true: its commands, in a fresh copy of the repository, as a newcomer runs them."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sagewright.local import process
from sagewright.project import Project

from .conftest import ROOT
from .local.checkout import Checkout, left_over

OURS = ("AWS_", "TF_", "CDKTF_", "VIRTUAL_ENV", "PYTHON", "PYTEST_", "MAKE", "MFLAGS")
"""Beginnings of variables that a newcomer does not have."""
SET_UP_SECONDS = 180.0
REPEATED_SET_UP_SECONDS = 1.0

Run = Callable[..., str]

pytestmark = [pytest.mark.newcomer, pytest.mark.local]


def commands(title: str) -> list[str]:
    """Return the commands that the README shows in a section."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = re.split(r"^## ", text.split(f"## {title}\n")[1], flags=re.MULTILINE)[0]
    return [line.split("#")[0].strip() for line in section.splitlines() if line.startswith("    ")]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What git would clone: all files but the ignored ones."""
    folder = tmp_path_factory.mktemp("clone") / "sagewright"
    listed = subprocess.check_output(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, text=True
    )
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="module")
def run(clone: Path) -> Iterator[Run]:
    """Run a shell command in the clone, nothing of this checkout in its environment; return what it said."""
    ours = {str(ROOT / ".sagewright" / "bin"), str(ROOT / ".venv" / "bin")}
    variables = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    variables["PATH"] = os.pathsep.join(
        folder for folder in os.environ["PATH"].split(os.pathsep) if folder not in ours
    )

    def shell(command: str) -> str:
        done = subprocess.run(
            command,
            shell=True,
            cwd=clone,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}"
        return done.stdout

    yield shell
    if (clone / ".venv").is_dir():
        shell("make down")


def set_up_seconds(said: str) -> float:
    """Return the time that the steps of set-up took together."""
    return sum(float(seconds) for seconds in re.findall(r"^✓ set-up: \w+ +([\d.]+) s", said, re.MULTILINE))


def test_the_readme_shows_two_commands() -> None:
    assert commands("Try it") == ["make demo", "make test"]


def asked(run: Run, command: str) -> Any:
    """Return what a command of the clone tells a program."""
    return json.loads(run(f".venv/bin/sagewright {command} -e local --json 2>/dev/null"))


def test_everything_is_deployed_rolled_back_changed_in_place_cleaned_up_and_destroyed(
    clone: Path, run: Run
) -> None:
    said = run("make demo")
    assert 0 < set_up_seconds(said) < SET_UP_SECONDS
    assert "is deployed and verified" in said
    look = said[said.index("Look at it") : said.index("Change something")].splitlines()
    look_at_it = [line for line in look if line.startswith(("unset ", "export ", "/"))]
    assert "'EndpointStatus': 'InService'" in run("\n".join(look_at_it))

    project = Project(root=clone)
    running = process.status(project.work)
    assert running is not None
    checkout = Checkout(project=project, running=running)
    routes = ("churn", "backoffice", "history")
    assert [infer(checkout, route) for route in routes] == [200, 200, 202], "each kind of endpoint"
    assert infer(checkout, "churn", signed=False) == 403

    again = run("make demo")
    assert set_up_seconds(again) == 0
    assert "nothing changes" in again

    listed, described = (aws(checkout, line) for line in look if line.startswith("aws "))
    assert described["EndpointName"] in [one["EndpointName"] for one in listed["Endpoints"]]
    by_cdktf = "export SAGEWRIGHT_ENVIRONMENT=local && . .sagewright/env && cdktf"
    assert "No changes" in run(f"{by_cdktf} diff local-serving")

    before = checkout.endpoint("local", "churn")
    changed = checkout.document("local")
    change(changed, approved_version(checkout))
    checkout.write("local", changed)
    newest = approved_version(checkout)
    assert asked(run, "models pin churn-v9")["after"] == newest
    added = asked(run, "features add")["added"]
    assert added == ["local-features: acme-local-customers-v1: churned (Integral)"]
    checkout.fail("UpdateEndpoint", before["EndpointName"])
    rolled_back = run("make deploy ENV=local || echo failed")
    assert before["EndpointName"] in rolled_back and rolled_back.endswith("failed\n")
    assert hosting(project.work / "plans" / "local-serving.json") == {
        "aws_sagemaker_endpoint.churn_endpoint": ["update"],
        "aws_sagemaker_endpoint_configuration.churn_endpoint_configuration": ["create", "delete"],
        "aws_sagemaker_model.churn_v9_model": ["create"],
    }, "the endpoint is updated in place, to a configuration and a model made beside the old ones"
    assert "gate" in run(f"{by_cdktf} deploy 'local-*' --auto-approve")
    after = checkout.endpoint("local", "churn")
    assert after["EndpointArn"] == before["EndpointArn"]
    assert after["CreationTime"] == before["CreationTime"]
    assert after["EndpointConfigName"] != before["EndpointConfigName"]
    live = {one["VariantName"]: one for one in after["ProductionVariants"]}
    assert {name: (one["CurrentWeight"], one["CurrentInstanceCount"]) for name, one in live.items()} == {
        "champion": (70, 2),
        "challenger": (30, 3),
    }

    what_people_make(checkout)
    studio = asked(run, "cleanup studio")["deleted"]
    assert [deletion.split()[0] for deletion in studio] == ["app", "user"]
    assert len(asked(run, "cleanup model-packages")["deleted"]) == 3
    run(f"{by_cdktf} destroy local-serving --auto-approve")
    assert checkout.client("sagemaker", "local").list_endpoints()["Endpoints"] == []
    assert asked(run, "destroy")["changed"] is True
    assert left_over(checkout, "local") == {}
    run("make down")


def aws(checkout: Checkout, line: str) -> Any:
    """Do what a command of the AWS CLI does, without one: its words are those of botocore's model."""
    _, service, operation, *arguments = shlex.split(line)
    client = checkout.client(service, "local")
    named = zip(arguments[::2], arguments[1::2], strict=True)
    given = {name.removeprefix("--").title().replace("-", ""): value for name, value in named}
    return getattr(client, operation.replace("-", "_"))(**given)


def infer(checkout: Checkout, route: str, signed: bool = True) -> int:
    """Ask an endpoint through the environment's API, over HTTP; return the status."""
    gateway, document = checkout.client("apigateway", "local"), checkout.document("local")
    (api,) = gateway.get_rest_apis()["items"]
    (stage,) = gateway.get_stages(restApiId=api["id"])["item"]
    (key,) = gateway.get_api_keys(includeValues=True)["items"]
    place = f"/restapis/{api['id']}/{stage['stageName']}/_user_request_/endpoints/{route}/invocations"
    headers = {"Content-Type": "text/csv", "x-api-key": key["value"]}
    url = f"{checkout.running.url}{place}"
    request = AWSRequest("POST", url, data=b"1,2", headers=headers)
    if signed:
        who = Credentials(document["account_id"], "embedded")
        SigV4Auth(who, "execute-api", document["region"]).add_auth(request)
    return requests.post(url, data=b"1,2", headers=dict(request.headers), timeout=60).status_code


def hosting(plan: Path) -> dict[str, list[str]]:
    """Return what a plan does to models, endpoints and their configurations, by address."""
    return {
        each["address"]: each["change"]["actions"]
        for each in json.loads(plan.read_text(encoding="utf-8"))["resource_changes"]
        if re.fullmatch(r"aws_sagemaker_(model|endpoint|endpoint_configuration)", each["type"])
        and each["change"]["actions"] != ["no-op"]
    }


def approved_version(checkout: Checkout) -> str:
    """Register a version of the model, with an image of its own, and approve it; return its ARN."""
    sagemaker = checkout.client("sagemaker", "local")
    image, _, digest = checkout.document("local")["models"]["churn-v4"]["image"].partition("@sha256:")
    made = sagemaker.create_model_package(
        ModelPackageGroupName="acme-local-churn",
        InferenceSpecification={
            "Containers": [{"Image": f"{image}@sha256:{digest[::-1]}"}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )
    arn: str = made["ModelPackageArn"]
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    return arn


def change(document: dict[str, Any], version: str) -> None:
    """Move traffic, ask for more instances, roll a new version of the model out, want one more feature."""
    variants = document["endpoints"]["churn"]["variants"]
    variants["champion"]["weight"], variants["challenger"]["weight"] = 70, 30
    variants["champion"]["scaling"].update(min_capacity=2, max_capacity=4)
    variants["challenger"]["instance_count"] = 3
    document["models"]["churn-v9"] = {"kind": "ModelPackage", "model_package_arn": version}
    variants["champion"]["model"] = "churn-v9"
    document["feature_groups"]["customers"]["v1"]["features"]["churned"] = {"type": "Integral"}


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


def test_a_repeated_set_up_takes_no_time(run: Run) -> None:
    run("make setup")

    def seconds() -> float:
        start = time.monotonic()
        run("make setup")
        return time.monotonic() - start

    assert min(seconds() for _ in range(3)) < REPEATED_SET_UP_SECONDS, "also beside other tests"


def test_make_test_runs_the_checks_and_all_tests(run: Run) -> None:
    said = run("make --dry-run test")
    for program in ("ruff format --check", "ruff check", "mypy", "test_layers.py", "--check", "pytest -n"):
        assert program in said
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()[-1] == "make test"
