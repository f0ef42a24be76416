"""KMS: moto forgets how often a key is rotated, and generates an RSA key for each key, symmetric ones too."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

from moto.kms import models, utils
from moto.kms.models import Key
from moto.kms.responses import KmsResponse

from sagewright.local.refusal import Refused

DEFAULT_DAYS = 365
SHORTEST_DAYS, LONGEST_DAYS = 90, 2560
"""https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html"""


class Pair:
    """A pair of keys that is generated when it is used, which takes a tenth of a second."""

    def __init__(self, key_spec: str) -> None:
        self._key_spec = key_spec

    @cached_property
    def _generated(self) -> Any:
        return utils.generate_private_key(self._key_spec)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._generated, name)


def apply() -> None:
    """Let EnableKeyRotation keep RotationPeriodInDays, and GetKeyRotationStatus return it; see `Pair`."""
    models.generate_private_key = Pair  # type: ignore[assignment, attr-defined]
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
