"""Where a webhook may go, and to whom it talks there."""

import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from keyvault.webhooks import ForbiddenAddressError
from keyvault.webhooks.addresses import is_public
from keyvault.webhooks.sending import checked_url, post
from tests.lightspeed.outbound.local_servers import authority_for, head, sending, serving

INSIDE = [
    "0.0.0.0",  # noqa: S104  # refused, not bound
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "168.63.129.16",
    "169.254.169.254",
    "192.0.0.192",
    "192.88.99.1",
    "192.168.1.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:93.184.216.34",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2001:0:7f00:1::1",
    "2002:7f00:1::",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "ff02::1",
]
PUBLIC = ["93.184.216.34", "2606:2800:220:1::1"]
# These servers answer the head of a request and hang up; a body might come too late for them.
NO_BODY = b""
# A name that nobody has (RFC 2606): only what stands in for the resolver knows it.
NAME = "hook.example.test"


class Resolver:
    """Answers for one name; everything else goes its usual way."""

    def __init__(self, *answers: list[str]) -> None:
        self.asked = 0
        self._answers = list(answers)
        self._usual: Callable[..., Any] = socket.getaddrinfo

    def __call__(self, host: str, port: int, *rest: Any, **options: Any) -> Any:
        if host != NAME:
            return self._usual(host, port, *rest, **options)
        self.asked += 1
        found = self._answers.pop(0)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in found]


@pytest.mark.parametrize(
    "url",
    [
        "http://example.test/",
        "ftp://example.test/",
        "https:///path",
        "https://user@example.test/",
        "https://:password@example.test/",
        "https://example.test/#x",
        "https://example.test:99999/",
        "https://example.test:port/",
        "https://example.test:0/",
        "https://[::1",
        "https://example.test/a b",
        "https://example.test/a\nb",
        " https://example.test/",
        "https://example.test/\N{LATIN SMALL LETTER U WITH DIAERESIS}",
        f"https://example.test/{'x' * 500}",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest/",
        "gopher://example.test/",
        "unix:///run/x.sock",
        "",
    ],
)
def test_an_address_that_is_no_public_https_one_is_refused(url: str) -> None:
    with pytest.raises(ForbiddenAddressError):
        checked_url(url)


@pytest.mark.parametrize(
    "url",
    ["HTTPS://example.test", "https://b\N{LATIN SMALL LETTER U WITH DIAERESIS}ro.test:8443/?a=b"],
)
def test_an_address_may_have_any_name_and_port(url: str) -> None:
    assert checked_url(url).hostname


@pytest.mark.parametrize("address", INSIDE)
def test_no_address_inside_is_public_however_it_is_written(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "2130706433",
        "0177.0.0.1",
        "0x7f.1",
    ],
)
def test_nothing_is_sent_into_our_own_network(host: str) -> None:
    with pytest.raises(ForbiddenAddressError):
        post(url=f"https://{host}/hook", body=b"{}", headers={})


@pytest.mark.parametrize("also", ["127.0.0.1", "10.0.0.1"])
def test_a_name_that_also_leads_inside_is_refused(
    also: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Resolver([PUBLIC[0], also]))

    with pytest.raises(ForbiddenAddressError):
        post(url=f"https://{NAME}/hook", body=b"{}", headers={})


def test_a_name_is_looked_up_once_and_its_address_is_what_is_connected_to(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver = Resolver(["127.0.0.1"], ["192.0.2.1"])
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    with serving(sending(head())) as port:
        settings.KEYVAULT_WEBHOOK_ALLOWED_ADDRESSES = [f"{NAME}:{port}"]
        assert post(url=f"http://{NAME}:{port}/", body=NO_BODY, headers={}).status == 200

    assert resolver.asked == 1


@pytest.mark.parametrize(("port", "host"), [(443, NAME), (8443, f"{NAME}:8443")])
def test_the_usual_port_is_not_named_to_the_receiver(
    port: int, host: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.KEYVAULT_WEBHOOK_ALLOWED_ADDRESSES = [f"{NAME}:{port}"]
    monkeypatch.setattr(socket, "getaddrinfo", Resolver(["127.0.0.1"]))
    ours, theirs = socket.socketpair()
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: ours)

    with theirs:
        theirs.sendall(head())
        assert post(url=f"http://{NAME}:{port}/", body=NO_BODY, headers={}).status == 200
        assert f"\r\nHost: {host}\r\n" in theirs.recv(65536).decode()


@pytest.mark.parametrize(("name", "status"), [("127.0.0.1", 200), ("other.example.test", 0)])
def test_a_certificate_must_be_the_names(
    name: str,
    status: int,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    authority = authority_for(name)
    (certificate,) = authority.client.get_ca_certs(binary_form=True)
    trusted = tmp_path / "trusted.pem"
    trusted.write_text(ssl.DER_cert_to_PEM_cert(certificate))
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))

    with serving(sending(head()), tls=authority.server) as port:
        settings.KEYVAULT_WEBHOOK_ALLOWED_ADDRESSES = [f"127.0.0.1:{port}"]
        assert post(url=f"https://127.0.0.1:{port}/", body=NO_BODY, headers={}).status == status


def test_a_certificate_of_an_unknown_authority_is_refused(settings: Settings) -> None:
    with serving(sending(head()), tls=authority_for("127.0.0.1").server) as port:
        settings.KEYVAULT_WEBHOOK_ALLOWED_ADDRESSES = [f"127.0.0.1:{port}"]
        assert post(url=f"https://127.0.0.1:{port}/", body=NO_BODY, headers={}).status == 0


def test_a_redirect_is_no_answer(settings: Settings) -> None:
    with serving(sending(head("Location: http://127.0.0.1/", status="302 Found"))) as port:
        settings.KEYVAULT_WEBHOOK_ALLOWED_ADDRESSES = [f"127.0.0.1:{port}"]
        sent = post(url=f"http://127.0.0.1:{port}/", body=NO_BODY, headers={})

    assert (sent.status, sent.is_good) == (302, False)


def test_a_receiver_that_is_not_there_is_status_0(settings: Settings) -> None:
    settings.KEYVAULT_WEBHOOK_ALLOWED_ADDRESSES = ["127.0.0.1:1"]

    assert post(url="http://127.0.0.1:1/", body=b"{}", headers={}).status == 0
