"""Lenient reading of values in the vendor's JSON, where `false` stands for an absent object.

Source: LIGHTSPEED.md section 1, recorded answers.
"""

from collections.abc import Mapping

#: Names and states are short; more is cut off.
MAX_TEXT_CHARACTERS = 255


def child(value: object, name: str) -> Mapping[str, object] | None:
    """Return the object under `name`; None when it is absent, `false` or anything else."""
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else None


def whole_number(value: object) -> int | None:
    """Return an integer, also one written as a short string of digits; None for the rest."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and len(value) <= 18 and value.isascii() and value.isdigit():  # noqa: PLR2004 - fits 64 bits
        return int(value)
    return None


def text(value: object) -> str | None:
    """Return a non-empty text without control characters, cut to a name's length."""
    if not isinstance(value, str):
        return None
    printable = "".join(sign for sign in value[:MAX_TEXT_CHARACTERS] if sign.isprintable())
    return printable.strip() or None
