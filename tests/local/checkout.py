"""A checkout in a temporary folder: its own environments, state and embedded AWS; the code is this one's."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from rich.console import Console

from sagewright import bootstrap, cli
from sagewright.deploy import Planned
from sagewright.local import process
from sagewright.project import Project
from sagewright.steps import Steps
from tests.conftest import ROOT
from tests.inventory import LOADER

CDKTF = ROOT / "node_modules" / "cdktf-cli" / "bundle" / "bin" / "cdktf"

BEYOND = (
    "alarm_subscriptions",
    "alarms",
    "api",
    "api_gateway_logs",
    "approval_sender_account_ids",
    "batch_transforms",
    "budget",
    "feature_groups",
    "feature_queries",
    "labeling",
    "monitors",
    "notebook_instances",
    "off_hours",
    "pipelines",
    "registry",
    "state_machines",
    "studio",
    "tracking_server",
)


Seen = Callable[[Sequence[Planned]], None]
"""What is shown plans that are about to be applied."""


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """Commands as a user types them, and what they leave behind."""

    project: Project
    running: process.Running

    @property
    def variables(self) -> dict[str, str]:
        """The process environment of a shell after `. .sagewright/env`, in this checkout."""
        return {
            **self.project.variables(),
            "CDKTF_SKIP_PROVIDER_LOCK": "true",
            "DISABLE_VERSION_CHECK": "true",
            "CI": "true",
            "COLUMNS": "200",
        }

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the project's tools in the checkout."""
        program = ROOT / ".venv" / "bin" / command[0]
        return subprocess.run(
            [str(program) if program.exists() else command[0], *command[1:]],
            cwd=self.project.root,
            env={**self.variables, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=1800,
        )

    def cdktf(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run CDKTF's own command line."""
        return self.run("node", str(CDKTF), *arguments, **variables)

    def sagewright(self, *arguments: str) -> dict[str, Any]:
        """Run a command that must succeed, and return its JSON."""
        done = self.run("sagewright", *arguments, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        result: dict[str, Any] = json.loads(done.stdout)
        return result

    def bootstrap(self, environment: str, seen: Seen = lambda _: None) -> dict[str, Any]:
        """Do what `sagewright bootstrap` does, on the embedded AWS; `seen` is shown the plan."""
        steps = Steps(Console(file=io.StringIO()))
        run = bootstrap.prepare(self.project, environment, True, steps, lambda *_: None)
        result = bootstrap.bootstrap(run, seen)
        run.providers.close()
        return result

    def deploy(self, environment: str, seen: Seen) -> None:
        """Do what `sagewright deploy --local` does; `seen` is shown all plans before the first is applied."""
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.project.root)
            run = cli.open_run(environment, True, cli.Output(as_json=True), bootstrapped=True)
        stacks = run.assembly.of(environment)
        run.deploy(stacks, seen)
        run.verify(stacks)
        run.providers.close()

    def document(self, environment: str) -> dict[str, Any]:
        """Return an environment file of this checkout."""
        document: dict[str, Any] = yaml.load(self._file(environment).read_text(), Loader=LOADER)
        return document

    def write(self, environment: str, document: dict[str, Any]) -> None:
        """Replace an environment file of this checkout."""
        self._file(environment).write_text(yaml.safe_dump(document))

    def slim(self, environment: str) -> None:
        """Leave of an environment its ground, registry and the endpoint `churn`: less is quicker."""
        document = self.document(environment)
        for part in BEYOND:
            document.pop(part, None)
        for group in document["model_package_groups"].values():
            group.pop("approvals", None)
        endpoint = document["endpoints"]["churn"]
        used = {variant["model"] for variant in endpoint["variants"].values()}
        document["endpoints"] = {"churn": endpoint}
        document["models"] = {key: model for key, model in document["models"].items() if key in used}
        self.write(environment, document)

    def endpoint(self, environment: str, key: str) -> dict[str, Any]:
        """Return one of the environment's endpoints as AWS describes it."""
        name = f"{self.document(environment)['organization']}-{environment}-{key}"
        described: dict[str, Any] = self.client("sagemaker", environment).describe_endpoint(EndpointName=name)
        return described

    def fail(self, operation: str, name: str) -> None:
        """Make an operation of the embedded AWS fail once, after it was accepted."""
        body = json.dumps({"operation": operation, "name": name}).encode()
        request = urllib.request.Request(f"{self.running.url}/sagewright/faults", data=body, method="POST")
        urllib.request.urlopen(request).close()

    def _file(self, environment: str) -> Path:
        return self.project.environments / f"{environment}.yaml"

    def client(self, service: str, environment: str) -> Any:
        """Return a client of an environment's account on the embedded AWS."""
        document = self.document(environment)
        return boto3.client(
            service,  # type: ignore[call-overload]
            region_name=document["region"],
            endpoint_url=self.running.url,
            aws_access_key_id=document["account_id"],
            aws_secret_access_key="embedded",
        )


def make(folder: Path) -> Project:
    """Lay a checkout out: environments are copies, everything that is code is this checkout's."""
    project = Project(root=folder)
    shutil.copytree(ROOT / "environments", project.environments)
    for name in ("main.py", "cdktf.json", "modules", "pipelines", ".venv", ".terraform.lock.hcl"):
        (folder / name).symlink_to(ROOT / name)
    project.work.mkdir()
    for name in ("bin", "providers", "terraform.rc"):
        (project.work / name).symlink_to(ROOT / ".sagewright" / name)
    return project


LISTED = {
    "domains": ("sagemaker", "list_domains", "Domains", "DomainName"),
    "profiles": ("sagemaker", "list_user_profiles", "UserProfiles", "UserProfileName"),
    "spaces": ("sagemaker", "list_spaces", "Spaces", "SpaceName"),
    "lifecycle configurations": (
        "sagemaker",
        "list_studio_lifecycle_configs",
        "StudioLifecycleConfigs",
        "StudioLifecycleConfigName",
    ),
    "code repositories": (
        "sagemaker",
        "list_code_repositories",
        "CodeRepositorySummaryList",
        "CodeRepositoryName",
    ),
    "notebook instances": (
        "sagemaker",
        "list_notebook_instances",
        "NotebookInstances",
        "NotebookInstanceName",
    ),
    "feature groups": ("sagemaker", "list_feature_groups", "FeatureGroupSummaries", "FeatureGroupName"),
    "job definitions": (
        "sagemaker",
        "list_data_quality_job_definitions",
        "JobDefinitionSummaries",
        "MonitoringJobDefinitionName",
    ),
    "APIs": ("apigateway", "get_rest_apis", "items", "name"),
    "API keys": ("apigateway", "get_api_keys", "items", "name"),
    "usage plans": ("apigateway", "get_usage_plans", "items", "name"),
    "functions": ("lambda", "list_functions", "Functions", "FunctionName"),
    "layers": ("lambda", "list_layers", "Layers", "LayerName"),
    "pipelines": ("sagemaker", "list_pipelines", "PipelineSummaries", "PipelineName"),
    "tracking servers": (
        "sagemaker",
        "list_mlflow_tracking_servers",
        "TrackingServerSummaries",
        "TrackingServerName",
    ),
    "workforces": ("sagemaker", "list_workforces", "Workforces", "WorkforceName"),
    "workteams": ("sagemaker", "list_workteams", "Workteams", "WorkteamName"),
    "task UIs": ("sagemaker", "list_human_task_uis", "HumanTaskUiSummaries", "HumanTaskUiName"),
    "file systems": ("efs", "describe_file_systems", "FileSystems", "FileSystemId"),
    "state machines": ("stepfunctions", "list_state_machines", "stateMachines", "name"),
    "schedules": ("scheduler", "list_schedules", "Schedules", "Name"),
    "event rules": ("events", "list_rules", "Rules", "Name"),
    "dashboards": ("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    "topics": ("sns", "list_topics", "Topics", "TopicArn"),
    "databases": ("glue", "get_databases", "DatabaseList", "Name"),
    "caches": ("ecr", "describe_pull_through_cache_rules", "pullThroughCacheRules", "ecrRepositoryPrefix"),
    "templates": ("ecr", "describe_repository_creation_templates", "repositoryCreationTemplates", "prefix"),
}
"""Kind → service, operation, member with the list, and what names one."""


def listed(client: Callable[[str], Any], service: str, operation: str, member: str, name: str) -> list[str]:
    """Return the names of what an account has of a kind."""
    return [str(each[name]) for each in getattr(client(service), operation)()[member]]


def left_over(checkout: Checkout, environment: str) -> dict[str, list[str]]:
    """List what an environment's account still holds, by kind; keys wait for their deletion window."""

    def client(service: str) -> Any:
        return checkout.client(service, environment)

    sagemaker = client("sagemaker")
    keys = [client("kms").describe_key(KeyId=key["KeyId"]) for key in client("kms").list_keys()["Keys"]]
    found = {
        "endpoints": [each["EndpointName"] for each in sagemaker.list_endpoints()["Endpoints"]],
        "configurations": [
            each["EndpointConfigName"] for each in sagemaker.list_endpoint_configs()["EndpointConfigs"]
        ],
        "models": [each["ModelName"] for each in sagemaker.list_models()["Models"]],
        "groups": [
            each["ModelPackageGroupName"]
            for each in sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]
        ],
        "monitoring schedules": [
            each["MonitoringScheduleName"]
            for each in sagemaker.list_monitoring_schedules()["MonitoringScheduleSummaries"]
        ],
        "targets": [
            each["ResourceId"]
            for each in client("application-autoscaling").describe_scalable_targets(
                ServiceNamespace="sagemaker"
            )["ScalableTargets"]
        ],
        "buckets": [each["Name"] for each in client("s3").list_buckets()["Buckets"]],
        "repositories": [
            each["repositoryName"] for each in client("ecr").describe_repositories()["repositories"]
        ],
        "roles": [each["RoleName"] for each in client("iam").list_roles()["Roles"]],
        "policies": [each["PolicyName"] for each in client("iam").list_policies(Scope="Local")["Policies"]],
        "log groups": [each["logGroupName"] for each in client("logs").describe_log_groups()["logGroups"]],
        "alarms": [each["AlarmName"] for each in client("cloudwatch").describe_alarms()["MetricAlarms"]],
        "budgets": [
            each["BudgetName"]
            for each in client("budgets").describe_budgets(
                AccountId=checkout.document(environment)["account_id"]
            )["Budgets"]
        ],
        "parameters": [each["Name"] for each in client("ssm").describe_parameters()["Parameters"]],
        "user pools": [
            each["Name"] for each in client("cognito-idp").list_user_pools(MaxResults=10)["UserPools"]
        ],
        "workgroups": [
            each["Name"]
            for each in client("athena").list_work_groups()["WorkGroups"]
            if each["Name"] != "primary"
        ],
        "keys": [
            key["KeyMetadata"]["KeyId"] for key in keys if key["KeyMetadata"]["KeyState"] != "PendingDeletion"
        ],
        "firewalls": [each["Name"] for each in client("wafv2").list_web_acls(Scope="REGIONAL")["WebACLs"]],
        **{kind: listed(client, *how) for kind, how in LISTED.items()},
        "networks": [
            each["VpcId"] for each in client("ec2").describe_vpcs()["Vpcs"] if not each["IsDefault"]
        ],
    }
    return {kind: names for kind, names in found.items() if names}
