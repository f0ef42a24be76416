"""SageMaker notebook instance: JupyterLab on one machine in a VPC, with scripts that prepare it."""

from .notebook_instance import (
    LifecycleScripts,
    Notebook,
    NotebookInstance,
    NotebookInstanceConfig,
    NotebookInstanceOutputs,
)

__all__ = [
    "LifecycleScripts",
    "Notebook",
    "NotebookInstance",
    "NotebookInstanceConfig",
    "NotebookInstanceOutputs",
]
