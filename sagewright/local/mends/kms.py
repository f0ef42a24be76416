"""KMS: moto forgets how often a key is rotated."""

from __future__ import annotations

import json
from typing import Any

from moto.kms.models import Key
from moto.kms.responses import KmsResponse

from sagewright.local.refusal import Refused

DEFAULT_DAYS = 365
SHORTEST_DAYS, LONGEST_DAYS = 90, 2560
"""https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html"""


def apply() -> None:
    """Let EnableKeyRotation keep RotationPeriodInDays, and GetKeyRotationStatus return it."""
    enable, status = KmsResponse.enable_key_rotation, KmsResponse.get_key_rotation_status

    def key(self: Any) -> Key:
        backend = self.kms_backend
        found: Key = backend.keys[backend.get_key_id(self._get_param("KeyId"))]
        return found

    def enable_key_rotation(self: Any) -> str:
        days = self._get_param("RotationPeriodInDays", DEFAULT_DAYS)
        if not SHORTEST_DAYS <= days <= LONGEST_DAYS:
            message = f"RotationPeriodInDays: supply {SHORTEST_DAYS} to {LONGEST_DAYS}, got {days}"
            raise Refused("ValidationException", message)
        answer = enable(self)
        key(self).rotation_period_in_days = days  # type: ignore[attr-defined]
        return answer

    def get_key_rotation_status(self: Any) -> str:
        answer = json.loads(status(self))
        if answer["KeyRotationEnabled"]:
            days = getattr(key(self), "rotation_period_in_days", DEFAULT_DAYS)
            answer.update(KeyId=key(self).id, RotationPeriodInDays=days)
        return json.dumps(answer)

    KmsResponse.enable_key_rotation = enable_key_rotation  # type: ignore[method-assign]
    KmsResponse.get_key_rotation_status = get_key_rotation_status  # type: ignore[method-assign]
