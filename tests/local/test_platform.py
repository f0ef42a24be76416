"""An environment that begins small: without models, then with them, by plain cdktf, and gone again."""

from __future__ import annotations

import pytest

from .checkout import Checkout, left_over

pytestmark = pytest.mark.local

NAMED = {"SAGEWRIGHT_ENVIRONMENT": "local"}


def test_an_environment_begins_without_models_gets_them_by_cdktf_and_goes(checkout: Checkout) -> None:
    checkout.slim("local")
    whole = checkout.document("local")
    checkout.write("local", {key: whole[key] for key in whole if key not in ("models", "endpoints")})
    demo = checkout.run("sagewright", "demo")
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert "describe-endpoint" not in demo.stdout

    checkout.write("local", whole)
    deployed = checkout.cdktf("deploy", "local-*", "--auto-approve", **NAMED)
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    assert "gate" in deployed.stdout
    assert checkout.endpoint("local", "churn")["EndpointStatus"] == "InService"

    destroyed = checkout.cdktf("destroy", "local-*", "--auto-approve", **NAMED)
    assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
    assert left_over(checkout, "local") == {}
