"""Security groups: what the world may reach, and where everything may go."""

from __future__ import annotations

from collections.abc import Iterator

from policies.plan.model import Block, Finding, Planned, Resource, failed, judged, passed, rule

WORLD = ("0.0.0.0/0", "::/0", "0000:0000:0000:0000:0000:0000:0000:0000/0")
ALL = ("-1", "all")
PORTS = {22: "SSH", 80: "HTTP", 3389: "RDP"}


@rule("SW_GROUP_INGRESS")
def the_world_stays_out(group: Resource, planned: Planned) -> Finding:
    """Deny SSH, HTTP, RDP and all ports together from everywhere, each rule of a group by itself."""
    return judged(entries(group, "ingress"), way_in)


@rule("SW_GROUP_EGRESS")
def not_everything_leaves(group: Resource, planned: Planned) -> Finding:
    """Deny all traffic to everywhere."""
    return judged(entries(group, "egress"), way_out)


@rule("SW_GROUP_DEFAULT")
def the_default_group_is_empty(group: Resource, planned: Planned) -> Finding:
    """Deny any rule in the group that whatever has none of its own gets."""
    for name in ("ingress", "egress"):
        if not group.block.computed(name) and len(group.block.blocks(name)):
            return failed(f"{name} is set")
    return passed()


def entries(group: Resource, direction: str) -> Iterator[Block]:
    """Yield the rules of one direction: those in a group, or a rule by itself."""
    block = group.block
    if group.type in ("aws_security_group", "aws_default_security_group"):
        if not block.computed(direction):
            yield from block.blocks(direction)
    elif group.type != "aws_security_group_rule" or block["type"] == direction:
        yield block


def way_in(entry: Block) -> str:
    """Return what a rule opens to the world that must not be."""
    if not world(entry):
        return ""
    first, last = entry.get("from_port"), entry.get("to_port")
    if protocol(entry) in ALL or first is None or last is None:
        return "all ports are open to the world"
    open_ports = [f"{port} ({name})" for port, name in PORTS.items() if int(first) <= port <= int(last)]
    return f"port {' and '.join(open_ports)} is open to the world" if open_ports else ""


def way_out(entry: Block) -> str:
    """Return whether a rule lets everything out."""
    return "all traffic may leave for the world" if world(entry) and protocol(entry) in ALL else ""


def world(entry: Block) -> bool:
    """Tell whether a rule is for every address."""
    addresses = [entry.get(name) for name in ("cidr_ipv4", "cidr_ipv6")]
    for name in ("cidr_blocks", "ipv6_cidr_blocks"):
        addresses += entry.get(name) or ()
    return any(address in WORLD for address in addresses)


def protocol(entry: Block) -> str:
    """Return the protocol of a rule, which has two names."""
    return str(entry.get("protocol") or entry.get("ip_protocol"))
