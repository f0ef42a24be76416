"""SageMaker model package group: the versions of one model, and which accounts may use them."""

from __future__ import annotations

import json

from constructs import Construct

from .._aws.cloudwatch_event_rule import CloudwatchEventRule
from .._aws.cloudwatch_event_target import CloudwatchEventTarget
from .._aws.sagemaker_model_package_group import SagemakerModelPackageGroup
from .._aws.sagemaker_model_package_group_policy import SagemakerModelPackageGroupPolicy
from .._core import Principal, Statement, distinct, document, matches, record, refuse, when
from .._core.checks import no_longer_than, printable

READ = (
    "sagemaker:DescribeModelPackage",
    "sagemaker:DescribeModelPackageGroup",
    "sagemaker:ListModelPackages",
)

EVENT_BUS = r"arn:aws[a-z-]*:events:[a-z0-9-]+:\d{12}:event-bus/[\w./-]+"


@record
class Approvals:
    """Where it is told that a version was approved or rejected.

    https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
    """

    event_bus_arn: str
    """Event bus, of another account as a rule, whose policy lets this account put events."""

    def __post_init__(self) -> None:
        refuse(
            matches(
                "event_bus_arn",
                self.event_bus_arn,
                EVENT_BUS,
                "arn:aws:events:eu-central-1:222233334444:event-bus/default",
            )
        )

    def put(self) -> Statement:
        """Return what the role needs with which EventBridge hands the events over."""
        return Statement(actions=("events:PutEvents",), resources=(self.event_bus_arn,))


@record
class ModelPackageGroupConfig:
    """A group for the versions of one model; other accounts see it only when they are named."""

    name: str
    """The group's name, at most 63 characters."""
    account_id: str
    """Account that the group is in."""
    region: str
    """Region that the group is in."""
    partition: str = "aws"
    """`aws` or `aws-us-gov`."""
    description: str | None = None
    """What the model is for, at most 1024 characters without line breaks."""
    reader_account_ids: tuple[str, ...] = ()
    """Other accounts that may look at the group and its versions."""
    deployer_account_ids: tuple[str, ...] = ()
    """Other accounts that may look, and make models of its versions; share artifacts and images, too."""
    approvals: Approvals | None = None
    """Where approvals and rejections are told; nowhere by default."""
    events_role_arn: str | None = None
    """Role with which EventBridge hands them over, trusted to `events.amazonaws.com`: `Approvals.put()`."""

    def __post_init__(self) -> None:
        accounts = (*self.reader_account_ids, *self.deployer_account_ids)
        refuse(
            matches("name", self.name, "[a-zA-Z0-9](-*[a-zA-Z0-9])*", "acme-dev-churn"),
            no_longer_than("name", self.name, 63),
            no_longer_than("description", self.description, 1024),
            printable("description", self.description),
            *(
                matches(field, account, r"\d{12}", "111122223333")
                for field, ids in (
                    ("account_id", (self.account_id,)),
                    ("reader_account_ids", self.reader_account_ids),
                    ("deployer_account_ids", self.deployer_account_ids),
                )
                for account in ids
            ),
            distinct("reader_account_ids, deployer_account_ids", accounts),
            when(
                self.account_id in accounts,
                f"reader_account_ids, deployer_account_ids: supply other accounts than the group's own, "
                f"which IAM governs; got {self.account_id}",
            ),
            when(
                self.approvals and self.events_role_arn is None,
                "events_role_arn: supply the role that hands approvals over, got none",
            ),
            no_longer_than("name, where approvals are told", self.name, 54) if self.approvals else None,
        )


@record
class ModelPackageGroupOutputs:
    """What others need of a model package group."""

    name: str
    """What `CreateModelPackage` takes."""
    arn: str


class ModelPackageGroup(Construct):
    """The versions are made outside of Terraform, and AWS deletes no group that has some.

    https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry.html
    """

    def __init__(self, scope: Construct, id_: str, config: ModelPackageGroupConfig) -> None:
        super().__init__(scope, id_)
        home = f"arn:{config.partition}:sagemaker:{config.region}:{config.account_id}"
        self._arn = f"{home}:model-package-group/{config.name}"
        self._version_arns = f"{home}:model-package/{config.name}/*"
        group = SagemakerModelPackageGroup(
            self,
            "this",
            model_package_group_name=config.name,
            model_package_group_description=config.description,
        )
        if config.reader_account_ids or config.deployer_account_ids:
            SagemakerModelPackageGroupPolicy(
                self,
                "policy",
                model_package_group_name=group.model_package_group_name,
                resource_policy=document(*self._shared_with(config)),
            )
        if config.approvals:
            self._tell(config.name, config.approvals, config.events_role_arn)
        self.outputs = ModelPackageGroupOutputs(name=group.model_package_group_name, arn=group.arn)

    def _tell(self, name: str, approvals: Approvals, role_arn: str | None) -> None:
        pattern = {
            "source": ["aws.sagemaker"],
            "detail-type": ["SageMaker Model Package State Change"],
            "detail": {"ModelPackageGroupName": [name], "ModelApprovalStatus": ["Approved", "Rejected"]},
        }
        rule = CloudwatchEventRule(
            self,
            "approvals",
            name=f"{name}-approvals",
            description=f"Versions of {name} that were approved or rejected",
            event_pattern=json.dumps(pattern, sort_keys=True),
        )
        CloudwatchEventTarget(
            self, "approvals_target", rule=rule.name, arn=approvals.event_bus_arn, role_arn=role_arn
        )

    def register(self) -> Statement:
        """Return what adds versions, and only such as wait for approval: nobody approves their own.

        https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html
        """
        return Statement(
            actions=("sagemaker:AddTags", "sagemaker:CreateModelPackage"),
            resources=(self._arn, self._version_arns),
            conditions={"StringEqualsIfExists": {"sagemaker:ModelApprovalStatus": "PendingManualApproval"}},
        )

    def read(self) -> Statement:
        """Return what looks at the group and its versions."""
        return Statement(actions=READ, resources=(self._arn, self._version_arns))

    def approve(self) -> Statement:
        """Return what approves or rejects versions."""
        return Statement(actions=("sagemaker:UpdateModelPackage",), resources=(self._version_arns,))

    def _shared_with(self, config: ModelPackageGroupConfig) -> list[Statement]:
        """Return the resource policy; each account's own IAM decides who in it may."""
        readers = sorted((*config.reader_account_ids, *config.deployer_account_ids))
        statements = [
            Statement(
                sid="Read",
                principals=(Principal.accounts(readers, config.partition),),
                actions=READ,
                resources=(self._arn, self._version_arns),
            )
        ]
        if config.deployer_account_ids:
            statements.append(
                Statement(
                    sid="Deploy",
                    principals=(Principal.accounts(sorted(config.deployer_account_ids), config.partition),),
                    actions=("sagemaker:CreateModel",),
                    resources=(self._version_arns,),
                )
            )
        return statements
