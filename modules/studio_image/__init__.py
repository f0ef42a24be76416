"""SageMaker image: a container image of yours, for the apps of Studio."""

from .studio_image import Image, StudioImage, StudioImageConfig, StudioImageOutputs

__all__ = ["Image", "StudioImage", "StudioImageConfig", "StudioImageOutputs"]
