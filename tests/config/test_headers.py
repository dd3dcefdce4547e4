"""Every address answers with the headers that keep a browser safe, whoever asks."""

import re
from collections.abc import Iterator

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.onboarding.cast import staff_member

pytestmark = pytest.mark.django_db

# One value for each kind of argument in an address; none of them exists.
ARGUMENTS = {"int": "987654", "uuid": "00000000-0000-4000-8000-000000000000"}
EXPECTED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def _filled(pattern: str) -> str:
    """An address that fits a route, or a regular expression near enough to be tried."""
    pattern = re.sub(r"<(?:(\w+):)?\w+>", lambda found: ARGUMENTS.get(found[1], "x"), pattern)
    pattern = re.sub(r"\(\?P<\w+>.*?\)(?=[/$-]|$)", "x", pattern)
    return re.sub(r"[\^$\\]|\\Z|\(.*\)\??", "", pattern)


def _addresses(resolver: URLResolver, before: str = "/") -> Iterator[str]:
    for entry in resolver.url_patterns:
        address = before + _filled(str(entry.pattern))
        if isinstance(entry, URLPattern):
            yield address
        else:
            yield from _addresses(entry, address)


ADDRESSES = sorted({*_addresses(get_resolver()), "/no-such-page", "/api/no-such-thing"})


@pytest.fixture(params=["anonymous", "staff"])
def client(request: pytest.FixtureRequest) -> Client:
    client = Client(raise_request_exception=False)
    if request.param == "staff":
        client.force_login(staff_member())
    return client


def test_the_list_of_addresses_is_the_whole_site() -> None:
    assert {"/", "/accounts/login/", "/healthz", "/staff/", "/api/v1/stores"} <= set(ADDRESSES)
    assert len(ADDRESSES) > 50


def test_every_address_keeps_the_browser_safe(client: Client) -> None:
    faults = {
        address: found
        for address in ADDRESSES
        for method in (client.get, client.post)
        if (found := _faults(method(address)))
    }

    assert faults == {}


def _faults(response: HttpResponse) -> list[str]:
    headers = response.headers
    faults = [name for name, value in EXPECTED.items() if headers.get(name) != value]
    if response.status_code >= 500:
        faults.append(f"status {response.status_code}")
    if "camera=()" not in headers.get("Permissions-Policy", ""):
        faults.append("Permissions-Policy")
    if "no-store" not in headers.get("Cache-Control", ""):
        faults.append("Cache-Control")
    if not _is_strict(headers.get("Content-Security-Policy", "")):
        faults.append("Content-Security-Policy")
    return faults + [name for name in response.cookies if not name.startswith("latchkey_")]


def _is_strict(policy: str) -> bool:
    directives = dict(part.strip().partition(" ")[::2] for part in policy.split(";"))
    are_closed = all(
        directives.get(name) == "'none'" for name in ("default-src", "frame-ancestors", "base-uri")
    )
    return are_closed and not re.search(r"unsafe-inline|unsafe-eval|\*", policy)
