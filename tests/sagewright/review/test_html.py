"""The page of a review: nothing in a plan becomes markup, and it asks nothing of anybody."""

from __future__ import annotations

import re
import time
from dataclasses import fields, is_dataclass, replace
from html.parser import HTMLParser
from typing import Any

import pytest

from sagewright.review import model
from sagewright.review.html import page, sha256
from sagewright.review.markdown import render
from sagewright.review.model import Review
from tests.sagewright.review.test_markdown import whole
from tools.review_examples import NAMES, review

HOSTILE = (
    "<script>alert(1)</script>",
    "</title></script></style><img src=x onerror=alert(1)>",
    "\" onmouseover='alert(1)' x=\"",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt; <!-- ]]>",
)


class Skeleton(HTMLParser):
    """What a page is made of: elements and attributes, and the values of those that could do something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.addresses: set[str] = set()
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))
        self.addresses |= {value or "" for name, value in attrs if name in ("href", "src")}

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def pictured(text: str) -> Review:
    """Return a review of which every text of a plan is the same, its picture's too."""
    facts: Any = {"environment": text, "stack": text, "construct": text, "type": text, "failing": True}
    nodes = tuple(
        model.Node(id=f"{text}{number}", address=f"{text}{number}", action="replace", **facts)
        for number in range(2)
    )
    edges = (model.Edge(source=nodes[1].id, target=nodes[0].id),)
    return replace(whole(text), nodes=nodes, edges=edges)


@pytest.fixture(scope="module")
def skeleton() -> Skeleton:
    """What the page of a harmless review is made of."""
    return Skeleton(page(pictured("harmless")))


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_plan_changes_what_the_page_is_made_of(text: str, skeleton: Skeleton) -> None:
    parsed = Skeleton(page(pictured(text)))
    assert parsed.found == skeleton.found
    assert text in parsed.texts
    assert {one for one in parsed.addresses if not one.startswith("#")} == {"data:,"}


def test_only_the_pages_own_style_and_script_may_run() -> None:
    text = page(whole("harmless"))
    policy = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">', text)
    (style,), (script,) = (re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.S) for tag in ("style", "script"))
    assert [one.replace("&#39;", "'") for one in policy] == [
        f"default-src 'none'; script-src '{sha256(script)}'; style-src '{sha256(style)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    ]
    assert " style=" not in text


@pytest.mark.parametrize("example", NAMES)
def test_the_page_says_what_the_comment_says_in_the_same_order(example: str) -> None:
    made = review(example)
    sections = re.findall(r"<h2>(.*?)</h2>", page(made))
    sections.remove("Picture")
    assert sections == re.findall(r"^### (.*)$", render(made, limit=10**7), re.M)


def distinct(value: Any, told: dict[str, str]) -> Any:
    """Return a part of a review in which no two texts of a plan are alike; `told` gets each, and of what."""
    if isinstance(value, tuple):
        return tuple(distinct(one, told) for one in value)
    if not is_dataclass(value) or isinstance(value, type):
        return value
    changed: dict[str, Any] = {}
    for one in fields(value):
        if one.type in ("str", "Words", "tuple[str, ...]"):
            text = f"text{len(told)}."
            told[text] = f"{type(value).__name__}.{one.name}"
            changed[one.name] = text if one.type != "tuple[str, ...]" else (text,)
        else:
            changed[one.name] = distinct(getattr(value, one.name), told)
    return replace(value, **changed)


def test_everything_in_a_review_is_on_the_page_but_what_its_stack_and_resource_say() -> None:
    told: dict[str, str] = {}
    made = distinct(replace(pictured("x"), checks=(), edges=()), told)
    text = page(made)
    left_out = {of for one, of in told.items() if one not in text}
    assert {one for one in left_out if not one.endswith(".environment")} == {
        "CostRow.type",
        "Loss.forced_by",
        "Loss.type",
        "Node.construct",
        "Node.id",
        "Place.construct",
        "StackRow.digest",
        "Value.text",  # before something is added
    }


def test_a_review_with_nothing_in_it_is_a_page() -> None:
    empty: dict[str, Any] = {
        name: () for name in Review.__dataclass_fields__ if name not in ("verdict", "digest", "cost")
    }
    text = page(Review(verdict="error", digest="", cost=None, **empty))
    assert "the gate could not judge, and is closed" in text
    assert "<h2>" not in text


def test_a_resource_and_a_left_over_of_it_are_two_changes() -> None:
    made = review("traffic")
    text = page(replace(made, changes=(*made.changes, *made.changes)))
    ids = re.findall(r'<article [^>]*id="(c\d+)"', text)
    assert ids == [f"c{number}" for number in range(16)]
    assert set(re.findall(r'href="#(c\d+)"', text)) <= set(ids[:8])


def test_the_same_review_gives_the_same_bytes() -> None:
    made = review("traffic")
    assert page(made) == page(made)
    turned = replace(made, edges=tuple(reversed(made.edges)))
    assert page(turned) == page(made)


def test_a_thousand_resources_make_a_small_page_at_once() -> None:
    made = large(7)
    assert len(made.nodes) > 1000
    assert len(page(made).encode()) < 3_000_000

    def seconds() -> float:
        start = time.thread_time()
        page(made)
        return time.thread_time() - start

    assert min(seconds() for _ in range(3)) < 0.5, "also when Python collects its garbage meanwhile"


def large(copies: int) -> Review:
    """Return the review of a whole environment, several times."""
    made = review("greenfield")
    groups, nodes, edges = made.changes, made.nodes, made.edges
    return replace(
        made,
        changes=tuple(
            replace(one, stack=f"{n}-{one.stack}", construct=f"{n}-{one.construct}")
            for n in range(copies)
            for one in groups
        ),
        nodes=tuple(
            replace(one, id=f"{n}-{one.id}", stack=f"{n}-{one.stack}") for n in range(copies) for one in nodes
        ),
        edges=tuple(
            replace(one, source=f"{n}-{one.source}", target=f"{n}-{one.target}")
            for n in range(copies)
            for one in edges
        ),
    )
