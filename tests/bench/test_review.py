"""The benchmark of the review is on a plan of the size that it says."""

from __future__ import annotations

from bench.review import SERVICES, configuration


def test_the_plan_has_a_thousand_resources() -> None:
    resources = configuration(SERVICES)["resource"]
    assert sum(len(named) for named in resources.values()) == 1000
