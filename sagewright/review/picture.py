"""The picture of a review: which resources there are, who refers to whom, and what changes.

What refers stands to the right of what it refers to, so that things are made from left to right; or below it,
where only that fits into a window. Resources are put together until a reader can take in all boxes, those
that do not change first. The layers and the order within them are those of Sugiyama, Tagawa and Toda,
https://doi.org/10.1109/TSMC.1981.4308636.
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
LAYER, ROW = 44, 12
"""Room between layers and between boxes, in pixels."""
WIDEST = 1200
"""Of a picture that fits into a window, in pixels."""
BEND = 8
"""Room for a line that passes between boxes, in pixels."""
EDGE = 10
"""Room around the picture, in pixels."""
LONGEST, LONGEST_WHAT = 21, 26
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
    down: bool
    """Whether what refers stands below what it refers to, and not to the right of it."""
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
    spots, width, height = placed(layers, down=False)
    down = width > WIDEST and placed(layers, down=True)[1] <= WIDEST
    if down:
        spots, width, height = placed(layers, down=True)
    apart = sorted(key for key in order if key not in spots)
    columns, top = max((width + LAYER) // (WIDTH + LAYER), 4), height + ROW * bool(layers)
    for number, key in enumerate(apart):
        row, column = divmod(number, columns)
        spots[key] = EDGE + column * (WIDTH + LAYER), top + row * (HEIGHT + ROW)
    if apart:
        height = top + ((len(apart) - 1) // columns + 1) * (HEIGHT + ROW)
        width = max(width, min(len(apart), columns) * (WIDTH + LAYER) - LAYER + 2 * EDGE)
    return Picture(
        width=width,
        height=height,
        down=down,
        boxes=tuple(box(key, members[key], spots[key]) for key in sorted(members)),
        lines=tuple(path([spots[point] for point in chain], down) for chain in chains),
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


def placed(layers: Sequence[Sequence[Key]], *, down: bool) -> tuple[dict[Key, tuple[int, int]], int, int]:
    """Return where everything is, and the width and height of all: each layer is around the same middle."""
    thick, wide = (HEIGHT, WIDTH) if down else (WIDTH, HEIGHT)

    def size(key: Key) -> int:
        return (wide if key[0] else BEND) + ROW

    sizes = [sum(map(size, layer)) - ROW for layer in layers]
    whole, along = max(sizes, default=0), EDGE
    spots: dict[Key, tuple[int, int]] = {}
    for layer, taken in zip(layers, sizes, strict=True):
        across = EDGE + (whole - taken) // 2
        for key in layer:
            spots[key] = (across, along) if down else (along, across)
            across += size(key)
        along += thick + LAYER
    along, across = along - LAYER * bool(layers) + EDGE, whole + 2 * EDGE
    return (spots, across, along) if down else (spots, along, across)


def path(points: Sequence[tuple[int, int]], down: bool) -> str:
    """Return a line through points: from the far side of the first box to the near side of the last."""
    thick, wide = (HEIGHT, WIDTH) if down else (WIDTH, HEIGHT)

    def at(along: int, across: int) -> str:
        return f"{across} {along}" if down else f"{along} {across}"

    middles = []
    for number, (x, y) in enumerate(points):
        along, across = (y, x) if down else (x, y)
        middles.append((along, across + (wide if number in (0, len(points) - 1) else BEND) // 2))
    said = ""
    for (along, across), (onward, aside) in pairwise(middles):
        start, bend = along + thick, (along + thick + onward) // 2
        said += f"{'L' if said else 'M'}{at(start, across)}"
        said += f"C{at(bend, across)} {at(bend, aside)} {at(onward, aside)}"
    return said


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
