"""Whose word on the client's address is taken: the configured proxies', nobody else's."""

import pytest
from allauth.account.adapter import get_adapter
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory, override_settings

from config.proxies import PROXY_HEADERS, TrustedProxyMiddleware

PROXY, CLIENT, LIAR = "10.0.0.7", "203.0.113.9", "198.51.100.66"


def _seen(*, trusted: list[str], peer: str, path: str = "/", **headers: str) -> HttpRequest:
    """The request as the rest of the site sees it."""
    seen: list[HttpRequest] = []

    def site(request: HttpRequest) -> HttpResponse:
        seen.append(request)
        return HttpResponse()

    with override_settings(TRUSTED_PROXIES=trusted):
        request = RequestFactory().get(path, REMOTE_ADDR=peer, **headers)
        TrustedProxyMiddleware(site)(request)
    return seen[0]


def test_a_stranger_cannot_choose_its_address() -> None:
    request = _seen(trusted=[PROXY], peer=LIAR, HTTP_X_FORWARDED_FOR=CLIENT)

    assert request.META["REMOTE_ADDR"] == LIAR
    assert get_adapter().get_client_ip(request) == LIAR


@pytest.mark.parametrize("name", PROXY_HEADERS)
def test_no_word_of_a_stranger_reaches_the_site(name: str) -> None:
    assert name not in _seen(trusted=[PROXY], peer=LIAR, **{name: "https"}).META


def test_a_stranger_cannot_pretend_to_come_by_tls() -> None:
    with override_settings(SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")):
        lied = _seen(trusted=[PROXY], peer=LIAR, HTTP_X_FORWARDED_PROTO="https")
        told = _seen(trusted=[PROXY], peer=PROXY, HTTP_X_FORWARDED_PROTO="https")

        assert (lied.is_secure(), told.is_secure()) == (False, True)


def test_a_proxy_names_the_client_for_limits_too() -> None:
    request = _seen(trusted=[PROXY], peer=PROXY, HTTP_X_FORWARDED_FOR=CLIENT)

    assert request.META["REMOTE_ADDR"] == CLIENT
    assert get_adapter().get_client_ip(request) == CLIENT


def test_what_the_client_wrote_left_of_its_address_is_not_believed() -> None:
    chain = f"127.0.0.1, {LIAR}, {CLIENT}, 10.0.0.8"

    request = _seen(trusted=["10.0.0.0/24"], peer=PROXY, HTTP_X_FORWARDED_FOR=chain)

    assert request.META["REMOTE_ADDR"] == CLIENT


@pytest.mark.parametrize("word", ["unknown", "", "203.0.113.9:443", "<script>", "1" * 5000])
def test_a_word_that_is_no_address_leaves_the_proxys(word: str) -> None:
    request = _seen(trusted=[PROXY], peer=PROXY, HTTP_X_FORWARDED_FOR=word)

    assert request.META["REMOTE_ADDR"] == PROXY


@pytest.mark.parametrize(
    ("word", "address"),
    [("[2001:db8::9]", "2001:db8::9"), ("::ffff:203.0.113.9", CLIENT), (f" {CLIENT} ", CLIENT)],
)
def test_other_spellings_of_an_address_are_read(word: str, address: str) -> None:
    request = _seen(trusted=[PROXY], peer=PROXY, HTTP_X_FORWARDED_FOR=word)

    assert request.META["REMOTE_ADDR"] == address


def test_a_proxy_that_speaks_ipv6_is_known_by_its_ipv4_address() -> None:
    request = _seen(trusted=[PROXY], peer=f"::ffff:{PROXY}", HTTP_X_FORWARDED_FOR=CLIENT)

    assert request.META["REMOTE_ADDR"] == CLIENT


@pytest.mark.parametrize(("trusted", "address"), [([PROXY], CLIENT), ([CLIENT], CLIENT)])
def test_who_comes_without_a_proxy_has_one_address_too(trusted: list[str], address: str) -> None:
    request = _seen(trusted=trusted, peer=f"::ffff:{CLIENT}")

    assert request.META["REMOTE_ADDR"] == address


@pytest.mark.parametrize(("trusted", "address"), [(["unix"], CLIENT), ([PROXY], "")])
def test_a_unix_socket_is_believed_only_when_configured(trusted: list[str], address: str) -> None:
    request = _seen(trusted=trusted, peer="", HTTP_X_FORWARDED_FOR=CLIENT)

    assert request.META["REMOTE_ADDR"] == address


@override_settings(ALLOWED_HOSTS=["latchkey.example.test"])
def test_only_a_probe_may_come_by_address() -> None:
    probe = _seen(trusted=[], peer=LIAR, path="/readyz", HTTP_HOST="10.1.2.3:8000")
    page = _seen(trusted=[], peer=LIAR, path="/readyz/", HTTP_HOST="10.1.2.3:8000")

    assert probe.get_host() == "latchkey.example.test"
    assert page.META["HTTP_HOST"] == "10.1.2.3:8000"
