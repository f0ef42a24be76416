"""A review for programs: JSON, whose schema is published as docs/review.schema.json."""

from __future__ import annotations

from dataclasses import asdict, fields, is_dataclass
from typing import Any

from sagewright.review import model
from sagewright.review.markdown import key
from sagewright.review.model import Review

FORMAT = 1
"""Raised when a program that reads the last one would misread the next; what is added does not raise it."""
SCHEMA = "https://json-schema.org/draft/2020-12/schema"
CONFIG = "__pydantic_config__"
"""Where pydantic looks for a dataclass's configuration; the model itself does without."""
DESCRIPTIONS = {
    "format": "Version of this format.",
    "comment_key": "First line of the comment on a pull request, by which it is found and replaced.",
}


def document(review: Review) -> dict[str, Any]:
    """Return the review for a program: `format`, `comment_key`, and the fields of `Review`."""
    return {"format": FORMAT, "comment_key": key(review), **asdict(review)}


def schema() -> dict[str, Any]:
    """Return the JSON Schema of `document`, made from the classes of the model and their docstrings."""
    from pydantic import TypeAdapter

    described = [one for one in vars(model).values() if is_dataclass(one) and isinstance(one, type)]
    for one in described:
        setattr(one, CONFIG, {"use_attribute_docstrings": True, "extra": "forbid"})
    try:
        whole = TypeAdapter(Review).json_schema(mode="serialization")
    finally:
        for one in described:
            delattr(one, CONFIG)
    whole["properties"] = {
        "format": {"const": FORMAT, "description": DESCRIPTIONS["format"]},
        "comment_key": {"type": "string", "description": DESCRIPTIONS["comment_key"]},
        **whole["properties"],
    }
    whole["required"] = ["format", "comment_key", *(one.name for one in fields(Review))]
    return {"$schema": SCHEMA, **whole}
