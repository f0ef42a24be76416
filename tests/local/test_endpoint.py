"""A rollout that fails on the embedded AWS: it is reported, what was there stays live and can be restored."""

from __future__ import annotations

import pytest

from sagewright.terraform import TerraformFailed

from .conftest import Deployment
from .scenarios.endpoint import CHALLENGER, CHAMPION, ENDPOINT, live, names, surroundings

pytestmark = pytest.mark.local


def test_a_rollout_that_sagemaker_refuses_or_takes_back_in_silence_fails_and_can_be_reverted(
    deployment: Deployment,
) -> None:
    around = surroundings(deployment)
    first, second = around.stack("a", champion=CHAMPION), around.stack("b", champion=CHAMPION)
    deployment.plan(first)
    deployment.apply()
    before = live(deployment)["EndpointConfigName"]

    deployment.plan(around.stack("a", champion=CHAMPION, challenger=CHALLENGER))
    with pytest.raises(TerraformFailed, match="needs the same variant names"):
        deployment.apply()
    assert live(deployment)["EndpointConfigName"] == before

    deployment.fail("UpdateEndpoint", ENDPOINT, code="ResourceLimitExceeded", reason="no more instances")
    deployment.plan(second)
    with pytest.raises(TerraformFailed, match="no more instances"):
        deployment.apply()

    deployment.fail("UpdateEndpoint", ENDPOINT)
    deployment.plan(second)
    with pytest.raises(TerraformFailed, match="SageMaker took the rollout back"):
        deployment.apply()
    assert live(deployment)["EndpointConfigName"] == before
    assert before in names(deployment, "endpoint_configs")

    deployment.plan(first)
    deployment.apply()
    assert names(deployment, "endpoint_configs") == [live(deployment)["EndpointConfigName"]]
    assert len(names(deployment, "models")) == 1
    assert not deployment.plan(first)
