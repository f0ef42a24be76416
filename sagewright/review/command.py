"""`sagewright review`: plans from wherever they are, judged, reviewed, and written as asked for."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from sagewright import gate, registry, synth
from sagewright.cost import Cost, Prices, estimate
from sagewright.deploy import GateClosed, Run
from sagewright.environment import Environment
from sagewright.errors import SagewrightError, Usage
from sagewright.gate.catalog import POLICIES, Catalog, PolicyError, read_catalog
from sagewright.gate.plan import (
    Plan,
    PlanError,
    PlanInput,
    Show,
    load,
    load_synthesized,
    read,
    same_resources,
    tag_values,
)
from sagewright.gate.report import Override
from sagewright.gate.saved_plan import show_here
from sagewright.overrides import prove
from sagewright.project import Project
from sagewright.review.build import Judged, build
from sagewright.review.document import document
from sagewright.review.html import page
from sagewright.review.junit import junit
from sagewright.review.markdown import render
from sagewright.review.model import Review
from sagewright.review.sarif import sarif
from sagewright.review.traffic import Versions
from sagewright.target import choose


@dataclass(frozen=True, kw_only=True, slots=True)
class Files:
    """Where a review is written; what is not asked for is `None`."""

    markdown: Path | None = None
    json: Path | None = None
    sarif: Path | None = None
    junit: Path | None = None
    html: Path | None = None

    @property
    def all(self) -> tuple[Path, ...]:
        """The files that are asked for."""
        return tuple(filter(None, (self.markdown, self.json, self.sarif, self.junit, self.html)))


Costs = Callable[[Sequence[Plan], Environment], Mapping[str, Cost]]
"""Returns what the plans of an environment cost, by stack."""


def pricing(project: Project) -> Costs:
    """Return what estimates costs by the checkout's prices; raises `Usage` where they cannot be read."""
    prices = Prices.of(project)

    def costs(plans: Sequence[Plan], environment: Environment) -> dict[str, Cost]:
        return {plan.stack: estimate(plan.document, environment.region, prices, today()) for plan in plans}

    return costs


def today() -> datetime.date:
    """Return the day, as all the world has it."""
    return datetime.datetime.now(datetime.timezone.utc).date()


def planned(run: Run, costs: Costs) -> Judged:
    """Plan an environment, show it to the gate, and return both, whatever the gate says.

    What Terraform could apply is removed.
    """
    stacks = run.assembly.of(run.target.environment.name)
    with run.saved_plans(stacks):
        plans = run.plan(stacks)
        try:
            report = run.gate(plans)
        except GateClosed as closed:
            report = closed.report
    inputs = [
        PlanInput(path=plan.json_path, stack=plan.stack.name, synthesized=plan.stack.synthesized)
        for plan in plans
    ]
    environment = run.target.environment
    read_ = tuple(readable(inputs, environment, show_here()))
    return Judged(
        report=report,
        plans=read_,
        costs=costs(read_, environment),
        previews=frozenset(plan.stack.name for plan in plans if plan.preview),
    )


def proven(
    overrides: Sequence[str], profile: str | None, project: Project, environment: Environment, local: bool
) -> tuple[Override, ...]:
    """Return the overrides that are asked for, and prove who gives them; without any, AWS is not asked."""
    return prove(overrides, profile, choose(project, environment, local)) if overrides else ()


def given(
    paths: Sequence[Path],
    environments: Sequence[Environment],
    versions: Versions,
    costs: Costs,
    project: Project,
    overrides: Mapping[str, Sequence[Override]] = {},
) -> list[Judged]:
    """Show plans that somebody else made to the gate, each to the environment that its tags name.

    `overrides` are those that are proven, by environment.

    Raises `Usage` for a plan of none of the environments; one that cannot be read goes to the first, whose
    gate says why.
    """
    show = cache(show_here())
    shares: dict[str, list[PlanInput]] = {environment.name: [] for environment in environments}
    for path in paths:
        shares[owner(path, environments, show)].append(PlanInput(path=path))
    if empty := [name for name, share in shares.items() if not share]:
        raise Usage(f"supply at least one plan for each environment, got none for {', '.join(empty)}")
    judged = []
    for environment in environments:
        inputs = shares[environment.name]
        report = gate.gate(
            inputs,
            environment,
            show_plan=show,
            registry=lambda arn: versions(arn).approval,
            overrides=overrides.get(environment.name, ()),
        )
        plans = tuple(located(plan, project) for plan in readable(inputs, environment, show))
        judged.append(Judged(report=report, plans=plans, costs=costs(plans, environment)))
    return judged


def owner(path: Path, environments: Sequence[Environment], show: Show) -> str:
    """Return the environment that a plan is of; a single one gets all, for its gate to refuse."""
    names = [environment.name for environment in environments]
    if len(names) == 1:
        return names[0]
    try:
        tagged = tag_values(load(path, show), "Environment")
    except Exception:
        return names[0]
    owners = [name for name in names if name in tagged]
    if len(owners) != 1:
        got = ", ".join(sorted(tagged)) or "none"
        raise Usage(f"{path}: supply a plan of one of {', '.join(names)}, got one of environment {got}")
    return owners[0]


def readable(inputs: Iterable[PlanInput], environment: Environment, show: Show) -> Iterator[Plan]:
    """Yield the plans that can be read, one for each stack; of the others the gate's report tells."""
    seen: set[str] = set()
    for source in inputs:
        try:
            plan = read(source, environment, show)
        except Exception:
            continue
        if plan.stack not in seen:
            seen.add(plan.stack)
            yield plan


def located(plan: Plan, project: Project) -> Plan:
    """Return a plan with the places of the last synthesis, where it is of the same resources."""
    try:
        path = synth.read(project).get(plan.stack).synthesized
        synthesized = load_synthesized(path)
        same_resources(plan.document, synthesized, path)
    except (Usage, PlanError):
        return plan
    return replace(plan, places=synth.places(synthesized))


def rules() -> Catalog:
    """Return the catalogue; where it cannot be read, there is no review."""
    try:
        return read_catalog(POLICIES)
    except PolicyError as error:
        raise SagewrightError(str(error)) from None


def reviewed(judged: Sequence[Judged], catalog: Catalog, versions: Versions) -> Review:
    """Return the review of today."""
    return build(judged, catalog, today(), versions)


def asking(project: Project, environments: Sequence[Environment], local: bool) -> Versions:
    """Return what asks the registry of the account that a version is in, once for each version."""

    @cache
    def ask(arn: str) -> registry.Version:
        account = arn.split(":")[4] if arn.count(":") > 4 else ""
        own = (environment for environment in environments if environment.account_id == account)
        return registry.version_here(project, next(own, environments[0]), local, arn)

    return ask


def write(review: Review, catalog: Catalog, files: Files, elsewhere: str) -> None:
    """Write the files that are asked for; raises `Usage` where one cannot be written.

    `elsewhere` is Markdown that says where the whole review is, for what the comment leaves out.
    """
    writers: list[tuple[Path | None, Callable[[], str]]] = [
        (files.markdown, lambda: render(review, elsewhere=elsewhere)),
        (files.json, lambda: as_json(document(review))),
        (files.sarif, lambda: as_json(sarif(review, catalog))),
        (files.junit, lambda: junit(review)),
        (files.html, lambda: page(review)),
    ]
    for path, text in writers:
        if path:
            try:
                path.write_text(text(), encoding="utf-8")
            except OSError as error:
                raise Usage(f"{path}: supply a file that can be written, got {error.strerror}") from None


def as_json(value: Any) -> str:
    """Return a document for a file."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
