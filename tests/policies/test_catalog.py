"""The catalogue decides on every check that checkov has for the types that the modules make."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sagewright.gate import checks
from sagewright.gate.catalog import POLICIES, TERRAFORM_TYPE, PolicyError, read_standards, read_waivers
from sagewright.gate.rules import own_rules

from .conftest import CATALOG, RULES

ROOT = POLICIES.parent


def our_types() -> set[str]:
    return set((ROOT / "modules" / "_aws" / "resources.txt").read_text(encoding="utf-8").split())


def checkov_has() -> dict[str, str]:
    """Return checkov's checks for our types, by id."""
    checks.preload()
    with checks.quiet():
        from checkov.common.checks_infra.registry import get_graph_checks_registry
        from checkov.terraform.checks.resource.registry import resource_registry

        graph = get_graph_checks_registry("terraform")
        graph.load_checks()
    found: dict[str, str] = {}
    for type_ in our_types():
        found.update({check.id: check.name for check in resource_registry.get_checks(type_)})
    for check in graph.checks:
        if set(check.resource_types or ()) & our_types():
            found[check.id] = check.name
    return {id_: name for id_, name in found.items() if id_.startswith("CKV")}


def test_every_check_of_checkov_for_our_types_is_on_or_left_out_with_a_reason() -> None:
    decided = {rule.id for rule in RULES} | {check.id for check in CATALOG.left_out}
    undecided = {id_: name for id_, name in checkov_has().items() if id_ not in decided}
    assert not undecided, "add them to policies/catalog.yaml, under rules or left_out"


def test_nothing_is_left_out_that_checkov_does_not_have() -> None:
    assert not {check.id for check in CATALOG.left_out} - set(checkov_has())


def test_every_stateful_type_has_a_reason() -> None:
    (rule,) = (rule for rule in RULES if rule.id == "SW_STATEFUL_DELETE")
    assert isinstance(rule.types, dict)
    for type_, reason in rule.types.items():
        assert TERRAFORM_TYPE.fullmatch(type_)
        assert len(reason) > 15, type_


HOLDING = """
aws_cloudwatch_log_group aws_cognito_user_group aws_cognito_user_pool aws_ecr_repository
aws_glue_catalog_database aws_kms_key aws_s3_bucket aws_sagemaker_domain aws_sagemaker_feature_group
aws_sagemaker_mlflow_tracking_server aws_sagemaker_model_package_group aws_sagemaker_notebook_instance
aws_sagemaker_space aws_sagemaker_user_profile aws_sagemaker_workforce
"""


def test_what_must_not_be_lost_is_listed_and_nothing_else_that_the_modules_make() -> None:
    (rule,) = (rule for rule in RULES if rule.id == "SW_STATEFUL_DELETE")
    assert {type_ for type_ in our_types() if rule.is_for(type_)} == set(HOLDING.split())


def test_the_waivers_that_ship_are_understood() -> None:
    assert read_waivers(POLICIES, CATALOG) == []


SECURITY_HUB, PACK, OLDER_PACK = (standard for standard, _ in read_standards(POLICIES, CATALOG))


def test_the_lists_of_what_aws_asks_are_whole() -> None:
    """By what the lists say of themselves: 25 controls, 91 rules (4 of them custom), 15 rules."""
    assert list(SECURITY_HUB.controls) == [f"SageMaker.{number}" for number in range(1, 26)]
    assert len(PACK.controls) == 91
    assert sum(control.startswith("aiml-") for control in PACK.controls) == 4
    assert len(OLDER_PACK.controls) == 15


def test_no_rule_names_a_control_of_sagemaker_that_there_is_not() -> None:
    named = {control for rule in RULES for control in rule.security_hub if "SageMaker" in control}
    assert named <= set(SECURITY_HUB.controls)


@pytest.mark.parametrize(
    ("control", "reason", "problem"),
    [
        ("SageMaker.99", "", "SageMaker.99: supply a rule that names it, or a reason, got neither"),
        (
            "SageMaker.5",
            "It cannot be seen.",
            "SageMaker.5: supply no reason, as SW_MODEL_ISOLATION name it",
        ),
    ],
)
def test_a_control_has_either_rules_or_a_reason(
    tmp_path: Path, control: str, reason: str, problem: str
) -> None:
    standard = {"name": "A list of AWS", "source": "https://docs.aws.amazon.com/", "date": "2026-11-26"}
    text = json.dumps({"standards": [{**standard, "controls": {control: reason}}]})
    (tmp_path / "standards.yaml").write_text(text.replace('"2026-11-26"', "2026-11-26"), encoding="utf-8")
    with pytest.raises(PolicyError, match=re.escape(problem)):
        read_standards(tmp_path, CATALOG)


def test_at_least_forty_rules_are_ours() -> None:
    assert sum(rule.kind != "builtin" for rule in RULES) >= 40


def test_every_plan_rule_says_what_it_does() -> None:
    for id_, function in own_rules(POLICIES).items():
        assert function.__doc__, id_


def test_checks_are_for_the_types_that_the_catalogue_says() -> None:
    own = checks.own_checks(POLICIES)
    wanted = {rule.id: sorted(rule.types) for rule in RULES if rule.kind == "checkov"}
    assert {id_: sorted(check.supported_entities) for id_, check in own.items()} == wanted


def test_every_type_that_a_check_of_checkov_is_for_is_judged_or_left_out_with_a_reason() -> None:
    checks.preload()
    with checks.quiet():
        builtin = checks.builtin_checks(rule.id for rule in RULES)
    for rule in RULES:
        if rule.kind == "builtin":
            check = builtin[rule.id]
            types = set(getattr(check, "supported_entities", None) or check.resource_types)
            assert types - set(rule.types) == set(rule.leaves_out), rule.id


STATEFUL = """
aws_db_instance aws_rds_cluster aws_fsx_lustre_file_system aws_s3_directory_bucket aws_ebs_volume
aws_opensearch_domain aws_kms_external_key aws_backup_vault aws_dynamodb_global_table aws_redshift_cluster
aws_neptune_cluster aws_docdb_cluster aws_elasticache_replication_group aws_s3tables_table_bucket
"""


@pytest.mark.parametrize("name", STATEFUL.split())
def test_what_other_teams_keep_their_data_in_must_not_be_lost_either(name: str) -> None:
    (rule,) = (rule for rule in RULES if rule.id == "SW_STATEFUL_DELETE")
    assert rule.is_for(name)


def test_the_page_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "tools/policies_page.py", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_families_that_rules_and_modules_know_are_the_same_file() -> None:
    data = json.loads((ROOT / "modules" / "_core" / "instance_types.json").read_text(encoding="utf-8"))
    assert not set(data["nvme_families"]) & set(data["burstable_families"])
    assert {"g4dn", "g5", "p4d"} <= set(data["nvme_families"])
