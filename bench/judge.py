"""Put a plan through our gate, all rules of production, and write the report: `judge.py PLAN REPORT`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from sagewright.environment import Environment
from sagewright.gate import PlanInput, gate

PROD = Environment(
    name="prod",
    organization="acme",
    account_id="111122223333",
    region="eu-central-1",
    production=True,
    protected=True,
    embedded=False,
    state_bucket="acme-prod-state",
    path=Path("environments/prod.yaml"),
)

if __name__ == "__main__":
    report = gate([PlanInput(path=Path(sys.argv[1]))], PROD)
    Path(sys.argv[2]).write_text(json.dumps(report.to_dict()), encoding="utf-8")
