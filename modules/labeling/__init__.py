"""Labeling by your own people: the private workforce, its work teams, and the pages of their tasks."""

from .decisions import Cognito, Existing, Oidc, Team, Workers
from .labeling import Labeling, LabelingConfig, LabelingOutputs, label, publish_to

__all__ = [
    "Cognito",
    "Existing",
    "Labeling",
    "LabelingConfig",
    "LabelingOutputs",
    "Oidc",
    "Team",
    "Workers",
    "label",
    "publish_to",
]
