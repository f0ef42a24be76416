"""The process environment of the project's tools."""

from __future__ import annotations

import pytest

from sagewright import target
from sagewright.project import Project


def test_the_users_settings_of_terraform_lead_nowhere(
    checkout: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "TF_DATA_DIR",
        "TF_WORKSPACE",
        "TF_CLI_ARGS",
        "TF_CLI_ARGS_apply",
        "TF_CLI_CONFIG_FILE",
        "TF_PLUGIN_CACHE_DIR",
        "TF_REATTACH_PROVIDERS",
        "TF_VAR_plan_gate",
    ):
        monkeypatch.setenv(name, "theirs")
    monkeypatch.setenv("TF_LOG", "debug")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
    variables = checkout.variables()
    assert {name: value for name, value in variables.items() if name.startswith("TF_")} == {
        "TF_CLI_CONFIG_FILE": str(checkout.work / "terraform.rc"),
        "TF_IN_AUTOMATION": "true",
        "TF_INPUT": "false",
        "TF_LOG": "debug",
    }
    assert variables["HTTPS_PROXY"] == "http://proxy"
    assert variables["TERRAFORM_BINARY_NAME"] == str(checkout.gate)


@pytest.mark.parametrize(("value", "meant"), [("1", True), ("yes", True), ("", False), ("0", False)])
def test_the_embedded_aws_is_asked_for_by_a_variable(value: str, meant: bool) -> None:
    assert target.local({"SAGEWRIGHT_LOCAL": value}) is meant
    assert target.local({}) is False
