"""Labeling by your own people: the private workforce, its work teams, and the pages of their tasks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cdktf import Fn, TerraformResourceLifecycle
from constructs import Construct

from .._aws.sagemaker_human_task_ui import SagemakerHumanTaskUi, SagemakerHumanTaskUiUiTemplate
from .._aws.sagemaker_workforce import (
    SagemakerWorkforce,
    SagemakerWorkforceCognitoConfig,
    SagemakerWorkforceOidcConfig,
    SagemakerWorkforceSourceIpConfig,
)
from .._aws.sagemaker_workteam import (
    SagemakerWorkteam,
    SagemakerWorkteamMemberDefinition,
    SagemakerWorkteamMemberDefinitionCognitoMemberDefinition,
    SagemakerWorkteamMemberDefinitionOidcMemberDefinition,
    SagemakerWorkteamNotificationConfiguration,
    SagemakerWorkteamWorkerAccessConfiguration,
    SagemakerWorkteamWorkerAccessConfigurationS3Presign,
    SagemakerWorkteamWorkerAccessConfigurationS3PresignIamPolicyConstraints,
)
from .._core import Principal, Statement, matches, not_empty, record, refuse, unresolved, when
from .._core.checks import no_longer_than
from .._core.revision import Revision
from . import cognito
from .decisions import RESERVED, TASK_UI, Cognito, Oidc, Team, Workers

LOG_GROUPS = ("/aws/sagemaker/LabelingJobs", "/aws/sagemaker/groundtruth/WorkerActivity")
"""Where SageMaker writes what labeling jobs and people do; all of an account and region share them."""

S3_URI = "s3://[^/]+(/.*)?"


@record
class LabelingConfig:
    """Who labels, and the names of everything that is made for it."""

    name: str
    """Start of all names, at most 63 characters; a workforce that is made has it alone."""
    workers: Workers
    """Workforce, teams and pages."""
    account_id: str
    """Account that the workforce is in."""
    region: str
    """Region that the workforce is in."""
    partition: str = "aws"
    """`aws` or `aws-us-gov`."""
    notification_topic_arn: str | None = None
    """SNS topic that tells of new jobs; its policy has the statement of `publish_to(…)`."""
    oidc_client_secret: str | None = None
    """Secret of the client of an `Oidc` workforce: a sensitive Terraform variable or the like, never the
    text itself. Terraform keeps it in its state all the same: encrypt that."""

    def __post_init__(self) -> None:
        workforce, secret = self.workers.workforce, self.oidc_client_secret
        refuse(
            matches("name", self.name, "[a-zA-Z0-9](-*[a-zA-Z0-9])*", "acme-prod-labeling"),
            no_longer_than("name", self.name, 63),
            *(no_longer_than(f"name, workers.teams.{key}", self.team(key), 63) for key in self.workers.teams),
            *(
                problem
                for key in self.workers.task_uis
                for problem in (
                    matches(f"name, workers.task_uis.{key}", f"{self.name}-{key}", TASK_UI, "acme-dev-box"),
                    no_longer_than(f"name, workers.task_uis.{key}", f"{self.name}-{key}", 54),
                )
            ),
            *self._is_domain(),
            matches(
                "notification_topic_arn",
                self.notification_topic_arn,
                r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w.-]+",
                "arn:aws:sns:eu-west-1:111122223333:acme-prod-labeling",
            ),
            when(
                isinstance(workforce, Oidc) and secret is None,
                "oidc_client_secret: supply the secret of the Oidc workforce's client, got none",
            ),
            when(
                not isinstance(workforce, Oidc) and secret is not None,
                "oidc_client_secret: supply none, since the workforce is not of the kind Oidc; got one",
            ),
            when(
                secret is not None and not unresolved(secret),
                "oidc_client_secret: supply what only Terraform resolves, such as a sensitive variable; "
                "got a text in clear",
            ),
        )

    def _is_domain(self) -> Iterator[str | None]:
        if isinstance(self.workers.workforce, Cognito) and not self.workers.workforce.domain:
            yield matches("name, account_id", self.domain, RESERVED, "acme-prod-labeling-111122223333")
            yield no_longer_than("name, account_id", self.domain, 63)

    def team(self, key: str) -> str:
        """Return the name of a team in AWS."""
        return f"{self.name}-{key}"

    @property
    def domain(self) -> str:
        """Start of the host of a Cognito workforce's sign-in pages."""
        workforce = self.workers.workforce
        decided = workforce.domain if isinstance(workforce, Cognito) else None
        return decided or f"{self.name}-{self.account_id}"


@record
class LabelingOutputs:
    """What others need of labeling."""

    workforce_name: str
    """The workforce's name, whoever made it."""
    workteam_arns: Mapping[str, str]
    """What `CreateLabelingJob` takes as `WorkteamArn`, by the team's name."""
    human_task_ui_arns: Mapping[str, str]
    """What `CreateFlowDefinition` takes as `HumanTaskUiArn`, by the page's name."""
    portal_host: str
    """Host of the portal in which people find their tasks."""
    user_pool_id: str | None
    """Pool to which people are added; none when their identity provider is another one."""


@dataclass(frozen=True, kw_only=True)
class _Members:
    """How groups are named to SageMaker: in a user pool, or else by an identity provider."""

    user_pool_id: str | None = None
    client_id: str | None = None
    made: Mapping[str, str] = field(default_factory=dict)
    """Names of the groups that are made here, known once they are there."""

    def of(self, groups: tuple[str, ...]) -> list[SagemakerWorkteamMemberDefinition]:
        """Return who is in a team."""
        if self.user_pool_id is None or self.client_id is None:
            oidc = SagemakerWorkteamMemberDefinitionOidcMemberDefinition(groups=sorted(groups))
            return [SagemakerWorkteamMemberDefinition(oidc_member_definition=oidc)]
        return [
            SagemakerWorkteamMemberDefinition(
                cognito_member_definition=SagemakerWorkteamMemberDefinitionCognitoMemberDefinition(
                    user_pool=self.user_pool_id,
                    client_id=self.client_id,
                    user_group=self.made.get(group, group),
                )
            )
            for group in sorted(groups)
        ]


class Labeling(Construct):
    """Teams and pages, and a workforce where there is none yet; labeling jobs are made by who needs them.

    https://docs.aws.amazon.com/sagemaker/latest/dg/sms-workforce-management.html
    """

    def __init__(self, scope: Construct, id_: str, config: LabelingConfig) -> None:
        super().__init__(scope, id_)
        self._config = config
        decided = config.workers.workforce
        if isinstance(decided, Cognito):
            name, members, teams = self._with_user_pool(decided)
        elif isinstance(decided, Oidc):
            name, members = self._with_identity_provider(decided).workforce_name, _Members()
            teams = self._teams(name, members)
        else:
            name = decided.name
            members = _Members(user_pool_id=decided.user_pool_id, client_id=decided.client_id)
            teams = self._teams(name, members)
        self.outputs = LabelingOutputs(
            workforce_name=name,
            workteam_arns={key: team.arn for key, team in teams.items()},
            human_task_ui_arns={
                key: self._page(key, template).arn
                for key, template in sorted(config.workers.task_uis.items())
            },
            portal_host=next(iter(teams.values())).subdomain,
            user_pool_id=members.user_pool_id,
        )

    def create_jobs(self) -> tuple[Statement, ...]:
        """Return what a role needs to give labeling jobs to these teams, and not to the public or others.

        The jobs' names start with the module's name. The role must be allowed to pass the jobs' role, too.
        """
        config = self._config
        home = f"arn:{config.partition}:sagemaker:{config.region}:{config.account_id}"
        jobs = (f"{home}:labeling-job/{config.name}-*",)
        teams = tuple(
            f"{home}:workteam/private-crowd/{config.team(key)}" for key in sorted(config.workers.teams)
        )
        return (
            Statement(
                actions=("sagemaker:CreateLabelingJob",),
                resources=jobs,
                conditions={"ArnEquals": {"sagemaker:WorkteamArn": teams}},
            ),
            Statement(
                actions=("sagemaker:AddTags", "sagemaker:DescribeLabelingJob", "sagemaker:StopLabelingJob"),
                resources=jobs,
            ),
            Statement(actions=("sagemaker:DescribeWorkteam",), resources=teams),
        )

    def _with_user_pool(self, decided: Cognito) -> tuple[str, _Members, dict[str, SagemakerWorkteam]]:
        """Make pool, client, domain and groups, the workforce of them, and its teams."""
        name = self._config.name
        pool = cognito.user_pool(self, name, decided)
        client = cognito.client(self, name, pool)
        domain = cognito.domain(self, self._config.domain, pool)
        groups = cognito.groups(self, decided, pool)
        workforce = SagemakerWorkforce(
            self,
            "this",
            workforce_name=name,
            cognito_config=SagemakerWorkforceCognitoConfig(
                client_id=client.id, user_pool=domain.user_pool_id
            ),
            source_ip_config=SagemakerWorkforceSourceIpConfig(cidrs=list(decided.source_ip_cidrs)),
        )
        members = _Members(
            user_pool_id=domain.user_pool_id,
            client_id=client.id,
            made={key: group.name for key, group in groups.items()},
        )
        teams = self._teams(workforce.workforce_name, members)
        cognito.way_back(self, name, pool, workforce, *teams.values())
        return workforce.workforce_name, members, teams

    def _with_identity_provider(self, decided: Oidc) -> SagemakerWorkforce:
        """Make a workforce that trusts an identity provider."""
        return SagemakerWorkforce(
            self,
            "this",
            workforce_name=self._config.name,
            oidc_config=SagemakerWorkforceOidcConfig(
                client_id=decided.client_id,
                client_secret=self._config.oidc_client_secret or "",
                issuer=decided.issuer,
                authorization_endpoint=decided.authorization_endpoint,
                token_endpoint=decided.token_endpoint,
                user_info_endpoint=decided.user_info_endpoint,
                logout_endpoint=decided.logout_endpoint,
                jwks_uri=decided.jwks_uri,
            ),
            source_ip_config=SagemakerWorkforceSourceIpConfig(cidrs=list(decided.source_ip_cidrs)),
        )

    def _teams(self, workforce_name: str, members: _Members) -> dict[str, SagemakerWorkteam]:
        return {
            key: self._team(key, team, workforce_name, members)
            for key, team in sorted(self._config.workers.teams.items())
        }

    def _team(self, key: str, team: Team, workforce_name: str, members: _Members) -> SagemakerWorkteam:
        topic_arn = self._config.notification_topic_arn
        return SagemakerWorkteam(
            self,
            f"{key}_team",
            workteam_name=self._config.team(key),
            workforce_name=workforce_name,
            description=team.description,
            member_definition=members.of(team.groups),
            notification_configuration=SagemakerWorkteamNotificationConfiguration(
                notification_topic_arn=topic_arn
            )
            if topic_arn
            else None,
            worker_access_configuration=SagemakerWorkteamWorkerAccessConfiguration(
                s3_presign=SagemakerWorkteamWorkerAccessConfigurationS3Presign(
                    iam_policy_constraints=_constraints(team.s3_presign)
                )
            ),
        )

    def _page(self, key: str, template: str) -> SagemakerHumanTaskUi:
        """Make a page. AWS never changes one, so each change makes one of a new name."""
        digest = hashlib.sha256(template.encode()).hexdigest()
        revision = Revision(
            self, f"{key}_ui_revision", {"content": Fn.sha256(template) if _has_token(template) else digest}
        )
        return SagemakerHumanTaskUi(
            self,
            f"{key}_ui",
            human_task_ui_name=f"{self._config.name}-{key}-{revision.suffix}",
            ui_template=SagemakerHumanTaskUiUiTemplate(content=_literal(template)),
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
        )


def label(
    *,
    input_s3_uris: tuple[str, ...],
    output_s3_uri: str,
    account_id: str,
    region: str,
    lambda_arns: tuple[str, ...] = (),
    partition: str = "aws",
) -> tuple[Statement, ...]:
    """Return what the role of labeling jobs needs: data in and labels out, logs, metrics, functions.

    `lambda_arns` are the functions before and after annotation of a workflow of your own. Keys are granted
    by what holds them: `Key.decrypt()` for the input, `Key.encrypt()` for the output, `Key.attach_volumes()`
    for automated labeling. No S3 address may be a Token: the ARNs are made of it.
    https://docs.aws.amazon.com/sagemaker/latest/dg/sms-security-permission-execution-role.html
    """
    refuse(
        not_empty("input_s3_uris", input_s3_uris),
        *_are_known("input_s3_uris", *input_s3_uris),
        *_are_known("output_s3_uri", output_s3_uri),
        *(
            matches(
                "lambda_arns",
                arn,
                r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[\w:$-]+",
                f"arn:aws:lambda:{region}:{account_id}:function:acme-prod-consolidate",
            )
            for arn in lambda_arns
        ),
    )
    places = {uri: _place(uri, partition) for uri in (*input_s3_uris, output_s3_uri)}
    here = f"arn:{partition}:logs:{region}:{account_id}:log-group"
    logs = tuple(arn for name in LOG_GROUPS for arn in (f"{here}:{name}", f"{here}:{name}:*"))
    statements = (
        Statement(
            actions=("s3:GetBucketLocation", "s3:ListBucket"),
            resources=tuple(dict.fromkeys(bucket for bucket, _ in places.values())),
        ),
        Statement(actions=("s3:GetObject",), resources=tuple(objects for _, objects in places.values())),
        Statement(actions=("s3:AbortMultipartUpload", "s3:PutObject"), resources=(places[output_s3_uri][1],)),
        Statement(
            actions=(
                "logs:CreateLogGroup",
                "logs:CreateLogStream",
                "logs:DescribeLogStreams",
                "logs:PutLogEvents",
            ),
            resources=logs,
        ),
        Statement(
            actions=("cloudwatch:PutMetricData",),
            resources=("*",),
            conditions={"StringLike": {"cloudwatch:namespace": ("/aws/sagemaker/*", "AWS/SageMaker*")}},
        ),
    )
    if lambda_arns:
        return (*statements, Statement(actions=("lambda:InvokeFunction",), resources=lambda_arns))
    return statements


def publish_to(topic_arn: str, account_id: str, region: str, partition: str = "aws") -> Statement:
    """Return what the policy of a topic needs, so that SageMaker tells a team's people of new jobs.

    An encrypted topic's key needs `use_by_service("sagemaker.amazonaws.com", …)`.
    https://docs.aws.amazon.com/sagemaker/latest/dg/sms-workforce-management-private-sns.html
    """
    teams = f"arn:{partition}:sagemaker:{region}:{account_id}:workteam/*"
    return Statement(
        sid="TellOfLabelingJobs",
        principals=(Principal(kind="Service", identifiers=("sagemaker.amazonaws.com",)),),
        actions=("sns:Publish",),
        resources=(topic_arn,),
        conditions={
            "ArnLike": {"aws:SourceArn": teams},
            "StringEquals": {"aws:SourceAccount": account_id},
        },
    )


def _constraints(
    s3_presign: str,
) -> SagemakerWorkteamWorkerAccessConfigurationS3PresignIamPolicyConstraints:
    """Return the one constraint that the provider takes; what is left out would stay as it was."""
    if s3_presign == "VpcSourceIp":
        return SagemakerWorkteamWorkerAccessConfigurationS3PresignIamPolicyConstraints(
            vpc_source_ip="Enabled"
        )
    return SagemakerWorkteamWorkerAccessConfigurationS3PresignIamPolicyConstraints(
        source_ip="Enabled" if s3_presign == "SourceIp" else "Disabled"
    )


def _has_token(template: str) -> bool:
    """Tell whether Terraform alone knows the page: a `${name}` in it is a script's."""
    return "${TfToken[" in template


def _literal(template: str) -> str:
    """Return a page so that Terraform leaves it as it is."""
    return template if _has_token(template) else template.replace("${", "$${").replace("%{", "%%{")


def _are_known(name: str, *uris: str) -> Iterator[str | None]:
    for uri in uris:
        yield when(unresolved(uri), f"{name}: supply what is known before the plan, got {uri!r}")
        yield matches(name, uri, S3_URI, "s3://bucket/images/")


def _place(uri: str, partition: str) -> tuple[str, str]:
    """Return the ARNs of an address's bucket, and of all objects whose keys start with what is in it."""
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    arn = f"arn:{partition}:s3:::{bucket}"
    return arn, f"{arn}/{prefix}*"
