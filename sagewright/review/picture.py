"""The picture of a review: which resources there are, who refers to whom, and what changes.

What refers stands to the right of what it refers to, so that things are made from left to right. Resources
are put together until a reader can take in all boxes, those that do not change first. The layers and the
order within them are those of Sugiyama, Tagawa and Toda, https://doi.org/10.1109/TSMC.1981.4308636.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sagewright.review.build import URGENCY
from sagewright.review.model import Action, Edge, Node

MOST = 60
"""Boxes that a reader can take in."""
WIDTH, HEIGHT = 196, 40
"""Of a box, in pixels."""
COLUMN, ROW = 44, 12
"""Room between boxes, in pixels."""
BEND = 8
"""Room for a line that passes between boxes, in pixels."""
EDGE = 10
"""Room around the picture, in pixels."""
LONGEST, LONGEST_WHAT = 21, 28
"""Characters of the two lines in a box; the first is of a fixed pitch."""
SWEEPS = 6
"""How often the order within the layers is bettered."""

CHANGING, RESTING = "that change", "that do not change"
"""What stands for all of a stack that does, and that does not."""

Key = tuple[str, str]
"""Stack, and what of it a box stands for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """One resource, or several that are shown as one."""

    x: int
    y: int
    stack: str
    name: str
    """What it is, cut to the width of the box."""
    what: str
    """Its type; of several resources, how many, and in which stack."""
    action: Action
    """The most urgent of what happens to its resources."""
    failing: bool
    members: tuple[Node, ...]
    """The resources, what is most urgent first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """Boxes and lines, in pixels from the upper left corner."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    lines: tuple[str, ...]
    """Data of SVG paths: https://www.w3.org/TR/SVG2/paths.html#PathData."""


def picture(nodes: Sequence[Node], edges: Sequence[Edge]) -> Picture:
    """Lay the resources of a review out; the same review gives the same picture."""
    keys = grouped(nodes, edges)
    depths = depth(nodes, edges)
    members: dict[Key, list[Node]] = {}
    for node in sorted(nodes, key=lambda one: (URGENCY.index(one.action), one.id)):
        members.setdefault(keys[node.id], []).append(node)
    order = sorted(members, key=lambda key: (max(depths[one.id] for one in members[key]), key))
    place = {key: number for number, key in enumerate(order)}
    pairs = {(keys[edge.target], keys[edge.source]) for edge in edges}
    lines = reduced(
        order, {tuple(sorted(pair, key=place.__getitem__)) for pair in pairs if len(set(pair)) > 1}
    )
    layers, chains = layered([key for key in order if any(key in line for line in lines)], lines)
    spots, width, height = placed(layers)
    alone = [key for key in order if key not in spots]
    columns = max(len(layers), 4)
    top = height + (ROW if spots else 0)
    for number, key in enumerate(sorted(alone)):
        row, column = divmod(number, columns)
        spots[key] = EDGE + column * (WIDTH + COLUMN), top + row * (HEIGHT + ROW)
    if alone:
        rows = (len(alone) - 1) // columns + 1
        height = top + rows * (HEIGHT + ROW)
        width = max(width, min(len(alone), columns) * (WIDTH + COLUMN) - COLUMN + 2 * EDGE)
    return Picture(
        width=width,
        height=height,
        boxes=tuple(box(key, members[key], spots[key]) for key in sorted(members)),
        lines=tuple(path([spots[point] for point in chain]) for chain in chains),
    )


def grouped(nodes: Sequence[Node], edges: Sequence[Edge]) -> dict[str, Key]:
    """Return the box of each resource: the finest division that is not too fine."""
    changed = {node.id for node in nodes if node.action != "none"}
    near = {edge.target for edge in edges if edge.source in changed}
    near |= {edge.source for edge in edges if edge.target in changed}

    def beside(node: Node) -> Key:
        return part(node) if node.id in near else rest(node)

    divisions: tuple[tuple[Callable[[Node], Key], Callable[[Node], Key]], ...] = (
        (alone, beside),
        (alone, rest),
        (part, rest),
        (whole, rest),
        (changes, rest),
    )
    keys: dict[str, Key] = {}
    for those_that_change, others in divisions:
        keys = {node.id: (those_that_change if node.id in changed else others)(node) for node in nodes}
        if len(set(keys.values())) <= MOST:
            break
    return keys


def alone(node: Node) -> Key:
    """Give a resource a box of its own."""
    return node.stack, node.address


def part(node: Node) -> Key:
    """Put the resources of a construct together; of a foreign plan those of a module, or of a type."""
    if not node.construct:
        return node.stack, module(node) or node.type
    parts = node.construct.split("/")
    return node.stack, "/".join(parts[1:-1] or parts[1:])


def whole(node: Node) -> Key:
    """Put all resources of a stack's own constructs together."""
    return node.stack, node.construct.split("/")[1] if "/" in node.construct else module(node) or node.type


def changes(node: Node) -> Key:
    """Put all of a stack together that changes."""
    return node.stack, CHANGING


def rest(node: Node) -> Key:
    """Put all of a stack together that does not change."""
    return node.stack, RESTING


def module(node: Node) -> str:
    """Return the outermost Terraform module that a resource is in."""
    return ".".join(node.address.split(".")[:2]) if node.address.startswith("module.") else ""


def depth(nodes: Sequence[Node], edges: Iterable[Edge]) -> dict[str, int]:
    """Return how many resources must be made before each, one after the other."""
    before: dict[str, int] = {node.id: 0 for node in nodes}
    after: dict[str, list[str]] = {}
    for edge in edges:
        before[edge.source] += 1
        after.setdefault(edge.target, []).append(edge.source)
    depths = dict.fromkeys(before, 0)
    ready = [name for name, count in before.items() if not count]
    for name in ready:
        for other in after.get(name, ()):
            depths[other] = max(depths[other], depths[name] + 1)
            before[other] -= 1
            if not before[other]:
                ready.append(other)
    return depths


def reduced(order: Sequence[Key], pairs: Iterable[tuple[Key, ...]]) -> list[tuple[Key, Key]]:
    """Return the lines without those that follow from others; each goes onward in the order."""
    onward: dict[Key, list[Key]] = {key: [] for key in order}
    for first, second in sorted(pairs):
        onward[first].append(second)
    reached: dict[Key, set[Key]] = {}
    for key in reversed(order):
        reached[key] = set(onward[key]).union(*(reached[other] for other in onward[key]))
    return [
        (key, other)
        for key in order
        for other in onward[key]
        if not any(other in reached[third] for third in onward[key])
    ]


def layered(
    order: Sequence[Key], lines: Sequence[tuple[Key, Key]]
) -> tuple[list[list[Key]], list[list[Key]]]:
    """Return the boxes of each layer from left to right, and where each line passes.

    A line passes a layer at a point, whose key has an empty stack.
    """
    level: dict[Key, int] = dict.fromkeys(order, 0)
    for key in order:
        level[key] = max((level[first] + 1 for first, second in lines if second == key), default=0)
    for key in reversed(order):
        onward = [level[second] for first, second in lines if first == key]
        if onward and not any(second == key for _, second in lines):
            level[key] = min(onward) - 1
    layers: list[list[Key]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
    for key in order:
        layers[level[key]].append(key)
    chains: list[list[Key]] = []
    for number, (first, second) in enumerate(lines):
        bends = [("", f"{number} {at}") for at in range(level[first] + 1, level[second])]
        for at, bend in enumerate(bends, start=level[first] + 1):
            layers[at].append(bend)
        chains.append([first, *bends, second])
    steps = [step for chain in chains for step in pairwise(chain)]
    back: dict[Key, list[Key]] = {}
    onto: dict[Key, list[Key]] = {}
    for first, second in steps:
        onto.setdefault(first, []).append(second)
        back.setdefault(second, []).append(first)
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        numbers = range(1, len(layers)) if forward else range(len(layers) - 2, -1, -1)
        for at in numbers:
            spots = {key: spot for spot, key in enumerate(layers[at - 1 if forward else at + 1])}
            layers[at] = bettered(layers[at], spots, back if forward else onto)
    return layers, chains


def bettered(
    layer: Sequence[Key], spots: Mapping[Key, int], neighbours: Mapping[Key, Sequence[Key]]
) -> list[Key]:
    """Return a layer in the order of the middle of each one's neighbours."""
    middles: dict[Key, float] = {}
    for spot, key in enumerate(layer):
        found = [spots[one] for one in neighbours.get(key, ())]
        middles[key] = sum(found) / len(found) if found else float(spot)
    return sorted(layer, key=middles.__getitem__)


def placed(layers: Sequence[Sequence[Key]]) -> tuple[dict[Key, tuple[int, int]], int, int]:
    """Return where everything is, and the size of all: each layer is a column around the same middle."""
    heights = [sum(tall(key) + ROW for key in layer) - ROW for layer in layers]
    height = max(heights, default=0)
    spots: dict[Key, tuple[int, int]] = {}
    for column, layer in enumerate(layers):
        y = EDGE + (height - heights[column]) // 2
        for key in layer:
            spots[key] = EDGE + column * (WIDTH + COLUMN), y
            y += tall(key) + ROW
    width = len(layers) * (WIDTH + COLUMN) - COLUMN + 2 * EDGE if layers else 2 * EDGE
    return spots, width, height + 2 * EDGE


def tall(key: Key) -> int:
    """Return the height of a box, or of a point that a line passes."""
    return HEIGHT if key[0] else BEND


def path(points: Sequence[tuple[int, int]]) -> str:
    """Return a line through points: from the right side of the first box to the left side of the last."""
    (x, y), *between, (end, low) = points
    x, y = x + WIDTH, y + HEIGHT // 2
    said = [f"M{x} {y}"]
    for left, top in between:
        middle = (x + left) // 2
        said.append(f"C{middle} {y} {middle} {top + BEND // 2} {left} {top + BEND // 2}H{left + WIDTH}")
        x, y = left + WIDTH, top + BEND // 2
    middle = (x + end) // 2
    said.append(f"C{middle} {y} {middle} {low + HEIGHT // 2} {end} {low + HEIGHT // 2}")
    return "".join(said)


def box(key: Key, members: Sequence[Node], spot: tuple[int, int]) -> Box:
    """Return a box; its members are sorted by urgency."""
    first = members[0]
    name, several = key[1], f"{len(members)} in {first.stack}"
    if key in (changes(first), rest(first)):
        name, several = first.stack, f"{len(members)} {key[1]}"
    return Box(
        x=spot[0],
        y=spot[1],
        stack=first.stack,
        name=cut(name.rpartition(f"{first.type}.")[2], LONGEST),
        what=cut(first.type.removeprefix("aws_") if len(members) == 1 else several, LONGEST_WHAT),
        action=first.action,
        failing=any(one.failing for one in members),
        members=tuple(members),
    )


def cut(text: str, longest: int) -> str:
    """Return a text that fits into a box: its end tells more than its middle."""
    return text if len(text) <= longest else f"{text[: longest // 2]}…{text[-(longest - longest // 2 - 1) :]}"
