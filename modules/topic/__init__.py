"""SNS topic: encrypted, published to over TLS by whom its policy names."""

from .topic import ENDPOINTS, TOPIC_ARN, Subscription, Topic, TopicConfig, TopicOutputs

__all__ = ["ENDPOINTS", "TOPIC_ARN", "Subscription", "Topic", "TopicConfig", "TopicOutputs"]
