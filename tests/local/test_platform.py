"""An environment that begins small: without models, then with them, by plain cdktf, and gone again."""

from __future__ import annotations

import json

import pytest

from .checkout import Checkout, left_over

pytestmark = pytest.mark.local

NAMED = {"SAGEWRIGHT_ENVIRONMENT": "local"}
IMAGE = f"222233334444.dkr.ecr.eu-central-1.amazonaws.com/churn@sha256:{'a' * 64}"


def approved_version(checkout: Checkout) -> str:
    """Register a version of the model and approve it; return its ARN."""
    sagemaker = checkout.client("sagemaker", "local")
    made = sagemaker.create_model_package(
        ModelPackageGroupName="acme-local-churn",
        InferenceSpecification={
            "Containers": [{"Image": IMAGE}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )
    arn: str = made["ModelPackageArn"]
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    return arn


def planned(checkout: Checkout) -> dict[str, list[str]]:
    """Return what the plans that were made last do, by address."""
    return {
        change["address"]: change["change"]["actions"]
        for path in (checkout.project.work / "plans").glob("*.json")
        for change in json.loads(path.read_text())["resource_changes"]
        if change["mode"] == "managed" and change["change"]["actions"] != ["no-op"]
    }


def test_an_environment_begins_without_models_gets_them_by_cdktf_and_goes(checkout: Checkout) -> None:
    checkout.slim("local")
    whole = checkout.document("local")
    checkout.write("local", {key: whole[key] for key in whole if key not in ("models", "endpoints")})
    demo = checkout.run("sagewright", "demo")
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert "describe-endpoint" not in demo.stdout
    verified = checkout.sagewright("verify", "-e", "local")["verify"]
    assert [finding["address"] for finding in verified if finding["ok"]] == [
        "aws_sagemaker_model_package_group.churn_model_package_group"
    ] * len(verified)

    checkout.write("local", whole)
    deployed = checkout.cdktf("deploy", "local-*", "--auto-approve", **NAMED)
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    assert "gate" in deployed.stdout
    assert checkout.endpoint("local", "churn")["EndpointStatus"] == "InService"
    diff = checkout.cdktf("diff", "local-serving", **NAMED)
    assert diff.returncode == 0, diff.stdout + diff.stderr
    assert "No changes" in diff.stdout

    first, second = approved_version(checkout), approved_version(checkout)
    with_version = checkout.document("local")
    with_version["models"]["churn-v4"] = {"kind": "ModelPackage", "model_package_arn": first}
    checkout.write("local", with_version)
    assert checkout.sagewright("models", "pin", "-e", "local", "churn-v4")["after"] == second
    gate = checkout.sagewright("plan", "-e", "local")["gate"]
    states = [
        one["state"] for one in gate["results"] if one["rule"] == "SW_MODEL_APPROVAL" and one["touched"]
    ]
    assert (gate["verdict"], states) == ("open", ["pass"])
    assert planned(checkout) == {
        "aws_cloudwatch_metric_alarm.churn_endpoint_errors": ["update"],
        "aws_cloudwatch_metric_alarm.churn_endpoint_latency": ["update"],
        "aws_cloudwatch_metric_alarm.churn_endpoint_model_errors": ["update"],
        "aws_sagemaker_endpoint.churn_endpoint": ["update"],
        "aws_sagemaker_endpoint_configuration.churn_endpoint_configuration": ["create", "delete"],
        "aws_sagemaker_model.churn_v4_model": ["create", "delete"],
        "terraform_data.churn_v4_model_revision": ["create", "delete"],
    }, "the endpoint is updated in place, to a configuration and a model made beside the old ones"
    assert len(checkout.sagewright("cleanup", "model-packages", "-e", "local")["deleted"]) == 2

    destroyed = checkout.cdktf("destroy", "local-*", "--auto-approve", **NAMED)
    assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
    assert left_over(checkout, "local") == {}
