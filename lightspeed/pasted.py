"""Smart paste: reading the two fields "API key" and "API secret" whatever was put into them.

It says what it did and what looks odd, in codes; the pages have the words. The vendor's answer
decides what is right, so only what cannot be a key at all stands in the way of asking.
"""

from dataclasses import dataclass
from enum import StrEnum

from pydantic import SecretStr

from lightspeed.labels import MAX_TEXT_CHARACTERS, Found, Part, find_values
from lightspeed.shape import Shape, shape_of


class RemarkKind(StrEnum):
    """What there is to say about a paste."""

    #: Both values stood in one text; they were taken apart.
    BOTH_IN_ONE = "both_in_one"
    #: By their labels the two stood in each other's field; they were exchanged.
    EXCHANGED = "exchanged"
    #: Only the beginning of a very long text was read.
    TEXT_CUT = "text_cut"
    #: No value was found.
    MISSING = "missing"
    #: More values than can be told apart; none was taken.
    AMBIGUOUS = "ambiguous"
    #: Key and secret are the same.
    SAME = "same"
    EMAIL = "email"
    ADDRESS = "address"
    #: Hexadecimal, but fewer than 32 characters.
    CUT_SHORT = "cut_short"
    TOO_LONG = "too_long"
    #: Not 32 lower-case hexadecimal characters: a warning, no more.
    UNUSUAL = "unusual"

    @property
    def is_fatal(self) -> bool:
        """Asking the vendor would be pointless; the others are warnings or news."""
        return self in _FATAL


_FATAL = frozenset(
    {
        RemarkKind.MISSING,
        RemarkKind.AMBIGUOUS,
        RemarkKind.SAME,
        RemarkKind.EMAIL,
        RemarkKind.ADDRESS,
        RemarkKind.TOO_LONG,
    }
)
_OF_SHAPE = {
    Shape.EMAIL: RemarkKind.EMAIL,
    Shape.ADDRESS: RemarkKind.ADDRESS,
    Shape.CUT_SHORT: RemarkKind.CUT_SHORT,
    Shape.TOO_LONG: RemarkKind.TOO_LONG,
    Shape.UNUSUAL: RemarkKind.UNUSUAL,
}


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing to say; `part` is the field that it is about, None for the two together."""

    kind: RemarkKind
    part: Part | None = None


@dataclass(frozen=True, slots=True)
class Pasted:
    """What the two fields hold.

    Attributes:
        key: as pasted, without what does not belong to it; None when there is none to use.
        secret: likewise.
        remarks: first what was done with the text, then what is odd about the key, the secret.
    """

    key: SecretStr | None
    secret: SecretStr | None
    remarks: tuple[Remark, ...]

    @property
    def is_checkable(self) -> bool:
        """Both values are there and nothing makes asking the vendor pointless."""
        return not any(remark.kind.is_fatal for remark in self.remarks)


def read_pasted(*, key_text: str, secret_text: str = "") -> Pasted:
    """Read the two fields of the form, or one text that may hold both values.

    Args:
        key_text: what was put into "API key"; of any length, of which only the beginning is read.
        secret_text: what was put into "API secret"; empty when one text is to give both.

    A value in its own field wins over one that came along with the other.
    """
    in_key, in_secret = find_values(key_text), find_values(secret_text)
    key, secret, news = _placed(in_key=in_key, in_secret=in_secret)
    remarks = [Remark(kind=kind) for kind in news]
    if max(len(key_text), len(secret_text)) > MAX_TEXT_CHARACTERS:
        remarks.append(Remark(kind=RemarkKind.TEXT_CUT))
    for part, value, found in ((Part.KEY, key, in_key), (Part.SECRET, secret, in_secret)):
        kind = _oddity(value=value, is_ambiguous=found.is_ambiguous)
        if kind is not None:
            remarks.append(Remark(kind=kind, part=part))
    if key and secret and key.casefold() == secret.casefold():
        remarks.append(Remark(kind=RemarkKind.SAME))
    return Pasted(key=_kept(key), secret=_kept(secret), remarks=tuple(remarks))


def _placed(
    *, in_key: Found, in_secret: Found
) -> tuple[str | None, str | None, tuple[RemarkKind, ...]]:
    """Settle which value is the key and which the secret, and what had to be done for it."""
    if in_key.key and in_key.secret:
        own = in_secret.secret or in_secret.plain
        return in_key.key, own or in_key.secret, () if own else (RemarkKind.BOTH_IN_ONE,)
    if in_secret.key and in_secret.secret:
        own = in_key.key or in_key.plain
        return own or in_secret.key, in_secret.secret, () if own else (RemarkKind.BOTH_IN_ONE,)
    first = in_key.key or in_key.secret or in_key.plain
    second = in_secret.key or in_secret.secret or in_secret.plain
    if bool(in_key.secret) + bool(in_secret.key) > bool(in_key.key) + bool(in_secret.secret):
        return second, first, (RemarkKind.EXCHANGED,)
    return first, second, ()


def _oddity(*, value: str | None, is_ambiguous: bool) -> RemarkKind | None:
    if value is None:
        return RemarkKind.AMBIGUOUS if is_ambiguous else RemarkKind.MISSING
    return _OF_SHAPE.get(shape_of(value))


def _kept(value: str | None) -> SecretStr | None:
    """Carry no further what is too long to be a value."""
    if value is None or shape_of(value) is Shape.TOO_LONG:
        return None
    return SecretStr(value)
