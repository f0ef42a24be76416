"""SNS topic: encrypted, published to over TLS by whom its policy names."""

from .topic import Subscription, Topic, TopicConfig, TopicOutputs

__all__ = ["Subscription", "Topic", "TopicConfig", "TopicOutputs"]
