"""The picture of a review: what refers stands to the right, and a reader can take it in."""

from __future__ import annotations

from itertools import combinations

import pytest

from sagewright.review.model import Action, Edge, Node
from sagewright.review.picture import HEIGHT, MOST, WIDEST, WIDTH, Picture, picture


def node(name: str, action: Action = "change", construct: str = "", stack: str = "dev-serving") -> Node:
    """Return a resource."""
    address = name if "." in name else f"aws_x.{name}"
    return Node(
        id=f"{stack}/{address}",
        environment="dev",
        stack=stack,
        address=address,
        construct=construct,
        type="aws_x",
        action=action,
        failing=False,
    )


def edge(source: Node, target: Node) -> Edge:
    """Return that one resource refers to another."""
    return Edge(source=source.id, target=target.id)


def columns(drawn: Picture) -> dict[str, int]:
    """Return where from left to right each box is."""
    return {box.name: box.x for box in drawn.boxes}


def test_what_refers_stands_to_the_right_and_what_follows_is_not_drawn() -> None:
    key, model, endpoint = (node(name) for name in ("key", "model", "endpoint"))
    drawn = picture([endpoint, model, key], [edge(model, key), edge(endpoint, model), edge(endpoint, key)])
    places = columns(drawn)
    assert places["key"] < places["model"] < places["endpoint"]
    assert len(drawn.lines) == 2


def test_a_long_chain_is_drawn_downwards_so_that_it_fits() -> None:
    nodes = [node(f"r{n:02}") for n in range(9)]
    drawn = picture(nodes, [edge(nodes[n + 1], nodes[n]) for n in range(8)])
    assert drawn.down
    assert drawn.width <= WIDEST
    assert [box.name for box in sorted(drawn.boxes, key=lambda box: box.y)] == [f"r{n:02}" for n in range(9)]


def test_what_does_not_change_is_put_together() -> None:
    changed = node("changed")
    near = [node(f"near{n}", "none", "dev-serving/churn/this") for n in range(2)]
    far = [node(f"far{n}", "none", "dev-serving/other/this") for n in range(9)]
    drawn = picture([changed, *near, *far], [edge(changed, near[0]), edge(near[1], changed)])
    assert sorted((box.name, box.what) for box in drawn.boxes) == [
        ("changed", "x"),
        ("churn", "2 in dev-serving"),
        ("dev-serving", "9 that do not change"),
    ]


def test_a_box_shows_the_most_urgent_of_what_it_stands_for() -> None:
    nodes = [node(f"a{n}", "add", f"dev-serving/all/a{n}") for n in range(MOST)]
    nodes.append(node("gone", "destroy", "dev-serving/all/gone"))
    (box,) = picture(nodes, []).boxes
    assert (box.name, box.action, len(box.members)) == ("all", "destroy", MOST + 1)
    assert box.members[0].address == "aws_x.gone"


@pytest.mark.parametrize("size", [1, 40, 200, 1000])
def test_of_any_size_it_has_few_boxes_which_do_not_overlap(size: int) -> None:
    nodes = [node(f"r{n}", "add", f"dev-serving/c{n // 5}/r{n}") for n in range(size)]
    edges = [edge(nodes[n], nodes[n // 2]) for n in range(1, size)]
    drawn = picture(nodes, edges)
    assert len(drawn.boxes) <= MOST
    assert sorted(one.id for box in drawn.boxes for one in box.members) == sorted(one.id for one in nodes)
    for one, other in combinations(drawn.boxes, 2):
        assert abs(one.x - other.x) >= WIDTH or abs(one.y - other.y) >= HEIGHT
    assert all(box.x + WIDTH <= drawn.width and box.y + HEIGHT <= drawn.height for box in drawn.boxes)


def test_of_a_foreign_plan_modules_and_types_are_put_together() -> None:
    nodes = [node(f"module.vpc.aws_x.r{n}") for n in range(MOST)] + [node(f"r{n}") for n in range(9)]
    drawn = picture(nodes, [])
    assert sorted((box.name, len(box.members)) for box in drawn.boxes) == [
        ("aws_x", 9),
        ("module.vpc", MOST),
    ]


def test_two_constructs_that_refer_to_each_other_are_drawn() -> None:
    nodes = [node(f"r{n}", "add", f"dev-serving/c{n % 2}/r{n}") for n in range(MOST + 2)]
    edges = [edge(nodes[n + 1], nodes[n]) for n in range(MOST + 1)]
    drawn = picture(nodes, edges)
    assert (len(drawn.boxes), len(drawn.lines)) == (2, 1)


def test_references_in_a_circle_are_drawn() -> None:
    first, second = node("first"), node("second")
    drawn = picture([first, second], [edge(first, second), edge(second, first)])
    assert (len(drawn.boxes), len(drawn.lines)) == (2, 1)


def test_of_nothing_there_is_no_box() -> None:
    assert picture([], []).boxes == ()
