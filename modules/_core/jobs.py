"""Jobs of SageMaker that a state machine starts: names that are never used twice, in JSONata.

https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

from __future__ import annotations

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
