"""What SageMaker hosting instance types can do, by family; `instance_types.json` holds the facts.

The gate's policies read the same file, so that module and policy never disagree.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Literal

from .checks import unresolved

FACTS = Path(__file__).with_name("instance_types.json")

Kind = Literal[
    "burstable_families",
    "ebs_families",
    "nvme_families",
    "processing_families",
    "transform_families",
    "unguarded_families",
]


@cache
def families(kind: Kind) -> frozenset[str]:
    """Return the families of one kind, `m5` for `ml.m5.large`."""
    return frozenset(json.loads(FACTS.read_text(encoding="utf-8"))[kind])


@cache
def vcpus(instance_type: str) -> int | None:
    """Return the number of virtual processors, `None` where it is not known, as of a Token.

    A size of `12xlarge` has twelve times those of `xlarge`, whatever the family; the table has the others.
    """
    table = json.loads(FACTS.read_text(encoding="utf-8"))["vcpus"]
    type_ = instance_type.removeprefix("ml.")
    size = type_.rpartition(".")[2]
    multiple = re.fullmatch(r"(\d+)xlarge", size)
    number: int | None = table.get(type_) or table.get(size)
    return int(multiple[1]) * table["xlarge"] if multiple and number is None else number


def family(instance_type: str) -> str:
    """Return the family of an instance type: `g4dn` for `ml.g4dn.xlarge`."""
    return instance_type.split(".")[1]


def known(name: str, instance_type: str) -> str | None:
    """Check that an instance type reads `ml.<family>.<size>`, with a family and a size that are known."""
    hosting = families("ebs_families") | families("nvme_families")
    if _is_of(instance_type, hosting) and (unresolved(instance_type) or vcpus(instance_type)):
        return None
    return f"{name}: supply a SageMaker hosting instance type such as ml.m5.large, got {instance_type!r}"


def transforms(name: str, instance_type: str) -> str | None:
    """Check that an instance type reads `ml.<family>.<size>` and that transform jobs run on its family.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TransformResources.html
    """
    if _is_of(instance_type, families("transform_families")):
        return None
    return f"{name}: supply an instance type of transform jobs such as ml.m5.xlarge, got {instance_type!r}"


def processes(name: str, instance_type: str) -> str | None:
    """Check that an instance type reads `ml.<family>.<size>` and that processing jobs run on its family.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingClusterConfig.html
    """
    if _is_of(instance_type, families("processing_families")):
        return None
    return f"{name}: supply an instance type of processing jobs such as ml.m5.xlarge, got {instance_type!r}"


def _is_of(instance_type: str, legal: frozenset[str]) -> bool:
    """Tell whether a type is of one of these families; a Token is taken to be."""
    parts = instance_type.split(".")
    return unresolved(instance_type) or (len(parts) == 3 and parts[0] == "ml" and parts[1] in legal)


def burstable(instance_type: str) -> bool:
    """Tell whether SageMaker refuses to scale this type automatically; a Token is taken not to be.

    https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-add-console.html
    """
    return not unresolved(instance_type) and family(instance_type) in families("burstable_families")


def nvme(instance_type: str) -> bool:
    """Tell whether this type stores on local NVMe, which the hardware encrypts with its own key.

    A Token is taken not to. No volume key and no volume size applies to such an instance:
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ssd-instance-store.html
    """
    return not unresolved(instance_type) and family(instance_type) in families("nvme_families")


def unguarded(instance_type: str) -> bool:
    """Tell whether SageMaker rolls this type out all at once, whatever the deployment asks for; a Token is
    taken not to be.

    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html
    """
    return not unresolved(instance_type) and family(instance_type) in families("unguarded_families")
