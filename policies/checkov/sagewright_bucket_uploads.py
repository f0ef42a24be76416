"""SW_BUCKET_UPLOADS: the parts of uploads that were never finished are removed."""

from __future__ import annotations

from typing import Any

from checkov.common.models.enums import CheckCategories, CheckResult
from checkov.terraform.checks.resource.base_resource_check import BaseResourceCheck

FILTERS = ("and", "object_size_greater_than", "object_size_less_than", "prefix", "tag")


class BucketUploads(BaseResourceCheck):
    """Wants an enabled rule for all objects that ends unfinished multipart uploads."""

    def __init__(self) -> None:
        super().__init__(
            name="Unfinished uploads are removed",
            id="SW_BUCKET_UPLOADS",
            categories=[CheckCategories.GENERAL_SECURITY],
            supported_resources=["aws_s3_bucket_lifecycle_configuration"],
        )

    def scan_resource_conf(self, conf: dict[str, list[Any]]) -> CheckResult:
        """Judge the rules of a lifecycle configuration; one that is filtered leaves uploads out."""
        self.evaluated_keys = ["rule"]
        for entry in blocks(conf, "rule"):
            enabled = entry.get("status") == ["Enabled"]
            if enabled and blocks(entry, "abort_incomplete_multipart_upload") and not filtered(entry):
                return CheckResult.PASSED
        self.details = ["no enabled rule for all objects has abort_incomplete_multipart_upload"]
        return CheckResult.FAILED


def filtered(entry: dict[str, Any]) -> bool:
    """Tell whether a rule is for some objects only; a plan has empty lists and nulls where nothing is set."""
    return any(entry.get("prefix") or []) or any(
        any(block.get(name) or []) for block in blocks(entry, "filter") for name in FILTERS
    )


def blocks(conf: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the nested blocks of one name; a plan has an empty list where there is none."""
    return [block for block in conf.get(name) or [] if isinstance(block, dict)]


check = BucketUploads()
