"""The doctor: every prerequisite of this checkout, whether it is there, and the command that mends it.

Whether set-up is up to date is asked of set-up itself (tools/setup.py), so that both always agree.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Concatenate, ParamSpec

from rich.console import Console
from rich.markup import escape

from sagewright import environment as environments
from sagewright.environment import Environment
from sagewright.errors import Usage
from sagewright.project import Project

PYTHON_FROM, PYTHON_TO = (3, 10), (3, 13)
NODE_MAJOR = "22"
"""The last for which cdktf-cli 0.21 has terminal bindings."""
TERRAFORM_FROM = (1, 10)
"""The first with `use_lockfile` of the S3 backend."""
DISK_GB = 2
"""A provider is 0.7 GB, the packages are 0.6 GB, and what replaces them is made beside them."""

KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")

INSTALLERS = {
    "apt-get": "apt-get install --yes",
    "dnf": "dnf install -y",
    "apk": "apk add",
    "pacman": "pacman -S --noconfirm",
    "zypper": "zypper install -y",
    "brew": "brew install",
}


P = ParamSpec("P")


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One prerequisite."""

    name: str
    ok: bool
    found: str
    remedy: str = ""
    """A command that mends it, or, where all is well, one that may be wanted."""

    def to_dict(self) -> dict[str, Any]:
        """Return the check for a program."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Hint:
    """What was found, and a command that may be wanted."""

    found: str
    command: str


class Missing(Exception):
    """A prerequisite is not met; without a remedy, set-up mends it."""

    def __init__(self, found: str, remedy: str | None = None) -> None:
        super().__init__(found)
        self.remedy = remedy


Examine = Callable[Concatenate[Project, P], str | Hint]
Examined = Callable[Concatenate[Project, P], Check]


def check(name: str) -> Callable[[Examine[P]], Examined[P]]:
    """Make a check of a function that returns what it found, or raises `Missing`.

    Whatever else it raises is a failed check too.
    """

    def decorate(examine: Examine[P]) -> Examined[P]:
        @functools.wraps(examine)
        def checked(project: Project, /, *arguments: P.args, **options: P.kwargs) -> Check:
            try:
                found = examine(project, *arguments, **options)
            except (Exception, SystemExit) as error:
                hint = _problem(project, error)
                return Check(name=name, ok=False, found=hint.found, remedy=hint.command)
            hint = found if isinstance(found, Hint) else Hint(found, "")
            return Check(name=name, ok=True, found=hint.found, remedy=hint.command)

        return checked

    return decorate


def run(project: Project, environment: Environment | None) -> tuple[Check, ...]:
    """Check everything; with an environment, the AWS credentials for its account too.

    Never raises. Takes about a second; no network is used but by one call to AWS STS.
    """
    checks = [examine(project) for examine in CHECKS]
    if environment is not None:
        checks.append(credentials(project, environment))
    return tuple(checks)


def show(checks: tuple[Check, ...], console: Console) -> None:
    """Print one line for each check, and under each that failed the command that mends it."""
    for one in checks:
        mark = "[green]✓[/]" if one.ok else "[red]✗[/]"
        found = one.found.replace("\n", f"\n{'':<27}")
        console.print(f"{mark} {escape(one.name):<24} {escape(found)}", soft_wrap=True)
        if one.remedy:
            console.print(f"  {'':<24} [bold]{escape(one.remedy)}[/]", soft_wrap=True)
    failed = sum(not one.ok for one in checks)
    said = f"{failed} of {len(checks)} checks failed" if failed else f"all {len(checks)} checks passed"
    console.print(said, soft_wrap=True)


@check("Python")
def python(project: Project) -> str:
    """Check the Python that runs this."""
    version = platform.python_version()
    if PYTHON_FROM <= _numbers(version) <= PYTHON_TO:
        return f"{version}, {sys.executable}"
    wanted = [f"python3.{minor}" for minor in range(PYTHON_TO[1], PYTHON_FROM[1] - 1, -1)]
    other = next(filter(shutil.which, wanted), None)
    remedy = f"SAGEWRIGHT_PYTHON={other} {_setup(project)}" if other else _install(wanted[0])
    raise Missing(f"{version}; supply 3.{PYTHON_FROM[1]} to 3.{PYTHON_TO[1]}", remedy)


@check("make")
def make(project: Project) -> str:
    """Check make, which runs set-up and the tests."""
    return _program("make")


@check("git")
def git(project: Project) -> str:
    """Check git."""
    return _program("git")


@check("packages")
def packages(project: Project) -> str:
    """Check that the virtual environment is the project's own and holds what requirements.lock says."""
    _up_to_date(project, "packages", "project")
    own = project.root / ".venv"
    if Path(sys.prefix).resolve() != own.resolve():
        raise Missing(f"this runs in {sys.prefix}", f"{_word(own / 'bin' / 'sagewright')} doctor")
    installed = _installed(next((own / "lib").glob("python3*/site-packages")))
    differing = [
        f"{name} is {installed.get(name, 'missing')}, locked is {' or '.join(sorted(versions))}"
        for name, versions in _locked(project.root / "requirements.lock").items()
        if installed.get(name, "") not in versions
    ]
    if differing:
        more = f" and {len(differing) - 3} more" if len(differing) > 3 else ""
        raise Missing("; ".join(differing[:3]) + more, _again(project, "packages"))
    return f"{len(installed)} in {own}"


@check("Node")
def node(project: Project) -> str:
    """Check the Node that CDKTF runs on."""
    version = _output(project, project.bin / "node", "--version")
    if version.lstrip("v").partition(".")[0] != NODE_MAJOR:
        raise Missing(f"{version}; cdktf-cli needs Node {NODE_MAJOR}", _again(project, "tools"))
    return version


@check("cdktf-cli")
def cdktf(project: Project) -> str:
    """Check cdktf-cli: the version that package.json names."""
    _up_to_date(project, "tools", "cdktf")
    wanted = _json(project.root / "package.json")["dependencies"]["cdktf-cli"]
    version = _json(project.root / "node_modules" / "cdktf-cli" / "package.json")["version"]
    if version != wanted:
        raise Missing(f"{version}; package.json wants {wanted}", _again(project, "cdktf"))
    return f"{version}, {project.bin / 'cdktf'}"


@check("Terraform")
def terraform(project: Project) -> str:
    """Check the Terraform that the gate runs."""
    version = json.loads(_output(project, project.terraform, "version", "-json"))["terraform_version"]
    if _numbers(version) < TERRAFORM_FROM:
        floor = ".".join(map(str, TERRAFORM_FROM))
        raise Missing(f"{version}; supply {floor} or newer", _again(project, "terraform"))
    return f"{version}, {project.terraform.resolve()}"


@check("Terraform configuration")
def configuration(project: Project) -> str:
    """Check Terraform's own configuration file, without which it would go past the mirror."""
    path = Path(project.variables()["TF_CLI_CONFIG_FILE"])
    if not path.is_file():
        raise Missing(f"{path}: no such file", _again(project, "provider"))
    folders = re.findall(r'^\s*path\s*=\s*("[^"\n]*")', path.read_text(encoding="utf-8"), re.MULTILINE)
    gone = [folder for folder in map(json.loads, folders) if not Path(folder).is_dir()]
    if gone:
        raise Missing(f"{path}: path: {', '.join(gone)}: no such folder", _again(project, "provider"))
    return str(path)


@check("AWS provider")
def provider(project: Project) -> str:
    """Check the AWS provider: the locked version, from a mirror or from its registry."""
    setup = _tool(project, "setup")
    try:
        version, _ = setup.provider()
    except setup.Failed as failure:
        raise Missing(str(failure), _restore(project, project.provider_lock)) from None
    folder = setup.PROVIDERS / "registry.terraform.io" / "hashicorp" / "aws" / version
    if not (folder / setup.os_and_architecture()).exists():
        raise Missing(f"hashicorp/aws {version} is not in {setup.PROVIDERS}", _again(project, "provider"))
    try:
        mirror = setup.mirror()
    except setup.Failed as failure:
        raise Missing(str(failure), f"unset SAGEWRIGHT_PROVIDER_MIRROR && {_setup(project)}") from None
    _up_to_date(project, "provider")
    return f"hashicorp/aws {version}, from {mirror or 'its registry'}"


@check("bindings")
def bindings(project: Project) -> str:
    """Check the generated bindings: made from the present list of types."""
    tool = _tool(project, "bindings")
    if not tool.fresh():
        raise Missing("not made from the present modules/_aws/resources.txt", _again(project, "bindings"))
    return f"{len(tool.wanted())} resource types"


@check("environment files")
def environment_files(project: Project) -> str:
    """Check that every environment file can be read; what only synthesis can tell is not looked at."""
    names = environments.names(project.environments)
    if not names:
        found = f"{project.environments}: no environment file"
        raise Missing(found, f"git -C {_word(project.root)} checkout -- environments")
    problems = {}
    for name in names:
        try:
            environments.read(name, project.environments)
        except Usage as problem:
            problems[name] = str(problem)
    if problems:
        files = " ".join(_word(project.environments / f"{name}.yaml") for name in problems)
        raise Missing("\n".join(problems.values()), f"${{EDITOR:-vi}} {files}")
    return ", ".join(names)


@check("plan gate")
def gate(project: Project) -> str | Hint:
    """Check the way through the gate; a shell that does not lead there is told, and is locked out anyway."""
    if not os.access(project.gate, os.X_OK):
        raise Missing(f"{project.gate}: no such program", _again(project, "project"))
    set_to = os.environ.get("TERRAFORM_BINARY_NAME", "")
    if shutil.which(set_to or "-") == str(project.gate):
        return "cdktf in this shell goes through the gate"
    what = f"TERRAFORM_BINARY_NAME is {set_to or 'not set'}: no stack lets a plain cdktf plan; to use one"
    return Hint(what, f". {_word(project.work / 'env')}")


@check("disk")
def disk(project: Project) -> str:
    """Check the free space where the checkout is."""
    free_gb = shutil.disk_usage(project.root).free / 1e9
    if free_gb < DISK_GB:
        remedy = f"du -xh -d 2 {_word(Path.home())} | sort -h | tail"
        raise Missing(f"{free_gb:.1f} GB free; supply at least {DISK_GB} GB", remedy)
    return f"{free_gb:.1f} GB free"


@check("embedded AWS")
def embedded_aws(project: Project) -> str | Hint:
    """Tell whether the embedded AWS runs; either is well."""
    from sagewright.local import process

    running = process.status(project.work)
    if running is not None:
        return f"runs at {running.url}"
    program = shutil.which("sagewright") and "sagewright"
    return Hint("does not run", f"{program or _word(project.root / '.venv' / 'bin' / 'sagewright')} local up")


@check("AWS credentials")
def credentials(project: Project, environment: Environment) -> str:
    """Check that the user's AWS credentials are of the account that the environment file names."""
    if environment.embedded:
        return f"{environment.name} lives on the embedded AWS and needs none"
    from sagewright import target

    variables = {**project.variables(), "AWS_REGION": environment.region}
    try:
        target.check_account(target.Target(environment=environment, variables=variables, running=None))
    except Usage as problem:
        raise Missing(str(problem), _sign_in(environment)) from None
    return f"of account {environment.account_id}"


CHECKS = (
    python,
    make,
    git,
    packages,
    node,
    cdktf,
    terraform,
    configuration,
    provider,
    bindings,
    environment_files,
    gate,
    disk,
    embedded_aws,
)
"""In the order in which they are shown: each rests on those before it."""


def _tool(project: Project, name: str) -> Any:
    """Load a module of the checkout's tools/."""
    path = project.root / "tools" / f"{name}.py"
    specification = importlib.util.spec_from_file_location(f"{__name__}.tools.{name}", path)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    try:
        specification.loader.exec_module(module)
    finally:
        del sys.modules[specification.name]
    return module


def _up_to_date(project: Project, *names: str) -> None:
    """Refuse what set-up would do again: its inputs changed, or it never finished."""
    steps = {step.name: step for step in _tool(project, "setup").steps()}
    for name in names:
        if not steps[name].fresh():
            raise Missing(f"set-up is to be run: {name} changed or was never finished")


def _problem(project: Project, error: BaseException) -> Hint:
    """Return why a check failed, and what mends it."""
    if isinstance(error, Missing):
        return Hint(str(error), error.remedy or _setup(project))
    if isinstance(error, FileNotFoundError) and error.filename:
        return Hint(f"{error.filename}: no such file", _restore(project, Path(error.filename)))
    return Hint(f"{type(error).__name__}: {error}", _setup(project))


def _setup(project: Project) -> str:
    """Return the command that does what set-up has not done yet, from the working directory."""
    return "make setup" if Path.cwd() == project.root else f"make -C {_word(project.root)} setup"


def _restore(project: Project, lost: Path) -> str:
    """Return the command that brings a file back: from the repository, or by set-up."""
    made = (project.work, project.root / ".venv", project.root / "node_modules")
    if project.root not in lost.parents or any(folder in lost.parents for folder in made):
        return _setup(project)
    return f"git -C {_word(project.root)} checkout -- {_word(lost.relative_to(project.root))}"


def _word(path: Path) -> str:
    """Return a path as one word of a shell."""
    return shlex.quote(str(path))


def _again(project: Project, step: str) -> str:
    """Return the command by which set-up does one step again, although it has done it."""
    return f"rm -f {_word(project.work / 'stamps' / step)} && {_setup(project)}"


def _numbers(version: str) -> tuple[int, int]:
    major, minor, *_ = re.findall(r"\d+", version)
    return int(major), int(minor)


def _output(project: Project, program: Path, *arguments: str) -> str:
    """Run one of the project's programs and return what it prints."""
    command = [str(program), *arguments]
    done = subprocess.run(
        command,
        cwd=project.root,
        env=project.variables(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=10,
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise Missing(f"{' '.join(command)}: exit code {done.returncode}: {said}")
    return done.stdout.strip()


def _program(name: str) -> str:
    place = shutil.which(name)
    if place is None:
        raise Missing(f"no {name} on PATH", _install(name))
    return place


def _install(package: str) -> str:
    """Return the command that installs a system package on this machine."""
    command = next((command for name, command in INSTALLERS.items() if shutil.which(name)), None)
    if command is None:
        return "xcode-select --install" if sys.platform == "darwin" else f"install {package}"
    sudo = "" if os.geteuid() == 0 or command.startswith("brew") else "sudo "
    return f"{sudo}{command} {package}"


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _normal(name: str) -> str:
    """https://packaging.python.org/en/latest/specifications/name-normalization/."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _installed(folder: Path) -> dict[str, str]:
    """Return the versions in a site-packages folder by normalized name."""
    parts = [path.name.removesuffix(".dist-info").rpartition("-") for path in folder.glob("*.dist-info")]
    return {_normal(name): version for name, _, version in parts}


def _locked(path: Path) -> dict[str, set[str]]:
    """Return the versions that a requirements file pins, by normalized name.

    One with a condition, such as `; python_version < '3.11'`, may be absent: its versions hold "" too.
    """
    locked: dict[str, set[str]] = {}
    pattern = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[^]]*\])?==([^\s;\\]+)([ \t]*;)?", re.MULTILINE)
    for name, version, condition in pattern.findall(path.read_text(encoding="utf-8")):
        locked.setdefault(_normal(name), set()).update({version, ""} if condition else {version})
    return locked


def _sign_in(environment: Environment) -> str:
    """Return the command that leads to an account: one of the user's own profiles where one names it."""
    import botocore.session

    profiles: dict[str, dict[str, str]] = botocore.session.Session().full_config["profiles"]
    for name, settings in profiles.items():
        of = (settings.get("sso_account_id"), settings.get("role_arn", "").split(":")[4:5])
        if environment.account_id in of or [environment.account_id] in of:
            sign_in = f"aws sso login --profile {name}; " if "sso_account_id" in settings else ""
            return f"{sign_in}export AWS_PROFILE={name}"
    if shutil.which("aws"):
        return f"aws configure --profile {environment.name} && export AWS_PROFILE={environment.name}"
    return f"read -r {KEYS[0]}; read -rs {KEYS[1]}; export {' '.join(KEYS)}"
