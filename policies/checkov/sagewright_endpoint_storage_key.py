"""SW_ENDPOINT_KMS: the storage of an endpoint's instances is encrypted with a key of ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from checkov.common.models.enums import CheckCategories, CheckResult
from checkov.terraform.checks.resource.base_resource_check import BaseResourceCheck

ROOT = Path(__file__).resolve().parents[2]


def nvme_families() -> frozenset[str]:
    """Return the instance families whose volumes are local NVMe: AWS encrypts those and refuses a key."""
    name = Path("modules", "_core", "instance_types.json")
    path = next(path for path in (ROOT / name, ROOT / "sagewright" / name) if path.is_file())
    return frozenset(json.loads(path.read_text(encoding="utf-8"))["nvme_families"])


NVME_FAMILIES = nvme_families()


class EndpointStorageKey(BaseResourceCheck):
    """Wants `kms_key_arn` where a volume can take it, and wants it absent where AWS refuses it."""

    def __init__(self) -> None:
        super().__init__(
            name="Endpoint storage is encrypted with a customer-managed key",
            id="SW_ENDPOINT_KMS",
            categories=[CheckCategories.ENCRYPTION],
            supported_resources=["aws_sagemaker_endpoint_configuration"],
        )

    def scan_resource_conf(self, conf: dict[str, list[Any]]) -> CheckResult:
        """Judge a configuration by the instance families of all its variants."""
        self.evaluated_keys = ["kms_key_arn"]
        variants = [
            variant
            for name in ("production_variants", "shadow_production_variants")
            for variant in conf.get(name) or []
            if isinstance(variant, dict) and not first(variant, "serverless_config")
        ]
        types = [str(first(variant, "instance_type")) for variant in variants]
        local = sorted({type_ for type_ in types if family(type_) in NVME_FAMILIES})
        key = first(conf, "kms_key_arn")
        if not types or (local and not key and len(local) == len(set(types))):
            return CheckResult.PASSED
        if local and key:
            self.details = [f"kms_key_arn is set, and AWS refuses it with the NVMe type {', '.join(local)}"]
            return CheckResult.FAILED
        if local:
            rest = ", ".join(sorted(set(types) - set(local)))
            self.details = [
                f"kms_key_arn cannot be set with {', '.join(local)}, which leaves {rest} without a key"
            ]
            return CheckResult.FAILED
        if key:
            return CheckResult.PASSED
        self.details = [f"kms_key_arn is not set for {', '.join(sorted(set(types)))}"]
        return CheckResult.FAILED


def first(block: dict[str, Any], name: str) -> Any:
    """Return an argument's value out of the list in which checkov wraps it."""
    value = block.get(name)
    return value[0] if isinstance(value, list) and value else None if isinstance(value, list) else value


def family(instance_type: str) -> str:
    """Return the family of an instance type: `ml.g5.xlarge` is of `g5`."""
    return instance_type.removeprefix("ml.").partition(".")[0]


check = EndpointStorageKey()
