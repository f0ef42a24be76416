"""Which types of resources are free, and which cost by use: what of that use is not in any plan.

Everything else is either priced (`sagewright.cost.priced`) or unknown; unknown is never 0.
"""

from __future__ import annotations

from collections.abc import Mapping

FREE: Mapping[str, str] = {
    type_: page
    for page, types in {
        "https://aws.amazon.com/api-gateway/pricing/": (
            "aws_api_gateway_account",
            "aws_api_gateway_api_key",
            "aws_api_gateway_authorizer",
            "aws_api_gateway_base_path_mapping",
            "aws_api_gateway_deployment",
            "aws_api_gateway_domain_name",
            "aws_api_gateway_gateway_response",
            "aws_api_gateway_integration",
            "aws_api_gateway_method",
            "aws_api_gateway_method_settings",
            "aws_api_gateway_request_validator",
            "aws_api_gateway_resource",
            "aws_api_gateway_rest_api_policy",
            "aws_api_gateway_usage_plan",
            "aws_api_gateway_usage_plan_key",
        ),
        "https://aws.amazon.com/autoscaling/pricing/": (
            "aws_appautoscaling_policy",
            "aws_appautoscaling_scheduled_action",
            "aws_appautoscaling_target",
        ),
        "https://aws.amazon.com/athena/pricing/": ("aws_athena_named_query",),
        "https://aws.amazon.com/aws-cost-management/aws-budgets/pricing/": ("aws_budgets_budget",),
        "https://aws.amazon.com/cloudwatch/pricing/": ("aws_cloudwatch_log_resource_policy",),
        "https://aws.amazon.com/cognito/pricing/": (
            "aws_cognito_managed_user_pool_client",
            "aws_cognito_user_group",
            "aws_cognito_user_pool_client",
            "aws_cognito_user_pool_domain",
        ),
        "https://aws.amazon.com/ecr/pricing/": (
            "aws_ecr_lifecycle_policy",
            "aws_ecr_pull_through_cache_rule",
            "aws_ecr_registry_policy",
            "aws_ecr_repository_creation_template",
            "aws_ecr_repository_policy",
        ),
        "https://aws.amazon.com/eventbridge/pricing/": (
            "aws_cloudwatch_event_bus_policy",
            "aws_cloudwatch_event_target",
        ),
        "https://aws.amazon.com/iam/faqs/": (
            "aws_iam_openid_connect_provider",
            "aws_iam_policy",
            "aws_iam_role",
            "aws_iam_role_policy",
            "aws_iam_role_policy_attachment",
        ),
        "https://aws.amazon.com/kms/pricing/": ("aws_kms_alias",),
        "https://aws.amazon.com/lambda/pricing/": (
            "aws_lambda_alias",
            "aws_lambda_layer_version",
            "aws_lambda_permission",
        ),
        "https://aws.amazon.com/s3/pricing/": (
            "aws_s3_bucket_lifecycle_configuration",
            "aws_s3_bucket_logging",
            "aws_s3_bucket_notification",
            "aws_s3_bucket_ownership_controls",
            "aws_s3_bucket_policy",
            "aws_s3_bucket_public_access_block",
            "aws_s3_bucket_server_side_encryption_configuration",
            "aws_s3_bucket_versioning",
        ),
        "https://aws.amazon.com/sagemaker-ai/pricing/": (
            "aws_sagemaker_app_image_config",
            "aws_sagemaker_code_repository",
            "aws_sagemaker_data_quality_job_definition",
            "aws_sagemaker_endpoint_configuration",
            "aws_sagemaker_human_task_ui",
            "aws_sagemaker_image",
            "aws_sagemaker_image_version",
            "aws_sagemaker_model",
            "aws_sagemaker_model_package_group",
            "aws_sagemaker_model_package_group_policy",
            "aws_sagemaker_notebook_instance_lifecycle_configuration",
            "aws_sagemaker_studio_lifecycle_config",
            "aws_sagemaker_workforce",
            "aws_sagemaker_workteam",
        ),
        "https://aws.amazon.com/sns/pricing/": ("aws_sns_topic_policy",),
        "https://aws.amazon.com/vpc/pricing/": (
            "aws_default_security_group",
            "aws_route_table",
            "aws_route_table_association",
            "aws_security_group",
            "aws_subnet",
            "aws_vpc",
            "aws_vpc_security_group_egress_rule",
            "aws_vpc_security_group_ingress_rule",
        ),
        "https://aws.amazon.com/waf/pricing/": ("aws_wafv2_web_acl_association",),
        "https://developer.hashicorp.com/terraform/language/resources/terraform-data": ("terraform_data",),
    }.items()
    for type_ in types
}
"""Types that cost nothing by themselves, each with the page that lists what its service asks for.

What they bring about is counted where it happens: an endpoint configuration at its endpoint, an image at the
repository that it lies in.
"""

USAGE: Mapping[str, str] = {
    "aws_api_gateway_rest_api": "requests",
    "aws_athena_workgroup": "data that queries scan",
    "aws_cloudwatch_event_bus": "events that are put on it",
    "aws_cloudwatch_event_rule": "events that are put on its bus",
    "aws_cloudwatch_log_group": "logs that are taken in and kept",
    "aws_cognito_user_pool": "users who sign in",
    "aws_ecr_registry_scanning_configuration": "images that are scanned, where scanning is enhanced",
    "aws_ecr_replication_configuration": "images that are copied to other regions",
    "aws_ecr_repository": "images that are kept",
    "aws_flow_log": "traffic that is logged",
    "aws_glue_catalog_database": "objects in the catalogue, and requests",
    "aws_lambda_function": "requests, and how long they run",
    "aws_route53_record": "queries",
    "aws_s3_bucket": "objects that are kept, and requests",
    "aws_sagemaker_domain": "apps that its users start, and their files",
    "aws_sagemaker_feature_group": "records that are written, read and kept",
    "aws_sagemaker_pipeline": "runs, and the instances of their steps",
    "aws_sagemaker_user_profile": "apps that the user starts",
    "aws_scheduler_schedule": "what it starts",
    "aws_sfn_state_machine": "runs, and what they start",
    "aws_sns_topic": "messages",
    "aws_sns_topic_subscription": "messages that are delivered",
    "aws_wafv2_web_acl_logging_configuration": "requests that are logged",
}
"""Types that cost by use alone, each with what that use is."""
