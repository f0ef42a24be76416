"""SageMaker model: one container or several, or a version from the registry, with its role and network."""

from .definition import Container, Definition, Direct, ModelPackage, Serial
from .model import Model, ModelConfig, ModelOutputs

__all__ = [
    "Container",
    "Definition",
    "Direct",
    "Model",
    "ModelConfig",
    "ModelOutputs",
    "ModelPackage",
    "Serial",
]
