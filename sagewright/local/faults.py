"""Faults on demand: what goes wrong in AWS now and then, made to go wrong here, for tests."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from sagewright.local.refusal import Refused


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One thing that is to go wrong."""

    operation: str
    """Operation, such as UpdateEndpoint."""
    name: str = ""
    """Name of the resource; empty means any."""
    code: str = ""
    """Error code of an immediate refusal. Without one, the operation is accepted and fails afterwards:
    CreateEndpoint ends as Failed, UpdateEndpoint rolls back to InService on the old configuration,
    UpdateFeatureGroup leaves all as it was, with a LastUpdateStatus that is Failed, and InvokeEndpointAsync
    puts a failure into S3."""
    reason: str = ""
    """Message of the refusal, or FailureReason; AWS leaves that empty after some rollbacks."""
    lose: bool = False
    """The operation is carried out, and the connection closed without an answer."""
    delay_milliseconds: int = 0
    """The operation is carried out after so long."""
    times: int = 1

    @property
    def way(self) -> str:
        """How it goes wrong: before, after or while it is answered, or late."""
        if self.delay_milliseconds:
            return "delay"
        return "refuse" if self.code else "lose" if self.lose else "fail"


ASYNCHRONOUS = ("CreateEndpoint", "UpdateEndpoint", "UpdateFeatureGroup", "InvokeEndpointAsync")
"""Operations that can fail after they were accepted."""

INVOCATIONS = ("InvokeEndpoint", "InvokeEndpointAsync")
STATUSES: Mapping[str, str] = {
    "ModelError": "424 Failed Dependency",
    "ModelNotReadyException": "429 Too Many Requests",
    "ServiceUnavailable": "503 Service Unavailable",
    "InternalFailure": "500 Internal Server Error",
    "InternalDependencyException": "530 Dependency Failed",
}
"""Error code of an inference → its HTTP status, where that is not 400."""


_EXAMPLE = Fault(operation="UpdateEndpoint")


class Faults:
    """The faults that wait for their operation."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, request: Any) -> None:
        """Add the fault that a request describes; raises `Refused` when it describes none."""
        types = {field.name: type(getattr(_EXAMPLE, field.name)) for field in fields(Fault)}
        if (
            not isinstance(request, dict)
            or not request.get("operation")
            or any(type(value) is not types.get(name) for name, value in request.items())
        ):
            known = ", ".join(f"{name} ({of.__name__})" for name, of in types.items())
            raise Refused(
                "ValidationException", f"supply operation and any other of {known}, got {request!r}"
            )
        fault = Fault(**request)
        if fault.way == "fail" and fault.operation not in ASYNCHRONOUS:
            message = f"code: supply the error code of the refusal; only {ASYNCHRONOUS} fail without one"
            raise Refused("ValidationException", message)
        if fault.code and fault.lose:
            raise Refused("ValidationException", "lose: a refusal cannot be lost; supply either code or lose")
        if fault.delay_milliseconds and (fault.code or fault.lose):
            message = "delay_milliseconds: supply a fault of its own, beside the one with code or lose"
            raise Refused("ValidationException", message)
        with self._lock:
            self._waiting.append(fault)

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._waiting.clear()

    def waiting(self) -> list[dict[str, Any]]:
        """Return the faults that have not happened yet."""
        with self._lock:
            return [asdict(fault) for fault in self._waiting]

    def refuse(self, operation: str, names: list[str]) -> None:
        """Raise `Refused` when a fault wants this operation on this resource to be refused."""
        fault = self._take(operation, names, "refuse")
        if fault is not None:
            raise _refusal(fault)

    def loses(self, operation: str, names: list[str]) -> bool:
        """Return whether a fault wants the answer to this operation on this resource to be lost."""
        return self._take(operation, names, "lose") is not None

    def delay(self, operation: str, names: list[str]) -> int:
        """Return for how many milliseconds a fault wants this operation on this resource to wait."""
        fault = self._take(operation, names, "delay")
        return fault.delay_milliseconds if fault else 0

    def failure(self, operation: str, name: str) -> Fault | None:
        """Return the fault that makes this accepted operation fail afterwards."""
        return self._take(operation, [name], "fail")

    def _take(self, operation: str, names: list[str], way: str) -> Fault | None:
        with self._lock:
            for index, fault in enumerate(self._waiting):
                if (fault.operation, fault.way) == (operation, way) and fault.name in ("", *names):
                    left = replace(fault, times=fault.times - 1)
                    self._waiting[index : index + 1] = [left] if left.times > 0 else []
                    return fault
        return None


def _refusal(fault: Fault) -> Refused:
    """Return the refusal that a fault wants; for an inference, as SageMaker words it.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
    """
    if fault.operation not in INVOCATIONS:
        return Refused(fault.code, fault.reason)
    status = STATUSES.get(fault.code, "400 Bad Request")
    if fault.code != "ModelError":
        return Refused(fault.code, fault.reason, status)
    original = 0 if "timed out" in fault.reason else 500
    message = f'Received server error ({original}) from primary with message "{fault.reason}".'
    members = {"OriginalStatusCode": original, "OriginalMessage": fault.reason}
    return Refused(fault.code, message, status, members)


FAULTS = Faults()
"""Those of this process: like moto's state, they are shared by all who talk to it."""
