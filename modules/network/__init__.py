"""VPC without a way to the internet, or one that is there already."""

from .network import (
    FEATURES,
    PRIVATE_API,
    ExistingNetwork,
    Network,
    NetworkConfig,
    NetworkOutputs,
    NewNetwork,
)

__all__ = [
    "FEATURES",
    "PRIVATE_API",
    "ExistingNetwork",
    "Network",
    "NetworkConfig",
    "NetworkOutputs",
    "NewNetwork",
]
