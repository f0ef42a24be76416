"""SageMaker model package group: the versions of one model, and which accounts may use them."""

from .model_package_group import (
    Approvals,
    ModelPackageGroup,
    ModelPackageGroupConfig,
    ModelPackageGroupOutputs,
)

__all__ = ["Approvals", "ModelPackageGroup", "ModelPackageGroupConfig", "ModelPackageGroupOutputs"]
