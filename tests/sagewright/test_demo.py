"""What the demo says of an endpoint."""

from __future__ import annotations

from typing import Any

import pytest

from sagewright.demo import variants
from sagewright.verify import Resource


def resource(type_: str, **values: Any) -> Resource:
    return Resource(address=f"{type_}.churn", type=type_, values=values, depends_on=frozenset())


@pytest.mark.parametrize(
    ("runs_on", "said"),
    [
        (
            {"initial_instance_count": 2, "instance_type": "ml.m5.large", "serverless_config": []},
            "champion: weight 90, 2 x ml.m5.large, scales 1 to 4",
        ),
        (
            {"serverless_config": [{"memory_size_in_mb": 2048, "max_concurrency": 5}]},
            "champion: weight 90, 2048 MB, 5 at once, scales 1 to 4",
        ),
    ],
)
def test_each_variant_is_told_with_its_weight_what_it_runs_on_and_its_bounds(
    runs_on: dict[str, Any], said: str
) -> None:
    variant = {"variant_name": "champion", "initial_variant_weight": 90.0, **runs_on}
    made = [
        resource("aws_sagemaker_endpoint_configuration", name="old", production_variants=[{}]),
        resource("aws_sagemaker_endpoint_configuration", name="new", production_variants=[variant]),
        resource(
            "aws_appautoscaling_target",
            resource_id="endpoint/churn/variant/champion",
            min_capacity=1,
            max_capacity=4,
        ),
    ]
    assert variants(made, {"name": "churn", "endpoint_config_name": "new"}) == said
