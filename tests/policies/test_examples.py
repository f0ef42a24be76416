"""The plans of the examples are what the real provider plans of their configurations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from . import plan_examples


@pytest.mark.plan
def test_the_examples_are_what_the_provider_plans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configuration = Path(__file__).resolve().parents[2] / ".sagewright" / "terraform.rc"
    if configuration.is_file():
        monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(configuration))
    examples = dict(plan_examples.sources(plan_examples.EXAMPLES, []))
    document = plan_examples.plan(examples, tmp_path)
    stale = []
    for module, path in examples.items():
        wanted = json.loads(json.dumps(plan_examples.part(document, module)))
        kept = json.loads(path.with_name(path.name.replace(".tf.json", ".json")).read_text(encoding="utf-8"))
        for plan in (wanted, kept):
            plan.pop("terraform_version")
            plan["prior_state"].pop("terraform_version")
        if wanted != kept:
            stale.append(module)
    assert not stale, "run: python -m tests.policies.plan_examples"
