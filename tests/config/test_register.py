"""The register of security properties names tests that exist, and hides no gap."""

import re
from collections.abc import Iterator

from config.environment import BASE_DIR

REGISTER = BASE_DIR / "docs" / "reference" / "security-properties.md"
TESTS = BASE_DIR / "tests"
PROPERTIES = 62
NOT_YET = "not yet"
REFERENCE = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


def _rows() -> Iterator[tuple[str, str]]:
    """The first cell of each row, and the cell that names its tests."""
    for line in REGISTER.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0].isdecimal():
            yield cells[0], cells[2]
        elif line.startswith("| ") and len(cells) == 3 and cells[0] != "fault":
            yield cells[0], cells[1]


def test_every_property_stands_in_the_register_once_and_in_order() -> None:
    numbers = [int(first) for first, _ in _rows() if first.isdecimal()]

    assert numbers == list(range(1, PROPERTIES + 1))


def test_every_test_that_is_named_exists() -> None:
    missing = [
        f"{path}::{name}"
        for _, proof in _rows()
        for path, name in REFERENCE.findall(proof)
        if not (TESTS / path).is_file()
        or not re.search(rf"^\s*def {name}\(", (TESTS / path).read_text(), re.MULTILINE)
    ]

    assert missing == []


def test_a_property_is_proved_or_says_that_it_is_not() -> None:
    for first, proof in _rows():
        assert proof == NOT_YET or REFERENCE.findall(proof), first


def test_the_gaps_are_counted_in_the_open() -> None:
    gaps = sum(proof == NOT_YET for first, proof in _rows() if first.isdecimal())

    assert f"**Not yet proved: {gaps} of {PROPERTIES}.**" in REGISTER.read_text()
