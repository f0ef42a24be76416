"""Generate `modules/_aws`: bindings of just the resource types in `modules/_aws/resources.txt`.

The stock provider package takes seconds and a gigabyte to import; these take 0.2 s. The provider's
own schema is filtered to the listed types, `cdktf get` makes Python of it, and the jsii assembly is
renamed so that it cannot collide with a consumer's own `imports.aws`. Set-up keeps the result by the
hash of all inputs, for all checkouts of a user.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.parse
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "modules" / "_aws"
TYPES = TARGET / "resources.txt"
STAMP = TARGET / ".generated"
WORK = ROOT / ".sagewright"
NODE = WORK / "bin" / "node"
TERRAFORM = WORK / "bin" / "terraform"
CDKTF = ROOT / "node_modules" / "cdktf-cli" / "bundle" / "bin" / "cdktf"

PROVIDER = "registry.terraform.io/hashicorp/aws"
VERSION = "5.100.0"
"""The floor: bindings made from it use nothing that a later provider lacks."""
CONSTRAINT = ">= 5.100.0, < 7.0.0"
"""What the bindings, and so every module, publish as their provider requirement."""
ASSEMBLY = "sagewright_aws"
KEPT = {"resources.txt"}
RESOURCE = re.compile(r"^class \w+\(\n    \w+\.TerraformResource,$", re.MULTILINE)
CREATED = re.compile(
    r"^        jsii\.create\(self\.__class__, self, \[(scope_?, id_?), config\]\)\n", re.MULTILINE
)
"""How the Python of a resource has it made in CDKTF."""
CHECK = re.compile(
    r"^import typeguard\n.*?^def check_type\(.*?^(?=from \.\._jsii )", re.MULTILINE | re.DOTALL
)
"""How each file of the bindings defines the type check of arguments."""
HINTS = "typing.get_type_hints("
"""How the bindings look up, at each call, what a function's arguments are checked against."""
FIRST = "from pkgutil import extend_path\n"
"""The first import of each file of the bindings."""
TYPE = 'return typing.cast(builtins.str, jsii.sget(cls, "tfResourceType"))'
"""How a class is asked for the type of its resources."""


def wanted() -> list[str]:
    """Return the resource types to bind, in the file's order."""
    return TYPES.read_text(encoding="utf-8").split()


def key() -> str:
    """Return the hash of everything that the bindings depend on."""
    parts = [path.read_bytes() for path in (Path(__file__), TYPES, ROOT / "package-lock.json")]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def fresh() -> bool:
    """Tell whether the bindings on disk are those of the present inputs."""
    return STAMP.is_file() and STAMP.read_text(encoding="utf-8") == key()


def run(command: list[str], folder: Path, **variables: str) -> str:
    """Run a program and return its output; on failure, show what it said and stop."""
    ours = {"CHECKPOINT_DISABLE": "true", "TF_CLI_CONFIG_FILE": str(WORK / "terraform.rc"), "CI": "1"}
    environment = {**os.environ, **ours, **variables}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        shown = f"{done.stdout[-3000:]}{done.stderr[-3000:]}"
        raise SystemExit(f"bindings: {' '.join(command[:3])} failed:\n{shown}")
    return done.stdout


def schema(folder: Path) -> dict[str, Any]:
    """Return the provider's own schema, filtered to the wanted types."""
    configuration = {
        "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws", "version": VERSION}}}
    }
    (folder / "main.tf.json").write_text(json.dumps(configuration), encoding="utf-8")
    run([str(TERRAFORM), "init", "-no-color", "-input=false"], folder)
    document: dict[str, Any] = json.loads(run([str(TERRAFORM), "providers", "schema", "-json"], folder))
    provider = document["provider_schemas"][PROVIDER]
    types = wanted()
    unknown = sorted(set(types) - set(provider["resource_schemas"]))
    if unknown:
        raise SystemExit(f"{TYPES}: the AWS provider {VERSION} has no {', '.join(unknown)}")
    provider["resource_schemas"] = {name: provider["resource_schemas"][name] for name in types}
    provider["data_source_schemas"] = {}
    for other in ("functions", "ephemeral_resource_schemas"):
        provider.pop(other, None)
    document["provider_versions"] = {PROVIDER: VERSION}
    return document


def rename(package: Path) -> None:
    """Rename the jsii assembly `aws` to `ASSEMBLY` in the tarball and in the Python that loads it."""
    name = ASSEMBLY.encode()
    archive = next((package / "_jsii").glob("*.tgz"))
    renamed = archive.with_name(f"{ASSEMBLY}@0.0.0.jsii.tgz")
    with tarfile.open(archive) as source, tarfile.open(renamed, "w:gz") as sink:
        for member in source.getmembers():
            file = source.extractfile(member)
            if file is None:
                sink.addfile(member)
                continue
            data = file.read()
            if member.name.endswith(".jsii"):
                data = re.sub(rb'"aws(\.|")', b'"' + name + rb"\1", data)
            elif member.name.endswith("package.json"):
                data = data.replace(b'"name": "aws"', b'"name": "' + name + b'"')
            elif member.name.endswith(".js"):
                data = data.replace(b'fqn: "aws.', b'fqn: "' + name + b".")
            member.size = len(data)
            sink.addfile(member, io.BytesIO(data))
    archive.unlink()
    for path in package.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        text = text.replace('jsii_type="aws.', f'jsii_type="{ASSEMBLY}.')
        text = text.replace('"aws", "0.0.0"', f'"{ASSEMBLY}", "0.0.0"').replace(archive.name, renamed.name)
        if RESOURCE.search(text):
            text = placed(text).replace(TYPE, f'return "aws_{path.parent.name}"')
        path.write_text(quick(text) if HINTS in text else text, encoding="utf-8")


def placed(text: str) -> str:
    """Have a resource's Python note where it is made; stops where it is laid out in another way."""
    head, imports, rest = text.partition("\nimport cdktf as ")
    rest, made = CREATED.subn(r"\g<0>        remember(self, \g<1>)\n", rest)
    if not imports or made != 1:
        raise otherwise("resources", text)
    return f"{head}\nfrom ..._core.places import remember{imports}{rest}"


def quick(text: str) -> str:
    """Have Python evaluate type hints where an argument is checked, once, and none at import."""
    text, found = CHECK.subn("from ..._core.typechecks import check_type, hints_of\n\n", text)
    if found != 1 or FIRST not in text:
        raise otherwise("type checks", text)
    text = text.replace(FIRST, f"from __future__ import annotations\n\n{FIRST}", 1)
    return text.replace(HINTS, "hints_of(")


def otherwise(what: str, text: str) -> SystemExit:
    """Return how to stop where bindings are not as they were."""
    return SystemExit(f"bindings: cdktf get lays {what} out in another way now:\n{text[:2000]}")


def make(made: Path) -> None:
    """Make the bindings in a folder that is there."""
    with tempfile.TemporaryDirectory(dir=WORK, prefix="bindings-") as name:
        folder = Path(name)
        terraform, cache = folder / "schema", folder / "cache"
        terraform.mkdir()
        cache.mkdir()
        file = f"aws@{urllib.parse.quote(CONSTRAINT, safe='')}"
        (cache / f"{file}.json").write_text(json.dumps(schema(terraform)), encoding="utf-8")
        shutil.rmtree(terraform)
        settings = {"language": "python", "app": "true", "codeMakerOutput": "imports"}
        settings["projectId"] = "00000000-0000-0000-0000-000000000000"
        document = {
            **settings,
            "sendCrashReports": "false",
            "terraformProviders": [f"hashicorp/aws@{CONSTRAINT}"],
        }
        (folder / "cdktf.json").write_text(json.dumps(document), encoding="utf-8")
        run([str(NODE), str(CDKTF), "get"], folder, CDKTF_EXPERIMENTAL_PROVIDER_SCHEMA_CACHE_PATH=str(cache))
        package = folder / "imports" / "aws"
        rename(package)
        shutil.copytree(package, made, dirs_exist_ok=True)


def install(made: Path) -> None:
    """Put bindings in place of those that are there, the stamp last."""
    STAMP.unlink(missing_ok=True)
    for old in TARGET.iterdir():
        if old.name not in KEPT:
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    shutil.copytree(made, TARGET, dirs_exist_ok=True)
    STAMP.write_text(key(), encoding="utf-8")


def main() -> int:
    """Make bindings in a folder, install those of a folder, or tell whether those in place are fresh."""
    option, *folders = sys.argv[1:]
    if option == "--make":
        make(Path(folders[0]))
    elif option == "--install":
        install(Path(folders[0]))
        print(f"{len(wanted())} resource types")
    elif not fresh():
        print("modules/_aws: not made from modules/_aws/resources.txt; run: make setup", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
