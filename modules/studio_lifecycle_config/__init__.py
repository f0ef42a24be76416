"""SageMaker Studio lifecycle configuration: a script that runs when an app starts."""

from .studio_lifecycle_config import (
    Script,
    StudioLifecycleConfig,
    StudioLifecycleConfigConfig,
    StudioLifecycleConfigOutputs,
)

__all__ = ["Script", "StudioLifecycleConfig", "StudioLifecycleConfigConfig", "StudioLifecycleConfigOutputs"]
