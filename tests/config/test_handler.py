"""What a request's Content-Type may do to the reading of it: nothing."""

from typing import Any
from urllib.parse import quote

import pytest
from django.test import RequestFactory

from config.handler import Handler, Utf8Request

pytestmark = pytest.mark.django_db

TYPES = [
    "application/json; charset*=utf-8''%00",
    "application/json; a*=nothing''x",
    "application/json; a*=undefined''x",
    "application/x-www-form-urlencoded; charset=undefined",
    "application/x-www-form-urlencoded; charset=rot13",
    "application/x-www-form-urlencoded; charset=idna",
    "application/x-www-form-urlencoded; charset=hex",
]


def _status(method: str, path: str, body: bytes, content_type: str) -> int:
    """What the server would be told."""
    seen: list[str] = []

    def start(status: str, _headers: Any) -> None:
        seen.append(status)

    request = RequestFactory().generic(method, path, body)
    Handler()(request.environ | {"CONTENT_TYPE": content_type}, start)
    return int(seen[0].split()[0])


@pytest.mark.parametrize("content_type", TYPES)
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/healthz", 200),
        ("GET", "/accounts/login/?next=%C3%A9", 200),
        ("POST", "/accounts/login/?next=%C3%A9", 403),
        ("GET", "/api/v1/stores?limit=1", 401),
    ],
)
def test_no_charset_makes_an_error_of_ours(
    content_type: str, method: str, path: str, status: int
) -> None:
    assert _status(method, path, b"login=a", content_type) == status


@pytest.mark.parametrize("charset", ["utf-8", "latin-1", "utf-16"])
def test_forms_and_addresses_are_utf_8(charset: str) -> None:
    content_type = f"application/x-www-form-urlencoded; charset={charset}"
    body = f"a={quote('é')}".encode()
    built = RequestFactory().generic("POST", "/?a=%C3%A9", body, content_type=content_type)

    request = Utf8Request(built.environ)

    assert (request.GET["a"], request.POST["a"]) == ("é", "é")
