"""Only what was reviewed is applied: an environment's saved plans in one sealed file, from job to job.

`save` packs the plans; `take` unpacks them in another checkout, refuses what is not of the same commit,
policies, locks, environment and synthesis, and lets Terraform say anew what the plans do; `deploy` applies
exactly these plans. Configuration and assets are not in the file: the same commit synthesizes the same bytes.
A stack whose inputs were not there yet has a preview in the file: it is planned when they are, and applied
only if it does what the preview said.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import TypeAdapter, ValidationError

from sagewright import preview, promised, sealed
from sagewright.deploy import NotReviewed, Planned, Run, side_by_side, write_private
from sagewright.environment import Environment
from sagewright.errors import SagewrightError, Usage
from sagewright.gate.catalog import POLICIES
from sagewright.gate.identity import identity, key_of, together
from sagewright.project import Project
from sagewright.sealed import SAVE, Sealed
from sagewright.synth import Stack
from sagewright.target import QUICK, Target
from sagewright.terraform import TerraformFailed, sha256

MANIFEST = "manifest.json"
STALE = "Saved plan is stale"
"""Terraform's words for a plan that was made on another state than there is now."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What saved plans hold for, and for nothing else."""

    environment: str
    commit: str
    lock: str
    """SHA-256 of the locks of Python packages and of providers."""
    policies: str
    """SHA-256 of the catalogue, the waivers, and all rules."""
    sagewright: str
    """Version of the command line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One stack's plan in the file."""

    stack: str
    preview: bool
    changes: bool
    digest: str
    """What applying it changes, keyed (sagewright/gate/identity.py)."""
    state: str
    """Lineage and serial of the state that it was made on."""
    synthesized: str
    """SHA-256 of the stack's configuration and assets."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What the file holds."""

    facts: Facts
    key: str
    """Key of the digests, in hexadecimal: that of the checkout that planned."""
    entries: tuple[Entry, ...]

    @property
    def digest(self) -> str:
        """One digest of all plans, as the review shows it."""
        return together(self.facts.environment, {entry.stack: entry.digest for entry in self.entries})


@dataclass(frozen=True, kw_only=True, slots=True)
class Reviewed:
    """Plans that were reviewed, taken up in this checkout."""

    manifest: Manifest
    plans: tuple[Planned, ...]


def save(run: Run, plans: Sequence[Planned], path: Path) -> str:
    """Write plans into one sealed file, readable by its owner only; return the digest of all.

    Raises `Usage` where the checkout is at no commit, or has no key to seal with.
    """
    environment = run.target.environment
    key = key_of(run.project.work)
    with run.steps.step("save") as step:
        facts = facts_of(run.project, environment)
        states = side_by_side(lambda plan: run.terraform(plan.stack).version_of_state(), plans)
        manifest = Manifest(
            facts=facts,
            key=key.hex(),
            entries=tuple(
                Entry(
                    stack=plan.stack.name,
                    preview=plan.preview,
                    changes=plan.changes,
                    digest=identity(plan.document, key),
                    state=state,
                    synthesized=synthesized(plan.stack),
                )
                for plan, state in zip(plans, states, strict=True)
            ),
        )
        with kms(run.target) as client:
            if environment.embedded:
                make_key(client, environment)
            content = sealed.seal(packed(manifest, plans), context(facts), client, key_name(environment))
        write_private(path, content)
        step.note = f"{path}, digest {manifest.digest}"
    return manifest.digest


def packed(manifest: Manifest, plans: Iterable[Planned]) -> bytes:
    """Return a zip of the manifest and the plans; of a preview, only its JSON is ever read."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST, TypeAdapter(Manifest).dump_json(manifest))
        for plan in plans:
            name = plan.stack.name
            if plan.preview:
                archive.writestr(f"previews/{name}.json", json.dumps(plan.document))
            else:
                archive.write(plan.path, f"plans/{name}.tfplan")
    return buffer.getvalue()


def find(path: Path, project: Project, environment: Environment) -> Sealed:
    """Read a sealed file, and refuse that of another environment or commit before AWS is asked anything."""
    file = sealed.read(path)
    here = context(facts_of(project, environment))
    for name, value in here.items():
        if (got := file.head.context.get(name)) != value:
            raise Usage(f"{path}: {name}: supply plans of {value}, got those of {got}")
    return file


def take(run: Run, file: Sealed, digest: str | None) -> Reviewed:
    """Open a sealed file and take up its plans; nothing is changed.

    Raises `Usage` where it is not of this checkout's commit, locks, policies, environment and synthesis, or
    has another digest than the one that was reviewed.
    """
    with run.steps.step("open") as step:
        with kms(run.target) as client:
            content = file.open(client, key_name(run.target.environment))
        with unpacked(file.path, content) as archive:
            manifest = read_manifest(file.path, archive)
            check(run, file.path, manifest)
            if digest is not None and digest.lower() != manifest.digest:
                raise Usage(f"{file.path}: supply plans of digest {digest}, got those of {manifest.digest}")
            parts = {
                entry.stack: archive.read(
                    f"previews/{entry.stack}.json" if entry.preview else f"plans/{entry.stack}.tfplan"
                )
                for entry in manifest.entries
            }
        step.note = f"{len(parts)} plans, digest {manifest.digest}"

    def restored(entry: Entry) -> Planned:
        stack, content = run.assembly.get(entry.stack), parts[entry.stack]
        if entry.preview:
            return run.restore_preview(stack, json.loads(content))
        return run.restore(stack, content, entry.changes)

    plans = side_by_side(restored, manifest.entries)
    for entry, plan in zip(manifest.entries, plans, strict=True):
        if identity(plan.document, bytes.fromhex(manifest.key)) != entry.digest:
            raise Usage(
                f"{file.path}: supply plans that do what their digest says, got another of {entry.stack}"
            )
    return Reviewed(manifest=manifest, plans=tuple(plans))


def deploy(run: Run, file: Sealed, digest: str | None, approve: Callable[[Sequence[Planned]], None]) -> bool:
    """Apply exactly the plans in a sealed file; tell whether anything changed.

    They go through the gate again, for a waiver may have expired meanwhile. Raises `NotReviewed` with the
    differences where a plan is stale, or where a stack that had a preview would be changed in another way.
    """
    stacks = run.assembly.of(run.target.environment.name)
    with run.saved_plans(stacks):
        reviewed = take(run, file, digest)
        run.gate(reviewed.plans)
        refuse_stale(run, reviewed)
        changing = [plan for plan in reviewed.plans if plan.changes]
        if not changing:
            return False
        approve(changing)
        try:
            run.carry_out(
                [plan.stack for plan in reviewed.plans], lambda previews: follow(run, reviewed, previews)
            )
        except TerraformFailed as failed:
            if STALE in str(failed):
                raise stale(run, reviewed) from None
            raise
    return True


def refuse_stale(run: Run, reviewed: Reviewed) -> None:
    """Refuse all plans where a state is another than one of them was made on."""
    entries = [entry for entry in reviewed.manifest.entries if not entry.preview]
    with run.steps.step("states"):
        states = side_by_side(
            lambda entry: run.terraform(run.assembly.get(entry.stack)).version_of_state(), entries
        )
    if any(entry.state != state for entry, state in zip(entries, states, strict=True)):
        raise stale(run, reviewed)


def stale(run: Run, reviewed: Reviewed) -> NotReviewed:
    """Plan again what is not applied yet, and return how that differs from what was reviewed."""
    before = {plan.stack.name: plan for plan in reviewed.plans if plan.stack.name not in run.applied}
    run.pending.clear()
    now = run.plan([plan.stack for plan in before.values()])
    found = [
        difference
        for plan in now
        for difference in promised.differences(
            plan.stack.name, before[plan.stack.name].document, plan.document
        )
    ]
    return NotReviewed(
        f"the plans are stale: a state has changed since they were reviewed; {run.so_far}; {SAVE}", found
    )


def follow(run: Run, reviewed: Reviewed, previews: Sequence[Planned]) -> None:
    """Plan what was a preview, now that its inputs are there, and refuse what was not reviewed."""
    assumed = frozenset[str]().union(
        *(preview.placeholders(plan.document, run.target.environment) for plan in reviewed.plans)
    )
    plans = run.plan([before.stack for before in previews])
    run.gate(plans)
    found = [
        difference
        for before, plan in zip(previews, plans, strict=True)
        for difference in promised.differences(plan.stack.name, before.document, plan.document, assumed)
    ]
    if found:
        names = ", ".join(sorted({difference.stack for difference in found}))
        raise NotReviewed(f"{names}: not what the reviewed preview said; {run.so_far}; {SAVE}", found)


def facts_of(project: Project, environment: Environment) -> Facts:
    """Return what plans that are made here hold for; raises `Usage` where no commit says it all."""
    return Facts(
        environment=environment.name,
        commit=commit(project),
        lock=sum_of([project.root / "requirements.lock", project.provider_lock], project.root),
        policies=sum_of(
            (path for path in POLICIES.rglob("*") if path.is_file() and path.suffix != ".pyc"), POLICIES
        ),
        sagewright=version("sagewright"),
    )


def commit(project: Project) -> str:
    """Return the commit that the checkout is at; raises `Usage` where files differ from it."""
    asked = ("rev-parse", "HEAD"), ("status", "--porcelain", "--untracked-files=no")
    said = []
    for arguments in asked:
        try:
            done = subprocess.run(
                ["git", "-C", str(project.root), *arguments], capture_output=True, text=True, check=True
            )
        except (OSError, subprocess.CalledProcessError) as error:
            why = (getattr(error, "stderr", "") or str(error)).strip().splitlines()[-1]
            raise Usage(f"{project.root.name}: supply a git checkout at a commit, got: {why}") from None
        said.append(done.stdout.strip())
    head, changed = said
    if changed:
        files = ", ".join(line.split(maxsplit=1)[1] for line in changed.splitlines())
        raise Usage(f"supply a checkout that is as commit {head[:12]} has it, got changes of {files}")
    return head


def sum_of(paths: Iterable[Path], root: Path) -> str:
    """Return one SHA-256 of files, their names included; one that is missing counts as such."""
    return sha256(
        json.dumps(
            sorted(
                (os.path.relpath(path, root), sha256(path.read_bytes()) if path.is_file() else "")
                for path in paths
            )
        ).encode()
    )


def synthesized(stack: Stack) -> str:
    """Return one SHA-256 of a stack's configuration and of the assets that it names by their folders."""
    text = stack.synthesized.read_text(encoding="utf-8")
    assets = (path for path in stack.folder.glob("assets/**/*") if path.parent.name in text)
    return sum_of([stack.synthesized, *(path for path in assets if path.is_file())], stack.folder)


def context(facts: Facts) -> dict[str, str]:
    """Return the encryption context, which stands in the file in clear."""
    return {"environment": facts.environment, "commit": facts.commit}


def key_name(environment: Environment) -> str:
    """Return the alias of the key: that of the Terraform states, which stacks/bootstrap.py makes."""
    return f"alias/{environment.organization}-{environment.name}-state"


def make_key(client: Any, environment: Environment) -> None:
    """Make the key where no bootstrap does, in an environment of the embedded AWS alone."""
    alias = key_name(environment)
    aliases = client.get_paginator("list_aliases").paginate().search("Aliases[].AliasName")
    if alias not in aliases:
        made = client.create_key(Description="Terraform states and plans")["KeyMetadata"]
        client.create_alias(AliasName=alias, TargetKeyId=made["KeyId"])


@contextmanager
def kms(target: Target) -> Iterator[Any]:
    """Give a client of KMS; what it says that nobody foresaw becomes one clear error."""
    try:
        with target.session() as session:
            yield session.client("kms", config=QUICK)
    except (BotoCoreError, ClientError) as error:
        raise SagewrightError(f"{target.name}: KMS failed: {error}") from None


@contextmanager
def unpacked(path: Path, content: bytes) -> Iterator[zipfile.ZipFile]:
    """Give the zip that a file holds; raises `Usage` where something in it is missing."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield archive
    except (zipfile.BadZipFile, KeyError) as error:
        raise Usage(f"{path}: supply what `sagewright plan --save` wrote, got: {error}") from None


def read_manifest(path: Path, archive: zipfile.ZipFile) -> Manifest:
    """Return what a file says that it holds."""
    try:
        return TypeAdapter(Manifest).validate_json(archive.read(MANIFEST))
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise Usage(f"{path}: {where}: supply plans that this version saved, got others; {SAVE}") from None


def check(run: Run, path: Path, manifest: Manifest) -> None:
    """Refuse plans that hold for anything else than this checkout; all that differs is said at once."""
    here = facts_of(run.project, run.target.environment)
    problems = [
        f"{path}: {field.name}: supply plans made with {value}, which is here, got those made with {other}"
        for field in fields(Facts)
        if (value := getattr(here, field.name)) != (other := getattr(manifest.facts, field.name))
    ]
    stacks = {stack.name: stack for stack in run.assembly.of(here.environment)}
    for entry in manifest.entries:
        stack = stacks.get(entry.stack)
        if stack is None or synthesized(stack) != entry.synthesized:
            problems.append(f"{path}: {entry.stack}: supply plans of what is synthesized here, got another's")
    if problems:
        raise Usage("\n".join(problems))
