"""Measure the review of a plan of about 1,000 resources, after the gate: `make bench-review`.

The plan is made by the real Terraform and provider, without AWS. The review, from the plan's JSON to the
comment, JSON, SARIF and JUnit, must take under 2 s, and less than `terraform show -json` on the same plan:
each is the median of three runs, in turns. It is one thread: its CPU time is what it takes on a machine that
does nothing else. What was found is written to bench/results/review.json.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.measure import measure, medians
from sagewright.cost import Prices, estimate
from sagewright.environment import Environment
from sagewright.gate import PlanInput, gate
from sagewright.gate.catalog import POLICIES, read_catalog
from sagewright.gate.plan import read
from sagewright.gate.report import Report
from sagewright.gate.saved_plan import show_saved_plan
from sagewright.project import Project
from sagewright.review.build import Judged, build
from sagewright.review.document import document
from sagewright.review.html import page
from sagewright.review.junit import junit
from sagewright.review.markdown import render
from sagewright.review.sarif import sarif

ROOT = Path(__file__).resolve().parent.parent
PROJECT = Project(root=ROOT)
RESULTS = ROOT / "bench" / "results" / "review.json"
SERVICES = 125
"""Each has eight resources."""
RUNS = 3
LIMIT_SECONDS = 2.0
ACCOUNT = "111122223333"
TAGS = {"Organization": "acme", "Environment": "bench", "Stack": "serving", "Owner": "ml", "CostCenter": "1"}
FACTS = Environment(
    name="bench",
    organization="acme",
    account_id=ACCOUNT,
    region="eu-west-1",
    production=True,
    protected=True,
    embedded=True,
    state_bucket=None,
    path=Path("environments/bench.yaml"),
)


def configuration(services: int) -> dict[str, Any]:
    """Return a stack of so many endpoints, each with its model, role, policy, logs, scaling and parameter."""
    provider = {
        "region": "eu-west-1",
        "access_key": "bench",
        "secret_key": "bench",
        "skip_credentials_validation": True,
        "skip_requesting_account_id": True,
        "skip_metadata_api_check": "true",
        "default_tags": [{"tags": TAGS}],
    }
    found: dict[str, dict[str, Any]] = {}
    for number in range(services):
        for type_, values in service(f"model{number}").items():
            found.setdefault(type_, {})[f"model{number}"] = values
    required = {"aws": {"source": "hashicorp/aws"}}
    return {"terraform": {"required_providers": required}, "provider": {"aws": [provider]}, "resource": found}


def service(name: str) -> dict[str, dict[str, Any]]:
    """Return the resources of one endpoint, by type."""
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "sagemaker.amazonaws.com"},
    }
    fetch = {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:ListBucket", "ecr:BatchGetImage", "logs:PutLogEvents"],
        "Resource": [f"arn:aws:s3:::acme-bench/{name}/*", f"${{aws_cloudwatch_log_group.{name}.arn}}"],
    }
    variant = {
        "variant_name": "only",
        "model_name": f"${{aws_sagemaker_model.{name}.name}}",
        "initial_instance_count": 2,
        "initial_variant_weight": 1,
        "instance_type": "ml.m5.xlarge",
    }
    return {
        "aws_iam_role": {"name": name, "assume_role_policy": policy(trust)},
        "aws_iam_role_policy": {"role": f"${{aws_iam_role.{name}.name}}", "policy": policy(fetch)},
        "aws_cloudwatch_log_group": {"name": f"/aws/sagemaker/Endpoints/{name}", "retention_in_days": 30},
        "aws_sagemaker_model": {
            "execution_role_arn": f"${{aws_iam_role.{name}.arn}}",
            "primary_container": [
                {
                    "image": f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/{name}:1",
                    "environment": {"LEVEL": "1", "API_TOKEN": f"secret-of-{name}"},
                }
            ],
        },
        "aws_sagemaker_endpoint_configuration": {"name_prefix": name, "production_variants": [variant]},
        "aws_sagemaker_endpoint": {
            "name": name,
            "endpoint_config_name": f"${{aws_sagemaker_endpoint_configuration.{name}.name}}",
        },
        "aws_appautoscaling_target": {
            "service_namespace": "sagemaker",
            "scalable_dimension": "sagemaker:variant:DesiredInstanceCount",
            "resource_id": f"endpoint/${{aws_sagemaker_endpoint.{name}.name}}/variant/only",
            "min_capacity": 2,
            "max_capacity": 8,
        },
        "aws_ssm_parameter": {"name": f"/bench/{name}", "type": "String", "value": f"value-of-{name}"},
    }


def policy(statement: Mapping[str, Any]) -> str:
    """Return a policy of one statement."""
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def planned(folder: Path, services: int) -> Path:
    """Return a saved plan of the configuration, in a folder."""
    (folder / "main.tf.json").write_text(json.dumps(configuration(services)), encoding="utf-8")
    shutil.copy(PROJECT.provider_lock, folder / ".terraform.lock.hcl")
    terraform = str(PROJECT.terraform)
    measure([terraform, "init", "-input=false", "-no-color"], folder, PROJECT.variables())
    measure([terraform, "plan", "-out=plan", "-input=false", "-no-color"], folder, PROJECT.variables())
    return folder / "plan"


def reviewed(path: Path, report: Report) -> int:
    """Review a plan in every format; return how many characters that gives."""
    catalog = read_catalog(POLICIES)
    plan = read(PlanInput(path=path), FACTS, show_saved_plan)
    today = date(2030, 1, 1)
    costs = {plan.stack: estimate(plan.document, FACTS.region, Prices.load(), today)}
    review = build([Judged(report=report, plans=[plan], costs=costs)], catalog, today)
    texts = (
        render(review),
        json.dumps(document(review)),
        json.dumps(sarif(review, catalog)),
        junit(review),
        page(review),
    )
    return sum(map(len, texts))


def main() -> int:
    """Measure, print, write; fail where the review is too slow."""
    console = Console()
    terraform, variables = PROJECT.terraform, PROJECT.variables()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        with console.status("planning"):
            saved = planned(folder, SERVICES)
            path = folder / "plan.json"
            path.write_text(json.dumps(show_saved_plan(saved, terraform, variables)), encoding="utf-8")
        with console.status("judging"):
            report = gate([PlanInput(path=path)], FACTS)
        resources = len(json.loads(path.read_text(encoding="utf-8"))["resource_changes"])
        shows, wall, cpu = [], [], []
        for _ in range(RUNS):
            shows.append(
                measure([str(terraform), "show", "-json", "-no-color", str(saved)], folder, variables)
            )
            start, start_cpu = time.perf_counter(), time.process_time()
            reviewed(path, report)
            wall.append(time.perf_counter() - start)
            cpu.append(time.process_time() - start_cpu)
    show = medians(shows)
    seconds, cpu_seconds = statistics.median(wall), statistics.median(cpu)
    results = {
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "load_average": os.getloadavg()[0],
        },
        "resources": resources,
        "results": len(report.results),
        "review": {"wall_seconds": seconds, "cpu_seconds": cpu_seconds},
        "terraform_show": asdict(show),
        "ratio_of_wall": seconds / show.wall_seconds,
        "ratio_of_cpu": cpu_seconds / show.cpu_seconds,
    }
    console.print(f"{resources} resources, {len(report.results)} results of the gate")
    console.print(f"review              {seconds:.2f} s wall, {cpu_seconds:.2f} s CPU")
    console.print(f"terraform show -json {show.wall_seconds:.2f} s wall, {show.cpu_seconds:.2f} s CPU")
    shares = f"{results['ratio_of_wall']:.2f} of the wall time, {results['ratio_of_cpu']:.2f} of the CPU time"
    console.print(f"the review takes {shares}")
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return 0 if cpu_seconds < min(LIMIT_SECONDS, show.cpu_seconds) else 1


if __name__ == "__main__":
    sys.exit(main())
