"""The doctor: what is missing is found, and the remedy is a command that mends it."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import pytest
from rich.console import Console

from sagewright import doctor
from sagewright.doctor import Check
from sagewright.environment import Environment, read
from sagewright.local.process import Running
from sagewright.project import Project

ROOT = Path(__file__).resolve().parents[2]

FACTS = {
    "organization": "acme",
    "account_id": "111122223333",
    "region": "eu-west-1",
    "production": True,
    "protected": True,
    "state": {"bucket": "acme-state"},
}
LOCK = """\
# locked
boto3==1.44.5 \\
    --hash=sha256:aa
PyYAML==6.0.3
moto[s3,ssm]==5.2.5 ; python_version >= '3.10' \\
    --hash=sha256:bb
tomli==2.2.1 ; python_version < '3.11'
"""
INSTALLED = ("boto3-1.44.5", "pyyaml-6.0.3", "moto-5.2.5", "sagewright-0.1.0")
PROVIDER_LOCK = """\
provider "registry.terraform.io/hashicorp/aws" {
  version     = "5.100.0"
  constraints = ">= 5.100.0, < 7.0.0"
}
"""
PROVIDER = Path("registry.terraform.io", "hashicorp", "aws", "5.100.0")


def tool(project: Project, name: str) -> Any:
    specification = importlib.util.spec_from_file_location(name, project.root / "tools" / f"{name}.py")
    assert specification and specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def program(path: Path, output: str, code: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{output}\nEND\nexit {code}\n")
    path.chmod(0o755)


def stamp(project: Project, name: str) -> None:
    """Say that set-up has done a step with the inputs that are there now."""
    setup = tool(project, "setup")
    step = next(step for step in setup.steps() if step.name == name)
    (setup.STAMPS / name).write_text(step.digest())


@pytest.fixture
def healthy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A checkout in miniature that set-up has just left."""
    for name in ("SAGEWRIGHT_PROVIDER_MIRROR", "TERRAFORM_BINARY_NAME"):
        monkeypatch.delenv(name, raising=False)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    root = tmp_path / "checkout"
    project = Project(root=root)
    shutil.copytree(ROOT / "tools", root / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "requirements.lock").write_text(LOCK)
    (root / "requirements-runtime.lock").write_text("")
    (root / "pyproject.toml").write_text("")
    (root / "package.json").write_text('{"dependencies": {"cdktf-cli": "0.21.0"}}')
    (root / "package-lock.json").write_text("{}")
    project.provider_lock.write_text(PROVIDER_LOCK)
    project.environments.mkdir()
    (project.environments / "prod.yaml").write_text(json.dumps(FACTS))
    types = root / "modules" / "_aws" / "resources.txt"
    types.parent.mkdir(parents=True)
    types.write_text("aws_kms_key\naws_s3_bucket\n")

    program(project.bin / "node", "v22.20.0")
    program(project.bin / "cdktf", "0.21.0")
    program(project.terraform, '{"terraform_version": "1.11.4"}')
    for name in ("python", "sagewright", "sagewright-terraform"):
        program(root / ".venv" / "bin" / name, "")
    monkeypatch.setattr(sys, "prefix", str(root / ".venv"))
    for name in INSTALLED:
        (root / ".venv" / "lib" / "python3.11" / "site-packages" / f"{name}.dist-info").mkdir(parents=True)
    cli = root / "node_modules" / "cdktf-cli"
    cli.mkdir(parents=True)
    (cli / "package.json").write_text('{"version": "0.21.0"}')
    program(cli / "bundle" / "bin" / "cdktf", "")
    setup, bindings = tool(project, "setup"), tool(project, "bindings")
    providers = project.work / "providers"
    (providers / PROVIDER / setup.os_and_architecture()).mkdir(parents=True)
    (project.work / "terraform.rc").write_text(setup.installation(providers))
    program(project.work / "uv" / "bin" / "uv", "")
    (types.parent / "__init__.py").write_text("")
    bindings.STAMP.write_text(bindings.key())
    setup.STAMPS.mkdir()
    for step in setup.steps():
        (setup.STAMPS / step.name).write_text(step.digest())
    monkeypatch.chdir(root)
    return project


CHECKS = {
    "AWS provider": doctor.provider,
    "Node": doctor.node,
    "Python": doctor.python,
    "Terraform": doctor.terraform,
    "Terraform configuration": doctor.configuration,
    "bindings": doctor.bindings,
    "cdktf-cli": doctor.cdktf,
    "disk": doctor.disk,
    "embedded AWS": doctor.embedded_aws,
    "environment files": doctor.environment_files,
    "git": doctor.git,
    "make": doctor.make,
    "packages": doctor.packages,
    "plan gate": doctor.gate,
}


def one(project: Project, name: str) -> Check:
    return CHECKS[name](project)


def path_without(monkeypatch: pytest.MonkeyPatch, folder: Path, *names: str) -> None:
    """Leave just these programs on PATH."""
    folder.mkdir()
    for name in names:
        program(folder / name, "")
    monkeypatch.setenv("PATH", str(folder))


def test_what_set_up_leaves_is_healthy(healthy: Project) -> None:
    checks = doctor.run(healthy, None)
    assert [check for check in checks if not check.ok] == []
    assert {check.name for check in checks} == set(CHECKS)
    assert {check.name: check.found for check in checks}.items() >= {
        "packages": f"4 in {healthy.root / '.venv'}",
        "Node": "v22.20.0",
        "bindings": "2 resource types",
        "environment files": "prod",
    }.items()


def test_an_empty_folder_has_findings_and_no_traceback(tmp_path: Path) -> None:
    checks = doctor.run(Project(root=tmp_path), None)
    failed = {check.name: check for check in checks if not check.ok}
    assert set(failed) >= {
        "packages",
        "Node",
        "cdktf-cli",
        "Terraform",
        "Terraform configuration",
        "AWS provider",
        "bindings",
        "environment files",
        "plan gate",
    }
    assert all(check.remedy for check in failed.values())


def test_it_is_quick_and_imports_nothing_heavy(healthy: Project) -> None:
    code = (
        "import sys; from pathlib import Path; from sagewright import doctor; "
        "from sagewright.project import Project; doctor.run(Project(root=Path(sys.argv[1])), None); "
        "print([name for name in ('boto3', 'botocore', 'cdktf', 'checkov', 'moto') if name in sys.modules])"
    )
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code, str(healthy.root)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
    assert time.monotonic() - start < 5


def test_the_pythons_are_those_of_the_package() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    (first, last) = doctor.PYTHON_FROM, doctor.PYTHON_TO
    wanted = f'requires-python = ">={first[0]}.{first[1]},<{last[0]}.{last[1] + 1}"'
    assert wanted in text.splitlines()


@pytest.mark.parametrize("version", ["3.9.18", "3.14.0rc1", "2.7.18"])
def test_another_python_is_found(healthy: Project, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(platform, "python_version", lambda: version)
    path_without(monkeypatch, healthy.root / "path", "python3.12", "python3.10")
    found = one(healthy, "Python")
    assert (found.ok, found.found) == (False, f"{version}; supply 3.10 to 3.13")
    assert found.remedy == "SAGEWRIGHT_PYTHON=python3.12 make setup"


@pytest.mark.parametrize("name", ["git", "make"])
@pytest.mark.parametrize(
    ("installer", "user", "remedy"),
    [
        ("apt-get", 1000, "sudo apt-get install --yes {}"),
        ("apt-get", 0, "apt-get install --yes {}"),
        ("brew", 1000, "brew install {}"),
    ],
)
def test_a_missing_program_is_found_with_this_machines_way_to_install_it(
    healthy: Project, monkeypatch: pytest.MonkeyPatch, name: str, installer: str, user: int, remedy: str
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    path_without(monkeypatch, healthy.root / "path", installer)
    assert one(healthy, name) == Check(
        name=name, ok=False, found=f"no {name} on PATH", remedy=remedy.format(name)
    )


@pytest.mark.parametrize(
    ("step", "name"), [("packages", "packages"), ("project", "packages"), ("cdktf", "cdktf-cli")]
)
def test_a_step_of_set_up_that_never_finished_is_found(healthy: Project, step: str, name: str) -> None:
    (healthy.work / "stamps" / step).unlink()
    found = one(healthy, name)
    assert (found.ok, found.remedy) == (False, "make setup")
    assert found.found == f"set-up is to be run: {step} changed or was never finished"


def test_a_lock_that_changed_since_set_up_is_found(healthy: Project) -> None:
    (healthy.root / "requirements.lock").write_text(LOCK.replace("1.44.5", "1.44.6"))
    assert "packages changed" in one(healthy, "packages").found


def test_a_package_that_is_not_as_locked_is_found(healthy: Project) -> None:
    packages = healthy.root / ".venv" / "lib" / "python3.11" / "site-packages"
    (packages / "boto3-1.44.5.dist-info").rename(packages / "boto3-1.35.49.dist-info")
    (packages / "pyyaml-6.0.3.dist-info").rmdir()
    found = one(healthy, "packages")
    assert found.found == "boto3 is 1.35.49, locked is 1.44.5; pyyaml is missing, locked is 6.0.3"
    assert found.remedy == f"rm -f {healthy.work / 'stamps' / 'packages'} && make setup"


def test_another_virtual_environment_is_found(healthy: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", "/usr")
    found = one(healthy, "packages")
    assert (found.ok, found.found) == (False, "this runs in /usr")
    assert found.remedy == f"{healthy.root / '.venv' / 'bin' / 'sagewright'} doctor"


@pytest.mark.parametrize("version", ["v20.11.0", "v24.1.0"])
def test_another_node_is_found(healthy: Project, version: str) -> None:
    program(healthy.bin / "node", version)
    found = one(healthy, "Node")
    assert (found.ok, found.found) == (False, f"{version}; cdktf-cli needs Node 22")


def test_a_tool_that_is_gone_is_found(healthy: Project) -> None:
    (healthy.bin / "node").unlink()
    (healthy.bin / "node").symlink_to(healthy.root / "gone")
    found = one(healthy, "Node")
    assert (found.ok, found.found) == (False, f"{healthy.bin / 'node'}: no such file")
    assert found.remedy == "make setup"


def test_a_tool_that_does_not_run_is_found_with_what_it_says(healthy: Project) -> None:
    program(healthy.bin / "node", "libstdc++.so.6: not found", code=127)
    assert one(healthy, "Node").found.endswith("node --version: exit code 127: libstdc++.so.6: not found")
    (healthy.bin / "node").chmod(0o644)
    assert "Permission denied" in one(healthy, "Node").found


def test_another_cdktf_cli_is_found(healthy: Project) -> None:
    path = healthy.root / "node_modules" / "cdktf-cli" / "package.json"
    path.write_text('{"version": "0.20.9"}')
    found = one(healthy, "cdktf-cli")
    assert (found.ok, found.found) == (False, "0.20.9; package.json wants 0.21.0")


def test_cdktf_cli_that_is_gone_is_found(healthy: Project) -> None:
    shutil.rmtree(healthy.root / "node_modules")
    found = one(healthy, "cdktf-cli")
    assert (found.ok, found.remedy) == (False, "make setup")


@pytest.mark.parametrize(("version", "ok"), [("1.9.8", False), ("1.10.0", True), ("2.0.0-beta1", True)])
def test_a_terraform_that_is_too_old_is_found(healthy: Project, version: str, ok: bool) -> None:
    program(healthy.terraform, json.dumps({"terraform_version": version}))
    found = one(healthy, "Terraform")
    assert found.ok == ok
    assert ok or found.found == f"{version}; supply 1.10 or newer"


def test_a_terraform_that_says_nothing_is_found(healthy: Project) -> None:
    program(healthy.terraform, "")
    assert "JSONDecodeError" in one(healthy, "Terraform").found


def test_a_missing_terraform_configuration_is_found(healthy: Project) -> None:
    path = healthy.work / "terraform.rc"
    path.unlink()
    found = one(healthy, "Terraform configuration")
    assert (found.ok, found.found) == (False, f"{path}: no such file")
    assert found.remedy == f"rm -f {healthy.work / 'stamps' / 'provider'} && make setup"


def test_a_terraform_configuration_that_names_a_missing_mirror_is_found(healthy: Project) -> None:
    path = healthy.work / "terraform.rc"
    path.write_text(path.read_text().replace("providers", "gone"))
    found = one(healthy, "Terraform configuration")
    assert (found.ok, found.found) == (False, f"{path}: path: {healthy.work / 'gone'}: no such folder")


def test_a_provider_that_is_gone_or_of_another_version_is_found(healthy: Project) -> None:
    healthy.provider_lock.write_text(PROVIDER_LOCK.replace('"5.100.0"', '"6.0.0"'))
    found = one(healthy, "AWS provider")
    assert (found.ok, found.found) == (False, f"hashicorp/aws 6.0.0 is not in {healthy.work / 'providers'}")


def test_where_the_provider_comes_from_is_said(healthy: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror = healthy.root / "mirror"
    (mirror / PROVIDER / tool(healthy, "setup").os_and_architecture()).mkdir(parents=True)
    monkeypatch.setenv("SAGEWRIGHT_PROVIDER_MIRROR", str(mirror))
    assert "provider changed" in one(healthy, "AWS provider").found
    stamp(healthy, "provider")
    assert one(healthy, "AWS provider").found == f"hashicorp/aws 5.100.0, from {mirror}"


def test_a_mirror_without_the_provider_is_found(healthy: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAGEWRIGHT_PROVIDER_MIRROR", str(healthy.root))
    found = one(healthy, "AWS provider")
    assert found.found.startswith(f"SAGEWRIGHT_PROVIDER_MIRROR: {healthy.root} holds no AWS provider 5.100.0")
    assert found.remedy == "unset SAGEWRIGHT_PROVIDER_MIRROR && make setup"


@pytest.mark.parametrize("text", ["", None])
def test_a_provider_lock_that_is_broken_or_gone_is_found(healthy: Project, text: str | None) -> None:
    healthy.provider_lock.unlink() if text is None else healthy.provider_lock.write_text(text)
    found = one(healthy, "AWS provider")
    assert (found.ok, found.remedy) == (False, f"git -C {healthy.root} checkout -- .terraform.lock.hcl")


def test_bindings_of_another_list_are_found(healthy: Project) -> None:
    with (healthy.root / "modules" / "_aws" / "resources.txt").open("a") as types:
        types.write("aws_sns_topic\n")
    found = one(healthy, "bindings")
    assert (found.ok, found.found) == (False, "not made from the present modules/_aws/resources.txt")
    assert found.remedy == f"rm -f {healthy.work / 'stamps' / 'bindings'} && make setup"


def test_a_committed_file_that_is_gone_is_found(healthy: Project) -> None:
    (healthy.root / "package-lock.json").unlink()
    found = one(healthy, "bindings")
    assert found.found == f"{healthy.root / 'package-lock.json'}: no such file"
    assert found.remedy == f"git -C {healthy.root} checkout -- package-lock.json"


def test_every_wrong_environment_file_is_found(healthy: Project) -> None:
    (healthy.environments / "dev.yaml").write_text("- a list")
    (healthy.environments / "test.yaml").write_text(json.dumps({**FACTS, "account_id": 111122223333}))
    found = one(healthy, "environment files")
    assert not found.ok
    assert len(found.found.splitlines()) == 2
    assert "account_id" in found.found
    assert found.remedy == f"${{EDITOR:-vi}} {healthy.environments}/dev.yaml {healthy.environments}/test.yaml"


def test_a_folder_without_environment_files_is_found(healthy: Project) -> None:
    (healthy.environments / "prod.yaml").unlink()
    found = one(healthy, "environment files")
    assert (found.ok, found.remedy) == (False, f"git -C {healthy.root} checkout -- environments")


def test_a_gate_that_is_not_installed_is_found(healthy: Project) -> None:
    path = healthy.root / ".venv" / "bin" / "sagewright-terraform"
    path.unlink()
    found = one(healthy, "plan gate")
    assert (found.ok, found.found) == (False, f"{path}: no such program")


@pytest.mark.parametrize("set_to", [None, "tofu"])
def test_a_shell_that_does_not_lead_to_the_gate_is_told(
    healthy: Project, monkeypatch: pytest.MonkeyPatch, set_to: str | None
) -> None:
    if set_to:
        monkeypatch.setenv("TERRAFORM_BINARY_NAME", set_to)
    found = one(healthy, "plan gate")
    assert found.ok
    assert found.found.startswith(f"TERRAFORM_BINARY_NAME is {set_to or 'not set'}: no stack lets")
    assert found.remedy == f". {healthy.work / 'env'}"


def test_a_shell_that_leads_to_the_gate_is_told_so(healthy: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERRAFORM_BINARY_NAME", str(healthy.root / ".venv" / "bin" / "sagewright-terraform"))
    found = one(healthy, "plan gate")
    assert (found.ok, found.remedy) == (True, "")


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_a_full_disk_is_found(healthy: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**11, 99 * 10**9, 10**9))
    found = one(healthy, "disk")
    assert (found.ok, found.found) == (False, "1.0 GB free; supply at least 2 GB")
    assert found.remedy.startswith("du -xh")


def test_whether_the_embedded_aws_runs_is_told(healthy: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    path_without(monkeypatch, healthy.root / "path")
    found = one(healthy, "embedded AWS")
    assert (found.ok, found.found) == (True, "does not run")
    assert found.remedy == f"{healthy.root / '.venv' / 'bin' / 'sagewright'} local up"
    running = Running(url="http://127.0.0.1:4566", port=4566, pid=1, started=0.0, log=healthy.root)
    monkeypatch.setattr("sagewright.local.process.status", lambda _: running)
    assert one(healthy, "embedded AWS").found == "runs at http://127.0.0.1:4566"


def test_remedies_work_from_another_folder(
    healthy: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (healthy.work / "stamps" / "cdktf").unlink()
    assert one(healthy, "cdktf-cli").remedy == f"make -C {healthy.root} setup"


def test_a_remedy_quotes_what_a_shell_would_split(tmp_path: Path) -> None:
    project = Project(root=tmp_path / "my $HOME")
    project.environments.mkdir(parents=True)
    assert one(project, "cdktf-cli").remedy.startswith(f"git -C '{project.root}' checkout -- tools/")


class Sts(BaseHTTPRequestHandler):
    """GetCallerIdentity: whose access key id is an account id is of that account, all others are refused."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        account = re.search(r"Credential=(\d{12})/", self.headers["Authorization"])
        body = (
            f"<GetCallerIdentityResponse><GetCallerIdentityResult><Account>{account[1]}</Account>"
            "</GetCallerIdentityResult></GetCallerIdentityResponse>"
            if account
            else "<ErrorResponse><Error><Code>InvalidClientTokenId</Code>"
            "<Message>The security token is invalid.</Message></Error></ErrorResponse>"
        ).encode()
        self.send_response(200 if account else 403)
        self.send_header("Content-Type", "text/xml")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def sts(healthy: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with HTTPServer(("127.0.0.1", 0), Sts) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        yield
        server.shutdown()


@pytest.fixture
def prod(healthy: Project) -> Environment:
    return read("prod", healthy.environments)


@pytest.mark.usefixtures("sts")
def test_credentials_of_the_named_account_are_well(
    healthy: Project, prod: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "111122223333")
    found = doctor.credentials(healthy, prod)
    assert found == Check(name="AWS credentials", ok=True, found="of account 111122223333")


@pytest.mark.usefixtures("sts")
@pytest.mark.parametrize(
    ("key", "said"),
    [("999999999999", "the credentials are of 999999999999"), ("AKIA", "InvalidClientTokenId")],
)
def test_credentials_of_another_account_or_of_none_are_found(
    healthy: Project, prod: Environment, monkeypatch: pytest.MonkeyPatch, key: str, said: str
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
    path_without(monkeypatch, healthy.root / "path", "aws")
    found = doctor.credentials(healthy, prod)
    assert not found.ok
    assert said in found.found
    assert found.remedy.endswith("export AWS_PROFILE=prod")


@pytest.mark.parametrize(
    ("setting", "remedy"),
    [
        ("sso_account_id = 111122223333", "aws sso login --profile admin; export AWS_PROFILE=admin"),
        ("role_arn = arn:aws:iam::111122223333:role/admin", "export AWS_PROFILE=admin"),
        (
            "role_arn = arn:aws:iam::999999999999:role/admin",
            "aws configure --profile prod && export AWS_PROFILE=prod",
        ),
    ],
)
def test_without_credentials_the_users_profile_of_the_account_is_proposed(
    healthy: Project, prod: Environment, monkeypatch: pytest.MonkeyPatch, setting: str, remedy: str
) -> None:
    configuration = healthy.root / "config"
    configuration.write_text(f"[default]\nregion = eu-west-1\n[profile admin]\n{setting}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(configuration))
    path_without(monkeypatch, healthy.root / "path", "aws")
    found = doctor.credentials(healthy, prod)
    assert (found.name, found.ok, found.remedy) == ("AWS credentials", False, remedy)
    assert "Unable to locate credentials" in found.found


def test_without_the_aws_cli_the_shell_asks_for_the_keys(
    healthy: Project, prod: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    path_without(monkeypatch, healthy.root / "path")
    remedy = doctor.credentials(healthy, prod).remedy
    code = f'{remedy}; echo "$AWS_ACCESS_KEY_ID $(/usr/bin/env | grep -c ^AWS_SECRET)"'
    done = subprocess.run(
        ["/bin/bash", "-c", code],
        env={"PATH": os.defpath},
        input="key\nsecret\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "key 1\n"


def test_the_credentials_are_checked_with_an_environment(healthy: Project, prod: Environment) -> None:
    names = [check.name for check in doctor.run(healthy, prod)]
    assert names == [*(check.name for check in doctor.run(healthy, None)), "AWS credentials"]


def test_an_embedded_environment_needs_no_credentials(healthy: Project) -> None:
    path = healthy.environments / "local.yaml"
    path.write_text(json.dumps({**FACTS, "embedded": True}))
    found = doctor.credentials(healthy, read("local", healthy.environments))
    assert (found.name, found.ok) == ("AWS credentials", True)


def test_a_check_that_raises_has_failed(healthy: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Path) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("sagewright.local.process.status", broken)
    found = one(healthy, "embedded AWS")
    assert (found.ok, found.found) == (False, "RuntimeError: broken")


def test_a_set_up_that_refuses_this_python_is_a_failed_check(healthy: Project) -> None:
    (healthy.root / "tools" / "setup.py").write_text("import sys; sys.exit('supply another Python')")
    found = one(healthy, "packages")
    assert (found.ok, found.found) == (False, "SystemExit: supply another Python")


def test_the_remedy_is_shown_under_what_failed(healthy: Project) -> None:
    (healthy.environments / "dev.yaml").write_text("")
    (healthy.environments / "test.yaml").write_text("- '[red]'")
    output = io.StringIO()
    doctor.show(doctor.run(healthy, None), Console(file=output, width=20))
    lines = output.getvalue().splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith("✗"))
    assert re.match(r"✗ environment files {8}\S*environments/dev.yaml: \w", lines[start])
    assert re.match(r" {27}\S*environments/test.yaml: .*\[red]", lines[start + 1])
    assert lines[start + 2].startswith(f"{'':<27}${{EDITOR:-vi}} ")
    assert lines[-1] == "1 of 14 checks failed"


def test_a_check_is_plain_data_for_programs(healthy: Project) -> None:
    assert one(healthy, "Node").to_dict() == {"name": "Node", "ok": True, "found": "v22.20.0", "remedy": ""}
