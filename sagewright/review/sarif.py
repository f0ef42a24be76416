"""What the policies say against plans, as SARIF 2.1.0, at the lines of Python that make the resources.

https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from sagewright.gate.catalog import Catalog
from sagewright.gate.report import Severity
from sagewright.review.model import Failure, Override, Review, Waiver
from sagewright.synth import Place

VERSION = "2.1.0"
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
SCORES: Mapping[Severity, str] = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.0"}
"""`security-severity` of GitHub: over 9.0 is critical, from 7.0 on high, from 4.0 on medium."""


def sarif(review: Review, catalog: Catalog) -> dict[str, Any]:
    """Return the log; what is waived or overridden is in it as suppressed. `catalog` explains the rules."""
    results = [failed(one) for one in review.failures]
    results += [waived(one) for one in review.waivers] + [overridden(one) for one in review.overrides]
    used = dict.fromkeys(result["ruleId"] for result in results)
    known = {rule.id: rule for rule in catalog.rules}
    rules = [
        {
            "id": id_,
            "shortDescription": {"text": rule.title},
            "fullDescription": {"text": rule.why},
            "help": {"text": rule.mend, "markdown": f"{rule.why}\n\n**To mend it:** {rule.mend}"},
            "helpUri": rule.references[0],
            "properties": {"tags": ["security"], "security-severity": SCORES[rule.severity]},
        }
        if (rule := known.get(id_))
        else {"id": id_, "shortDescription": {"text": "the gate can judge the plans"}}
        for id_ in used
    ]
    driver = {"name": "sagewright", "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": VERSION, "runs": [run]}


def failed(failure: Failure) -> dict[str, Any]:
    """Return a failure as a result."""
    level = "error" if failure.denies else "note" if failure.severity == "low" else "warning"
    where = f" ({failure.address} in {failure.stack})" if failure.address else ""
    text = ": ".join(filter(None, (failure.title, failure.message)))
    return {
        **result(failure.rule, failure.environment, failure.stack, failure.address, failure.place),
        "level": level,
        "message": {"text": f"{text}{where}. {failure.remedy}"},
    }


def waived(waiver: Waiver) -> dict[str, Any]:
    """Return a waived result: it is there, and suppressed."""
    said = f"{waiver.reason} ({waiver.owner}, until {waiver.expires})"
    return suppressed(waiver, f"waived for {waiver.address} in {waiver.stack}: {said}", said)


def overridden(override: Override) -> dict[str, Any]:
    """Return an overridden result: it is there, and suppressed."""
    said = f"{override.reason} ({override.group}: {override.approver})"
    text = f"overridden for {override.address} in {override.stack}: {override.message}: {said}"
    return suppressed(override, text, said)


def suppressed(one: Waiver | Override, text: str, justification: str) -> dict[str, Any]:
    """Return a result that somebody answers for."""
    return {
        **result(one.rule, one.environment, one.stack, one.address, one.place),
        "level": "note",
        "message": {"text": text},
        "suppressions": [{"kind": "external", "status": "accepted", "justification": justification}],
    }


def result(rule: str, environment: str, stack: str, address: str, place: Place) -> dict[str, Any]:
    """Return what all results have: rule, place, and what makes one the same in the next run."""
    mark = hashlib.sha256(f"{rule} {environment} {stack} {address}".encode()).hexdigest()
    return {
        "ruleId": rule,
        "locations": [location(place.line, stack, address)],
        "relatedLocations": [
            {"id": number, **physical(line)} for number, line in enumerate(place.lines) if line != place.line
        ],
        "partialFingerprints": {"sagewright/v1": mark},
    }


def location(line: str, stack: str, address: str) -> dict[str, Any]:
    """Return a place in Python, or the stack's synthesized file where none is known."""
    found = physical(line or f"cdktf.out/stacks/{stack or 'unknown'}/cdk.tf.json:1")
    if not address:
        return found
    return {**found, "logicalLocations": [{"fullyQualifiedName": f"{stack}/{address}", "kind": "resource"}]}


def physical(line: str) -> dict[str, Any]:
    """Return `path:line` as SARIF has it."""
    path, _, number = line.rpartition(":")
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(path), "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": int(number) if number.isdecimal() else 1},
        }
    }
