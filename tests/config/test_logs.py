"""Logs: what looks like a secret is cut out, wherever it stands."""

import json
import logging
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
from django.test import RequestFactory

from config.logs import HIDDEN, LineFormatter, configured_logging, redact

FAKE_KEY = "0badc0de" * 4


def _logged(**event: Any) -> dict[str, Any]:
    return dict(redact(logging.getLogger(), "info", event))


@pytest.mark.parametrize(
    "name", ["secret", "api_key", "apiKey", "password", "Authorization", "refresh_token", "Cookie"]
)
def test_a_secret_name_hides_its_value(name: str) -> None:
    assert _logged(**{name: "anything"})[name] == HIDDEN


@pytest.mark.parametrize(
    "text",
    [
        f"refused {FAKE_KEY}",
        f"lk_{FAKE_KEY[:20]}",
        "Authorization: Bearer something.else",
        "Basic dXNlcjpwYXNz",
        f"/stores?key={FAKE_KEY.upper()}",
    ],
)
def test_a_secret_shape_is_cut_out_of_any_text(text: str) -> None:
    shown = _logged(event=text)["event"]

    assert HIDDEN in shown
    assert text.rsplit(maxsplit=1)[-1].rpartition("=")[2] not in shown


def test_nested_values_are_reached() -> None:
    event = _logged(extra={"list": [{"note": f"x {FAKE_KEY}"}], "token": "t"}, pair=(FAKE_KEY, 7))

    assert FAKE_KEY not in str(event)
    assert event["extra"]["token"] == HIDDEN
    assert event["pair"] == [HIDDEN, 7]


def test_endless_nesting_is_hidden_not_followed() -> None:
    loop: dict[str, Any] = {}
    loop["again"] = loop

    assert HIDDEN in str(_logged(extra=loop))


def test_ordinary_words_and_ids_stay() -> None:
    event = _logged(event="lease granted", store="8c9e6679-7425-40de-944b-e07fc1f90ae7", count=3)

    assert event == {
        "event": "lease granted",
        "store": "8c9e6679-7425-40de-944b-e07fc1f90ae7",
        "count": 3,
    }


@pytest.mark.parametrize(("as_json", "level"), [(True, "INFO"), (False, "WARNING")])
def test_production_logs_more_than_a_terminal(as_json: bool, level: str) -> None:
    assert configured_logging(as_json=as_json)["root"]["level"] == level


@pytest.fixture
def line() -> Iterator[Callable[[], dict[str, Any]]]:
    """The one line that a logger of its own has written, as production writes it."""
    written = StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(LineFormatter())
    logger = logging.getLogger("tests.one-line")
    logger.propagate = False
    logger.addHandler(handler)

    def read() -> dict[str, Any]:
        (text,) = written.getvalue().splitlines()
        return dict(json.loads(text))

    yield read
    logger.removeHandler(handler)


def test_a_line_is_json_and_keeps_what_was_added(line: Callable[[], dict[str, Any]]) -> None:
    logging.getLogger("tests.one-line").warning("a duty failed", extra={"duty": "audit.seal"})

    assert line().items() >= {"event": "a duty failed", "duty": "audit.seal"}.items()


def test_what_was_added_is_redacted_too(line: Callable[[], dict[str, Any]]) -> None:
    extra = {"token": "anything", "note": f"lk_{FAKE_KEY}"}

    logging.getLogger("tests.one-line").warning("refused %s", FAKE_KEY, extra=extra)

    written = line()
    assert (written["token"], written["note"]) == (HIDDEN, HIDDEN)
    assert FAKE_KEY not in str(written)


def test_a_secret_in_an_exception_is_cut_out(line: Callable[[], dict[str, Any]]) -> None:
    try:
        int(f"Bearer {FAKE_KEY}")
    except ValueError:
        logging.getLogger("tests.one-line").exception("failed")

    written = line()
    assert "ValueError" in written["exception"]
    assert FAKE_KEY not in str(written)


def test_control_characters_cannot_forge_a_line(line: Callable[[], dict[str, Any]]) -> None:
    logging.getLogger("tests.one-line").warning("name: %s", 'x\n{"event": "forged"}\r\x1b[2K')

    assert line()["event"].startswith("name: x\n")


def test_the_address_of_a_request_is_left_out(line: Callable[[], dict[str, Any]]) -> None:
    request = RequestFactory().get("/link/canary-of-a-link")

    logging.getLogger("tests.one-line").warning("suspicious", extra={"request": request})

    assert "canary" not in str(line())
