"""Where moto is wrong for what Sagewright deploys: one small file per AWS service.

A mend either answers an operation of the JSON protocol in moto's place, `OPERATIONS`, or replaces a function
of moto, `apply`. Each names what was wrong; each has a test that names the operation.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from sagewright.local.mends import application_autoscaling, ec2, ecr, iam, kms, s3, sagemaker_runtime, sts
from sagewright.local.mends.operation import Operation
from sagewright.local.wire import Answer, Call, Environ

OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("application-autoscaling", name): operation
    for name, operation in application_autoscaling.OPERATIONS.items()
}
"""Signing name and operation → what answers, or returns `None` to let moto answer."""


@cache
def apply() -> None:
    """Replace the functions of moto that are wrong; once per process, however often it is called."""
    for service in (application_autoscaling, ec2, ecr, iam, kms, s3, sts):
        service.apply()


def answer_rest(call: Call, environ: Environ, account_id: str, operation: str) -> Answer | None:
    """Refuse a REST request that AWS would refuse, or answer it, or return `None` to let moto answer."""
    sagemaker_runtime.check(call, environ, account_id)
    return s3.check(call, environ, account_id, operation)
