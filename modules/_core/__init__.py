"""What every module is made of, and what a stack tells the plan gate."""

from .checks import at_least, at_most, distinct, matches, not_empty, one_of, refuse, unresolved, when
from .notes import keep_notes
from .record import ByKind, described, record
from .statement import Principal, Statement, document
from .waivers import waive

__all__ = [
    "ByKind",
    "Principal",
    "Statement",
    "at_least",
    "at_most",
    "described",
    "distinct",
    "document",
    "keep_notes",
    "matches",
    "not_empty",
    "one_of",
    "record",
    "refuse",
    "unresolved",
    "waive",
    "when",
]
