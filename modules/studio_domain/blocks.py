"""The nested blocks of a domain; those of one kind of app are the same for people and for shared spaces."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .._aws.sagemaker_domain import (
    SagemakerDomainDefaultSpaceSettingsJupyterLabAppSettingsCodeRepository,
    SagemakerDomainDefaultSpaceSettingsJupyterLabAppSettingsCustomImage,
    SagemakerDomainDefaultUserSettingsCanvasAppSettingsIdentityProviderOauthSettings,
    SagemakerDomainDefaultUserSettingsCodeEditorAppSettingsCustomImage,
    SagemakerDomainDefaultUserSettingsJupyterLabAppSettingsCodeRepository,
    SagemakerDomainDefaultUserSettingsJupyterLabAppSettingsCustomImage,
)
from .._core import record
from ..studio_image import StudioImageOutputs
from .decisions import App, Canvas, CanvasFeature, Docker, EbsStorage, IdleShutdown

Block = dict[str, Any]

STATUS = {True: "ENABLED", False: "DISABLED"}


@record
class Offer:
    """What one kind of app offers."""

    images: tuple[StudioImageOutputs, ...]
    lifecycle_config_arns: tuple[str, ...]
    default_lifecycle_config_arn: str | None
    repository_urls: tuple[str, ...]


def jupyter_lab_of_users(app: App, offer: Offer) -> Block:
    """Return JupyterLab in private spaces."""
    image = SagemakerDomainDefaultUserSettingsJupyterLabAppSettingsCustomImage
    repository = SagemakerDomainDefaultUserSettingsJupyterLabAppSettingsCodeRepository
    return {
        **_app(app, offer),
        "custom_image": [image(**each) for each in _custom_images(offer.images)] or None,
        "code_repository": [repository(repository_url=url) for url in offer.repository_urls] or None,
    }


def jupyter_lab_of_spaces(app: App, offer: Offer) -> Block:
    """Return JupyterLab in shared spaces."""
    image = SagemakerDomainDefaultSpaceSettingsJupyterLabAppSettingsCustomImage
    repository = SagemakerDomainDefaultSpaceSettingsJupyterLabAppSettingsCodeRepository
    return {
        **_app(app, offer),
        "custom_image": [image(**each) for each in _custom_images(offer.images)] or None,
        "code_repository": [repository(repository_url=url) for url in offer.repository_urls] or None,
    }


def code_editor(app: App, offer: Offer) -> Block:
    """Return Code Editor, which shared spaces do not have."""
    image = SagemakerDomainDefaultUserSettingsCodeEditorAppSettingsCustomImage
    return {
        **_app(app, offer),
        "custom_image": [image(**each) for each in _custom_images(offer.images)] or None,
    }


def _app(app: App, offer: Offer) -> Block:
    return {
        "default_resource_spec": {
            "instance_type": app.instance_type,
            "lifecycle_config_arn": offer.default_lifecycle_config_arn,
        },
        "lifecycle_config_arns": list(offer.lifecycle_config_arns) or None,
        "app_lifecycle_management": {"idle_settings": _idle(app.idle_shutdown)},
    }


def _idle(shutdown: IdleShutdown | None) -> Block:
    """Return the times in any case: where there is none, the provider sends 0, which AWS refuses."""
    times = shutdown or IdleShutdown()
    return {
        "lifecycle_management": STATUS[shutdown is not None],
        "idle_timeout_in_minutes": times.idle_timeout_minutes,
        "min_idle_timeout_in_minutes": times.min_idle_timeout_minutes,
        "max_idle_timeout_in_minutes": times.max_idle_timeout_minutes,
    }


def _custom_images(images: Iterable[StudioImageOutputs]) -> list[Block]:
    return [
        {
            "image_name": image.name,
            "image_version_number": image.version,
            "app_image_config_name": image.app_image_config_name,
        }
        for image in images
    ]


def canvas(
    settings: Canvas,
    s3_uri: str,
    kms_key_arn: str,
    *,
    bedrock_role_arn: str | None,
    emr_serverless_role_arn: str | None,
    forecast_role_arn: str | None,
) -> Block:
    """Return Canvas: each feature is said to be enabled or disabled, so that it can be taken away again."""

    def status(feature: CanvasFeature) -> Block:
        return {"status": STATUS[feature in settings.features]}

    provider = SagemakerDomainDefaultUserSettingsCanvasAppSettingsIdentityProviderOauthSettings
    return {
        "workspace_settings": {"s3_artifact_path": s3_uri, "s3_kms_key_id": kms_key_arn},
        "direct_deploy_settings": status("DirectDeploy"),
        "kendra_settings": status("Kendra"),
        "model_register_settings": status("ModelRegister"),
        "time_series_forecasting_settings": {
            **status("TimeSeriesForecasting"),
            "amazon_forecast_role_arn": forecast_role_arn
            if "TimeSeriesForecasting" in settings.features
            else None,
        },
        "emr_serverless_settings": {
            **status("EmrServerless"),
            "execution_role_arn": emr_serverless_role_arn if "EmrServerless" in settings.features else None,
        },
        "generative_ai_settings": {"amazon_bedrock_role_arn": bedrock_role_arn}
        if "GenerativeAi" in settings.features
        else None,
        "identity_provider_oauth_settings": [
            provider(data_source_name=source, secret_arn=secret_arn, status=STATUS[True])
            for source, secret_arn in sorted(settings.identity_providers.items())
        ]
        or None,
    }


def sharing(s3_uri: str | None, kms_key_arn: str) -> Block:
    """Return whether shared notebooks show what their cells put out, and where that is kept."""
    if s3_uri is None:
        return {"notebook_output_option": "Disabled"}
    return {"notebook_output_option": "Allowed", "s3_output_path": s3_uri, "s3_kms_key_id": kms_key_arn}


def storage(ebs: EbsStorage) -> Block:
    """Return the sizes of volumes."""
    return {
        "default_ebs_storage_settings": {
            "default_ebs_volume_size_in_gb": ebs.default_volume_size_gb,
            "maximum_ebs_volume_size_in_gb": ebs.maximum_volume_size_gb,
        }
    }


def docker(settings: Docker | None) -> Block:
    """Return whether apps have Docker."""
    return {
        "enable_docker_access": STATUS[settings is not None],
        "vpc_only_trusted_accounts": list(settings.trusted_account_ids) or None if settings else None,
    }
