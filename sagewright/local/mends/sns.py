"""SNS: moto keeps a topic's signature version, and does not show it."""

from __future__ import annotations

from typing import Any

from moto.sns.responses import SNSResponse


def apply() -> None:
    """Let GetTopicAttributes show the signature version where it was set."""
    get = SNSResponse.get_topic_attributes

    def get_topic_attributes(self: Any) -> Any:
        answer: Any = get(self)
        topic = self.backend.get_topic(self._get_param("TopicArn"))
        version = getattr(topic, "signature_version", None)
        if version is not None:
            answer.result["Attributes"]["SignatureVersion"] = version
        return answer

    SNSResponse.get_topic_attributes = get_topic_attributes  # type: ignore[method-assign]
