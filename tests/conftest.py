"""What every test gets: a keyring of its own and a closed network."""

import ipaddress
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from keyvault.kek.local import create_keyring
from tests.keyvault.triggers import pytest_runtest_teardown  # noqa: F401  # a hook

_connect = socket.socket.connect
_connect_ex = socket.socket.connect_ex


class ClosedNetworkError(AssertionError):
    """A test reached for an address outside this machine."""


def _require_local(address: object) -> None:
    if not isinstance(address, tuple) or address[0] == "localhost":
        return  # a Unix socket, or this machine by name
    try:
        is_local = ipaddress.ip_address(address[0]).is_loopback
    except ValueError:
        is_local = False
    if not is_local:
        raise ClosedNetworkError(address)


def _guarded_connect(self: socket.socket, address: object) -> None:
    _require_local(address)
    _connect(self, address)


def _guarded_connect_ex(self: socket.socket, address: object) -> int:
    _require_local(address)
    return _connect_ex(self, address)


@pytest.fixture(scope="session", autouse=True)
def _network_is_closed() -> Iterator[None]:
    socket.socket.connect = _guarded_connect
    socket.socket.connect_ex = _guarded_connect_ex
    yield
    socket.socket.connect = _connect
    socket.socket.connect_ex = _connect_ex


@pytest.fixture(scope="session", autouse=True)
def _keyring() -> None:
    create_keyring(Path(settings.KEYVAULT_KEYRING))
