"""ECR: moto takes `scanOnPush = false` for no change, and encrypts with keys that do not exist."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.ecr.models import Repository

from sagewright.local.mends.operation import Operation
from sagewright.local.references import check_key
from sagewright.local.refusal import Refused


def apply() -> None:
    """Let PutImageScanningConfiguration switch scanning off."""

    def update(self: Any, image_scanning_configuration: dict[str, bool] | None) -> None:
        wanted = bool((image_scanning_configuration or {}).get("scanOnPush"))
        self.image_scanning_configuration = {"scanOnPush": wanted}

    Repository._update_image_scanning_configuration = update  # type: ignore[method-assign]


def _create(account_id: str, region: str, request: dict[str, Any]) -> None:
    if key_id := (request.get("encryptionConfiguration") or {}).get("kmsKey"):
        check_key(account_id, region, key_id, lambda message: Refused("KmsException", message))


OPERATIONS: Mapping[str, Operation] = {"CreateRepository": _create}
