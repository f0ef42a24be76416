"""What the two roles may do, by service; a module of a new kind of resource adds its lines here.

Resources are ARNs after the partition; `{here}` is `{region}` and account, `{prefix}` the start of all names.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from .._core import record


@record
class Access:
    """Actions on resources that are named by templates."""

    actions: tuple[str, ...]
    on: tuple[str, ...] = ("*",)
    """Where it is `*`, no ARN can be written, and the region is the limit."""
    tagged: Literal["", "RequestTag", "ResourceTag"] = ""
    """Whether the environment's tags must be in the request, or on the resource."""
    conditions: Mapping[str, Mapping[str, str | tuple[str, ...]]] = field(default_factory=dict)


def of(service: str, *names: str) -> tuple[str, ...]:
    """Return actions of one service by their names."""
    return tuple(f"{service}:{name}" for name in names)


SAGEMAKER = (
    "sagemaker:{here}:*/{prefix}*",
    *(f"sagemaker:{{here}}:{kind}/*" for kind in ("app", "domain", "space", "user-profile", "workforce")),
)
"""What bears a name, and the kinds whose ARNs have an id, or a name that a person chose."""
VERSIONS = ("sagemaker:{region}:*:model-package/*",)
"""Versions of models, of other accounts too: the policy of each group says who may look."""
GROUPS = (
    "logs:{here}:log-group:*{prefix}*",
    "logs:{here}:log-group:*/{name}/*",
    "logs:{here}:log-group:API-Gateway-Execution-Logs_*",
)
GATEWAY = tuple(
    f"apigateway:{{region}}::/{kind}"
    for kind in ("account", "apikeys*", "domainnames*", "restapis*", "tags/*", "usageplans*")
)
"""API Gateway knows its resources by ids alone."""
STAGES = ("apigateway:{region}::/restapis/*/stages/*",)
FUNCTIONS = ("lambda:{here}:function:{prefix}*",)
LAYERS = ("lambda:{here}:layer:{prefix}*",)
FIREWALLS = ("wafv2:{here}:regional/webacl/{prefix}*/*",)
ZONES = ("route53:::hostedzone/*",)
OF_FUNCTIONS = {"StringLike": {"kms:EncryptionContext:aws:lambda:FunctionArn": "arn:*:function:*"}}
"""The environment variables of functions, and nothing else that a key protects.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html
"""
BUDGETS = ("budgets::{account}:budget/{prefix}*",)
DASHBOARDS = ("cloudwatch::{account}:dashboard/{prefix}*",)
POOLS = ("cognito-idp:{here}:userpool/*",)
ROLES = ("iam::{account}:role/{prefix}*",)
POLICIES = ("iam::{account}:policy/{prefix}*",)
NETWORK = tuple(
    f"ec2:{{here}}:{kind}/*"
    for kind in (
        "network-interface",
        "route-table",
        "security-group",
        "security-group-rule",
        "subnet",
        "vpc",
        "vpc-endpoint",
        "vpc-flow-log",
    )
)

READ = (
    Access(
        actions=of("application-autoscaling", "ListTagsForResource"),
        on=("application-autoscaling:{here}:scalable-target/*",),
    ),
    Access(
        actions=of("athena", "GetNamedQuery", "GetWorkGroup", "ListTagsForResource"),
        on=("athena:{here}:workgroup/{prefix}*",),
    ),
    Access(actions=of("budgets", "ListTagsForResource", "ViewBudget"), on=BUDGETS),
    Access(actions=of("cloudwatch", "GetDashboard"), on=DASHBOARDS),
    Access(
        actions=of("cloudwatch", "DescribeAlarms", "ListTagsForResource"),
        on=("cloudwatch:{here}:alarm:{prefix}*",),
    ),
    Access(
        actions=of(
            "cognito-idp",
            "DescribeUserPool",
            "DescribeUserPoolClient",
            "GetGroup",
            "GetUserPoolMfaConfig",
            "ListTagsForResource",
            "ListUserPoolClients",
        ),
        on=POOLS,
    ),
    Access(
        actions=of("ecr", "Describe*", "GetLifecyclePolicy", "GetRepositoryPolicy", "ListTagsForResource"),
        on=("ecr:{here}:repository/{prefix}*",),
    ),
    Access(
        actions=of("events", "DescribeEventBus", "DescribeRule", "ListTagsForResource", "ListTargetsByRule"),
        on=("events:{here}:event-bus/{prefix}*", "events:{here}:rule/*{prefix}*"),
    ),
    Access(
        actions=of("glue", "GetDatabase", "GetTags"),
        on=("glue:{here}:catalog", "glue:{here}:database/{prefix}*", "glue:{here}:database/{underscored}*"),
    ),
    Access(
        actions=of(
            "iam",
            "GetRole",
            "GetRolePolicy",
            "ListAttachedRolePolicies",
            "ListInstanceProfilesForRole",
            "ListRolePolicies",
        ),
        on=ROLES,
    ),
    Access(actions=of("iam", "GetPolicy", "GetPolicyVersion", "ListPolicyVersions"), on=POLICIES),
    Access(
        actions=of("kms", "DescribeKey", "GetKeyPolicy", "GetKeyRotationStatus", "ListResourceTags"),
        on=("kms:{here}:key/*",),
    ),
    Access(actions=of("logs", "ListTagsForResource"), on=GROUPS),
    Access(
        actions=of(
            "s3",
            "GetAccelerateConfiguration",
            "GetBucket*",
            "GetEncryptionConfiguration",
            "GetLifecycleConfiguration",
            "GetReplicationConfiguration",
            "ListBucket",
        ),
        on=("s3:::{prefix}*",),
    ),
    Access(actions=of("sagemaker", "Describe*", "GetModelPackageGroupPolicy"), on=SAGEMAKER),
    Access(actions=of("sagemaker", "DescribeModelPackage"), on=VERSIONS),
    Access(
        actions=of("scheduler", "GetSchedule", "ListTagsForResource"), on=("scheduler:{here}:schedule*/*",)
    ),
    Access(
        actions=of("sns", "GetTopicAttributes", "ListTagsForResource"),
        on=("sns:{here}:{prefix}*",),
    ),
    Access(
        actions=of("ssm", "GetParameter", "GetParameters", "ListTagsForResource"),
        on=("ssm:{here}:parameter{parameters}/*",),
    ),
    Access(
        actions=of("states", "DescribeStateMachine", "ListStateMachineVersions", "ListTagsForResource"),
        on=("states:{here}:stateMachine:{prefix}*",),
    ),
    Access(
        actions=(
            *of("application-autoscaling", "DescribeScalableTargets", "DescribeScalingPolicies"),
            *of("application-autoscaling", "DescribeScheduledActions"),
            *of("cognito-idp", "DescribeUserPoolDomain"),
            *of("ec2", "DescribeAvailabilityZones", "DescribeFlowLogs", "DescribeManagedPrefixLists"),
            *of("ec2", "DescribeNetwork*", "DescribePrefixLists", "DescribeRouteTables"),
            *of("ec2", "DescribeSecurityGroup*", "DescribeSubnets", "DescribeVpc*"),
            *of("ecr", "DescribePullThroughCacheRules", "DescribeRegistry"),
            *of("ecr", "DescribeRepositoryCreationTemplates", "GetRegistryPolicy"),
            *of("ecr", "GetRegistryScanningConfiguration"),
            *of("kms", "ListAliases"),
            *of("logs", "DescribeLogGroups", "DescribeResourcePolicies"),
            *of("sagemaker", "List*"),
            *of("sns", "GetSubscriptionAttributes"),
            *of("ssm", "DescribeParameters"),
            *of("states", "ValidateStateMachineDefinition"),
        ),
    ),
)
"""What `plan` and `verify` look at: settings, no content of buckets, secrets or logs."""

API_READ = (
    Access(actions=of("apigateway", "GET"), on=GATEWAY),
    Access(
        actions=of(
            "lambda",
            "GetAlias",
            "GetFunction",
            "GetFunctionCodeSigningConfig",
            "GetPolicy",
            "ListVersionsByFunction",
        ),
        on=FUNCTIONS,
    ),
    Access(actions=of("lambda", "GetLayerVersion"), on=LAYERS),
    Access(
        actions=of("wafv2", "GetLoggingConfiguration", "GetWebACL", "ListTagsForResource"),
        on=FIREWALLS,
    ),
    Access(actions=of("wafv2", "GetWebACLForResource"), on=(*STAGES, *FIREWALLS)),
    Access(actions=of("route53", "GetHostedZone", "ListResourceRecordSets"), on=ZONES),
    Access(actions=of("route53", "GetChange"), on=("route53:::change/*",)),
    Access(  # without it, Lambda shows no environment variables, and every plan would set them again
        actions=of("kms", "Decrypt"),
        on=("kms:{here}:key/*",),
        conditions=OF_FUNCTIONS,
    ),
)
"""What `plan` looks at of an API: its settings, the values of its keys among them, and no code."""

PLATFORM = (
    Access(
        actions=of(
            "s3",
            "CreateBucket",
            "DeleteBucket",
            "DeleteBucketPolicy",
            "PutBucketLogging",
            "PutBucketNotification",
            "PutBucketOwnershipControls",
            "PutBucketPolicy",
            "PutBucketPublicAccessBlock",
            "PutBucketTagging",
            "PutBucketVersioning",
            "PutEncryptionConfiguration",
            "PutLifecycleConfiguration",
        ),
        on=("s3:::{prefix}*",),
    ),
    Access(
        actions=of(
            "ec2",
            "AssociateRouteTable",
            "AuthorizeSecurityGroupEgress",
            "AuthorizeSecurityGroupIngress",
            "CreateFlowLogs",
            "CreateRouteTable",
            "CreateSecurityGroup",
            "CreateSubnet",
            "CreateTags",
            "CreateVpc",
            "CreateVpcEndpoint",
            "DeleteTags",
            "DisassociateRouteTable",
            "ModifySecurityGroupRules",
            "ModifySubnetAttribute",
            "ModifyVpcAttribute",
            "ModifyVpcEndpoint",
            "RevokeSecurityGroupEgress",
            "RevokeSecurityGroupIngress",
        ),
        on=NETWORK,
    ),
    Access(
        actions=of(
            "ec2",
            "DeleteFlowLogs",
            "DeleteRouteTable",
            "DeleteSecurityGroup",
            "DeleteSubnet",
            "DeleteVpc",
            "DeleteVpcEndpoints",
        ),
        on=NETWORK,
        tagged="ResourceTag",
    ),
    Access(
        actions=of(
            "ecr",
            "CreateRepository",
            "DeleteLifecyclePolicy",
            "DeleteRepository",
            "DeleteRepositoryPolicy",
            "PutImageScanningConfiguration",
            "PutImageTagMutability",
            "PutLifecyclePolicy",
            "SetRepositoryPolicy",
            "TagResource",
            "UntagResource",
        ),
        on=("ecr:{here}:repository/{prefix}*",),
    ),
    Access(
        actions=of(
            "ecr",
            "CreatePullThroughCacheRule",
            "CreateRepositoryCreationTemplate",
            "DeletePullThroughCacheRule",
            "DeleteRegistryPolicy",
            "DeleteRepositoryCreationTemplate",
            "PutRegistryPolicy",
            "PutRegistryScanningConfiguration",
            "PutReplicationConfiguration",
            "UpdatePullThroughCacheRule",
            "UpdateRepositoryCreationTemplate",
        ),
    ),
    Access(  # private names of interface endpoints
        actions=of("route53", "AssociateVPCWithHostedZone"), on=ZONES
    ),
    Access(actions=of("kms", "CreateKey"), tagged="RequestTag"),
    Access(actions=of("kms", "PutKeyPolicy"), on=("kms:{here}:key/*",), tagged="RequestTag"),
    Access(
        actions=of("kms", "CreateAlias", "DeleteAlias", "UpdateAlias"),
        on=("kms:{here}:alias/{prefix}*", "kms:{here}:key/*"),
    ),
    Access(
        actions=of("kms", "DisableKeyRotation", "EnableKeyRotation", "TagResource", "UntagResource"),
        on=("kms:{here}:key/*",),
    ),
    Access(  # not what follows CreateKey at once: the tags of a new key count after minutes only
        actions=of("kms", "PutKeyPolicy", "ScheduleKeyDeletion", "UpdateKeyDescription"),
        on=("kms:{here}:key/*",),
        tagged="ResourceTag",
    ),
    Access(
        actions=of("kms", "CreateGrant"),
        on=("kms:{here}:key/*",),
        conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
    ),
    Access(
        actions=of(
            "logs",
            "AssociateKmsKey",
            "CreateLogGroup",
            "DeleteLogGroup",
            "DeleteRetentionPolicy",
            "DisassociateKmsKey",
            "PutRetentionPolicy",
            "TagResource",
            "UntagResource",
        ),
        on=GROUPS,
    ),
    Access(actions=of("logs", "DeleteResourcePolicy", "PutResourcePolicy")),
    Access(
        actions=of("ssm", "AddTagsToResource", "DeleteParameter", "PutParameter", "RemoveTagsFromResource"),
        on=("ssm:{here}:parameter{parameters}/*",),
    ),
)
"""Network, buckets, keys, images, logs and parameters: made, changed, deleted."""

MODELS = (
    Access(
        actions=(
            *of("sagemaker", "AddTags", "DeleteTags", "DeleteApp"),
            *of("sagemaker", "CreateAppImageConfig", "DeleteAppImageConfig", "UpdateAppImageConfig"),
            *of("sagemaker", "CreateCodeRepository", "DeleteCodeRepository", "UpdateCodeRepository"),
            *of("sagemaker", "CreateDomain", "DeleteDomain", "UpdateDomain"),
            *of("sagemaker", "CreateEndpoint", "DeleteEndpoint", "UpdateEndpoint"),
            *of("sagemaker", "CreateEndpointConfig", "DeleteEndpointConfig"),
            *of("sagemaker", "CreateFeatureGroup", "DeleteFeatureGroup", "UpdateFeatureGroup"),
            *of("sagemaker", "CreateHumanTaskUi", "DeleteHumanTaskUi"),
            *of("sagemaker", "CreateImage", "DeleteImage", "UpdateImage"),
            *of("sagemaker", "CreateImageVersion", "DeleteImageVersion", "UpdateImageVersion"),
            *of("sagemaker", "CreateMlflowTrackingServer", "DeleteMlflowTrackingServer"),
            *of("sagemaker", "UpdateMlflowTrackingServer"),
            *of("sagemaker", "CreateModel", "DeleteModel"),
            *of("sagemaker", "CreateModelPackageGroup", "DeleteModelPackageGroup"),
            *of("sagemaker", "DeleteModelPackageGroupPolicy", "PutModelPackageGroupPolicy"),
            *of("sagemaker", "CreateMonitoringSchedule", "DeleteMonitoringSchedule"),
            *of("sagemaker", "UpdateMonitoringSchedule"),
            *of("sagemaker", "CreateNotebookInstance", "DeleteNotebookInstance", "UpdateNotebookInstance"),
            *of("sagemaker", "StartNotebookInstance", "StopNotebookInstance"),
            *of("sagemaker", "CreateNotebookInstanceLifecycleConfig"),
            *of("sagemaker", "DeleteNotebookInstanceLifecycleConfig"),
            *of("sagemaker", "UpdateNotebookInstanceLifecycleConfig"),
            *of("sagemaker", "CreatePipeline", "DeletePipeline", "UpdatePipeline"),
            *of("sagemaker", "CreateSpace", "DeleteSpace", "UpdateSpace"),
            *of("sagemaker", "CreateStudioLifecycleConfig", "DeleteStudioLifecycleConfig"),
            *of("sagemaker", "CreateUserProfile", "DeleteUserProfile", "UpdateUserProfile"),
            *of("sagemaker", "CreateWorkforce", "DeleteWorkforce", "UpdateWorkforce"),
            *of("sagemaker", "CreateWorkteam", "DeleteWorkteam", "UpdateWorkteam"),
            *(
                f"sagemaker:{verb}{kind}JobDefinition"
                for kind in ("DataQuality", "ModelBias", "ModelExplainability", "ModelQuality")
                for verb in ("Create", "Delete")
            ),
        ),
        on=SAGEMAKER,
    ),
)
"""SageMaker: made, changed, deleted; no job is run, no model called or approved."""

SERVICES = (
    Access(
        actions=of(
            "application-autoscaling",
            "DeleteScalingPolicy",
            "DeleteScheduledAction",
            "DeregisterScalableTarget",
            "PutScalingPolicy",
            "PutScheduledAction",
            "RegisterScalableTarget",
            "TagResource",
            "UntagResource",
        ),
        on=("application-autoscaling:{here}:scalable-target/*",),
    ),
    Access(actions=of("budgets", "ModifyBudget", "TagResource", "UntagResource"), on=BUDGETS),
    Access(actions=of("cloudwatch", "DeleteDashboards", "PutDashboard"), on=DASHBOARDS),
    Access(
        actions=of("cloudwatch", "DeleteAlarms", "PutMetricAlarm", "TagResource", "UntagResource"),
        on=("cloudwatch:{here}:alarm:{prefix}*",),
    ),
    Access(
        actions=of(
            "events",
            "CreateEventBus",
            "DeleteEventBus",
            "DeleteRule",
            "DisableRule",
            "EnableRule",
            "PutRule",
            "PutTargets",
            "RemoveTargets",
            "TagResource",
            "UntagResource",
            "UpdateEventBus",
        ),
        on=("events:{here}:event-bus/{prefix}*", "events:{here}:rule/*{prefix}*"),
    ),
    Access(
        actions=of("scheduler", "CreateSchedule", "DeleteSchedule", "UpdateSchedule"),
        on=("scheduler:{here}:schedule/*/{prefix}*",),
    ),
    Access(
        actions=of(
            "states",
            "CreateStateMachine",
            "DeleteStateMachine",
            "PublishStateMachineVersion",
            "TagResource",
            "UntagResource",
            "UpdateStateMachine",
        ),
        on=("states:{here}:stateMachine:{prefix}*",),
    ),
    Access(
        actions=of(
            "sns",
            "CreateTopic",
            "DeleteTopic",
            "SetTopicAttributes",
            "Subscribe",
            "TagResource",
            "UntagResource",
        ),
        on=("sns:{here}:{prefix}*",),
    ),
    Access(
        actions=of(
            "athena",
            "CreateNamedQuery",
            "CreateWorkGroup",
            "DeleteNamedQuery",
            "DeleteWorkGroup",
            "TagResource",
            "UntagResource",
            "UpdateNamedQuery",
            "UpdateWorkGroup",
        ),
        on=("athena:{here}:workgroup/{prefix}*",),
    ),
    Access(
        actions=of(
            "glue", "CreateDatabase", "DeleteDatabase", "TagResource", "UntagResource", "UpdateDatabase"
        ),
        on=(
            "glue:{here}:catalog",
            *(
                f"glue:{{here}}:{kind}/{start}*"
                for kind in ("database", "table")
                for start in ("{prefix}", "{underscored}")
            ),
        ),
    ),
    Access(
        actions=(
            *of("events", "PutPermission", "RemovePermission"),
            *of("sns", "SetSubscriptionAttributes", "Unsubscribe"),
        )
    ),
    Access(actions=of("cognito-idp", "CreateUserPool"), tagged="RequestTag"),
    Access(
        actions=of(
            "cognito-idp",
            "CreateGroup",
            "CreateUserPoolClient",
            "CreateUserPoolDomain",
            "DeleteGroup",
            "DeleteUserPool",
            "DeleteUserPoolClient",
            "DeleteUserPoolDomain",
            "SetUserPoolMfaConfig",
            "TagResource",
            "UntagResource",
            "UpdateGroup",
            "UpdateUserPool",
            "UpdateUserPoolClient",
            "UpdateUserPoolDomain",
        ),
        on=POOLS,
    ),
)
"""What works with SageMaker: made, changed, deleted; no query is run, no message sent."""

API = (
    Access(
        actions=of(
            "apigateway",
            "AddCertificateToDomain",
            "DELETE",
            "PATCH",
            "POST",
            "PUT",
            "RemoveCertificateFromDomain",
            "UpdateRestApiPolicy",
        ),
        on=GATEWAY,
    ),
    Access(actions=of("apigateway", "SetWebACL"), on=STAGES),
    Access(
        actions=of(
            "lambda",
            "AddPermission",
            "CreateAlias",
            "CreateFunction",
            "DeleteAlias",
            "DeleteFunction",
            "DeleteFunctionConcurrency",
            "PublishVersion",
            "PutFunctionConcurrency",
            "RemovePermission",
            "TagResource",
            "UntagResource",
            "UpdateAlias",
            "UpdateFunctionCode",
            "UpdateFunctionConfiguration",
        ),
        on=FUNCTIONS,
    ),
    Access(actions=of("lambda", "DeleteLayerVersion", "PublishLayerVersion"), on=LAYERS),
    Access(
        actions=of("kms", "Encrypt"),
        on=("kms:{here}:key/*",),
        conditions=OF_FUNCTIONS,
    ),
    Access(
        actions=of(
            "wafv2",
            "CreateWebACL",
            "DeleteLoggingConfiguration",
            "DeleteWebACL",
            "PutLoggingConfiguration",
            "TagResource",
            "UntagResource",
            "UpdateWebACL",
        ),
        on=FIREWALLS,
    ),
    Access(
        actions=of("wafv2", "CreateWebACL", "UpdateWebACL"),
        on=("wafv2:{here}:regional/managedruleset/*/*",),
    ),
    Access(actions=of("wafv2", "AssociateWebACL", "DisassociateWebACL"), on=(*STAGES, *FIREWALLS)),
    Access(actions=of("logs", "CreateLogDelivery", "DeleteLogDelivery")),
    Access(actions=of("route53", "ChangeResourceRecordSets"), on=ZONES),
)
"""APIs, their functions and firewalls: made, changed, deleted; none is called."""

EMPTY = (
    Access(
        actions=of("s3", "DeleteObject", "DeleteObjectVersion", "ListBucketVersions"),
        on=("s3:::{prefix}*",),
    ),
    Access(actions=of("ecr", "BatchDeleteImage", "ListImages"), on=("ecr:{here}:repository/{prefix}*",)),
    Access(actions=of("sagemaker", "DeleteModelPackage"), on=("sagemaker:{here}:model-package/{prefix}*",)),
)
"""What is emptied before it is deleted, where that is allowed."""

PASSED_TO = (
    "apigateway.amazonaws.com",
    "ecr.amazonaws.com",
    "events.amazonaws.com",
    "lambda.amazonaws.com",
    "sagemaker.amazonaws.com",
    "scheduler.amazonaws.com",
    "states.amazonaws.com",
    "vpc-flow-logs.amazonaws.com",
)
"""Services that resources of ours hand a role to."""

SERVICE_LINKED = (
    "ops.apigateway.amazonaws.com",
    "pullthroughcache.ecr.amazonaws.com",
    "replication.ecr.amazonaws.com",
    "sagemaker.amazonaws.com",
    "sagemaker.application-autoscaling.amazonaws.com",
    "wafv2.amazonaws.com",
)
"""Services whose own role is made with an account's first cache, replication, domain or scalable target.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html
"""

CEILING = (
    Access(
        actions=(
            *(
                f"{service}:*"
                for service in (
                    *("apigateway", "application-autoscaling", "athena", "cloudwatch", "cognito-idp", "ec2"),
                    *("ecr", "events", "glue", "lambda", "logs", "sagemaker", "scheduler", "sns", "states"),
                    "wafv2",
                )
            ),
            *of("kms", "Create*", "Delete*", "Describe*", "Disable*", "Enable*", "Get*", "List*"),
            *of("kms", "PutKeyPolicy", "ScheduleKeyDeletion", "TagResource", "UntagResource", "Update*"),
            *of("ssm", "DescribeParameters"),
        )
    ),
    Access(
        actions=of("s3", "*Bucket*", "*Configuration", "DeleteObject", "DeleteObjectVersion"),
        on=("s3:::{prefix}*",),
    ),
    Access(
        actions=(*of("budgets", "*"), *of("route53", "Ass*", "Change*", "Get*", "ListR*"), *of("ssm", "*")),
        on=(*BUDGETS, "route53:::*", "ssm:{here}:parameter{parameters}/*"),
    ),
    Access(
        actions=of("kms", "Decrypt", "Encrypt"),
        on=("kms:{here}:key/*",),
        conditions=OF_FUNCTIONS,
    ),
)
"""All that the roles can ever be given, but for roles and states."""

NEVER = (
    *of("athena", "GetQueryResults", "StartQueryExecution"),
    *of("ecr", "BatchGetImage", "GetDownloadUrlForLayer", "PutImage"),
    *of("glue", "Get*Table*", "GetPartition*"),
    *of("lambda", "Invoke*"),
    *of("logs", "FilterLogEvents", "Get*", "StartQuery", "Unmask"),
    *of("sagemaker", "CreateModelPackage", "CreatePresigned*", "Create*Job", "Invoke*", "UpdateModelPackage"),
    *of("sagemaker", "StartPipelineExecution", "SendPipelineExecution*"),
    *of("sns", "Publish"),
    *of("states", "Start*Execution"),
)
"""What reads data, runs work or approves a model, whatever a policy allows."""
