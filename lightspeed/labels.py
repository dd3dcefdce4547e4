"""Finding a key and a secret in a text that somebody pasted: a value, a table, a whole e-mail.

A text is read as a row of labels ("API key", "Geheim") and values; other words do not count.
Values take the labels before them, in order:

    API key: 0f…   API secret: 1e…          each takes its own
    API key and secret: 0f… 1e…             two labels, two values
    Secret key: 1e…                         "secret key" is a name for the secret
    0f… is the key, 1e… is the secret       begins with a value, ends with a label: read backwards
    0f… 1e…                                 no labels: the vendor shows the key first

A value of the usual shape counts wherever it stands, another one only next to a label. All of it
takes time linear in the text.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from lightspeed.shape import USUAL_CHARACTERS, Shape, shape_of

#: More of a text is not read; a page of e-mail has a few thousand.
MAX_TEXT_CHARACTERS = 65_536

_QUOTES = "\"'`<>\u201c\u201d\u201e\u2018\u2019\u201a\u00ab\u00bb"
_WORD = re.compile(rf"[^\s{_QUOTES}]+")
_BETWEEN = re.compile(r"[:=,;|()\[\]{}*/&?#]+")
_LOGIN = re.compile(r"https?://([^\s:/@]{1,255}):([^\s:/@]{1,255})@\S*", re.IGNORECASE)
_USUAL_VALUE = re.compile(rf"[0-9a-fA-F]{{{USUAL_CHARACTERS}}}")
_UNUSUAL_VALUE = re.compile(r"(?=[^0-9]*[0-9])(?=[^A-Za-z]*[A-Za-z])[0-9A-Za-z_\-]{8,255}")
_HEXADECIMAL = re.compile(r"[0-9a-fA-F]+")
_LONGEST_LABEL = 32

_OWNERS = "api|app|client|consumer|lightspeed|shop"
_KEYS = "key|sleutel|schl\u00fcssel|schlussel|schluessel|cl\u00e9|cle|clave"
_SECRETS = "secr\u00e8te|secrete|secreto|secreta|secret|geheimnis|geheimer|geheime|geheim"
_KEY_NAME = re.compile(rf"(?:{_OWNERS})?(?:{_KEYS})(?:api)?")
_SECRET_NAME = re.compile(rf"(?:{_OWNERS})?(?:{_SECRETS})(?:{_KEYS})?")
_LEADING_LABEL = re.compile(
    rf"(?:(?:{_OWNERS})[ _-]?)?"
    rf"(?:(?P<secret>{_SECRETS})(?:[ _-]?(?:{_KEYS}))?|(?:{_KEYS}))(?:[ :=]+|$)",
    re.IGNORECASE,
)


class Part(StrEnum):
    """Which of the two values."""

    KEY = "key"
    SECRET = "secret"  # noqa: S105 - the name of a field


@dataclass(frozen=True, slots=True)
class Found:
    """What a text holds.

    Attributes:
        key: what is labelled, or by its place is, the key.
        secret: likewise the secret.
        plain: the one value of a text that tells neither.
        is_ambiguous: there are more values than can be told apart; then nothing else is set.
    """

    key: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)
    plain: str | None = field(default=None, repr=False)
    is_ambiguous: bool = False


@dataclass(frozen=True, slots=True)
class _Value:
    text: str = field(repr=False)
    is_usual: bool


_Item = Part | _Value
_Claim = tuple[Part | None, str]


def find_values(text: str) -> Found:
    """Find the key and the secret in a text.

    Args:
        text: anything; at most `MAX_TEXT_CHARACTERS` of it are read. Invisible characters,
            white space and quotation marks around values are left out.

    Returns:
        What was found. A text without anything that looks like a value is one plain value
        itself, put together without its spaces: an unusual shape is not refused here.
    """
    words = _WORD.findall("".join(filter(_is_visible, text[:MAX_TEXT_CHARACTERS])))
    items = list(_items(words))
    found = _settled(_claims([item for item in items if isinstance(item, Part) or item.is_usual]))
    if found.is_ambiguous or (found.key and found.secret):
        return found
    whole = _whole(words)
    whole_value = whole.key or whole.secret or whole.plain
    if found == Found() and (whole_value is None or _HEXADECIMAL.fullmatch(whole_value)):
        return whole
    labelled = _settled([claim for claim in _claims(items) if claim[0] is not None])
    found = Found(
        key=found.key or labelled.key, secret=found.secret or labelled.secret, plain=found.plain
    )
    return whole if found == Found() else found


def _is_visible(sign: str) -> bool:
    """Leave out zero-width and control characters, accents that stand alone, half characters."""
    return sign.isspace() or unicodedata.category(sign) not in {"Cc", "Cf", "Cs", "Mn"}


def _items(words: list[str]) -> Iterator[_Item]:
    """Read words as labels and values; in "secret key" the second word names nothing new."""
    after_secret = False
    for word in words:
        items = _items_of(word)
        if not (after_secret and items == [Part.KEY]):
            yield from items
        after_secret = items == [Part.SECRET] and word[-1].isalpha()


def _items_of(word: str) -> list[_Item]:
    login = _LOGIN.fullmatch(word)
    if login:
        return [Part.KEY, _value(login[1]), Part.SECRET, _value(login[2])]
    if shape_of(word.strip(".,;!?()")) in {Shape.EMAIL, Shape.ADDRESS}:
        return []
    pieces = (_item(piece.strip(".!")) for piece in _BETWEEN.split(word))
    return [item for item in pieces if item is not None]


def _item(piece: str) -> _Item | None:
    name = _letters(piece) if len(piece) <= _LONGEST_LABEL else ""
    if _SECRET_NAME.fullmatch(name):
        return Part.SECRET
    if _KEY_NAME.fullmatch(name):
        return Part.KEY
    value = _value(piece)
    return value if value.is_usual or _UNUSUAL_VALUE.fullmatch(piece) else None


def _value(text: str) -> _Value:
    return _Value(text=text, is_usual=bool(_USUAL_VALUE.fullmatch(text)))


def _letters(piece: str) -> str:
    return "".join(filter(str.isalpha, piece)).lower()


def _claims(items: list[_Item]) -> list[_Claim]:
    """Give each value the label that it stands behind, run by run of labels and values."""
    backwards = items and isinstance(items[0], _Value) and isinstance(items[-1], Part)
    claims: list[_Claim] = []
    labels: dict[Part, None] = {}
    values: dict[str, None] = {}
    for item in reversed(items) if backwards else items:
        if isinstance(item, _Value):
            values[item.text] = None
            continue
        if values:
            claims += _run(labels=list(labels), values=list(values))
            labels, values = {}, {}
        labels.pop(item, None)
        labels[item] = None
    return claims + _run(labels=list(labels), values=list(values))


def _run(*, labels: list[Part], values: list[str]) -> list[_Claim]:
    """Pair in order. Of more labels than values, those nearest to the values count."""
    nearest: list[Part | None] = [*labels[max(len(labels) - len(values), 0) :]]
    nearest += [None] * (len(values) - len(nearest))
    return list(zip(nearest, values, strict=True))


def _settled(claims: list[_Claim]) -> Found:
    """Decide which value is what; a value without a label takes the place that is left."""
    keys = {value for label, value in claims if label is Part.KEY}
    secrets = {value for label, value in claims if label is Part.SECRET}
    plain = [value for label, value in claims if label is None and value not in keys | secrets]
    plain = list(dict.fromkeys(plain))
    open_places = (not keys) + (not secrets)
    if len(keys) > 1 or len(secrets) > 1 or (open_places and len(plain) > open_places):
        return Found(is_ambiguous=True)
    if open_places == 2 and len(plain) == 1:  # noqa: PLR2004 - both places
        return Found(plain=plain[0])
    key = next(iter(keys), None) or (plain.pop(0) if plain else None)
    secret = next(iter(secrets), None) or (plain.pop(0) if plain else None)
    return Found(key=key, secret=secret)


def _whole(words: list[str]) -> Found:
    """Take the text as one value, behind a label or not."""
    text = " ".join(words)
    label = _LEADING_LABEL.match(text)
    value = (text[label.end() :] if label else text).replace(" ", "") or None
    if label is None:
        return Found(plain=value)
    return Found(secret=value) if label["secret"] else Found(key=value)
