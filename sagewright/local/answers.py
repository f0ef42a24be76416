"""Who answers a request: the control plane, a mend, or moto; else it is refused loudly."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from typing import Any

import botocore.session
from moto.backends import get_backend
from moto.core.config import default_user_config
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from sagewright.local import authorization, mends
from sagewright.local.faults import FAULTS, INVOCATIONS
from sagewright.local.functions import Functions
from sagewright.local.gateway.api import Gateway
from sagewright.local.mends.operation import refusals_of_moto
from sagewright.local.refusal import Refused
from sagewright.local.sagemaker import control_plane
from sagewright.local.validation import REST, WORDING, check_request, read_request
from sagewright.local.wire import Answer, Call, Environ, json_answer, names, read_body, rest_request

_SLOW_TO_LOAD = ("ec2", "s3", "kms", "logs", "ecr", "cloudwatch", "sts", "ssm")


class Answers:
    """Answers AWS requests.

    An access key id of twelve digits is the account that the caller is in, with all rights. Other keys are
    those of moto's IAM users and assumed roles.
    """

    def __init__(self, *, enforce_iam: bool, state: threading.RLock) -> None:
        default_user_config["lambda"]["use_docker"] = False
        default_user_config["batch"]["use_docker"] = False
        default_user_config["iam"]["load_aws_managed_policies"] = True
        mends.apply()
        self._enforce_iam = enforce_iam
        if enforce_iam:
            authorization.enforce()
        moto = DomainDispatcherApplication(create_backend_app)
        look = moto.get_backend_for_host  # on the disk, for each request
        moto.get_backend_for_host = lru_cache(maxsize=1000)(look)  # type: ignore[method-assign]
        self._moto: Callable[..., Iterable[bytes]] = moto
        self._functions = Functions(state)
        self.gateway = Gateway(self._functions, state, enforce_iam=enforce_iam)
        self._warming_up = threading.Thread(target=_warm_up, daemon=True)
        self._warming_up.start()

    def settle(self) -> None:
        """Wait until all is imported: moto's reset goes through what was, and fails when more comes."""
        self._warming_up.join()

    def run(self, environ: Environ, call: Call, operation: str) -> Answer | None:
        """Answer what runs a function, with `state` free meanwhile; `None` for any other request."""
        if call.service != "lambda" or operation != "Invoke":
            return None
        account_id = call.account_id or _account_of(call.access_key_id)
        FAULTS.refuse(operation, names(environ, call))
        if self._enforce_iam:
            authorization.authorize(environ, call, account_id, "InvokeFunction")
        return self._functions.answer(call, environ, account_id)

    def forget(self) -> None:
        """End what runs, and forget what was counted: moto's reset has forgotten the rest."""
        self._functions.end()
        self.gateway.clear()

    def answer(self, environ: Environ, call: Call, operation: str) -> Answer:
        """Answer a request. Raises `Refused`, and `NotImplementedError` for what cannot be done here."""
        if call.region and call.region not in _regions():
            message = f"Credential should be scoped to a valid region, not {call.region!r}."
            raise Refused("InvalidSignatureException", message, "403 Forbidden")
        account_id = call.account_id or _account_of(call.access_key_id)
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = account_id
        request: dict[str, Any] | None = None
        if call.protocol == "json" and call.service in WORDING:
            request = read_request(call.service, operation, read_body(environ))
        elif call.protocol == "rest-json" and call.service in REST and operation.isalnum():
            request = rest_request(environ, call)
            check_request(call.service, operation, request)
        FAULTS.refuse(operation, names(environ, call))
        if request is not None:
            ours = self._mended(environ, call, account_id, operation, request)
            if ours is not None:
                return json_answer(ours)
        if self._enforce_iam and operation in INVOCATIONS:
            authorization.authorize(environ, call, account_id, operation)
        answer = mends.answer_rest(call, environ, account_id, operation) or self.of_moto(environ)
        if _is_unrouted(call, answer):
            raise NotImplementedError
        return answer

    def of_moto(self, environ: Environ) -> Answer:
        """Let moto answer."""
        head: list[Any] = []
        chunks = self._moto(environ, lambda status, headers, _=None: head.extend((status, headers)))
        return Answer(status=head[0], headers=head[1], body=b"".join(chunks))

    def _mended(
        self, environ: Environ, call: Call, account_id: str, operation: str, request: dict[str, Any]
    ) -> dict[str, Any] | None:
        mend = mends.OPERATIONS.get((call.service, operation))
        if call.service != "sagemaker" and mend is None:
            return None
        if self._enforce_iam:
            authorization.authorize(environ, call, account_id, operation)
        if mend is not None:
            with refusals_of_moto():
                return mend(account_id, call.region, request)
        return control_plane(account_id, call.region).answer(operation, request)


@cache
def _regions() -> frozenset[str]:
    """Return all regions of all partitions; EC2 is in each of them."""
    session = botocore.session.Session()
    partitions = session.get_available_partitions()
    return frozenset(region for each in partitions for region in session.get_available_regions("ec2", each))


def _account_of(access_key_id: str) -> str:
    """Return the account of a user's or a session's key; moto's default account when nobody has it.

    moto's own search creates an IAM for every partition of every account, which takes seconds.
    """
    for account_id, partitions in list(iam_backends.items()):
        if any(access_key_id in backend.access_keys for backend in list(partitions.values())):
            return account_id
    return DEFAULT_ACCOUNT_ID


def _warm_up() -> None:
    for service in _SLOW_TO_LOAD:
        get_backend(service)  # type: ignore[call-overload]


def _is_unrouted(call: Call, answer: Answer) -> bool:
    """Return whether moto has no such path: an HTML page or nothing, which an SDK takes for "not found"."""
    if not answer.status.startswith(("404", "405")):
        return False
    is_page = answer.body.lower().startswith(b"<!doctype html")
    return is_page or (not answer.body and call.service not in ("", "s3"))
