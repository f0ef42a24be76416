"""SW_ENDPOINT_OUTPUT_KMS: what an endpoint writes to S3 is encrypted with a key of ours."""

from __future__ import annotations

from typing import Any

from checkov.common.models.enums import CheckCategories, CheckResult
from checkov.terraform.checks.resource.base_resource_check import BaseResourceCheck


class EndpointOutputKey(BaseResourceCheck):
    """Wants a key for captured requests and responses, and for the results of asynchronous inference."""

    def __init__(self) -> None:
        super().__init__(
            name="What an endpoint writes to S3 is encrypted with a customer-managed key",
            id="SW_ENDPOINT_OUTPUT_KMS",
            categories=[CheckCategories.ENCRYPTION],
            supported_resources=["aws_sagemaker_endpoint_configuration"],
        )

    def scan_resource_conf(self, conf: dict[str, list[Any]]) -> CheckResult:
        """Judge the blocks that are there; an endpoint that writes nothing needs no key."""
        self.evaluated_keys = ["data_capture_config", "async_inference_config"]
        outputs = [
            ("data_capture_config.kms_key_id", capture) for capture in blocks(conf, "data_capture_config")
        ]
        for asynchronous in blocks(conf, "async_inference_config"):
            for output in blocks(asynchronous, "output_config"):
                outputs.append(("async_inference_config.output_config.kms_key_id", output))
        self.details = [
            f"{path} is not set" for path, block in outputs if not any(block.get("kms_key_id") or [])
        ]
        return CheckResult.FAILED if self.details else CheckResult.PASSED


def blocks(conf: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the nested blocks of one name."""
    return [block for block in conf.get(name) or [] if isinstance(block, dict)]


check = EndpointOutputKey()
