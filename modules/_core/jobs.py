"""Jobs of SageMaker that a state machine starts: names that are never used twice, in JSONata, and rights.

https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

from __future__ import annotations

from .statement import Statement

CLOCK = "$substring($replace($states.context.State.EnteredTime, /[^0-9]/, ''), 0, 14)"
"""Year to second: jobs are sorted by time in every list."""
JOB = f"$name & '-' & {CLOCK} & '-' & $substring($uuid(), 0, 8)"
"""A job's name, which is never used twice; the time when it is tried, and eight random digits."""
LENGTH_ADDED = 24
"""Characters that this adds to a name."""
REFUSED = ("SageMaker.AmazonSageMakerException", "ThrottlingException")
"""What a request fails with that SageMaker refused, throttled ones among them."""


def evaluated(expression: str) -> str:
    """Return a value that Step Functions computes; all others are taken as they stand."""
    return f"{{% {expression} %}}"


def encrypt_volumes(kms_key_arn: str, region: str) -> tuple[Statement, ...]:
    """Return what starts a job whose volumes are encrypted by a key: SageMaker is granted its use.

    https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
    """
    return (
        Statement(
            actions=("kms:CreateGrant",),
            resources=(kms_key_arn,),
            conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
        Statement(
            actions=("kms:DescribeKey",),
            resources=(kms_key_arn,),
            conditions={"StringEquals": {"kms:ViaService": f"sagemaker.{region}.amazonaws.com"}},
        ),
    )
