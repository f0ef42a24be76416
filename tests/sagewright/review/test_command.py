"""`sagewright review`: which plans it looks at, what it writes, how it ends."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from policies.plan.model import Unanswered
from sagewright import gate, registry
from sagewright.cost import Cost
from sagewright.deploy import GateClosed
from sagewright.environment import Environment
from sagewright.errors import Usage
from sagewright.gate import PlanInput
from sagewright.gate.plan import Plan
from sagewright.gate.report import Override, Report
from sagewright.project import Project
from sagewright.review import command
from sagewright.review.traffic import not_asked
from tests.sagewright.conftest import write_stack
from tests.sagewright.gate.conftest import ACCOUNT, TAGS, Json, environment, plan, planned
from tests.sagewright.test_cli import gated

from .conftest import report, result


def of(name: str, stack: str = "serving", **top: Any) -> Json:
    """Return a plan of an environment, as its tags say."""
    tags = {**TAGS, "Environment": name, "Stack": f"{name}-{stack}"}
    return plan(planned("aws_s3_bucket.a", {"tags_all": tags}), tags=tags, **top)


def free(plans: Sequence[Plan], facts: Environment) -> dict[str, Cost]:
    """Say that nothing is known of costs."""
    return {}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """Which plans the gate was shown, by environment; it denies in `prod`."""
    shown: list[tuple[str, list[str]]] = []

    def judge(inputs: Sequence[PlanInput], facts: Any, **_: Any) -> Report:
        shown.append((facts.name, [one.path.name for one in inputs]))
        results = [result(stack="prod-serving")] if facts.name == "prod" else []
        return report(*results, stacks=[f"{facts.name}-serving"], name=facts.name)

    monkeypatch.setattr(gate, "gate", judge)
    return shown


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A checkout with the environments `prod` and `staging`, and a plan of each."""
    (tmp_path / "cdktf.json").write_text("{}")
    (tmp_path / "environments").mkdir()
    facts = {"organization": "acme", "account_id": ACCOUNT, "region": "eu-central-1", "embedded": True}
    for name in ("prod", "staging"):
        document = {**facts, "production": name == "prod", "protected": False}
        (tmp_path / "environments" / f"{name}.yaml").write_text(yaml.safe_dump(document))
        (tmp_path / f"{name}.json").write_text(json.dumps(of(name)))
    return Project(root=tmp_path)


def test_plans_go_to_the_environments_that_their_tags_name(
    project: Project, asked: list[tuple[str, list[str]]]
) -> None:
    both = [environment(), environment(name="staging")]
    paths = [project.root / "staging.json", project.root / "prod.json"]
    judged = command.given(paths, both, not_asked, free, project)
    assert asked == [("prod", ["prod.json"]), ("staging", ["staging.json"])]
    assert [[read.stack for read in one.plans] for one in judged] == [["prod-serving"], ["staging-serving"]]


def test_a_plan_of_no_environment_that_was_named_is_refused(
    project: Project, asked: list[tuple[str, list[str]]]
) -> None:
    (project.root / "dev.json").write_text(json.dumps(of("dev")))
    both = [environment(), environment(name="staging")]
    with pytest.raises(Usage, match=r"supply a plan of one of prod, staging, got one of environment dev"):
        command.given([project.root / "dev.json"], both, not_asked, free, project)
    with pytest.raises(Usage, match=r"at least one plan for each environment, got none for staging"):
        command.given([project.root / "prod.json"], both, not_asked, free, project)


def test_a_plan_that_cannot_be_read_is_shown_to_a_gate(
    project: Project, asked: list[tuple[str, list[str]]]
) -> None:
    (project.root / "broken.json").write_text("{")
    both = [environment(), environment(name="staging")]
    paths = [project.root / name for name in ("broken.json", "prod.json", "staging.json")]
    (first, _) = command.given(paths, both, not_asked, free, project)
    assert asked[0] == ("prod", ["broken.json", "prod.json"])
    assert len(first.plans) == 1


def test_an_override_is_for_the_gate_of_its_environment(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Override(rule="SW_ENDPOINT_KIND", reason="planned downtime", group="leads", approver="arn:a")
    handed: dict[str, Any] = {}

    def judge(inputs: Sequence[PlanInput], facts: Any, **more: Any) -> Report:
        handed[facts.name] = more["overrides"]
        return report(name=facts.name)

    monkeypatch.setattr(gate, "gate", judge)
    both = [environment(), environment(name="staging")]
    paths = [project.root / "staging.json", project.root / "prod.json"]
    command.given(paths, both, not_asked, free, project, {"prod": [opened]})
    assert handed == {"prod": [opened], "staging": ()}
    assert command.proven((), None, project, both[0], False) == ()


def test_a_plan_of_what_is_synthesized_here_is_told_with_its_lines(
    project: Project, asked: list[tuple[str, list[str]]]
) -> None:
    made = {"aws_s3_bucket": {"a": {"//": {"metadata": {"path": "prod-serving/data/this"}}}}}
    noted = {"sagewright": {"places": {"prod-serving/data/this": ["modules/bucket/bucket.py:9"]}}}
    write_stack(project, "prod-serving", {"resource": made, "//": noted})
    ((plan_,), _) = (
        one.plans
        for one in command.given(
            [project.root / "prod.json", project.root / "staging.json"],
            [environment(), environment(name="staging")],
            not_asked,
            free,
            project,
        )
    )
    assert plan_.place("aws_s3_bucket.a").line == "modules/bucket/bucket.py:9"
    write_stack(project, "prod-serving", {"resource": {}})
    ((plan_,),) = (
        one.plans
        for one in command.given([project.root / "prod.json"], [environment()], not_asked, free, project)
    )
    assert plan_.places == {}


def test_every_format_is_written_and_the_gate_decides_how_it_ends(
    project: Project, asked: list[tuple[str, list[str]]]
) -> None:
    files = [f"--{kind}={kind}.out" for kind in ("markdown", "json", "sarif", "junit", "html")]
    both = ("-e", "prod", "-e", "staging", "prod.json", "staging.json")
    done = gated(project, "review", *both, *files)
    assert done.returncode == 1, done.stderr
    markdown = (project.root / "markdown.out").read_text()
    assert markdown.startswith("<!-- sagewright-review: prod staging -->\n\n## ⛔")
    written = json.loads((project.root / "json.out").read_text())
    assert [row["stack"] for row in written["stacks"]] == ["prod-serving", "staging-serving"]
    assert json.loads((project.root / "sarif.out").read_text())["version"] == "2.1.0"
    assert (project.root / "junit.out").read_text().startswith("<?xml")
    assert (project.root / "html.out").read_text().startswith("<!doctype html>")
    assert gated(project, "review", "-e", "staging", "staging.json").returncode == 0


def test_without_a_file_the_comment_is_printed_and_nothing_else(
    project: Project, asked: list[tuple[str, list[str]]]
) -> None:
    done = gated(project, "review", "-e", "staging", "staging.json")
    assert done.stdout.startswith("<!-- sagewright-review: staging -->\n")
    assert "gate open" in done.stderr


def test_a_file_that_cannot_be_written_is_wrong_input(
    project: Project, asked: list[tuple[str, list[str]]]
) -> None:
    done = gated(project, "review", "-e", "prod", "prod.json", "--json", "missing/review.json")
    assert done.returncode == 2
    assert "missing/review.json: supply a file that can be written" in done.stderr


def test_the_comment_says_where_what_it_leaves_out_is(
    project: Project, asked: list[tuple[str, list[str]]]
) -> None:
    tags = {**TAGS, "Environment": "staging", "Stack": "staging-serving"}
    buckets = (
        planned(f"aws_s3_bucket.b{n}", {"tags_all": tags}, actions=["update"], before={"acl": "x" * 300})
        for n in range(400)
    )
    (project.root / "staging.json").write_text(json.dumps(plan(*buckets, tags=tags)))
    said = gated(project, "review", "-e", "staging", "staging.json", "--elsewhere", "[there](https://ci)")
    assert "It is all in [there](https://ci).*" in said.stdout


def test_planning_reviews_what_a_closed_gate_has_denied(project: Project) -> None:
    path = project.root / "prod.json"
    stack = SimpleNamespace(name="prod-serving", synthesized=None)
    made = SimpleNamespace(stack=stack, json_path=path, preview=True)
    removed: list[Any] = []

    @contextmanager
    def saved_plans(stacks: Any) -> Iterator[None]:
        yield
        removed.extend(stacks)

    def closed(plans: Any) -> Report:
        raise GateClosed(report(result()), "nothing was changed")

    run: Any = SimpleNamespace(
        assembly=SimpleNamespace(of=lambda name: [stack]),
        target=SimpleNamespace(environment=environment()),
        saved_plans=saved_plans,
        plan=lambda stacks: [made],
        gate=closed,
    )
    judged = command.planned(run, free)
    assert judged.report.verdict == "denied"
    assert judged.previews == {"prod-serving"}
    assert removed == [stack]
    assert [one.stack for one in judged.plans] == ["prod-serving"]


def test_a_version_is_asked_for_once_in_the_account_that_it_is_in(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def here(checkout: Project, facts: Any, local: bool, arn: str) -> Any:
        calls.append(facts.name)
        return SimpleNamespace(approval="Approved")

    monkeypatch.setattr(registry, "version_here", here)
    both = [environment(), environment(name="staging", account_id="222233334444")]
    ask = command.asking(project, both, False)
    arn = "arn:aws:sagemaker:eu-central-1:222233334444:model-package/churn/1"
    assert ask(arn).approval == ask(arn).approval == "Approved"
    ask("arn:aws:sagemaker:eu-central-1:999999999999:model-package/churn/1")
    assert calls == ["staging", "prod"]


def test_without_credentials_an_approval_is_not_known(project: Project) -> None:
    ask = command.asking(project, [environment(embedded=True)], True)
    with pytest.raises(Unanswered, match="the approval of arn"):
        ask("arn:aws:sagemaker:eu-central-1:111122223333:model-package/churn/1")
