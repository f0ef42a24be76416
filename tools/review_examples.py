"""Make the example reviews in docs/reviews again, and the plans that they are of.

    python tools/review_examples.py           # plans, by real Terraform on the embedded AWS: ten minutes
    python tools/review_examples.py --judge   # what the gate says of these plans, and the reviews: seconds
    python tools/review_examples.py --write   # the reviews alone, after a change of what writes them

Three plans of one small production environment, tests/sagewright/review/examples/shop.yaml: everything from
nothing; a small change of weights and a version; a dangerous change. What differs from run to run, or tells
of this machine, is replaced: times, paths, and the port of the embedded AWS. What the gate said is kept
beside the plans, so that a review can be written, and tested, without asking every rule again.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from sagewright import environment as environments
from sagewright import synth, target
from sagewright.cost import Prices, estimate
from sagewright.deploy import Planned, Run
from sagewright.gate.catalog import POLICIES, read_catalog
from sagewright.gate.plan import Plan, PlanInput, read
from sagewright.gate.report import Report, Result
from sagewright.local import process
from sagewright.project import Project
from sagewright.registry import Version
from sagewright.review.build import Judged, build
from sagewright.review.markdown import render
from sagewright.review.model import Review
from sagewright.steps import Steps
from sagewright.synth import Place

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "tests" / "sagewright" / "review" / "examples"
PAGES = ROOT / "docs" / "reviews"
COMMAND = "python tools/review_examples.py --write"
NAMES = ("greenfield", "traffic", "danger")
TODAY = datetime.date(2030, 1, 1)
KEY = b"of the examples"
"""Key of their digests, which a checkout keeps to itself otherwise."""
NAME = "shop"
GROUP = "churn-releases"
BUCKET = "acme-releases"
IMAGE = (
    "222233334444.dkr.ecr.eu-central-1.amazonaws.com/churn"
    "@sha256:9681dfccefa95fb399b548fa25d498991f8220d23ff98fd536658381e21616f4"
)
VERSIONS = {"1": "0.871", "2": "0.894", "3": "0.902"}
"""Number of each version in the registry to the area under its curve."""
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
    """Make the boundary of all roles, and approved versions in the registry."""
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
        for number, auc in VERSIONS.items():
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
                ModelApprovalStatus="Approved",
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
    """Write the plans that change anything, without what is this machine's or this moment's, and places."""
    folder = EXAMPLES / example
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    changing = [plan for plan in plans if plan.changes]
    made = {
        plan.stack.name: {address: asdict(place) for address, place in plan.stack.places().items()}
        for plan in changing
    }
    (folder / "places.json").write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    for plan in changing:
        document = {**plan.document, "timestamp": "2030-01-01T00:00:00Z"}
        text = json.dumps(document, separators=(",", ":"), sort_keys=True)
        (folder / f"{plan.stack.name}.json").write_text(neutral(text, project) + "\n", encoding="utf-8")


def neutral(text: str, project: Project) -> str:
    """Return a plan without paths, addresses and times."""
    text = text.replace(str(project.root), "/checkout")
    text = re.sub(r"(127\.0\.0\.1|localhost):\d+", "embedded.example", text)
    text = TIME.sub("2030-01-01T00:00:00Z", text)
    return SUFFIX.sub(lambda found: f"20300101000000000000{found[0][-6:]}", text)


def version(arn: str) -> Version:
    """Say of a version what the registry says."""
    return Version(
        arn=arn,
        approval="Approved",
        status="Completed",
        reason="",
        modified_by="",
        modified_at="",
        metrics={"auc": VERSIONS[arn.rpartition("/")[2]]},
        images=(),
        model_data_urls=(),
    )


def unseen(path: Path) -> dict[str, Any]:
    """Refuse to show a saved plan: there is none among the examples."""
    raise NotImplementedError(path)


def inputs(example: str) -> list[PlanInput]:
    """Return an example's plans."""
    return [PlanInput(path=path) for path in sorted((EXAMPLES / example).glob(f"{NAME}-*.json"))]


def judge(example: str) -> None:
    """Ask the gate about an example, and keep what it says: what passed as counts only."""
    from sagewright.gate.judge import judge as asked

    environment = environments.read(NAME, EXAMPLES)
    report = asked(
        inputs(example), environment, POLICIES, TODAY, unseen, KEY, lambda arn: version(arn).approval, ()
    )
    passed = Counter(
        (one.rule, one.title, one.severity, one.stack) for one in report.results if one.state == "pass"
    )
    document = {
        "environment": report.environment,
        "stacks": report.stacks,
        "digests": report.digests,
        "touched": report.touched,
        "rules": report.rules,
        "passed": [[*what, count] for what, count in passed.items()],
        "results": [asdict(one) for one in report.results if one.state != "pass"],
    }
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    (EXAMPLES / example / "report.json").write_text(text, encoding="utf-8")


def report(example: str) -> Report:
    """Return what the gate said of an example."""
    document = json.loads((EXAMPLES / example / "report.json").read_text(encoding="utf-8"))
    results = [Result(**one) for one in document["results"]]
    for rule, title, severity, stack, count in document["passed"]:
        passed = Result(
            rule=rule,
            title=title,
            severity=severity,
            state="pass",
            mode="deny",
            stack=stack,
            address="",
            message="",
            remedy="",
            touched=False,
        )
        results += [passed] * count
    return Report(
        environment=document["environment"],
        stacks=tuple(document["stacks"]),
        digests=tuple(document["digests"]),
        results=tuple(results),
        touched=document["touched"],
        rules=document["rules"],
    )


def review(example: str) -> Review:
    """Return the review of an example."""
    environment = environments.read(NAME, EXAMPLES)
    made = json.loads((EXAMPLES / example / "places.json").read_text(encoding="utf-8"))
    plans = [located(read(one, environment, unseen), made) for one in inputs(example)]
    previews = frozenset(plan.stack for plan in plans if example == "greenfield") - {f"{NAME}-foundation"}
    prices = Prices.load()
    day, region = prices.oldest(environment.region), environment.region
    costs = {plan.stack: estimate(plan.document, region, prices, day) for plan in plans}
    judged = Judged(report=report(example), plans=plans, previews=previews, costs=costs)
    return build([judged], read_catalog(POLICIES), TODAY, version)


def located(plan: Plan, made: Mapping[str, Any]) -> Plan:
    """Return a plan with the places that were known when it was made."""
    places = {
        address: Place(construct=place["construct"], lines=tuple(place["lines"]))
        for address, place in made[plan.stack].items()
    }
    return replace(plan, places=places)


def page(example: str) -> str:
    """Return an example's comment as it is kept in docs/reviews."""
    return render(review(example))


def write() -> None:
    """Write all examples' reviews."""
    PAGES.mkdir(exist_ok=True)
    for example in NAMES:
        (PAGES / f"{example}.md").write_text(page(example), encoding="utf-8")


def plan() -> None:
    """Plan, apply and plan again, on an embedded AWS of its own."""
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


def main() -> int:
    """Make what is asked for, and all that rests on it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--judge", action="store_true", help="keep the plans, ask the gate about them")
    parser.add_argument("--write", action="store_true", help="keep what the gate said, too")
    arguments = parser.parse_args()
    os.chdir(ROOT)
    tools = str(ROOT / "tools")
    sys.path[:] = [one for one in sys.path if one != tools]  # there schema.py hides the package of that name
    if not (arguments.judge or arguments.write):
        plan()
    if not arguments.write:
        for example in NAMES:
            judge(example)
    write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
