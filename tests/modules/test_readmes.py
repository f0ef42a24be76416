"""The example in each module's README runs, and makes what it says it makes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT, Synth

MODULES = sorted(
    path.parent for path in (ROOT / "modules").glob("[a-z]*/*.py") if path.stem == path.parent.name
)


@pytest.mark.parametrize("folder", MODULES, ids=lambda folder: folder.name)
def test_the_example_makes_as_many_resources_as_it_says(folder: Path, synth: Synth) -> None:
    text = (folder / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    assert blocks, f"{folder / 'README.md'}: supply an example in a python block"
    for block in blocks:
        said = re.search(r"^# resources: (\d+)\s*\Z", block, flags=re.MULTILINE)
        assert said, (
            f"{folder / 'README.md'}: end each example with a line `# resources: <number>`, got:\n{block}"
        )
        made = synth(lambda stack, block=block: exec(block, {"stack": stack})).addresses
        assert len(made) == int(said[1]), "\n".join(made)
