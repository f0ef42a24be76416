"""What the policies say as JUnit XML: a suite for each stack, in it a case for each rule.

https://github.com/testmoapp/junitxml
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree

from sagewright.review.model import Check, Failure, Review


def junit(review: Review) -> str:
    """Return the report: what denies is a failure, advice passes with a note, an error is an error."""
    stacks: dict[tuple[str, str], list[Check]] = {}
    for check in review.checks:
        stacks.setdefault((check.environment, check.stack), []).append(check)
    found: dict[tuple[str, str, str], list[Failure]] = {}
    for failure in review.failures:
        found.setdefault((failure.environment, failure.stack, failure.rule), []).append(failure)
    root = ElementTree.Element("testsuites", name="sagewright")
    for (environment, stack), checks in stacks.items():
        suite = ElementTree.SubElement(root, "testsuite", name=stack or environment)
        suite.set("tests", str(len(checks)))
        suite.set("failures", str(sum(check.denied > 0 and not check.errors for check in checks)))
        suite.set("errors", str(sum(check.errors > 0 for check in checks)))
        suite.set("skipped", str(sum(is_waived(check) for check in checks)))
        for check in checks:
            add(suite, check, found.get((environment, stack, check.rule), ()))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def add(suite: ElementTree.Element, check: Check, failures: Iterable[Failure]) -> None:
    """Add the case of one rule on one stack."""
    case = ElementTree.SubElement(suite, "testcase", name=f"{check.rule} {check.title}")
    case.set("classname", check.stack or check.environment)
    told = "\n".join(map(line, failures))
    if check.errors or check.denied:
        kind = "error" if check.errors else "failure"
        said = ElementTree.SubElement(case, kind, message=check.title, type=check.severity)
        said.text = told
    elif is_waived(check):
        ElementTree.SubElement(case, "skipped", message="waived or overridden")
    if told and not (check.errors or check.denied):
        ElementTree.SubElement(case, "system-out").text = told


def is_waived(check: Check) -> bool:
    """Tell whether a rule holds on a stack but for its waivers and overrides."""
    return check.waived + check.overridden > 0 and not check.denied and not check.errors


def line(failure: Failure) -> str:
    """Return what is wrong with one resource, and what to do."""
    place = f" at {failure.place.line}" if failure.place.line else ""
    word = "error" if failure.state == "error" else "denied" if failure.denies else "advice"
    message = f": {failure.message}" if failure.message else ""
    return f"{word}: {failure.address or failure.stack}{place}{message}. {failure.remedy}"
