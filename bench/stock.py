"""Run a program with the stock provider package in place of `modules._aws`: same stacks, other bindings."""

from __future__ import annotations

import importlib
import runpy
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
OURS = "modules._aws"
STOCK = "cdktf_cdktf_provider_aws"


class StockBindings(MetaPathFinder, Loader):
    """Answers every import from `modules._aws` with the stock package's module of the same name."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Claim `modules._aws` and what is in it."""
        return ModuleSpec(name, self) if f"{name}.".startswith(f"{OURS}.") else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the stock module itself."""
        return importlib.import_module(spec.name.replace(OURS, STOCK, 1))

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: the stock module is loaded already."""


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.meta_path.insert(0, StockBindings())
    del sys.argv[0]
    runpy.run_path(str(ROOT / sys.argv[0]), run_name="__main__")
