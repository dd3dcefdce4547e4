"""The usual shape of a key or secret, and what else a value looks like.

Every sample seen is 32 lower-case hexadecimal characters (LIGHTSPEED.md section 1 [C]), which is
no promise of the vendor's: another shape is worth a warning, never a refusal.
"""

import re
from enum import StrEnum

#: Characters in a key and in a secret.
USUAL_CHARACTERS = 32
#: Nothing that a header should carry is longer: a longer value was never a key or secret.
MAX_CHARACTERS = 255

_USUAL = re.compile(r"[0-9a-f]{32}")
_CUT_SHORT = re.compile(r"[0-9a-fA-F]{1,31}")
_EMAIL = re.compile(r"[^\s@:/]+@[^\s@:/]+\.[^\s@:/]+")
_ADDRESS = re.compile(
    r"[a-z][a-z0-9+.-]*://.+|www\..+|[^\s/@]+\.[a-z]{2,}(?:[:/].*)?", re.IGNORECASE | re.DOTALL
)


class Shape(StrEnum):
    """What a value looks like."""

    USUAL = "usual"
    CUT_SHORT = "cut_short"
    TOO_LONG = "too_long"
    EMAIL = "email"
    ADDRESS = "address"
    UNUSUAL = "unusual"


def shape_of(value: str) -> Shape:
    """Tell what a value looks like. Linear in its length, which is looked at first."""
    if len(value) > MAX_CHARACTERS:
        return Shape.TOO_LONG
    for shape, pattern in (
        (Shape.USUAL, _USUAL),
        (Shape.CUT_SHORT, _CUT_SHORT),
        (Shape.EMAIL, _EMAIL),
        (Shape.ADDRESS, _ADDRESS),
    ):
        if pattern.fullmatch(value):
            return shape
    return Shape.UNUSUAL
