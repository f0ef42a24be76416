"""Where moto is wrong for what Sagewright deploys: one small file per AWS service.

A mend either answers an operation of the JSON protocols in moto's place, `OPERATIONS`, or replaces a function
of moto, `apply`. Each names what was wrong; each has a test that names the operation.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from sagewright.local.mends import (
    apigateway,
    application_autoscaling,
    athena,
    athena_queries,
    awslambda,
    budgets,
    cognito_idp,
    ec2,
    ecr,
    ecr_caches,
    events,
    iam,
    kms,
    logs,
    s3,
    sagemaker_runtime,
    sns,
    sqs,
    stepfunctions,
    sts,
    wafv2,
)
from sagewright.local.mends.operation import Operation
from sagewright.local.wire import Answer, Call, Environ

OPERATIONS: Mapping[tuple[str, str], Operation] = {
    (service, name): operation
    for service, operations in (
        ("apigateway", apigateway.OPERATIONS),
        ("application-autoscaling", application_autoscaling.OPERATIONS),
        ("athena", athena.OPERATIONS),
        ("athena", athena_queries.OPERATIONS),
        ("budgets", budgets.OPERATIONS),
        ("cognito-idp", cognito_idp.OPERATIONS),
        ("ecr", ecr.OPERATIONS),
        ("lambda", awslambda.OPERATIONS),
        ("wafv2", wafv2.OPERATIONS),
        ("ecr", ecr_caches.OPERATIONS),
        ("states", stepfunctions.OPERATIONS),
        ("events", events.OPERATIONS),
        ("logs", logs.OPERATIONS),
    )
    for name, operation in operations.items()
}
"""Signing name and operation → what answers, or returns `None` to let moto answer."""


@cache
def apply() -> None:
    """Replace the functions of moto that are wrong; once per process, however often it is called."""
    for service in (
        apigateway,
        application_autoscaling,
        awslambda,
        cognito_idp,
        ec2,
        ecr,
        events,
        iam,
        kms,
        s3,
        sns,
        sqs,
        sts,
    ):
        service.apply()


def answer_rest(call: Call, environ: Environ, account_id: str, operation: str) -> Answer | None:
    """Refuse a REST request that AWS would refuse, or answer it, or return `None` to let moto answer."""
    return sagemaker_runtime.answer(call, environ, account_id) or s3.check(
        call, environ, account_id, operation
    )
