"""Environment files: what is read, and every way in which one can be wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from modules.alarms import Thresholds
from modules.endpoint import RealTime
from modules.network import NewNetwork
from stacks.environment import Environment, InvalidEnvironment, names, read, read_all, schema
from tests.conftest import ROOT

ENVIRONMENTS = ROOT / "environments"
IMAGE = f"222233334444.dkr.ecr.eu-central-1.amazonaws.com/churn@sha256:{'0' * 64}"
GOOD = """
organization: acme
account_id: "444455556666"
region: eu-central-1
production: false
protected: false
owner: ml-platform
cost_center: "4711"
state:
  bucket: acme-dev-terraform-state
network:
  kind: New
  cidr_block: 10.20.0.0/16
  availability_zones: [eu-central-1a, eu-central-1b]
models:
  churn-v4:
    kind: Container
    image: IMAGE
endpoints:
  churn:
    kind: RealTime
    variants:
      champion:
        model: churn-v4
        weight: 90
        scaling:
          min_capacity: 1
          max_capacity: 2
          invocations_per_instance_per_minute: 600
      challenger:
        model: churn-v4
        weight: 10
        instance_count: 1
""".replace("IMAGE", IMAGE)


def write(folder: Path, text: str, name: str = "dev") -> Path:
    folder = folder / "environments"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def problems(folder: Path, text: str) -> list[str]:
    """Return the lines of what reading refuses, without the file that each must begin with."""
    with pytest.raises(InvalidEnvironment) as refused:
        read("dev", write(folder, text))
    lines = str(refused.value).splitlines()
    assert all(line.startswith("environments/dev.yaml: ") for line in lines), lines
    assert "pydantic" not in str(refused.value)
    return [line.removeprefix("environments/dev.yaml: ") for line in lines]


@pytest.mark.parametrize("name", names(ENVIRONMENTS))
def test_the_committed_environments_are_right(name: str) -> None:
    assert read(name, ENVIRONMENTS).organization == "acme"


def test_they_differ_in_what_they_protect() -> None:
    found = read_all(names(ENVIRONMENTS), ENVIRONMENTS)
    assert [name for name, one in found.items() if one.production] == ["prod"]
    assert [name for name, one in found.items() if one.protected] == ["prod", "staging"]
    assert [name for name, one in found.items() if one.embedded] == ["local"]
    assert len({one.account_id for one in found.values()}) == len(found)


def test_a_file_becomes_the_modules_own_value_objects(tmp_path: Path) -> None:
    environment = read("dev", write(tmp_path, GOOD))
    assert isinstance(environment, Environment)
    assert isinstance(environment.network, NewNetwork)
    assert environment.network.availability_zones == ("eu-central-1a", "eu-central-1b")
    endpoint = environment.endpoints["churn"]
    assert isinstance(endpoint, RealTime)
    assert endpoint.variants["champion"].weight == 90


def test_anchors_merges_and_dates_are_as_good_as_what_they_stand_for(tmp_path: Path) -> None:
    text = GOOD.replace("challenger:\n        model: churn-v4", "challenger:\n        <<: *base")
    text = text.replace("champion:", "champion: &base") + "        scaling: null\nowner_: 2024-01-01\n"
    text = text.replace("owner: ml-platform\n", "").replace("owner_: 2024-01-01", "owner: 2024-01-01")
    environment = read("dev", write(tmp_path, text))
    churn = environment.endpoints["churn"]
    assert isinstance(churn, RealTime)
    challenger = churn.variants["challenger"]
    assert (challenger.model, challenger.weight, challenger.scaling) == ("churn-v4", 10, None)
    assert environment.owner == "2024-01-01"


CHAMPION = "endpoints.churn.variants.champion"
ANALYZER = "048819808253.dkr.ecr.eu-central-1.amazonaws.com/sagemaker-model-monitor-analyzer"
DATA = f"kind: DataQuality, image: {ANALYZER}, baseline: v4, source: {{kind: Endpoint, endpoint: churn}}"
DAILY = "schedules: {daily: {expression: rate(1 day)}}"
QUALITY = (
    f"kind: ModelQuality, image: {ANALYZER}, merger_image: {ANALYZER}, baseline: v4, endpoint: churn, "
    f"problem_type: Regression, inference_attribute: '0', {DAILY}"
)
WHY = f"kind: Explainability, image: {ANALYZER}, attributions: {{age: 1}}, {DAILY}"
BAD: dict[str, tuple[str, str, str]] = {
    "an unknown key": (
        "owner: ml-platform",
        "owner: ml-platform\ncolour: red",
        "colour: supply one of organization, account_id, region, production, protected, embedded, owner, "
        "cost_center, state, ci, network, log_retention_days, key_deletion_window_days, retention, "
        "access_logs, approver_principal_arns, override_approvers, registry, repositories, "
        "model_package_groups, approval_sender_account_ids, feature_groups, feature_queries, studio, "
        "notebook_instances, tracking_server, pipelines, state_machines, labeling, alarm_subscriptions, "
        "budget, models, endpoints, batch_transforms, monitors, api, api_gateway_logs, off_hours, alarms, "
        "dashboard, got an "
        "unknown setting",
    ),
    "a misspelt key": (
        "min_capacity: 1",
        "min_capacity: 1\n          max_capacty: 2",
        f"{CHAMPION}.scaling.max_capacty: supply max_capacity, got an unknown setting",
    ),
    "a number as string": ("weight: 90", 'weight: "90"', f"{CHAMPION}.weight: supply an integer, got '90'"),
    "a fraction": ("weight: 90", "weight: 0.9", f"{CHAMPION}.weight: supply an integer, got 0.9"),
    "a number for a string": (
        'cost_center: "4711"',
        "cost_center: 4711",
        "cost_center: supply a string, got 4711",
    ),
    "a string for a bool": (
        "production: false",
        'production: "no"',
        "production: supply true or false, got 'no'",
    ),
    "a string for a list": (
        "availability_zones: [eu-central-1a, eu-central-1b]",
        "availability_zones: eu-central-1a",
        "network.availability_zones: supply a list, got 'eu-central-1a'",
    ),
    "a list for a mapping": (
        "variants:\n      champion:",
        "variants: []\n    data_capture:\n      champion:",
        "endpoints.churn.variants: supply a mapping, got a list",
    ),
    "a string for a value object": (
        "    image: 2",
        "    x: 1\n  churn-v5: large\n  churn-v6:\n    image: 2",
        "models.churn-v5: supply a mapping, got 'large'",
    ),
    "a missing setting": ("region: eu-central-1\n", "", "region: supply this setting, got nothing"),
    "an account that is none": (
        '"444455556666"',
        '"4444"',
        "account_id: supply a string that matches ^[0-9]{12}$, got '4444'",
    ),
    "an organization with two hyphens in a row": (
        "organization: acme",
        "organization: xn--acme",
        "organization: supply a string that matches ^[a-z][a-z0-9]*(-[a-z0-9]+)*$, got 'xn--acme'",
    ),
    "an organization that is too long": (
        "organization: acme",
        f"organization: {'a' * 21}",
        "organization: supply at most 20 characters, got 21",
    ),
    "an organization of which no bucket could be named": (
        "organization: acme",
        "organization: sthree",
        "organization: supply another start of names than amzn-s3-demo, sg, sthree, got 'sthree'",
    ),
    "a region of China": (
        "region: eu-central-1",
        "region: cn-north-1",
        "region: supply a region of the partition aws or aws-us-gov, got 'cn-north-1'",
    ),
    "an image of another region": (
        "dkr.ecr.eu-central-1",
        "dkr.ecr.eu-west-1",
        "models.churn-v4.image: supply an image in Amazon ECR in eu-central-1, got one in "
        "222233334444.dkr.ecr.eu-west-1.amazonaws.com",
    ),
    "a private registry to which there is no way": (
        "    image: 2",
        "    repository_access: Vpc\n    image: 2",
        "models.churn-v4.repository_access: supply Platform, or a network of kind Existing, got 'Vpc'",
    ),
    "a name that AWS would refuse": (
        "\n  churn:\n    kind",
        "\n  Churn_:\n    kind",
        "endpoints.Churn_: supply a string that matches ^[a-z][a-z0-9]*(-[a-z0-9]+)*$, got 'Churn_'",
    ),
    "a name that is too long": (
        "\n  churn:\n    kind",
        f"\n  {'c' * 60}:\n    kind",
        f"endpoints.{'c' * 60}: supply a name of at most 54 characters, got 60",
    ),
    "a kind that is none": ("kind: New", "kind: Old", "network.kind: supply one of Existing, New, got 'Old'"),
    "a network without a kind": (
        "  kind: New\n",
        "",
        "network.kind: supply one of Existing, New, got nothing",
    ),
    "an endpoint without a kind": (
        "    kind: RealTime\n",
        "",
        "endpoints.churn.kind: supply one of Asynchronous, RealTime, Serverless, got nothing",
    ),
    "an endpoint of a kind that is none": (
        "kind: RealTime",
        "kind: Batch",
        "endpoints.churn.kind: supply one of Asynchronous, RealTime, Serverless, got 'Batch'",
    ),
    "a model without a kind": (
        "    kind: Container\n",
        "",
        "models.churn-v4.kind: supply one of Container, Direct, ModelPackage, Serial, got nothing",
    ),
    "a container of several without a kind": (
        "    kind: Container\n    image: ",
        "    kind: Serial\n    containers:\n      - kind: Container\n        image: IMAGE\n      - image: ",
        "models.churn-v4.containers[1].kind: supply this setting, got nothing",
    ),
    "an image of another region among several": (
        "    kind: Container\n    image: ",
        "    kind: Direct\n    containers:\n      b: {kind: Container, image: ELSEWHERE}\n      a:\n"
        "        kind: Container\n        image: ",
        "models.churn-v4.containers.b.image: supply an image in Amazon ECR in eu-central-1, got one in "
        "222233334444.dkr.ecr.eu-west-1.amazonaws.com",
    ),
    "a version of another region": (
        "models:\n",
        "models:\n  next:\n    kind: ModelPackage\n"
        "    model_package_arn: arn:aws:sagemaker:eu-west-1:444455556666:model-package/churn/7\n",
        "models.next.model_package_arn: supply a version in eu-central-1, "
        "got 'arn:aws:sagemaker:eu-west-1:444455556666:model-package/churn/7'",
    ),
    "a way of rollout without a kind": (
        "    kind: RealTime\n",
        "    kind: RealTime\n    deployment: {wait_interval_seconds: 0}\n",
        "endpoints.churn.deployment.kind: supply one of AllAtOnce, Canary, Linear, Rolling, got nothing",
    ),
    "a serverless endpoint with a model in a VPC": (
        "endpoints:\n",
        "endpoints:\n  few: {kind: Serverless, model: churn-v4, max_concurrency: 1}\n",
        "endpoints.few.model: supply a model of its own, which is in no VPC; got 'churn-v4', which "
        "instances serve as well",
    ),
    "a batch transform of the model of a serverless endpoint": (
        "endpoints:\n",
        "  next: {kind: Container, image: IMAGE}\nbatch_transforms:\n  all: {model: next}\n"
        "endpoints:\n  few: {kind: Serverless, model: next, max_concurrency: 1}\n",
        "endpoints.few.model: supply a model of its own, which is in no VPC; got 'next', which instances "
        "serve as well",
    ),
    "a batch transform of no model that there is": (
        "endpoints:\n",
        "batch_transforms:\n  all: {model: churn-v9}\nendpoints:\n",
        "batch_transforms.all.model: supply one of the models (churn-v4), got 'churn-v9'",
    ),
    "a batch transform of containers that are asked one by one": (
        "endpoints:\n",
        "  row:\n    kind: Direct\n    containers:\n      a: {kind: Container, image: IMAGE}\n"
        "      b: {kind: Container, image: IMAGE}\n"
        "batch_transforms:\n  all: {model: row}\nendpoints:\n",
        "batch_transforms.all.model: supply a model of which a request need not name a part, got 'row', "
        "which is of kind Direct",
    ),
    "a batch transform with a name that is too long": (
        "endpoints:\n",
        f"batch_transforms:\n  {'n' * 25}: {{model: churn-v4}}\nendpoints:\n",
        "batch_transforms.nnnnnnnnnnnnnnnnnnnnnnnnn: supply a name of at most 24 characters, got 25",
    ),
    "a batch transform that splits nothing and still has batches": (
        "endpoints:\n",
        "batch_transforms:\n  all: {model: churn-v4, split_type: None}\nendpoints:\n",
        "batch_transforms.all.batch_strategy: supply nothing, or a split_type other than None, "
        "got 'MultiRecord'",
    ),
    "a monitor of an endpoint that captures nothing": (
        "endpoints:\n",
        f"monitors:\n  drift: {{{DATA}}}\nendpoints:\n",
        "monitors.drift.source.endpoint: supply one of the endpoints with data_capture (none is described), "
        "got 'churn'",
    ),
    "a monitor of model quality of an endpoint that captures nothing": (
        "endpoints:\n",
        f"monitors:\n  worse: {{{QUALITY}, variant: champion}}\nendpoints:\n",
        "monitors.worse.endpoint: supply one of the endpoints with data_capture (none is described), "
        "got 'churn'",
    ),
    "a monitor of a variant that there is not": (
        "endpoints:\n  churn:\n    kind: RealTime\n",
        f"monitors:\n  worse: {{{QUALITY}, variant: winner}}\n"
        "endpoints:\n  churn:\n    kind: RealTime\n    data_capture: {}\n",
        "monitors.worse.variant: supply one of the variants (challenger, champion), got 'winner'",
    ),
    "a monitor with an image of another region": (
        "endpoints:\n  churn:\n    kind: RealTime\n",
        f"monitors:\n  drift: {{{DATA.replace('eu-central-1', 'eu-west-1')}}}\n"
        "endpoints:\n  churn:\n    kind: RealTime\n    data_capture: {}\n",
        "monitors.drift.image: supply an image in Amazon ECR in eu-central-1, got "
        f"'{ANALYZER.replace('eu-central-1', 'eu-west-1')}'",
    ),
    "a monitor at a time that SageMaker does not take": (
        "endpoints:\n  churn:\n    kind: RealTime\n",
        f"monitors:\n  drift: {{{DATA}, schedule_expression: rate(1 hour)}}\n"
        "endpoints:\n  churn:\n    kind: RealTime\n    data_capture: {}\n",
        "monitors.drift.schedule_expression: supply a value such as cron(0 4 ? * * *), got 'rate(1 hour)'",
    ),
    "a monitor with a name that is too long": (
        "endpoints:\n  churn:\n    kind: RealTime\n",
        f"monitors:\n  {'n' * 23}: {{{DATA}}}\n"
        "endpoints:\n  churn:\n    kind: RealTime\n    data_capture: {}\n",
        "monitors.nnnnnnnnnnnnnnnnnnnnnnn: supply a name of at most 22 characters, got 23",
    ),
    "an explanation of no model that there is": (
        "endpoints:\n",
        f"monitors:\n  why: {{{WHY}, model: churn-v9}}\nendpoints:\n",
        "monitors.why.model: supply one of the models (churn-v4), got 'churn-v9'",
    ),
    "an explanation of several containers": (
        "endpoints:\n",
        "  row:\n    kind: Serial\n    containers:\n      - {kind: Container, image: IMAGE}\n"
        f"      - {{kind: Container, image: IMAGE}}\nmonitors:\n  why: {{{WHY}, model: row}}\nendpoints:\n",
        "monitors.why.model: supply a model with one container and one model, got 'row'",
    ),
    "an explanation of a model of serverless endpoints": (
        "endpoints:\n",
        f"  few: {{kind: Container, image: IMAGE}}\nmonitors:\n  why: {{{WHY}, model: few}}\n"
        "endpoints:\n  few: {kind: Serverless, model: few, max_concurrency: 1}\n",
        "monitors.why.model: supply a model that instances serve, got 'few', "
        "which is of serverless endpoints",
    ),
    "a pipeline that starts by a monitor that there is not": (
        "endpoints:\n",
        "pipelines:\n  churn:\n    definition: pipelines/churn.json\n"
        "    triggers: {drift: {kind: Drift, monitor: churn-data}}\nendpoints:\n",
        "pipelines.churn.triggers.drift.monitor: supply one of the monitors (none is described), "
        "got 'churn-data'",
    ),
    "a serverless endpoint with several containers": (
        "endpoints:\n",
        "  row:\n    kind: Serial\n    containers:\n      - {kind: Container, image: IMAGE}\n"
        "      - {kind: Container, image: IMAGE}\n"
        "endpoints:\n  few: {kind: Serverless, model: row, max_concurrency: 1}\n",
        "endpoints.few.model: supply a model with one container, got 'row', which is of kind Serial",
    ),
    "an asynchronous endpoint with containers to choose from": (
        "endpoints:\n",
        "  both:\n    kind: Direct\n    containers:\n      a: {kind: Container, image: IMAGE}\n"
        "      b: {kind: Container, image: IMAGE}\n"
        "endpoints:\n  slow: {kind: Asynchronous, model: both, instance_count: 1}\n",
        "endpoints.slow.model: supply a model of which a request need not name a part, got 'both', which "
        "is of kind Direct",
    ),
    "an asynchronous endpoint with many models": (
        "endpoints:\n",
        "  many: {kind: Container, image: IMAGE, mode: MultiModel, model_data_url: 's3://bucket/models/'}\n"
        "endpoints:\n  slow: {kind: Asynchronous, model: many, instance_count: 1}\n",
        "endpoints.slow.model: supply a model of which a request need not name a part, got 'many', which "
        "is of mode MultiModel",
    ),
    "a shadow with many models": (
        "endpoints:\n",
        "  many: {kind: Container, image: IMAGE, mode: MultiModel, model_data_url: 's3://bucket/models/'}\n"
        "endpoints:\n  seen:\n    kind: RealTime\n    variants: {a: {model: churn-v4, instance_count: 1}}\n"
        "    shadow_variants: {b: {model: many, instance_count: 1}}\n",
        "endpoints.seen.shadow_variants.b.model: supply a model with one container, got 'many', which is of "
        "mode MultiModel",
    ),
    "a serverless endpoint with a model that is not described": (
        "endpoints:\n",
        "endpoints:\n  few: {kind: Serverless, model: churn-v9, max_concurrency: 1}\n",
        "endpoints.few.model: supply one of the models (churn-v4), got 'churn-v9'",
    ),
    "an asynchronous endpoint that captures": (
        "endpoints:\n",
        "endpoints:\n  slow: {kind: Asynchronous, model: churn-v4, instance_count: 1, data_capture: {}}\n",
        "endpoints.slow.data_capture: supply one of model, kind, instance_type, instance_count, scaling, "
        "max_concurrent_invocations_per_instance, include_inference_response_in, volume_size_gb, "
        "model_data_download_timeout_seconds, container_startup_health_check_timeout_seconds, core_dump, "
        "deployment, rollback, got an unknown setting",
    ),
    "two variants of one name": (
        "      challenger:",
        "      champion:",
        f"{CHAMPION}: supply each key once, got it on lines 23 and 30",
    ),
    "a variant without a model": (
        "champion:\n        model: churn-v4",
        "champion:",
        f"{CHAMPION}.model: supply this setting, got nothing",
    ),
    "a variant of a model that is not described": (
        "champion:\n        model: churn-v4",
        "champion:\n        model: churn-v9",
        f"{CHAMPION}.model: supply one of the models (churn-v4), got 'churn-v9'",
    ),
    "a minimum above the maximum": (
        "min_capacity: 1",
        "min_capacity: 3",
        f"{CHAMPION}.scaling.max_capacity: supply at least 3, got 2",
    ),
    "a burstable type with scaling": (
        "weight: 90",
        "weight: 90\n        instance_type: ml.t2.medium",
        f"{CHAMPION}.scaling: supply an instance_type that is not burstable, got 'ml.t2.medium'",
    ),
    "a zone of another region": (
        "eu-central-1b]",
        "eu-west-1b]",
        "network.availability_zones: supply zones of eu-central-1, got 'eu-west-1b'",
    ),
    "an address range that is public": (
        "10.20.0.0/16",
        "8.8.0.0/16",
        "network.cidr_block: supply a private range of /16 to /24 such as 10.20.0.0/16, got '8.8.0.0/16'",
    ),
    "no place for the state": (
        "state:\n  bucket: acme-dev-terraform-state\n",
        "",
        "state: supply the bucket of the Terraform state, got nothing",
    ),
    "a state bucket that S3 could not have": (
        "bucket: acme-dev-terraform-state",
        "bucket: Acme_State",
        "state.bucket: supply a value such as acme-prod-terraform-state, got 'Acme_State'",
    ),
    "a state bucket for what is embedded": (
        "protected: false",
        "protected: false\nembedded: true",
        "state: remove it; where embedded is true the state is a local file",
    ),
    "production that is embedded": (
        "production: false\nprotected: false\n",
        "production: true\nprotected: false\nembedded: true\n",
        "production: supply false where embedded is true, got true",
    ),
    "a retention that CloudWatch does not know": (
        "owner: ml-platform",
        "owner: ml-platform\nlog_retention_days: 31",
        "log_retention_days: supply one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, "
        "1096, 1827, 2192, 2557, 2922, 3288, 3653, got 31",
    ),
    "logs of production that are lost within a year": (
        "production: false",
        "production: true\nlog_retention_days: 90",
        "log_retention_days: supply at least 365, got 90",
    ),
    "a key that is deleted too soon": (
        "owner: ml-platform",
        "owner: ml-platform\nkey_deletion_window_days: 1",
        "key_deletion_window_days: supply at least 7, got 1",
    ),
    "a key that is deleted too late": (
        "owner: ml-platform",
        "owner: ml-platform\nkey_deletion_window_days: 60",
        "key_deletion_window_days: supply at most 30, got 60",
    ),
    "an owner that cannot be a tag": (
        "owner: ml-platform",
        "owner: <ml>",
        "owner: supply a string that matches ^[a-zA-Z0-9 _.:/=+@-]{1,256}$, got '<ml>'",
    ),
    "an approver that is no role or user": (
        "owner: ml-platform",
        "owner: ml-platform\napprover_principal_arns: ['*']",
        "approver_principal_arns[0]: supply a string that matches "
        "^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[a-zA-Z0-9_+=,.@/-]+$, got '*'",
    ),
    "an approver twice": (
        "owner: ml-platform",
        "owner: ml-platform\napprover_principal_arns: &a ['arn:aws:iam::444455556666:role/lead', "
        "'arn:aws:iam::444455556666:role/lead']",
        "approver_principal_arns: supply each once, got 'arn:aws:iam::444455556666:role/lead' twice",
    ),
    "an approver of overrides of another account": (
        "owner: ml-platform",
        "owner: ml-platform\noverride_approvers: {leads: 'arn:aws:iam::999988887777:role/lead'}",
        "override_approvers.leads: supply a role of account 444455556666, "
        "got 'arn:aws:iam::999988887777:role/lead'",
    ),
    "an account that pulls twice": (
        "owner: ml-platform",
        "owner: ml-platform\nrepositories: {churn: {pull_account_ids: ['111122223333', '111122223333']}}",
        "repositories.churn.pull_account_ids: supply each once, got '111122223333' twice",
    ),
    "the environment's own account as one that pulls": (
        "owner: ml-platform",
        "owner: ml-platform\nrepositories: {churn: {pull_account_ids: ['444455556666']}}",
        "repositories.churn.pull_account_ids: supply other accounts than the environment's own, "
        "got '444455556666'",
    ),
    "an account that both reads and deploys": (
        "owner: ml-platform",
        "owner: ml-platform\nmodel_package_groups:\n  churn:\n    reader_account_ids: ['111122223333']\n"
        "    deployer_account_ids: ['111122223333']",
        "model_package_groups.churn.reader_account_ids, deployer_account_ids: supply each once, "
        "got '111122223333' twice",
    ),
    "the environment's own account as one that reads": (
        "owner: ml-platform",
        "owner: ml-platform\nmodel_package_groups: {churn: {reader_account_ids: ['444455556666']}}",
        "model_package_groups.churn.reader_account_ids: supply other accounts than the environment's own, "
        "got '444455556666'",
    ),
    "a description that is too long": (
        "owner: ml-platform",
        f"owner: ml-platform\nmodel_package_groups: {{churn: {{description: {'a' * 1025}}}}}",
        "model_package_groups.churn.description: supply at most 1024 characters, got 1025",
    ),
    "a description of several lines": (
        "owner: ml-platform",
        'owner: ml-platform\nmodel_package_groups: {churn: {description: "a\\nb"}}',
        "model_package_groups.churn.description: supply a text without line breaks and other control "
        "characters, got 'a\\nb'",
    ),
    "variants whose names give one address": (
        "      challenger:",
        "      the--challenger:",
        "endpoints.churn.variants: name: supply a value such as champion, got 'the--challenger'",
    ),
    "variants with and without a volume key": (
        "weight: 90",
        "weight: 90\n        instance_type: ml.g5.xlarge",
        "endpoints.churn.variants: supply instance types that all store on local NVMe, which takes no volume "
        "key, or none that does, got ml.g5.xlarge, ml.m5.large",
    ),
    "alarms on an endpoint that is not there": (
        "owner: ml-platform",
        "owner: ml-platform\nalarms: {churm: {}}",
        "alarms.churm: supply one of the endpoints (churn), got 'churm'",
    ),
    "a threshold that is none": (
        "owner: ml-platform",
        "owner: ml-platform\nalarms: {churn: {cpu_utilization_percent: 400}}",
        "alarms.churn.cpu_utilization_percent: supply at most 100, got 400",
    ),
    "a budget of nothing": (
        "owner: ml-platform",
        "owner: ml-platform\nbudget: {limit_usd_per_month: 0}",
        "budget.limit_usd_per_month: supply at least 1, got 0",
    ),
    "a time that YAML reads as a number": (
        "owner: ml-platform",
        "owner: ml-platform\noff_hours: {from_time: 20:00, to_time: '07:00', timezone: Europe/Berlin}",
        "off_hours.from_time: supply a string, got 1200",
    ),
    "null for what must be there": (
        "owner: ml-platform",
        "owner:",
        "owner: supply a string, got nothing",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_it_is_refused_in_one_line(tmp_path: Path, case: str) -> None:
    old, new, line = BAD[case]
    new = new.replace("ELSEWHERE", IMAGE.replace("eu-central-1", "eu-west-1")).replace("IMAGE", IMAGE)
    assert old in GOOD
    assert line in problems(tmp_path, GOOD.replace(old, new, 1))


def test_off_hours_in_production_are_refused(tmp_path: Path) -> None:
    text = GOOD.replace("production: false", "production: true").replace("min_capacity: 1", "min_capacity: 2")
    hours = "off_hours: {from_time: '20:00', to_time: '07:00', timezone: Europe/Berlin}\n"
    assert problems(tmp_path, text + hours) == [
        "off_hours: remove it where production is true: customers come at all hours"
    ]
    assert read("dev", write(tmp_path, text)).off_hours is None


def test_off_hours_beside_scheduled_actions_of_ones_own_are_refused(tmp_path: Path) -> None:
    own = "scheduled_actions: {night: {schedule: rate(1 day), min_capacity: 1, max_capacity: 2}}"
    text = GOOD.replace("max_capacity: 2", f"max_capacity: 2\n          {own}")
    hours = "off_hours: {from_time: '20:00', to_time: '07:00', timezone: Europe/Berlin}\n"
    assert problems(tmp_path, text + hours) == [
        f"{CHAMPION}.scaling.scheduled_actions: remove it where there are off_hours, which would undo it"
    ]


def test_a_budget_where_aws_has_none_is_refused(tmp_path: Path) -> None:
    text = GOOD.replace("eu-central-1", "us-gov-west-1") + "budget: {limit_usd_per_month: 100}\n"
    assert problems(tmp_path, text) == [
        "budget: remove it; there is none in us-gov-west-1, whose costs the account that pays has"
    ]


def test_every_endpoint_has_alarms_unless_the_file_says_otherwise(tmp_path: Path) -> None:
    assert read("dev", write(tmp_path, GOOD)).thresholds == {"churn": Thresholds()}
    said = GOOD + "alarms: {churn: {model_latency_p99_milliseconds: 300}}\n"
    assert read("dev", write(tmp_path, said)).thresholds == {
        "churn": Thresholds(model_latency_p99_milliseconds=300)
    }
    never = read("dev", write(tmp_path, GOOD + "alarms: {churn: null}\n"))
    assert never.thresholds == {}
    assert never.told_by == ()


def test_weights_of_which_none_is_above_0_are_refused(tmp_path: Path) -> None:
    (line,) = problems(tmp_path, re.sub(r"weight: \d+", "weight: 0", GOOD))
    assert line == "endpoints.churn.variants: supply a weight above 0 for at least one, got 0 for all"


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("weight: 90", 'weight: "90"').replace("min_capacity: 1", "min_capacity: 3")
    text = text.replace("challenger:\n        model: churn-v4", "challenger:\n        model: churn-v9")
    assert sorted(problems(tmp_path, text)) == [
        "endpoints.churn.variants.challenger.model: supply one of the models (churn-v4), got 'churn-v9'",
        f"{CHAMPION}.scaling.max_capacity: supply at least 3, got 2",
        f"{CHAMPION}.weight: supply an integer, got '90'",
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "supply a mapping of settings, got an empty file"),
        ("# only a comment\n", "supply a mapping of settings, got an empty file"),
        ("- a\n- b\n", "supply a mapping of settings, got a list"),
        ("just words", "supply a mapping of settings, got 'just words'"),
        ("a: [1, 2\nb: 3", "line 2: supply YAML, got expected ',' or ']', but got ':'"),
        ("a: *nowhere", "line 1: supply YAML, got found undefined alias 'nowhere'"),
        (
            "a: !!python/object:os.system {}",
            "line 1: supply YAML, got could not determine a constructor for the tag",
        ),
        ("a: &a [*a]", "supply YAML, got Circular reference detected"),
        ("a: \x00", "supply YAML, got "),
        ("--- 1\n--- 2\n", "line 2: supply YAML, got but found another document"),
    ],
)
def test_a_file_that_is_no_mapping_in_yaml_is_refused(tmp_path: Path, text: str, line: str) -> None:
    (found,) = problems(tmp_path, text)
    assert found.startswith(line)


def test_an_environment_that_is_not_there_is_answered_by_those_that_are(tmp_path: Path) -> None:
    folder = write(tmp_path, GOOD)
    write(tmp_path, GOOD, "prod")
    with pytest.raises(InvalidEnvironment) as refused:
        read("production", folder)
    assert str(refused.value) == (
        "environments/production.yaml: supply the name of an environment that is there: dev, prod; "
        "got 'production'"
    )


@pytest.mark.parametrize("name", ["Dev", "dev_1", "dev-eu", "1dev", "d" * 17])
def test_a_file_name_that_cannot_be_part_of_names_in_aws_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidEnvironment) as refused:
        read(name, write(tmp_path, GOOD, name))
    assert str(refused.value) == (
        f"environments/{name}.yaml: supply a file name of at most 16 lower-case letters and digits, "
        f"a letter first, got {name!r}"
    )


def test_the_problems_of_several_environments_are_told_at_once(tmp_path: Path) -> None:
    folder = write(tmp_path, "")
    write(tmp_path, "[]", "prod")
    with pytest.raises(InvalidEnvironment) as refused:
        read_all(["dev", "prod"], folder)
    assert [line.partition(":")[0] for line in str(refused.value).splitlines()] == [
        "environments/dev.yaml",
        "environments/prod.yaml",
    ]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path to everything in a document."""
    yield path
    for key, item in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield from places(item, (*path, key))


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8) | st.integers(), inner, max_size=3)
    ),
    max_leaves=5,
)


@settings(derandomize=True, max_examples=150, deadline=None, database=None)
@given(data=st.data())
def test_whatever_stands_in_a_file_it_is_read_or_refused_in_lines_that_name_it(data: st.DataObject) -> None:
    document = yaml.safe_load(GOOD)
    for _ in range(data.draw(st.integers(1, 3))):
        *above, last = data.draw(st.sampled_from([path for path in places(document) if path]))
        parent = document
        for key in above:
            parent = parent[key]
        if data.draw(st.booleans()):
            parent[last] = data.draw(ANYTHING)
        else:
            del parent[last]
    with TemporaryDirectory() as name:
        folder = write(Path(name), yaml.safe_dump(document))
        try:
            read("dev", folder)
        except InvalidEnvironment as error:
            lines = str(error).splitlines()
            assert lines
            assert all(line.startswith("environments/dev.yaml: ") for line in lines)
            return
    assert valid(yaml.safe_dump(document)), "an editor would complain of a file that is right"


def valid(text: str) -> bool:
    document = json.loads(json.dumps(yaml.safe_load(text), default=str))
    return bool(jsonschema.Draft202012Validator(schema()).is_valid(document))


@pytest.mark.parametrize("name", names(ENVIRONMENTS))
def test_an_editor_finds_the_committed_environments_right(name: str) -> None:
    text = (ENVIRONMENTS / f"{name}.yaml").read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=schema.json\n")
    assert valid(text)


@pytest.mark.parametrize(
    "case",
    [
        "an unknown key",
        "a misspelt key",
        "a number as string",
        "a fraction",
        "a number for a string",
        "a string for a bool",
        "a string for a list",
        "a list for a mapping",
        "a string for a value object",
        "a missing setting",
        "an account that is none",
        "a name that AWS would refuse",
        "a kind that is none",
        "a network without a kind",
        "an endpoint without a kind",
        "an endpoint of a kind that is none",
        "a variant without a model",
        "null for what must be there",
    ],
)
def test_an_editor_finds_wrong_keys_and_types_too(case: str) -> None:
    old, new, _ = BAD[case]
    assert valid(GOOD)
    assert not valid(GOOD.replace(old, new, 1))


def test_the_committed_schema_is_fresh(capsys: pytest.CaptureFixture[str]) -> None:
    from tools import schema as tool

    assert tool.main(["--check"]) == 0, capsys.readouterr().err


def test_a_stale_schema_is_told_and_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tools import schema as tool

    stale = tmp_path / "schema.json"
    stale.write_text("{}", encoding="utf-8")
    monkeypatch.setattr(tool, "TARGET", stale)
    assert tool.main(["--check"]) == 1
    assert "run: python tools/schema.py" in capsys.readouterr().err
    assert stale.read_text(encoding="utf-8") == "{}"
    assert tool.main([]) == 0
    assert json.loads(stale.read_text(encoding="utf-8")) == schema()


@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-central-1", "aws"), ("us-gov-west-1", "aws-us-gov")],
)
def test_the_partition_follows_from_the_region(tmp_path: Path, region: str, partition: str) -> None:
    assert read("dev", write(tmp_path, GOOD.replace("eu-central-1", region))).partition == partition


def test_the_features_follow_from_what_is_described(tmp_path: Path) -> None:
    text = GOOD + "model_package_groups: {churn: {}}\n"
    assert read("dev", write(tmp_path, GOOD)).features == ("inference",)
    assert read("dev", write(tmp_path, text)).features == ("inference", "registry")
