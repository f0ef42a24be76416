"""EventBridge: moto changes no bus, fails at targets that it cannot reach, and lets disabled rules fire."""

from __future__ import annotations

import copy
import sys
from collections.abc import Mapping
from typing import Any

from moto.core.utils import unix_time
from moto.events.models import Rule, events_backends

from sagewright.local.mends.operation import Operation


def apply() -> None:
    """Let PutEvents deliver to each target of a rule for itself, and say what it could not deliver."""
    send = Rule.send_to_targets

    def send_to_targets(self: Any, *args: Any, **kwargs: Any) -> None:
        for target in self.targets if self.state == "ENABLED" and self.event_pattern.get_pattern() else []:
            rule = copy.copy(self)
            rule.targets = [target]
            try:
                send(rule, *args, **kwargs)
            except Exception as failure:
                message = f"EventBridge: rule {self.name} cannot deliver to {target['Arn']}: {failure!r}"
                print(message, file=sys.stderr, flush=True)

    Rule.send_to_targets = send_to_targets  # type: ignore[method-assign]


def _update_bus(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    """Make a bus what the request says; what it does not say is taken away."""
    bus = events_backends[account_id][region].describe_event_bus(request.get("Name", "default"))
    bus.description = request.get("Description")
    bus.kms_key_identifier = request.get("KmsKeyIdentifier")
    bus.dead_letter_config = request.get("DeadLetterConfig")
    bus.last_modified_time = unix_time()
    return {"Arn": bus.arn, **request}


OPERATIONS: Mapping[str, Operation] = {"UpdateEventBus": _update_bus}
