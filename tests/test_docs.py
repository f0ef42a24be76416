"""What the pages say is so: links lead somewhere, files shown are the files, commands exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from sagewright.cli import app, cleanup_app, features_app, local_app, models_app
from tests.conftest import ROOT

OTHERS = {"node_modules", "cdktf.out", ".venv", ".sagewright", ".git", ".pytest_cache"}
"""What is not ours, or not a page; thousands of folders, which are not even looked into."""
PAGES = sorted(
    page
    for top in ROOT.iterdir()
    if top.name not in OTHERS
    for page in [*top.rglob("*.md"), top]
    if page.suffix == ".md"
)
README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())
    local = [link for link in links if not link.startswith(("http:", "https:"))]
    assert [link for link in local if not (page.parent / link).exists()] == []


def test_the_environment_file_that_the_readme_shows_is_the_one_that_the_demo_deploys() -> None:
    shown = re.search(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert shown is not None
    assert shown[1] == (ROOT / "environments" / "local.yaml").read_text()


def test_every_module_is_in_the_readme_and_has_one_of_its_own() -> None:
    modules = {
        path.name for path in (ROOT / "modules").iterdir() if path.is_dir() and not path.name.startswith("_")
    }
    assert set(re.findall(r"\]\(modules/(\w+)\)", README)) == modules
    assert {path.parent.name for path in (ROOT / "modules").glob("*/README.md")} == modules


def test_every_variable_that_is_read_is_documented() -> None:
    setup = ast.get_docstring(ast.parse((ROOT / "tools" / "setup.py").read_text()))
    sources = [ROOT / "main.py", *(ROOT / "sagewright").glob("*.py"), ROOT / "tools" / "setup.py"]
    code = "".join(path.read_text() for path in sources)
    ours = set(re.findall(r'variables\["(SAGEWRIGHT_\w+)"\]', code))
    read = set(re.findall(r"\bSAGEWRIGHT_[A-Z_]+\b", code)) - ours
    assert {name for name in read if name not in f"{README}{setup}"} == set()


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/embedded-aws.md", "docs/pitfalls.md"])
def test_every_command_that_a_page_names_exists(page: str) -> None:
    text = (ROOT / page).read_text()
    commands = {
        command.name or command.callback.__name__ for command in app.registered_commands if command.callback
    }
    below = {
        "local": {command.name for command in local_app.registered_commands},
        "models": {command.name for command in models_app.registered_commands},
        "features": {command.name for command in features_app.registered_commands},
        "cleanup": {command.name for command in cleanup_app.registered_commands},
    }
    for words in re.findall(r"\bsagewright ([a-z]+(?: [a-z-]+)?) ?", text):
        first, _, second = words.partition(" ")
        if first in below:
            assert second in below[first], words
        elif f"sagewright {first} -" in text or f"`sagewright {first}" in text:
            assert first in commands, words
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {target for target in re.findall(r"\bmake ([a-z-]+)", text) if target not in targets} <= set()
