"""The service models of botocore, which say what AWS accepts and answers."""

from __future__ import annotations

from functools import cache

import botocore.session
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StringShape, StructureShape

__all__ = ["ListShape", "MapShape", "ServiceModel", "Shape", "StringShape", "StructureShape", "service_model"]


_NAMES = {"states": "stepfunctions"}
"""Signing name → boto3 name, where they differ."""


@cache
def service_model(service: str) -> ServiceModel:
    """Return the model of a service by its boto3 or signing name; loading takes some ten milliseconds."""
    return botocore.session.Session().get_service_model(_NAMES.get(service, service))
