"""The command line: one environment at a time, through the plan gate, onto AWS or the embedded AWS."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from sagewright import environment as environments
from sagewright import project as projects
from sagewright import synth as synthesis
from sagewright.errors import SagewrightError, Usage, unforeseen
from sagewright.project import Project
from sagewright.steps import Steps
from sagewright.terraform import handle_interrupts

if TYPE_CHECKING:
    from sagewright.bootstrap import Approve
    from sagewright.cleanup import Deletion
    from sagewright.deploy import Planned, Run
    from sagewright.target import Target

app = typer.Typer(
    name="sagewright",
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""SageMaker platforms from YAML, through a plan gate, onto AWS or the embedded AWS.

An environment is a file, [bold]environments/NAME.yaml[/]; [bold]-e NAME[/] names it everywhere.

[bold]Without an AWS account:[/] sagewright local up; sagewright deploy -e local

[bold]Exit codes:[/] 0 done, gate open; 1 denied; 2 wrong input; 3 failed; 130 interrupted.

[bold]SAGEWRIGHT_LOCAL=1[/] acts on the embedded AWS, as --local does, in cdktf too;
[bold]SAGEWRIGHT_TRACEBACK=1[/] shows where an error arose that nobody foresaw.""",
)
local_app = typer.Typer(help="The embedded AWS: an AWS for trying and testing, on this machine.")
app.add_typer(local_app, name="local")
features_app = typer.Typer(help="Feature groups, beyond what Terraform can change without losing their data.")
app.add_typer(features_app, name="features")
models_app = typer.Typer(help="Models of the registry: which approved version an environment serves.")
app.add_typer(models_app, name="models")
prices_app = typer.Typer(help="What AWS asks for: the prices that a plan's cost is estimated with.")
app.add_typer(prices_app, name="prices")
cleanup_app = typer.Typer(help="What people made in AWS, and what therefore keeps an environment from going.")
app.add_typer(cleanup_app, name="cleanup")

Name = Annotated[
    str, typer.Option("-e", "--environment", metavar="NAME", help="The environment: environments/NAME.yaml.")
]
Local = Annotated[
    bool,
    typer.Option(
        "--local",
        envvar="SAGEWRIGHT_LOCAL",
        help="Act on the embedded AWS, whatever the environment, prod too.",
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print the result as JSON, and nothing else, on standard output.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before AWS is changed.")]
AlthoughProtected = Annotated[
    bool, typer.Option("--although-protected", help="Do so in a protected environment, too.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--override",
        metavar="RULE=REASON",
        help="Open the gate for one rule, this once: for approvers of the environment. Repeat it for others.",
    ),
]
ApproverProfile = Annotated[
    str | None,
    typer.Option(
        "--approver-profile",
        metavar="PROFILE",
        help="AWS profile of the approver; default: the credentials that deploy.",
    ),
]


INTERRUPTED = 130
"""128 + SIGINT, as shells count; what Typer returns for it too."""


def main() -> None:
    """Run the command line; every error becomes one clear text and an exit code."""
    try:
        handle_interrupts()
        code = app(standalone_mode=False)
    except typer.TyperException as error:
        stop(Usage.exit_code, f"{error.format_message().rstrip('.')}; see `sagewright --help`")
    except SagewrightError as error:
        stop(error.exit_code, str(error))
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except Exception as error:
        stop(SagewrightError.exit_code, unforeseen(error))
    if code == INTERRUPTED:
        stop(code, "interrupted; run the command again to go on")
    sys.exit(code if isinstance(code, int) else 0)


def stop(code: int, text: str) -> NoReturn:
    """End the command with an error."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(f"error: {text}", style="red", markup=False)
    sys.exit(code)


class Output:
    """Where a command speaks: progress and tables for people, or one JSON document for a program."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.console = Console(stderr=as_json, highlight=False)
        self.steps = Steps(self.console)

    def give(self, result: dict[str, Any]) -> None:
        """Print the result for a program."""
        if self.as_json:
            typer.echo(json.dumps(result, indent=2))


def open_run(
    name: str,
    local: bool,
    output: Output,
    gated: bool = True,
    bootstrapped: bool = False,
    overrides: Sequence[str] = (),
    approver_profile: str | None = None,
) -> Run:
    """Check the environment and its account, and synthesize it.

    Where plans are to be `gated`, the gate's slow imports start, to be done while Terraform plans. Where they
    are to be applied, the account must be `bootstrapped`. Who gives `overrides` must prove to be an approver.
    """
    from sagewright import bootstrap, gate, target
    from sagewright import overrides as proofs
    from sagewright.deploy import Run

    checkout = projects.find()
    environment = environments.read(name, checkout.environments)
    chosen = target.choose(checkout, environment, local)
    proven = proofs.prove(overrides, approver_profile, chosen)
    if bootstrapped:
        bootstrap.ready(checkout, chosen, output.steps)
    with output.steps.step("synth") as step:
        assembly = synthesis.synthesize(checkout, name)
        step.note = f"{len(assembly.of(name))} stacks"
    if gated:
        threading.Thread(target=gate.preload, daemon=True).start()
    return Run(project=checkout, target=chosen, assembly=assembly, steps=output.steps, overrides=proven)


def reported(output: Output, work: Callable[[], dict[str, Any]]) -> None:
    """Do the work of a command; show why it was stopped before the error: by the gate, or by what differs."""
    from sagewright.deploy import GateClosed, NotLive, NotReviewed
    from sagewright.gate import show
    from sagewright.verify import show as show_findings

    try:
        result = work()
    except GateClosed as closed:
        output.give({"error": str(closed), "gate": closed.report.to_dict()})
        show(closed.report, output.console)
        raise
    except NotReviewed as other:
        found = [asdict(difference) for difference in other.differences]
        output.give({"error": str(other), "differences": found})
        for difference in other.differences:
            output.console.print(f"  {difference}", markup=False, soft_wrap=True)
        raise
    except NotLive as wrong:
        output.give({"error": str(wrong), "verify": [finding.to_dict() for finding in wrong.findings]})
        show_findings(wrong.findings, output.console)
        raise
    output.give(result)


@app.command()
def synth(
    environment: Annotated[
        str | None,
        typer.Option("-e", "--environment", metavar="NAME", help="Just this environment; default: all."),
    ] = None,
    json_: Json = False,
) -> None:
    """Write Terraform JSON to cdktf.out/, after checking every environment file."""
    output = Output(json_)
    checkout = projects.find()
    if environment is not None:
        environments.read(environment, checkout.environments)
    with output.steps.step("synth") as step:
        assembly = synthesis.synthesize(checkout, environment)
        step.note = f"{len(assembly.stacks)} stacks"
    for stack in assembly.stacks:
        output.console.print(f"  {stack.name:<24} {stack.synthesized.relative_to(checkout.root)}")
    output.give(
        {"stacks": [{"name": stack.name, "path": str(stack.synthesized)} for stack in assembly.stacks]}
    )


@app.command()
def plan(
    environment: Name,
    save: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep the plans for `deploy --reviewed`, encrypted by AWS KMS."),
    ] = None,
    overrides: Overrides = None,
    approver_profile: ApproverProfile = None,
    local: Local = False,
    json_: Json = False,
) -> None:
    """Plan an environment and show what the gate thinks of it; nothing is changed.

    Stacks whose inputs are not deployed yet are planned against the plans of those that they need.
    The plans lie in .sagewright/plans/ as JSON, which may hold secrets and which only you can read;
    what Terraform could apply is removed. With [bold]--save[/] it is kept where the gate is open, in one file
    that only the environment's key opens, and the digest of what the plans do is printed.
    """
    from sagewright.gate import show

    output = Output(json_)

    def work() -> dict[str, Any]:
        run = open_run(
            environment,
            local,
            output,
            bootstrapped=save is not None,
            overrides=overrides or (),
            approver_profile=approver_profile,
        )
        stacks = run.assembly.of(environment)
        saved: dict[str, Any] = {}
        with run.saved_plans(stacks):
            plans = run.plan(stacks)
            report = run.gate(plans)
            if save:
                from sagewright import reviewed

                saved = {"saved": {"path": str(save), "digest": reviewed.save(run, plans, save)}}
        show(report, output.console)
        return {"stacks": [summary(each) for each in plans], "gate": report.to_dict(), **saved}

    reported(output, work)


@app.command()
def gate(
    environment: Name,
    plans: Annotated[
        list[Path], typer.Argument(metavar="PLAN…", help="Saved plans or plan JSON, of any origin.")
    ],
    overrides: Overrides = None,
    approver_profile: ApproverProfile = None,
    local: Local = False,
    json_: Json = False,
) -> None:
    """Judge plans, wherever they come from, by the policies and an environment's protection.

    AWS is asked only whether the versions of models that they name are approved; without credentials that is
    unknown, which denies in production and where protected.

    [bold]Exit codes:[/] 0 open, 1 denied, 2 wrong input, 3 a plan or a policy could not be judged.
    """
    from sagewright import gate as gates
    from sagewright import overrides as proofs
    from sagewright import registry, target

    output = Output(json_)
    checkout = projects.find()
    facts = environments.read(environment, checkout.environments)
    inputs = [gates.PlanInput(path=path, stack=None, synthesized=None) for path in plans]
    ask = partial(registry.approval_here, checkout, facts, local)
    proven: Sequence[gates.Override] = ()
    if overrides:
        proven = proofs.prove(overrides, approver_profile, target.choose(checkout, facts, local))
    report = gates.gate(inputs, facts, registry=ask, overrides=proven)
    gates.show(report, output.console)
    output.give(report.to_dict())
    raise typer.Exit(report.exit_code)


@app.command()
def review(
    names: Annotated[
        list[str],
        typer.Option(
            "-e", "--environment", metavar="NAME", help="The environment; give it again for several at once."
        ),
    ],
    plans: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PLAN…", help="Saved plans or plan JSON, of any origin; default: new plans."),
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write it as the comment on a pull request.")
    ] = None,
    json_: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write it for a program, whole.")
    ] = None,
    sarif: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write what the policies say as SARIF 2.1.0.")
    ] = None,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write what the policies say as JUnit XML.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write it as a page to search, with a picture.")
    ] = None,
    elsewhere: Annotated[
        str,
        typer.Option(
            metavar="TEXT", help="Where the whole review is, in Markdown, for what the comment leaves out."
        ),
    ] = "",
    overrides: Overrides = None,
    approver_profile: ApproverProfile = None,
    local: Local = False,
) -> None:
    """Review plans: what is lost, who answers, who may do what, what stops them, what changes.

    Without PLAN each environment is planned, as [bold]sagewright plan[/] does; nothing is changed. Several
    environments make one review. Without a FILE the comment is printed. Nothing that is written is secret.

    [bold]Exit codes:[/] the gate's: 0 open, 1 denied, 2 wrong input, 3 what could not be judged.
    """
    from sagewright.gate import show
    from sagewright.gate.report import EXIT_CODES
    from sagewright.review import command
    from sagewright.review.markdown import ELSEWHERE, render

    files = command.Files(markdown=markdown, json=json_, sarif=sarif, junit=junit, html=html)
    output = Output(as_json=not files.all)
    checkout = projects.find()
    facts = [environments.read(name, checkout.environments) for name in dict.fromkeys(names)]
    catalog = command.rules()
    versions, costs = command.asking(checkout, facts, local), command.pricing(checkout)
    opened, who = overrides or (), approver_profile
    if plans:
        proven = {one.name: command.proven(opened, who, checkout, one, local) for one in facts}
        judged = command.given(plans, facts, versions, costs, checkout, proven)
    else:
        judged = [
            command.planned(open_run(one.name, local, output, overrides=opened, approver_profile=who), costs)
            for one in facts
        ]
    for one in judged:
        show(one.report, output.console)
    made = command.reviewed(judged, catalog, versions)
    where = elsewhere or (f"`{json_.name}`" if json_ else ELSEWHERE)
    command.write(made, catalog, files, where)
    for path in files.all:
        output.console.print(f"written: {path}", markup=False)
    if not files.all:
        typer.echo(render(made, elsewhere=where))
    raise typer.Exit(EXIT_CODES[made.verdict])


@app.command()
def deploy(
    environment: Name,
    reviewed: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Apply the plans that `plan --save` kept, and no other."),
    ] = None,
    digest: Annotated[
        str | None, typer.Option(metavar="HEX", help="The digest that was reviewed: theirs must be the same.")
    ] = None,
    overrides: Overrides = None,
    approver_profile: ApproverProfile = None,
    local: Local = False,
    yes: Yes = False,
    json_: Json = False,
) -> None:
    """Plan, gate, apply and verify an environment; what the gate denies is not applied.

    All stacks are planned and gated before the first is applied. Run again after any failure.

    With [bold]--reviewed[/] nothing is planned: the saved plans are judged again and applied as they are, if
    commit, locks, policies and states are still the same. What could not be planned whole is planned when its
    inputs are there, and applied only if it does what was reviewed.
    """
    output = Output(json_)
    if digest is not None and reviewed is None:
        raise Usage(f"--reviewed: supply the file with the plans of digest {digest}, got none")

    def opened() -> Run:
        return open_run(
            environment,
            local,
            output,
            bootstrapped=True,
            overrides=overrides or (),
            approver_profile=approver_profile,
        )

    def work() -> dict[str, Any]:
        if reviewed is None:
            return deployed(opened(), yes, output)
        from sagewright import reviewed as saved

        checkout = projects.find()
        file = saved.find(reviewed, checkout, environments.read(environment, checkout.environments))
        run = opened()
        return deployed(run, yes, output, lambda approve: saved.deploy(run, file, digest, approve))

    reported(output, work)


def deployed(
    run: Run, yes: bool, output: Output, apply: Callable[[Approve], bool] | None = None
) -> dict[str, Any]:
    """Deploy an environment, or `apply` what was reviewed, and return the result for a program."""
    start = time.monotonic()
    stacks = run.assembly.of(run.target.environment.name)
    approve = approver(run, yes, output)
    changed = apply(approve) if apply else run.deploy(stacks, approve)
    findings = run.verify(stacks)
    wall = time.monotonic() - start
    what = "is up to date: nothing changes" if not changed else "is deployed and verified"
    output.console.print(f"\n[bold green]{run.target.environment.name} {what}[/] on {run.target.name}")
    output.console.print(f"{wall:.0f} s, of which Terraform worked {run.clock.seconds:.0f} s (side by side)")
    return {
        "environment": run.target.environment.name,
        "changed": changed,
        "overridden": [
            {"rule": one.rule, "stack": one.stack, "address": one.address, "override": one.override}
            for one in run.overridden
        ],
        "verify": [finding.to_dict() for finding in findings],
        "steps": [
            {"name": step.name, "seconds": round(step.seconds, 3), "note": step.note}
            for step in run.steps.done
        ],
        "wall_seconds": round(wall, 3),
        "terraform_seconds": round(run.clock.seconds, 3),
    }


@app.command()
def verify(environment: Name, local: Local = False, json_: Json = False) -> None:
    """Compare what is live with what was applied: endpoint configurations, weights, instance counts."""
    from sagewright.verify import show

    output = Output(json_)

    def work() -> dict[str, Any]:
        run = open_run(environment, local, output, gated=False)
        findings = run.verify(run.assembly.of(environment))
        show(findings, output.console)
        return {"verify": [finding.to_dict() for finding in findings]}

    reported(output, work)


@app.command()
def destroy(environment: Name, local: Local = False, yes: Yes = False, json_: Json = False) -> None:
    """Destroy an environment, last stack first; the gate refuses it where the environment is protected."""
    output = Output(json_)

    def work() -> dict[str, Any]:
        run = open_run(environment, local, output)
        changed = run.destroy(run.assembly.of(environment), approver(run, yes, output))
        output.console.print(
            f"\n[bold green]{environment} is destroyed[/]" if changed else "nothing is deployed"
        )
        return {"environment": environment, "changed": changed}

    reported(output, work)


@app.command()
def bootstrap(environment: Name, local: Local = False, yes: Yes = False, json_: Json = False) -> None:
    """Prepare an account: the bucket of the states, the boundary, and CI's roles. Safe to run again."""
    from sagewright import bootstrap as bootstraps

    output = Output(json_)

    def allow(target: Target, what: str) -> None:
        consent(f"{what[0].upper()}{what[1:]} in {target.name}?", yes or target.running is not None)

    def work() -> dict[str, Any]:
        run = bootstraps.prepare(projects.find(), environment, local, output.steps, allow)
        result = bootstraps.bootstrap(run, approver(run, yes, output))
        bootstraps.show(run, result, output.console)
        return result

    reported(output, work)


@features_app.command("add")
def features_add(
    environment: Name,
    groups: Annotated[
        list[str] | None, typer.Argument(metavar="GROUP…", help="Feature groups; default: all.")
    ] = None,
    local: Local = False,
    yes: Yes = False,
    json_: Json = False,
) -> None:
    """Add to live feature groups what the environment file has and they lack; their data stays.

    A feature that is defined otherwise than it is live is refused: that needs a new version of the group.
    """
    from sagewright import features

    output = Output(json_)
    run = open_run(environment, local, output, gated=False)
    stacks = [stack for stack in run.assembly.of(environment) if stack.name == f"{environment}-features"]
    added: list[str] = []
    for stack in stacks:
        state, synthesized = run.state(stack), json.loads(stack.synthesized.read_text(encoding="utf-8"))
        with run.target.session() as session:
            additions = features.pending(stack.name, state, synthesized, session, groups or ())
        for addition in additions:
            output.console.print(f"  + {addition}", markup=False)
        if additions:
            consent(f"Add these to {run.target.name}?", yes or run.target.running is not None)
            with run.target.session() as session, output.steps.step("features") as step:
                features.add(additions, session, step.say)
        added += [str(addition) for addition in additions]
    output.console.print("features added" if added else "nothing to add: the groups have all features")
    output.give({"environment": environment, "added": added})


@models_app.command("pin")
def models_pin(
    environment: Name,
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="The model, as the environment file names it.")
    ],
    version: Annotated[
        str | None, typer.Option("--version", metavar="N", help="This version, by its number or ARN.")
    ] = None,
    newest_approved: Annotated[
        bool, typer.Option("--newest-approved", help="The highest version that is approved; the default.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be written.")] = False,
    local: Local = False,
    json_: Json = False,
) -> None:
    """Write an approved version of a model into the environment file; AWS is asked, and not changed.

    The version is of the group that the file names already. A plan and its gate then bring it to the
    endpoints.
    """
    from sagewright import models, target

    output = Output(json_)
    if version is not None and newest_approved:
        raise Usage(f"supply either --version or --newest-approved, got both, and {version}")
    checkout = projects.find()
    chosen = target.choose(checkout, environments.read(environment, checkout.environments), local)
    pin = models.prepare(chosen, model, version)
    written = pin.changed and not dry_run
    if written:
        models.write(pin, chosen.environment)
    models.show(pin, written, output.console)
    output.give({"environment": environment, "written": written, **pin.to_dict()})


@prices_app.command("refresh")
def prices_refresh(
    regions: Annotated[
        list[str] | None,
        typer.Option(
            "--region", metavar="REGION", help="Of this region; default: those of all environments."
        ),
    ] = None,
    json_: Json = False,
) -> None:
    """Ask AWS for its list prices and write them into prices.json, which is yours to commit.

    Credentials of any account will do that may [bold]pricing:GetProducts[/].
    """
    import boto3

    from sagewright.cost import refresh
    from sagewright.target import QUICK

    output = Output(json_)
    checkout = projects.find()
    if not regions:
        names = environments.names(checkout.environments)
        regions = [environments.read(name, checkout.environments).region for name in names]
    client = boto3.session.Session().client("pricing", region_name=refresh.API_REGION, config=QUICK)
    today = datetime.now(timezone.utc).date()
    with output.steps.step("prices") as step:
        refreshed = refresh.refresh(client, checkout.prices, sorted(set(regions)), today, step.say)
        step.note = f"{refreshed.prices} prices"
    refresh.show(refreshed, output.console)
    output.give(refreshed.to_dict())


@cleanup_app.command("studio")
def cleanup_studio(
    environment: Name,
    homes_of: Annotated[
        list[str] | None,
        typer.Option(
            "--homes-of",
            metavar="DOMAIN",
            help="Also delete the home file system that this deleted domain left behind; all homes are lost.",
        ),
    ] = None,
    although_protected: AlthoughProtected = False,
    local: Local = False,
    yes: Yes = False,
    json_: Json = False,
) -> None:
    """Delete Studio's apps, and the spaces and profiles that are not Terraform's: then a destroy succeeds."""
    from sagewright import cleanup

    clean_up(
        environment,
        f"{environment}-studio",
        lambda state, session: cleanup.plan_studio(state, session, homes_of or ()),
        although_protected=although_protected,
        local=local,
        yes=yes,
        output=Output(json_),
    )


@cleanup_app.command("model-packages")
def cleanup_model_packages(
    environment: Name,
    although_protected: AlthoughProtected = False,
    local: Local = False,
    yes: Yes = False,
    json_: Json = False,
) -> None:
    """Delete all versions of the environment's model package groups: then a destroy succeeds."""
    from sagewright import cleanup

    clean_up(
        environment,
        f"{environment}-training",
        cleanup.plan_model_packages,
        although_protected=although_protected,
        local=local,
        yes=yes,
        output=Output(json_),
    )


def clean_up(
    environment: str,
    part: str,
    plan: Callable[[dict[str, Any], Any], Sequence[Deletion]],
    *,
    although_protected: bool,
    local: bool,
    yes: bool,
    output: Output,
) -> None:
    """Show what is to be deleted, ask, and delete it."""
    from sagewright import cleanup

    run = open_run(environment, local, output, gated=False)
    (stack,) = (stack for stack in run.assembly.of(environment) if stack.name == part)
    state = run.state(stack)
    with run.target.session() as session:
        deletions = plan(state, session)
        cleanup.show(deletions, output.console)
        if deletions:
            consent(f"Delete these in {run.target.name}?", yes or run.target.running is not None)
            with output.steps.step("clean-up") as step:
                cleanup.carry_out(
                    deletions,
                    session,
                    protected=run.target.environment.protected,
                    although_protected=although_protected,
                    say=step.say,
                )
    output.give({"environment": environment, "deleted": [str(deletion) for deletion in deletions]})


@app.command()
def demo() -> None:
    """Start the embedded AWS, deploy the environment `local` to it, and say what to try next."""
    from sagewright import demo as demonstration
    from sagewright.local import process

    output = Output(False)
    with output.steps.step("embedded AWS") as step:
        step.note = process.up(projects.find().work).url

    def work() -> dict[str, Any]:
        run = open_run("local", True, output)
        result = deployed(run, True, output)
        demonstration.show(run, output.console)
        return result

    reported(output, work)


@app.command()
def doctor(
    environment: Annotated[
        str | None,
        typer.Option(
            "-e", "--environment", metavar="NAME", help="Check the credentials of this environment too."
        ),
    ] = None,
    json_: Json = False,
) -> None:
    """Check everything that Sagewright needs on this machine, and say how to mend what is missing."""
    from sagewright import doctor as checks

    output = Output(json_)
    checkout = projects.find()
    facts = environments.read(environment, checkout.environments) if environment else None
    found = checks.run(checkout, facts)
    checks.show(found, output.console)
    output.give({"checks": [check.to_dict() for check in found]})
    raise typer.Exit(0 if all(check.ok for check in found) else SagewrightError.exit_code)


@local_app.command("up")
def local_up(
    port: Annotated[int | None, typer.Option(help="Port on 127.0.0.1; default: a free one.")] = None,
    json_: Json = False,
) -> None:
    """Start the embedded AWS in the background, or say where it runs already."""
    from sagewright.local import process

    output = Output(json_)
    running = process.up(projects.find().work, port)
    output.console.print(f"the embedded AWS runs at {running.url} (process {running.pid}, log {running.log})")
    output.give({"url": running.url, "port": running.port, "pid": running.pid, "log": str(running.log)})


@local_app.command("status")
def local_status(json_: Json = False) -> None:
    """Say whether the embedded AWS runs, and where; exit code 1 where it does not."""
    from sagewright.local import process

    output = Output(json_)
    running = process.status(projects.find().work)
    if running is None:
        output.console.print("the embedded AWS does not run")
        output.give({"running": False})
        raise typer.Exit(1)
    output.console.print(f"the embedded AWS runs at {running.url} (process {running.pid}, log {running.log})")
    output.give({"running": True, "url": running.url, "port": running.port, "pid": running.pid})


@local_app.command("down")
def local_down(json_: Json = False) -> None:
    """Stop the embedded AWS; everything in it is gone, and so is the Terraform state of what was in it."""
    from sagewright.local import process

    output = Output(json_)
    checkout = projects.find()
    stopped = process.down(checkout.work)
    forgotten = forget(checkout)
    output.console.print("the embedded AWS is stopped" if stopped else "the embedded AWS did not run")
    output.give({"stopped": stopped, "forgotten": forgotten})


def forget(checkout: Project) -> list[str]:
    """Remove the local Terraform states: what they describe was in the embedded AWS that is gone."""
    states = sorted((checkout.work / "state").glob("*.tfstate*"))
    for state in states:
        state.unlink()
    return [state.name for state in states]


def approver(run: Run, yes: bool, output: Output) -> Approve:
    """Return what asks a person before AWS is changed; the embedded AWS is changed unasked."""

    def ask(plans: Sequence[Planned]) -> None:
        if yes or run.target.running is not None:
            return
        table = Table("stack", "plan", title=f"changes to {run.target.name}", title_justify="left")
        for each in plans:
            table.add_row(each.stack.name, str(each))
        output.console.print(table)
        consent("Apply?", False, run.so_far)

    return ask


def consent(question: str, given: bool, so_far: str = "nothing was changed") -> None:
    """Ask a person, unless consent is given already; raises where nobody is there, or the person says no."""
    if given:
        return
    if not sys.stdin.isatty():
        raise Usage("nobody is there to ask; pass --yes to apply what the gate let through")
    if not typer.confirm(question, err=True):
        raise SagewrightError(f"not approved: {so_far}")


def summary(each: Planned) -> dict[str, Any]:
    """Return a plan for a program."""
    return {
        "stack": each.stack.name,
        "preview": each.preview,
        "changes": each.changes,
        "path": str(each.json_path),
        "warnings": each.warnings,
        **each.counts,
    }
