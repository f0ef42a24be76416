"""Writes docs/policies.md from the catalogue; with --check, only says whether the page is up to date."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from sagewright.gate.catalog import Catalog, Rule, read_catalog  # noqa: E402

PAGE = ROOT / "docs" / "policies.md"
COMMAND = "python tools/policies_page.py"
KINDS = {
    "builtin": "a check of checkov",
    "checkov": "a checkov check of ours, in `policies/checkov`",
    "plan": "a plan rule of ours, in `policies/plan`",
}
WHERE = {"all": "all", "production": "production", "protected": "protected"}


def page(catalog: Catalog) -> str:
    """Return the page: how the gate judges, all rules in a table, each rule by itself, what is left out."""
    return "\n".join([*introduction(), *table(catalog), *details(catalog), *left_out(catalog)])


def introduction() -> Iterator[str]:
    """Yield what a reader must know about the gate."""
    text = (ROOT / "policies" / "introduction.md").read_text(encoding="utf-8").rstrip()
    yield f"<!-- Made from policies/catalog.yaml and policies/introduction.md by {COMMAND}; edit those. -->"
    yield text
    yield ""


def table(catalog: Catalog) -> Iterator[str]:
    """Yield the table of all rules, ours first."""
    yield "## The rules"
    yield ""
    yield "| rule | what is so when all is well | severity | environments | mode |"
    yield "|---|---|---|---|---|"
    for rule in catalog.rules:
        title = f"[{rule.id}](#{rule.id.lower()})"
        where = WHERE[rule.environments]
        mode = f"{rule.mode}, elsewhere {rule.elsewhere}" if rule.elsewhere else rule.mode
        yield f"| {title} | {rule.title} | {rule.severity} | {where} | {mode} |"
    yield ""


def details(catalog: Catalog) -> Iterator[str]:
    """Yield a section for each rule."""
    for rule in catalog.rules:
        yield f"### {rule.id}"
        yield ""
        yield f"{sentence(rule.title)} ({rule.severity}, {KINDS[rule.kind]})"
        yield ""
        yield rule.why
        yield ""
        yield f"**To mend it:** {rule.mend}"
        yield ""
        if rule.override:
            yield f"**To override it:** {rule.override}"
            yield ""
        yield from types(rule)
        example = f"../policies/examples/{rule.id}"
        links = " · ".join(f"<{reference}>" for reference in rule.references)
        yield f"Examples: [passes]({example}/pass.tf.json), [fails]({example}/fail.tf.json). See {links}"
        yield ""


def types(rule: Rule) -> Iterator[str]:
    """Yield what a rule is asked about; with reasons, as a table."""
    if isinstance(rule.types, dict):
        yield "| for | because |"
        yield "|---|---|"
        yield from (f"| `{type_}` | {reason} |" for type_, reason in rule.types.items())
    else:
        names = ", ".join(f"`{type_}`" for type_ in rule.types)
        yield f"For {names}{' that can be tagged' if rule.taggable else ''}."
    yield from (f"Not for `{type_}`: {reason}." for type_, reason in rule.leaves_out.items())
    yield ""


def left_out(catalog: Catalog) -> Iterator[str]:
    """Yield the checks of checkov that are left out, with the reasons."""
    yield "## Left out"
    yield ""
    yield "Checks of checkov for types that the modules make, which do not run. The last column is all that"
    yield "stock checkov fails in the plans of `prod`: see `tests/local/test_prod.py`."
    yield ""
    yield "| check | reason | fails |"
    yield "|---|---|---|"
    for check in catalog.left_out:
        fails = ", ".join(f"`{address}`" for address in check.fails)
        yield f"| {check.id} | {check.reason} | {fails} |"
    yield ""


def sentence(text: str) -> str:
    """Return a title with a capital."""
    return text[:1].upper() + text[1:]


def main() -> int:
    """Write the page, or check that it is what would be written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail when it is out of date")
    wanted = page(read_catalog(ROOT / "policies"))
    if parser.parse_args().check:
        if not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != wanted:
            print(f"{PAGE.relative_to(ROOT)} is out of date; run: {COMMAND}", file=sys.stderr)
            return 1
        return 0
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
