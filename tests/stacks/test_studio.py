"""Studio: who works in it, and with which role."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.inventory import Inventory
from tests.stacks.conftest import Stacks


@pytest.mark.parametrize("name", ["local", "prod"])
def test_inventory(name: str, committed: Callable[[str], Stacks], inventory: Inventory) -> None:
    inventory(f"stacks/{name}-studio", committed(name)["studio"])


def test_each_profile_has_the_role_of_its_persona(committed: Callable[[str], Stacks]) -> None:
    studio = committed("prod")["studio"]
    roles = {
        name: profile["user_settings"]["execution_role"].rpartition("/")[2]
        for name, profile in studio.all("aws_sagemaker_user_profile").items()
    }
    assert roles == {
        "studio_audit_profile": "${aws_iam_role_policy.studio_viewer_role_policy.role}",
        "studio_grace_profile": "${aws_iam_role_policy.studio_ml_engineer_role_policy.role}",
        "studio_risk_profile": "${aws_iam_role_policy.studio_approver_role_policy.role}",
    }


def test_homes_outlive_a_protected_environments_domain_and_no_other(
    committed: Callable[[str], Stacks],
) -> None:
    kept = {
        name: committed(name)["studio"].one("aws_sagemaker_domain")["retention_policy"]
        for name in ("dev", "prod")
    }
    assert kept == {
        "dev": {"home_efs_file_system": "Delete"},
        "prod": {"home_efs_file_system": "Retain"},
    }
