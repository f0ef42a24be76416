"""What secrets look like: known shapes of keys and tokens, and long random words."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

SECRET_LOOK = re.compile(
    r"""(?x)
    -----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY (?s: .*? -----END[ ][A-Z ]*PRIVATE[ ]KEY----- | .*)
    | \b(?:AKIA|ASIA)[A-Z2-7]{16}\b
    | \bgh[pousr]_[A-Za-z0-9]{30,}
    | \bxox[abprs]-[A-Za-z0-9-]{10,}
    | \beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}
    | ://[^/\s:@]+:[^/\s:@]{3,}@
    """
)
WORD = re.compile(r"[A-Za-z0-9+/=_-]{20,}")
HARMLESS = re.compile(r"(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}")
"""Ids and digests, which look random and are public."""
ENTROPY_BITS = 4.2
"""Bits per character from which a long word may be random; English and names stay under it."""
CHANGES = 0.38
"""Changes between capitals, small letters and digits per character: a random key has 0.6, CamelCase 0.3."""


def secret_parts(text: str) -> Iterator[str]:
    """Yield the parts of a text that look secret: known shapes of keys, and long random words."""
    yield from (match[0] for match in SECRET_LOOK.finditer(text))
    for word in WORD.findall(text):
        if HARMLESS.fullmatch(word.strip("/_-=")):
            continue
        both_cases = word != word.lower() and word != word.upper()
        if both_cases and changes(word) >= CHANGES and entropy(word) >= ENTROPY_BITS:
            yield word


def changes(word: str) -> float:
    """Return how often a word changes between capitals, small letters, digits and others, per character."""
    kinds = ["A" if c.isupper() else "a" if c.islower() else "0" if c.isdigit() else c for c in word]
    return sum(one != next_ for one, next_ in pairwise(kinds)) / len(word)


def entropy(word: str) -> float:
    """Return the Shannon entropy of a word in bits per character."""
    counts = Counter(word).values()
    return -sum(count / len(word) * math.log2(count / len(word)) for count in counts)
