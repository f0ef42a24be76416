"""What every module is made of: value objects, checks that let Tokens through, IAM statements."""

from .checks import at_least, at_most, distinct, matches, not_empty, one_of, refuse, unresolved, when
from .notes import keep_notes
from .record import ByKind, described, record
from .statement import Principal, Statement, document

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
    "when",
]
