"""SageMaker model: a container image, its artifact, and the role and network that it runs in."""

from .model import Container, Model, ModelConfig, ModelOutputs

__all__ = ["Container", "Model", "ModelConfig", "ModelOutputs"]
