"""What every test gets: a keyring of its own, a closed network, no live settings."""

import ipaddress
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

# Before Django reads its settings: nothing of the developer's own environment reaches a test.
for _name in [name for name in os.environ if name.startswith("LATCHKEY_")]:
    del os.environ[_name]
_DATA_DIR = tempfile.TemporaryDirectory(prefix="latchkey-tests-")
os.environ["DATA_DIR"] = _DATA_DIR.name
# Playwright's loop runs in the test's thread while the live server uses the database in another.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

import pytest  # noqa: E402
from django.conf import settings  # noqa: E402

from keyvault.kek.local import create_keyring  # noqa: E402

_connect = socket.socket.connect
_connect_ex = socket.socket.connect_ex


def _is_local(address: object) -> bool:
    if not isinstance(address, tuple):
        return True  # a Unix socket
    try:
        return ipaddress.ip_address(address[0]).is_loopback
    except ValueError:
        return address[0] == "localhost"


class ClosedNetworkError(AssertionError):
    """A test reached for an address outside this machine."""


def _guarded_connect(self: socket.socket, address: object) -> None:
    if not _is_local(address):
        raise ClosedNetworkError(address)
    _connect(self, address)


def _guarded_connect_ex(self: socket.socket, address: object) -> int:
    if not _is_local(address):
        raise ClosedNetworkError(address)
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


def pytest_configure() -> None:
    # Hashed names of static files need collectstatic, which tests do without.
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
