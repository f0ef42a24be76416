"""Bootstrap: what an account needs before its first deployment, and CI before it may deploy.

The bucket of the Terraform states is made by the S3 API, the rest by Terraform, whose state is in that bucket
from the first run on; so is the bucket itself, which the stack imports. No state is ever moved. Whatever
ends a run, the next one goes on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.markup import escape

from sagewright import environment as environments
from sagewright import gate, synth, target
from sagewright.deploy import Planned, Run
from sagewright.environment import Environment
from sagewright.errors import SagewrightError, Usage
from sagewright.project import Project
from sagewright.steps import Steps
from sagewright.target import QUICK, Target

ROLES = ("plan_role_arn", "apply_role_arn")
"""Outputs of the stack, where the environment lets CI in."""

Allow = Callable[[Target, str], None]
"""Asks a person whether something may be done to a target, in words; raises where not."""
Approve = Callable[[Sequence[Planned]], None]
"""Asks a person whether plans may be applied; raises where not."""


def prepare(project: Project, name: str, local: bool, steps: Steps, allow: Allow) -> Run:
    """Check the environment and its account, make the state's bucket where it is not there, synthesize.

    Raises `Usage` for an environment on the embedded AWS only: its state is a local file.
    """
    environment = environments.read(name, project.environments)
    bucket = environment.state_bucket
    if environment.embedded or bucket is None:
        raise Usage(
            f"{environment.file}: there is nothing to bootstrap where embedded is true: its state is a local "
            f"file; run `sagewright deploy -e {name}`"
        )
    chosen = target.choose(project, environment, local)
    with steps.step("state bucket") as step:
        made = not target.has_state_bucket(chosen, bucket)
        if made:
            allow(chosen, f"make the bucket {bucket} for the Terraform states")
        target.make_state_bucket(chosen, bucket)
        step.note = f"{bucket} {'is made' if made else 'is there'}"
    return synthesized(project, chosen, steps)


def synthesized(project: Project, chosen: Target, steps: Steps) -> Run:
    """Synthesize the one stack, and have the gate's slow imports done while Terraform plans."""
    with steps.step("synth"):
        assembly = synth.synthesize(project, chosen.environment.name, bootstrap=True)
    threading.Thread(target=gate.preload, daemon=True).start()
    return Run(project=project, target=chosen, assembly=assembly, steps=steps)


def bootstrap(run: Run, approve: Approve) -> dict[str, Any]:
    """Plan, gate, apply and verify, as every deployment does; return the result for a program."""
    environment = run.target.environment
    stacks = run.assembly.of(environment.name)
    changed = run.deploy(stacks, approve)
    findings = run.verify(stacks)
    outputs = run.state(stacks[0])["values"].get("outputs", {})
    return {
        "environment": environment.name,
        "changed": changed,
        "state_bucket": environment.state_bucket,
        **{name: outputs[name]["value"] if name in outputs else None for name in ROLES},
        "verify": [finding.to_dict() for finding in findings],
    }


def show(run: Run, result: dict[str, Any], console: Console) -> None:
    """Say what was made, and what CI must be told."""
    what = "is bootstrapped" if result["changed"] else "is bootstrapped already: nothing changes"
    console.print(f"\n[bold green]{result['environment']} {what}[/] on {escape(run.target.name)}")
    console.print(f"states  {result['state_bucket']}")
    for name in ROLES:
        if result[name]:
            console.print(f"{name.partition('_')[0]:<6}  {result[name]}", soft_wrap=True)


def ready(project: Project, chosen: Target, steps: Steps) -> None:
    """See before a deployment that the account is bootstrapped; the embedded AWS is, here and now.

    Raises `Usage` for an account that is not: its roles would be refused in the middle of an apply.
    """
    environment = chosen.environment
    if environment.embedded or has_boundary(chosen):
        return
    if chosen.running is None:
        raise Usage(
            f"{chosen.name} is not bootstrapped for {environment.name}: it has no policy "
            f"{boundary_arn(environment)}; run `sagewright bootstrap -e {environment.name}` first"
        )
    bootstrap(synthesized(project, chosen, steps), lambda _: None)


def has_boundary(chosen: Target) -> bool:
    """Tell whether the boundary is there, without which no role of the environment can be made."""
    try:
        with chosen.session() as session:
            session.client("iam", config=QUICK).get_policy(PolicyArn=boundary_arn(chosen.environment))
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchEntity":
            return False
        raise SagewrightError(f"{chosen.name} does not show its boundary: {error}") from None
    except (BotoCoreError, ValueError) as error:
        raise SagewrightError(f"{chosen.name} does not show its boundary: {error}") from None
    return True


def boundary_arn(environment: Environment) -> str:
    """Return the ARN of an environment's boundary, which stacks/boundary.py names."""
    partition = "aws-us-gov" if environment.region.startswith("us-gov-") else "aws"
    name = f"{environment.organization}-{environment.name}-boundary"
    return f"arn:{partition}:iam::{environment.account_id}:policy/{name}"
