"""SQS: moto shows a redrive policy with white space that AWS does not put there."""

from __future__ import annotations

import json
from typing import Any

from moto.sqs.models import Queue


def apply() -> None:
    """Let GetQueueAttributes show the redrive policy as AWS does: Terraform compares the text."""
    read = Queue.attributes.fget  # type: ignore[attr-defined]

    def attributes(self: Any) -> dict[str, Any]:
        shown: dict[str, Any] = read(self)
        if "RedrivePolicy" in shown:
            shown["RedrivePolicy"] = json.dumps(self.redrive_policy, separators=(",", ":"))
        return shown

    Queue.attributes = property(attributes)  # type: ignore[method-assign,assignment]
