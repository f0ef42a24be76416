"""ECR: moto takes `scanOnPush = false` for no change."""

from __future__ import annotations

from typing import Any

from moto.ecr.models import Repository


def apply() -> None:
    """Let PutImageScanningConfiguration switch scanning off."""

    def update(self: Any, image_scanning_configuration: dict[str, bool] | None) -> None:
        wanted = bool((image_scanning_configuration or {}).get("scanOnPush"))
        self.image_scanning_configuration = {"scanOnPush": wanted}

    Repository._update_image_scanning_configuration = update  # type: ignore[method-assign]
