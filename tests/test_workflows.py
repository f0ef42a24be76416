"""CI's own files: linted, pinned, with least permissions, and nothing in them that a stranger fills in."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import typer
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema

from sagewright.cli import app
from stacks.environment import names, read
from tests.conftest import NODE, ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / ".github" / "actions").glob("*/action.yml"))
GITLAB = ROOT / "docs" / "ci" / "gitlab-ci.yml"
LINTER = ROOT / "node_modules" / "@tktco" / "node-actionlint" / "bin" / "node-actionlint.js"
NEW_HERE = ("plan", "review", "deploy")
"""Commands whose options the workflows are held to."""

each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def load(path: Path) -> dict[str, Any]:
    """Return a file; YAML reads the key `on` as true."""
    document: dict[Any, Any] = yaml.safe_load(path.read_text())
    return {"on" if key is True else key: value for key, value in document.items()}


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = load(path)["jobs"]
    return found


def steps(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the steps of a workflow, or of an action."""
    if path in ACTIONS:
        yield from load(path)["runs"]["steps"]
        return
    for job in jobs(path).values():
        yield from job.get("steps", ())


def test_actionlint_finds_nothing() -> None:
    """In WebAssembly, compiled once and quickly: optimizing it takes longer than linting."""
    done = subprocess.run(
        [NODE / "node", "--liftoff-only", LINTER, ".github/workflows/*.yml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert f"Checking {len(WORKFLOWS)} workflow file(s)" in done.stdout


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_action_is_pinned_by_its_commit_with_the_version_beside_it(path: Path) -> None:
    used = re.findall(r"uses: (.+)", path.read_text())
    pinned = re.compile(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+|\./\.github/[\w/.-]+")
    assert [one for one in used if not pinned.fullmatch(one)] == []


def test_one_action_has_one_version_everywhere() -> None:
    text = "".join(path.read_text() for path in (*WORKFLOWS, *ACTIONS))
    found = set(re.findall(r"uses: ([\w/-]+)@(\S+ # \S+)", text))
    assert len(found) == len({name for name, _ in found})


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_script_is_filled_in_by_an_expression(path: Path) -> None:
    assert [step["run"] for step in steps(path) if "${{" in step.get("run", "")] == []


@each_workflow
def test_every_job_names_its_permissions_and_the_workflow_gives_none(path: Path) -> None:
    assert load(path)["permissions"] == {}
    assert [name for name, job in jobs(path).items() if "permissions" not in job] == []


@each_workflow
def test_what_has_a_role_of_aws_writes_nothing_to_github(path: Path) -> None:
    for job in jobs(path).values():
        writes = {name for name, access in job["permissions"].items() if access == "write"}
        assert len(writes) < 2
        if any("configure-aws-credentials" in step.get("uses", "") for step in job.get("steps", ())):
            assert writes == {"id-token"}


@each_workflow
def test_no_checkout_keeps_its_token_and_no_workflow_runs_strangers_code_with_ours(path: Path) -> None:
    checkouts = [step for step in steps(path) if "actions/checkout@" in step.get("uses", "")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)
    assert "pull_request_target" not in load(path)["on"]


@each_workflow
def test_every_job_that_runs_anything_ends_by_itself(path: Path) -> None:
    assert [
        name for name, job in jobs(path).items() if "uses" not in job and not job["timeout-minutes"]
    ] == []


def test_environments_are_deployed_one_after_the_other_and_never_twice_at_once() -> None:
    in_accounts = [name for name in names(ROOT / "environments") if not embedded(name)]
    deploy = jobs(ROOT / ".github" / "workflows" / "deploy.yml")
    assert [job.get("needs") for job in deploy.values()] == [None, *list(deploy)[:-1]]
    assert sorted(deploy) == in_accounts
    apply = jobs(ROOT / ".github" / "workflows" / "environment.yml")["apply"]
    assert apply["concurrency"] == {"group": "apply-${{ inputs.environment }}", "cancel-in-progress": False}
    assert apply["environment"] == "${{ inputs.environment }}"
    for path, name in (("plan", "plan"), ("plan", "findings"), ("drift", "look")):
        job = jobs(ROOT / ".github" / "workflows" / f"{path}.yml")[name]
        assert sorted(job["strategy"]["matrix"]["environment"]) == in_accounts


def embedded(name: str) -> bool:
    return read(name, ROOT / "environments").embedded


@each_workflow
def test_plans_leave_a_job_encrypted_only(path: Path) -> None:
    """The JSON of a plan is neither printed nor kept; a review of it is redacted."""
    kept = [step["with"]["path"] for step in steps(path) if "upload-artifact@" in step.get("uses", "")]
    allowed = {f"${{{{ runner.temp }}}}/{name}" for name in ("plans", "review", "drift.md")}
    assert set(kept) <= allowed
    scripts = [step.get("run", "") for step in steps(path)]
    assert not any(re.search(r"(cat|tee)[^\n]*(result\.json|\.sagewright)", script) for script in scripts)


def gitlab_jobs() -> dict[str, dict[str, Any]]:
    return {name: job for name, job in load(GITLAB).items() if name not in ("stages", "default")}


def test_gitlabs_schema_accepts_the_example() -> None:
    schema = get_builtin_schema("vendor.gitlab-ci")
    jsonschema.Draft7Validator(schema).validate(load(GITLAB))


def test_jobs_of_the_gitlab_example_need_and_extend_what_is_there() -> None:
    found, stages = gitlab_jobs(), load(GITLAB)["stages"]
    named = {one for job in found.values() for one in (*job.get("needs", ()), job.get("extends"))} - {None}
    assert named <= set(found)
    assert {job["stage"] for job in found.values() if "stage" in job} == set(stages)


def scripts() -> list[str]:
    """Every shell script of CI, whole."""
    github = [step["run"] for path in (*WORKFLOWS, *ACTIONS) for step in steps(path) if "run" in step]
    gitlab = ["\n".join(job["script"]) for job in gitlab_jobs().values() if "script" in job]
    return github + gitlab


def test_every_script_is_one_to_a_shell() -> None:
    whole = "\n".join(f"f{number}() {{\n{script}\n}}" for number, script in enumerate(scripts()))
    done = subprocess.run(["bash", "-n"], input=whole, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_option_of_ours_in_a_script_exists() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    seen = set()
    for script in scripts():
        for line in re.findall(r"sagewright (.+)", script.replace("\\\n", " ")):
            words = shlex.split(re.split(r"[>|]", line)[0])
            if words[0] in NEW_HERE:
                seen.add(words[0])
                options = {name for option in commands[words[0]].params for name in option.opts}
                assert {word for word in words if word.startswith("-")} <= options
    assert seen == set(NEW_HERE)
