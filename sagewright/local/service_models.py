"""The service models of botocore, which say what AWS accepts and answers."""

from __future__ import annotations

from functools import cache

import botocore.loaders
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StringShape, StructureShape

__all__ = ["ListShape", "MapShape", "ServiceModel", "Shape", "StringShape", "StructureShape", "service_model"]


_NAMES = {"states": "stepfunctions"}
"""Signing name → boto3 name, where they differ."""


@cache
def service_model(service: str) -> ServiceModel:
    """Return the model of a service by its boto3 or signing name; loading takes some ten milliseconds.

    It is shared with no session: a client of S3 rewrites the paths in the model that it has.
    """
    name = _NAMES.get(service, service)
    return ServiceModel(botocore.loaders.create_loader().load_service_model(name, "service-2"), name)
