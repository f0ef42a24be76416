"""The bindings' type checks: as strict as jsii's own, and not made again and again."""

from __future__ import annotations

import typing
from pathlib import Path
from typing import Any

import pytest
import typeguard
from cdktf import App, TerraformStack

from modules._aws.cloudwatch_metric_alarm import CloudwatchMetricAlarm, CloudwatchMetricAlarmMetricQuery
from modules._aws.sns_topic import SnsTopic
from modules._core import typechecks

TYPES = {
    name: hint
    for class_ in (CloudwatchMetricAlarm, CloudwatchMetricAlarmMetricQuery)
    for name, hint in typing.get_type_hints(class_.__init__).items()
}
VALUES: list[Any] = [None, "", "a", True, 0, 1, 0.5, ["a"], [1], {"a": "b"}, {"a": 1}, b"a"]


@pytest.fixture
def stack(tmp_path: Path) -> TerraformStack:
    return TerraformStack(App(outdir=str(tmp_path)), "test")


def accepted(check: Any, value: object, expected: Any) -> bool:
    try:
        check("it", value, expected)
    except TypeError:
        return False
    return True


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_is_refused_when_typeguard_refuses_it_also_the_second_time(value: object) -> None:
    right = {name: accepted(typeguard.check_type, value, type_) for name, type_ in TYPES.items()}
    assert set(right.values()) == {True, False}
    for _ in range(2):
        ours = {name: accepted(typechecks.check_type, value, type_) for name, type_ in TYPES.items()}
        assert ours == right


def test_an_argument_of_another_type_is_named(stack: TerraformStack) -> None:
    wrong: Any = 5
    for id_ in ("one", "two"):
        with pytest.raises(TypeError, match=r"argument display_name must be .*; got int instead"):
            SnsTopic(stack, id_, display_name=wrong)
    with pytest.raises(TypeError, match="argument alarm_actions"):
        CloudwatchMetricAlarm(
            stack,
            "alarm",
            alarm_name="a",
            comparison_operator="GreaterThanThreshold",
            evaluation_periods=1,
            alarm_actions=[wrong],
        )
    with pytest.raises(TypeError, match="argument id must be str; got int instead"):
        CloudwatchMetricAlarmMetricQuery(id=wrong)


def test_type_hints_are_looked_up_once_and_none_at_import(stack: TerraformStack) -> None:
    assert {type(hint) for hint in SnsTopic.__init__.__annotations__.values()} == {str}
    SnsTopic(stack, "one", name="one")
    looked_up = typechecks.hints_of.cache_info().misses
    SnsTopic(stack, "two", name="two")
    assert typechecks.hints_of.cache_info().misses == looked_up
