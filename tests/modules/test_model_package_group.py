"""Model package group: who may use it, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from modules.model_package_group import Approvals, ModelPackageGroup, ModelPackageGroupConfig
from tests.conftest import Synth
from tests.inventory import Inventory

CONFIG = ModelPackageGroupConfig(
    name="acme-dev-churn",
    account_id="111122223333",
    region="eu-west-1",
    description="Customers who are about to leave.",
    reader_account_ids=("222233334444",),
    deployer_account_ids=("333344445555",),
)
GROUP = "arn:aws:sagemaker:eu-west-1:111122223333:model-package-group/acme-dev-churn"
VERSIONS = "arn:aws:sagemaker:eu-west-1:111122223333:model-package/acme-dev-churn/*"


def test_a_group_that_two_accounts_use_is_what_the_inventory_says(synth: Synth, inventory: Inventory) -> None:
    inventory("modules/model_package_group", synth(ModelPackageGroup, CONFIG))


def test_a_group_that_no_other_account_uses_has_no_policy(synth: Synth) -> None:
    own = replace(CONFIG, reader_account_ids=(), deployer_account_ids=())
    assert synth(ModelPackageGroup, own).addresses == ["aws_sagemaker_model_package_group.this"]


def test_readers_look_and_deployers_look_and_make_models(synth: Synth) -> None:
    read, deploy = synth(ModelPackageGroup, CONFIG).policy(
        "aws_sagemaker_model_package_group_policy", attribute="resource_policy"
    )
    assert read["Principal"] == {"AWS": ["arn:aws:iam::222233334444:root", "arn:aws:iam::333344445555:root"]}
    assert read["Action"] == [
        "sagemaker:DescribeModelPackage",
        "sagemaker:DescribeModelPackageGroup",
        "sagemaker:ListModelPackages",
    ]
    assert deploy["Principal"] == {"AWS": ["arn:aws:iam::333344445555:root"]}
    assert deploy["Action"] == ["sagemaker:CreateModel"]


def test_the_policy_speaks_of_this_group_only_and_to_nobody_in_general(synth: Synth) -> None:
    statements = synth(ModelPackageGroup, CONFIG).policy(
        "aws_sagemaker_model_package_group_policy", attribute="resource_policy"
    )
    for statement in statements:
        assert set(statement["Resource"]) <= {GROUP, VERSIONS}
        assert "*" not in statement["Action"]
        assert all(arn.endswith(":root") for arn in statement["Principal"]["AWS"])


def test_who_registers_a_version_cannot_approve_it(synth: Synth) -> None:
    made: list[ModelPackageGroup] = []
    synth(lambda stack: made.append(ModelPackageGroup(stack, "churn", CONFIG)))
    register, approve = made[0].register(), made[0].approve()
    assert "sagemaker:UpdateModelPackage" not in register.actions
    assert register.conditions == {
        "StringEqualsIfExists": {"sagemaker:ModelApprovalStatus": "PendingManualApproval"}
    }
    assert approve.actions == ("sagemaker:UpdateModelPackage",)
    assert approve.resources == (VERSIONS,)


def test_readers_are_given_the_group_and_its_versions(synth: Synth) -> None:
    made: list[ModelPackageGroup] = []
    synth(lambda stack: made.append(ModelPackageGroup(stack, "churn", CONFIG)))
    assert made[0].read().resources == (GROUP, VERSIONS)


def test_arns_are_written_for_the_partition(synth: Synth) -> None:
    govcloud = replace(CONFIG, partition="aws-us-gov", region="us-gov-west-1")
    (read, _) = synth(ModelPackageGroup, govcloud).policy(
        "aws_sagemaker_model_package_group_policy", attribute="resource_policy"
    )
    assert read["Principal"]["AWS"][0] == "arn:aws-us-gov:iam::222233334444:root"
    assert read["Resource"][0].startswith("arn:aws-us-gov:sagemaker:us-gov-west-1:")


def test_names_and_accounts_that_terraform_knows_later_pass(synth: Synth) -> None:
    token = "${aws_ssm_parameter.x.value}"
    group = synth(ModelPackageGroup, replace(CONFIG, name=token, reader_account_ids=(token,)))
    assert group.one("aws_sagemaker_model_package_group")["model_package_group_name"] == token


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "churn_model"}, "name: supply a value such as acme-dev-churn, got 'churn_model'"),
        ({"name": "c" * 64}, "name: supply at most 63 characters, got 64"),
        ({"description": "d" * 1025}, "description: supply at most 1024 characters, got 1025"),
        (
            {"description": "Churn\n"},
            r"description: supply a text without line breaks and other control characters, got 'Churn\\n'",
        ),
        ({"account_id": "1234"}, "account_id: supply a value such as 111122223333, got '1234'"),
        (
            {"reader_account_ids": ("*",)},
            r"reader_account_ids: supply a value such as 111122223333, got '\*'",
        ),
        ({"deployer_account_ids": ("*",)}, "deployer_account_ids: supply a value such as 111122223333"),
        ({"deployer_account_ids": ("222233334444",)}, "supply each once, got '222233334444' twice"),
        ({"reader_account_ids": ("111122223333",)}, "supply other accounts than the group's own"),
    ],
    ids=[
        "a name with an underscore",
        "a name that is too long",
        "a description that is too long",
        "a description with a control character",
        "an account id that is too short",
        "everybody as a reader",
        "everybody as a deployer",
        "an account that is reader and deployer",
        "the group's own account",
    ],
)
def test_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **change)  # type: ignore[arg-type]


BUS = "arn:aws:events:eu-west-1:444455556666:event-bus/acme-prod-models"
ROLE = "arn:aws:iam::111122223333:role/approvals"


def test_approvals_and_rejections_of_this_group_are_told_to_the_bus(synth: Synth) -> None:
    told = replace(CONFIG, approvals=Approvals(event_bus_arn=BUS), events_role_arn=ROLE)
    made = synth(ModelPackageGroup, told)
    pattern = json.loads(made.one("aws_cloudwatch_event_rule")["event_pattern"])
    assert pattern == {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {
            "ModelPackageGroupName": ["acme-dev-churn"],
            "ModelApprovalStatus": ["Approved", "Rejected"],
        },
    }
    target = made.one("aws_cloudwatch_event_target")
    assert (target["arn"], target["role_arn"]) == (BUS, ROLE)
    assert target["rule"] == "${aws_cloudwatch_event_rule.approvals.name}"


def test_the_role_of_the_events_puts_on_that_bus_only() -> None:
    statement = Approvals(event_bus_arn=BUS).put()
    assert (statement.actions, statement.resources) == (("events:PutEvents",), (BUS,))


def test_what_is_told_needs_a_bus_a_role_and_a_name_that_leaves_room() -> None:
    with pytest.raises(ValueError, match="event_bus_arn: supply a value such as arn:aws:events:"):
        Approvals(event_bus_arn="default")
    with pytest.raises(
        ValueError, match="events_role_arn: supply the role that hands approvals over, got none"
    ):
        replace(CONFIG, approvals=Approvals(event_bus_arn=BUS))
    with pytest.raises(
        ValueError, match="name, where approvals are told: supply at most 54 characters, got 55"
    ):
        replace(CONFIG, name="a" * 55, approvals=Approvals(event_bus_arn=BUS), events_role_arn=ROLE)
