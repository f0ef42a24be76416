"""Images: by digest, so that what runs is what was reviewed, and from registries of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from policies.plan.jobs import DEFINITION, Call, calls
from policies.plan.model import (
    INTERPOLATION,
    Finding,
    Planned,
    Resource,
    Undecided,
    judged,
    nested,
    rule,
)

WAYS = {
    "aws_lambda_function": (((), "image_uri"),),
    "aws_sagemaker_image_version": (((), "base_image"),),
    "aws_sagemaker_model": ((("primary_container",), "image"), (("container",), "image")),
    DEFINITION: ((("data_quality_app_specification",), "image_uri"),),
}
"""Ways to the blocks that name an image, and its argument, by type of resource; calls have their own."""
KEYS = ("Image", "ImageUri", "TrainingImage")
"""What calls to SageMaker name an image by."""
DIGEST = re.compile(r".*@sha256:[0-9a-f]{64}")
REGISTRY = re.compile(
    r"(\d{12})\.dkr[.-]ecr(?:-fips)?\.[a-z0-9-]+\.(?:amazonaws\.com(?:\.cn)?|on\.(?:aws|amazonwebservices\.com\.cn))"
)
"""Registries of Amazon ECR, by IPv4 and by both.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-requests.html
"""
Named = tuple[str, str]
"""Where an image is named, and how."""


@rule("SW_IMAGE_DIGEST")
def images_are_named_by_digest(resource: Resource, planned: Planned) -> Finding:
    """Ask for a digest; a tag may be moved between review and start."""

    def problem(named: Named) -> str:
        place, image = named
        if DIGEST.fullmatch(image):
            return ""
        if INTERPOLATION.search(image.partition("/")[2]) or image.startswith("{%"):
            raise Undecided(place, resource.address)
        return f"{place} is not by digest: {image}"

    return judged(images(resource), problem)


@rule("SW_IMAGE_REGISTRY")
def images_are_from_our_registries(resource: Resource, planned: Planned) -> Finding:
    """Ask for a registry of the environment's own account, or of one that the environment lists."""

    def problem(named: Named) -> str:
        place, image = named
        host = image.partition("/")[0]
        if re.match(r"\$\{aws_ecr_repository\.[^}]*\.repository_url\}", image):
            return ""
        if INTERPOLATION.search(host) or image.startswith(("${", "{%")):
            raise Undecided(place, resource.address)
        found = REGISTRY.fullmatch(host)
        if not found:
            return f"{place} is from {host}, which is no registry of Amazon ECR: {image}"
        if found[1] not in (planned.limits.account_id, *planned.limits.image_account_ids):
            return f"{place} is from account {found[1]}: {image}"
        return ""

    return judged(images(resource), problem)


def images(resource: Resource) -> Iterator[Named]:
    """Yield the images of a resource; references may be left in them."""
    if resource.type in WAYS:
        for way, name in WAYS[resource.type]:
            for block in nested(resource.block, *way):
                if not block.computed(name) and (image := block.text(name)):
                    yield ".".join((*way, name)), str(image)
        return
    for call in calls(resource):
        yield from asked(call, call.request)


def asked(call: Call, value: Any, way: tuple[str, ...] = ()) -> Iterator[Named]:
    """Yield the images anywhere in a call; raises `Undecided` for one that is known only when it is made."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key.removesuffix(".$") not in KEYS:
                yield from asked(call, item, (*way, key))
            elif key.endswith(".$") or not isinstance(image := call.settled(item, (*way, key)), str):
                raise Undecided(call.place((*way, key)))
            else:
                yield call.place((*way, key)), image
    elif isinstance(value, list):
        for item in value:
            yield from asked(call, item, way)
