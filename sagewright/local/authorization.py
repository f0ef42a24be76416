"""IAM enforcement, where it is switched on: what moto's policies deny is denied here too."""

from __future__ import annotations

from typing import Any

from moto import settings
from moto.core.authorization import ActionAuthenticatorMixin
from moto.core.request import Request
from moto.iam.access_control import IAMRequest

from sagewright.local.mends import budgets
from sagewright.local.mends.operation import refusals_of_moto
from sagewright.local.service_models import service_model
from sagewright.local.wire import Call, Environ, read_body, read_call


def enforce() -> None:
    """Make moto check every request, except those of an account itself: an access key id of twelve digits."""
    settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
    check = ActionAuthenticatorMixin._authenticate_and_authorize_action

    def check_users_and_roles(self: Any, *args: Any, **kwargs: Any) -> None:
        if read_call(self.normalized_request.environ).account_id is None:
            with refusals_of_moto():
                check(self, *args, **kwargs)

    ActionAuthenticatorMixin._authenticate_and_authorize_action = check_users_and_roles  # type: ignore[method-assign]


def action(service: str, operation: str) -> str:
    """Return the action that allows an operation; API Gateway has one for each HTTP method.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonapigatewaymanagement.html
    """
    if service == "apigateway":
        return str(service_model(service).operation_model(operation).http["method"])
    return budgets.ACTIONS.get(operation, operation) if service == "budgets" else operation


def authorize(environ: Environ, call: Call, account_id: str, operation: str) -> None:
    """Raise `Refused` if the policies of the caller do not allow what is to be answered in moto's place."""
    if call.account_id:
        return
    check = IAMRequest(
        account_id=account_id,
        method=environ["REQUEST_METHOD"],
        path=environ["PATH_INFO"],
        data={},
        body=read_body(environ),
        headers=dict(Request(dict(environ)).headers),
        action=action(call.service, operation),
    )
    with refusals_of_moto():
        check.check_signature()
        check.check_action_permitted("*")


def authorize_call(environ: Environ, account_id: str, method_arn: str) -> None:
    """Raise `Refused` if the policies of whoever signed a request to an API do not allow its method.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html
    """
    if read_call(environ).account_id:
        return
    check = IAMRequest(
        account_id=account_id,
        method=environ["REQUEST_METHOD"],
        path=environ["PATH_INFO"],
        data={},
        body=b"",
        headers=dict(Request(dict(environ)).headers),
        action="Invoke",
    )
    with refusals_of_moto():
        check.check_action_permitted(method_arn)
