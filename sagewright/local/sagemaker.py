"""SageMaker as the embedded AWS answers it: the control plane, or moto, or nobody."""

from __future__ import annotations

import threading

from moto.sagemaker.models import sagemaker_backends

from sagewright.local import feature_groups, hosting, monitoring, registry, search, studio, tags
from sagewright.local.control_plane import Behaviour, ControlPlane

_BEHAVIOUR = Behaviour(
    hooks=feature_groups.HOOKS | hosting.HOOKS | monitoring.HOOKS | registry.HOOKS | studio.HOOKS,
    operations=hosting.OPERATIONS
    | registry.OPERATIONS
    | studio.OPERATIONS
    | tags.OPERATIONS
    | search.OPERATIONS,
)

_lock = threading.Lock()


def control_plane(account_id: str, region: str) -> ControlPlane:
    """Return the control plane of an account and region.

    It is kept in moto's own backend, so that moto's reset forgets it with everything else.
    """
    backend = sagemaker_backends[account_id][region]
    with _lock:
        if "control_plane" not in backend.__dict__:
            backend.__dict__["control_plane"] = ControlPlane(account_id, region, _BEHAVIOUR)
        plane: ControlPlane = backend.__dict__["control_plane"]
    return plane
