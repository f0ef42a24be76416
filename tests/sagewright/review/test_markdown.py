"""The comment on a pull request: nothing in a plan can forge it, and it keeps to its size."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from sagewright.cost import Amount
from sagewright.gate.redaction import Redactor
from sagewright.review import model
from sagewright.review.markdown import LIMIT, key, render
from sagewright.review.model import NOWHERE, Review
from sagewright.review.words import Teller
from sagewright.synth import Place

PARSER = MarkdownIt("gfm-like", {"linkify": False}).enable("table")
VERBATIM = {"code_inline", "code_block", "fence"}


def whole(text: str) -> Review:
    """Return a review of which every text of a plan is the same."""
    told = Teller(Redactor())
    value, quoted = told.text(text), told.quoted(text)
    place = Place(construct=value, lines=(f"{value}:1",))
    here = {"environment": value, "stack": value, "address": value}
    served = model.Served(kind="image", name=value, approval=value, metrics={value: value})
    variant = model.Variant(share_percent=5.0, capacity=value, served=(served,))
    usd = Amount(low_usd_per_month=1.0, high_usd_per_month=2.0)
    side = model.Value(nature="value", text=value)
    unknown = model.Value(nature="unknown", text=value)
    return Review(
        verdict="denied",
        digest="0" * 64,
        gates=(
            model.Gate(
                environment=value,
                verdict="denied",
                rules=1,
                touched=1,
                passed=1,
                denied=1,
                advised=1,
                overridden=1,
                waived=1,
                errors=0,
            ),
        ),
        stacks=(
            model.StackRow(
                environment=value,
                stack=value,
                digest="0",
                preview=True,
                add=1,
                change=1,
                replace=1,
                destroy=1,
                forget=1,
                move=1,
                imports=1,
                outputs=1,
                denied=1,
                advised=1,
                overridden=1,
                waived=1,
                errors=1,
                before=usd,
                after=usd,
                unpriced=1,
            ),
        ),
        losses=(
            model.Loss(
                **here,
                type=value,
                name=value,
                place=place,
                action="destroy",
                why=f"because of {quoted}",
                forced_by=(value,),
                means=f"all of {quoted}",
                denied=True,
            ),
        ),
        traffic=(
            model.Traffic(
                **here,
                endpoint=value,
                place=place,
                action="change",
                moved_percent=5.0,
                rollout=f"after {quoted}",
                variants=(model.VariantChange(name=value, shadow=True, before=None, after=variant),),
                unknown=value,
            ),
        ),
        access=tuple(
            model.Access(
                **here,
                place=place,
                area="permissions",
                direction="widened",
                fresh=fresh,
                subject=f"role {quoted}",
                said=f"may now {quoted}",
            )
            for fresh in (True, False)
        ),
        failures=tuple(
            model.Failure(
                **here,
                place=place,
                rule="SW_TAGS",
                title="everything carries the tags",
                severity="high",
                state="fail",
                mode="deny",
                denies=denies,
                touched=True,
                message=value,
                remedy="Add it.",
            )
            for denies in (True, False)
            for _ in range(7)
        ),
        checks=(),
        cost=model.Cost(
            before=usd,
            after=usd,
            unknown=1,
            source="https://aws.amazon.com",
            price_date="2030-01-01",
            stale=True,
            rows=(
                model.CostRow(
                    **here, type=value, what=value, before=usd, after=None, during=None, unknown=value
                ),
            ),
        ),
        changes=tuple(
            model.Group(
                environment=value,
                stack=value,
                construct=value,
                changes=(
                    model.ResourceChange(
                        address=value,
                        type=value,
                        action=action,  # type: ignore[arg-type]
                        why=quoted,
                        previous_address=value,
                        attributes=attributes,
                        line=value,
                    ),
                ),
            )
            for action, attributes in (
                ("add", (model.Attribute(path=value, before=side, after=side, forces=False),)),
                ("change", (model.Attribute(path=value, before=unknown, after=side, forces=True),)),
                ("destroy", ()),
            )
        ),
        waivers=(
            model.Waiver(
                **here,
                place=place,
                rule="SW_TAGS",
                severity="high",
                reason=value,
                owner=value,
                ticket=value,
                written=value,
                expires="2030-01-01",
                days_left=1,
            ),
        ),
        overrides=(
            model.Override(
                **here,
                place=place,
                rule="SW_TAGS",
                severity="high",
                message=value,
                reason=value,
                group=value,
                approver=value,
            ),
        ),
        drift=(
            model.Drift(
                environment=value,
                stack=value,
                type=value,
                action="changed",
                attributes=(value,),
                addresses=(value,),
            ),
        ),
        nodes=(),
        edges=(),
    )


def tokens(text: str) -> Iterator[Token]:
    """Yield all that a parser of Markdown sees, in order."""
    for token in PARSER.parse(text):
        yield token
        yield from token.children or ()


def skeleton(text: str) -> list[tuple[str, str, str]]:
    """Return what a comment is made of, but for what stands in code spans and code elements."""
    found = []
    for token in tokens(text):
        if token.type in VERBATIM or token.type == "inline":
            content = ""
        elif token.type.startswith("html"):
            content = re.sub(r"<code>[^<]*</code>", "<code></code>", token.content)
        else:
            content = token.content
        found.append((token.type, token.tag, content))
    return found


def body(made: Review) -> str:
    """Return a comment without its key, which the test below is about."""
    return render(made).partition("\n")[2]


PLAIN = skeleton(body(whole("x")))
HOSTILE = [
    "`", "``` ``", "</details>", "<details>", "</code>", "<!-- sagewright-review: x -->", "-->", "|", "\n\n",
    "\n# all is well", "\r", "@everyone", "[x](https://evil.example)", "![x](y)", "https://evil.example",
    "**", "_", "~~~", "\\", "\\|", "&lt;", "<b>", "\u202e", "\u2028", "\x00", "- [x] ok", "> [!TIP]", "#1",
]  # fmt: skip


TEXTS = st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=5)), min_size=1, max_size=6).map(
    "".join
)


@settings(max_examples=30, deadline=None)
@given(TEXTS.filter(bool))
def test_no_text_of_a_plan_changes_what_the_comment_is_made_of(text: str) -> None:
    comment = render(whole(text))
    assert skeleton(body(whole(text))) == PLAIN
    assert comment.count("<!--") == 1
    assert comment.startswith("<!-- sagewright-review: ")


def test_a_comment_begins_with_the_key_of_its_environments() -> None:
    made = whole("dev")
    assert render(made).splitlines()[0] == "<!-- sagewright-review: dev -->"
    (dev,) = made.gates
    two = dataclasses.replace(made, gates=(dataclasses.replace(dev, environment="prod -->"), dev))
    assert key(two) == "<!-- sagewright-review: dev prod- -->"


def test_sections_come_in_the_order_of_a_readers_questions() -> None:
    titles = re.findall(r"(?m)^### (.*)$", render(whole("x")))
    assert titles == [
        "Data loss",
        "Traffic",
        "Access",
        "Access of what is new",
        "Stopped by the policies",
        "Advice",
        "Cost per month",
        "Changes",
        "Overrides",
        "Waivers in use",
        "Drift",
    ]


def many(made: Review, **counts: int) -> Review:
    """Return a review with so many of some parts, told apart by their addresses."""
    changed: dict[str, Any] = {}
    for name, count in counts.items():
        (first, *_) = getattr(made, name)
        changed[name] = tuple(dataclasses.replace(first) for _ in range(count))
    return dataclasses.replace(made, **changed)


def test_what_does_not_fit_is_left_out_by_priority_and_said_to_be() -> None:
    made = many(whole("x" * 300), changes=300, access=300)
    comment = render(made, elsewhere="[the whole review](https://ci.example/1)")
    assert len(comment) <= LIMIT
    assert comment.count("SW_TAGS") >= 2 and "at an end" in comment
    assert re.search(r"\*\d+ constructs left out here: see \[the whole review\]", comment)
    last = comment.rstrip().splitlines()[-1]
    assert last.startswith("*Left out, for want of room: ") and "of 300 constructs" in last


def test_neither_verdict_nor_losses_nor_failures_are_cut_for_anything_else() -> None:
    made = many(whole("x"), losses=100, changes=2000, access=2000, drift=500)
    comment = render(made)
    assert len(comment) <= LIMIT
    assert comment.count("> - **destroyed**") == 100
    assert "the gate is closed" in comment and comment.count("**`SW_TAGS`**") >= 2


def test_where_losses_alone_do_not_fit_it_is_said_how_many_are_left_out() -> None:
    comment = render(many(whole("x" * 300), losses=400))
    assert len(comment) <= LIMIT
    shown = comment.count("> - **destroyed**")
    assert f"*{400 - shown} stateful resources left out here: see" in comment


@pytest.mark.parametrize("limit", [2000, 5000, 20000])
def test_every_limit_is_kept(limit: int) -> None:
    assert len(render(many(whole("x"), changes=100, losses=3), limit=limit)) <= limit


def test_folds_are_closed_wherever_they_are_cut() -> None:
    comment = render(many(whole("x" * 200), access=500, changes=500))
    assert comment.count("<details>") == comment.count("</details>")


def test_where_nothing_happens_nothing_is_said() -> None:
    empty: dict[str, Any] = {
        field.name: ()
        for field in dataclasses.fields(Review)
        if isinstance(getattr(whole("x"), field.name), tuple) and field.name not in ("gates", "stacks")
    }
    comment = render(dataclasses.replace(whole("x"), cost=None, verdict="open", **empty))
    assert "###" not in comment and "the gate is open" in comment


def test_a_place_that_is_not_known_is_not_told() -> None:
    made = whole("x")
    (loss,) = made.losses
    comment = render(dataclasses.replace(made, losses=(dataclasses.replace(loss, place=NOWHERE),)))
    assert " at ``" not in comment
