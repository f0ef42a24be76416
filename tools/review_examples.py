"""Make the plans of the example reviews again, by real Terraform on the embedded AWS; it takes some minutes.

    python tools/review_examples.py

Three plans of one small production environment, tests/sagewright/review/examples/shop.yaml: everything from
nothing; a small change of weights and a version; a dangerous change. What differs from run to run, or tells
of this machine, is replaced: times, paths, and the port of the embedded AWS.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # not tools/, where schema.py would be taken for the package of that name

from sagewright import environment as environments  # noqa: E402
from sagewright import synth, target  # noqa: E402
from sagewright.deploy import Planned, Run  # noqa: E402
from sagewright.local import process  # noqa: E402
from sagewright.project import Project  # noqa: E402
from sagewright.steps import Steps  # noqa: E402

EXAMPLES = ROOT / "tests" / "sagewright" / "review" / "examples"
NAME = "shop"
GROUP = "churn-releases"
BUCKET = "acme-releases"
IMAGE = (
    "222233334444.dkr.ecr.eu-central-1.amazonaws.com/churn"
    "@sha256:9681dfccefa95fb399b548fa25d498991f8220d23ff98fd536658381e21616f4"
)
TIME = re.compile(r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?\b")
SUFFIX = re.compile(r"\b20\d{24}\b")
"""What Terraform ends a `name_prefix` with: a time, and a counter in eight digits."""


def make(folder: Path) -> Project:
    """Lay a checkout out in a folder: its one environment is the examples', its code is this checkout's."""
    project = Project(root=folder)
    project.environments.mkdir()
    shutil.copy(EXAMPLES / f"{NAME}.yaml", project.environments)
    for name in ("main.py", "cdktf.json", "pipelines", "runtime", ".venv", ".terraform.lock.hcl"):
        (folder / name).symlink_to(ROOT / name)
    project.work.mkdir()
    for name in ("bin", "terraform.rc", "terraform.lock.hcl"):
        (project.work / name).symlink_to(ROOT / ".sagewright" / name)
    return project


def open_run(project: Project, edit: Callable[[dict[str, Any]], None] | None = None) -> Run:
    """Synthesize the environment, changed by `edit`, and return what plans and applies it."""
    path = project.environments / f"{NAME}.yaml"
    document = yaml.safe_load((EXAMPLES / f"{NAME}.yaml").read_text(encoding="utf-8"))
    if edit:
        edit(document)
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    environment = environments.read(NAME, project.environments)
    chosen = target.choose(project, environment, local=True)
    assembly = synth.synthesize(project, NAME)
    return Run(project=project, target=chosen, assembly=assembly, steps=Steps(Console(file=sys.stderr)))


def prepare(run: Run) -> None:
    """Make the boundary of all roles, and three versions in the registry, of which two are approved."""
    with run.target.session() as session:
        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        session.client("iam").create_policy(
            PolicyName=f"acme-{NAME}-boundary",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [everything]}),
        )
        registry, storage = session.client("sagemaker"), session.client("s3")
        region = run.target.environment.region
        storage.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": region})
        registry.create_model_package_group(ModelPackageGroupName=GROUP)
        for number, (approval, auc) in enumerate(
            [("Approved", "0.871"), ("Approved", "0.894"), ("PendingManualApproval", "0.902")], start=1
        ):
            artifact = f"churn/{number}/model.tar.gz"
            storage.put_object(Bucket=BUCKET, Key=artifact, Body=b"")
            container = {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/{artifact}"}
            registry.create_model_package(
                ModelPackageGroupName=GROUP,
                InferenceSpecification={
                    "Containers": [container],
                    "SupportedContentTypes": ["text/csv"],
                    "SupportedResponseMIMETypes": ["text/csv"],
                },
                ModelApprovalStatus=approval,
                CustomerMetadataProperties={"auc": auc},
            )


def move_traffic(document: dict[str, Any]) -> None:
    """Give the challenger a fifth of the traffic, and the champion the version that proved itself."""
    champion, challenger = document["endpoints"]["churn"]["variants"].values()
    champion["weight"], challenger["weight"] = 80, 20
    version = document["models"]["churn-v2"]
    version["model_package_arn"] = version["model_package_arn"].replace("/2", "/3")
    version["model_data_urls"] = [f"s3://{BUCKET}/churn/3/model.tar.gz"]


def endanger(document: dict[str, Any]) -> None:
    """Change what a domain cannot change in place, and leave a feature group out."""
    document["studio"]["auth_mode"] = "IAM"
    document["studio"]["profiles"] = {"grace": {"persona": "MlEngineer"}}
    document.pop("feature_groups")
    document.pop("feature_queries")


def widen(run: Run) -> None:
    """Add what a hurried engineer adds to a role in the stack."""
    (stack,) = (stack for stack in run.assembly.of(NAME) if stack.name == f"{NAME}-serving")
    document = json.loads(stack.synthesized.read_text(encoding="utf-8"))
    policy = next(iter(document["resource"]["aws_iam_role_policy"].values()))
    statements = json.loads(policy["policy"])
    statements["Statement"].append({"Effect": "Allow", "Action": ["s3:*", "iam:PassRole"], "Resource": "*"})
    policy["policy"] = json.dumps(statements)
    stack.synthesized.write_text(json.dumps(document), encoding="utf-8")


def change_by_hand(run: Run) -> None:
    """Change what Terraform made, as somebody does in the console."""
    with run.target.session() as session:
        logs = session.client("logs")
        for group in logs.describe_log_groups()["logGroups"][:3]:
            logs.put_retention_policy(logGroupName=group["logGroupName"], retentionInDays=14)


def keep(example: str, plans: Sequence[Planned], project: Project) -> None:
    """Write the plans that change anything, without what is this machine's or this moment's."""
    folder = EXAMPLES / example
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for plan in plans:
        if plan.changes:
            document = {**plan.document, "timestamp": "2030-01-01T00:00:00Z"}
            text = json.dumps(document, separators=(",", ":"), sort_keys=True)
            (folder / f"{plan.stack.name}.json").write_text(neutral(text, project) + "\n", encoding="utf-8")


def neutral(text: str, project: Project) -> str:
    """Return a plan without paths, addresses and times."""
    text = text.replace(str(project.root), "/checkout")
    text = re.sub(r"(127\.0\.0\.1|localhost):\d+", "embedded.example", text)
    text = TIME.sub("2030-01-01T00:00:00Z", text)
    return SUFFIX.sub(lambda found: f"20300101000000000000{found[0][-6:]}", text)


def main() -> int:
    """Plan, apply and plan again."""
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory(prefix="sagewright-examples-") as name:
        project = make(Path(name))
        process.up(project.work)
        try:
            run = open_run(project)
            prepare(run)
            stacks = run.assembly.of(NAME)
            keep("greenfield", run.plan(stacks), project)
            for stack in stacks:
                run.apply(*run.plan([stack]))
            run = open_run(project, move_traffic)
            keep("traffic", run.plan(run.assembly.of(NAME)), project)
            change_by_hand(run)
            run = open_run(project, endanger)
            widen(run)
            keep("danger", run.plan(run.assembly.of(NAME)), project)
        finally:
            process.down(project.work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
