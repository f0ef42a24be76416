"""SageMaker model package group: the versions of one model, and which accounts may use them."""

from .model_package_group import ModelPackageGroup, ModelPackageGroupConfig, ModelPackageGroupOutputs

__all__ = ["ModelPackageGroup", "ModelPackageGroupConfig", "ModelPackageGroupOutputs"]
