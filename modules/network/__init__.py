"""VPC without a way to the internet, or one that is there already."""

from .network import FEATURES, ExistingNetwork, Network, NetworkConfig, NetworkOutputs, NewNetwork

__all__ = ["FEATURES", "ExistingNetwork", "Network", "NetworkConfig", "NetworkOutputs", "NewNetwork"]
