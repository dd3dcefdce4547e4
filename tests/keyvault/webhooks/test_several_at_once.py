"""Slow receivers, with real servers: an address costs the others nothing."""

import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from keyvault.audit import SYSTEM
from keyvault.leases import create_backend
from keyvault.models import WebhookDelivery, WebhookEndpoint
from keyvault.webhooks import register
from keyvault.webhooks.delivering import AT_A_TIME, AT_ONE_ADDRESS, FOR_FAILING, Deliverer
from keyvault.webhooks.sending import post
from tests.keyvault.delivering import deliver

pytestmark = pytest.mark.django_db


class Receivers(ThreadingHTTPServer):
    """Answers below /quick at once, below /slow when it is let go on."""

    # A slow client's thread must not keep the server from closing.
    block_on_close = False
    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.go_on = threading.Event()
        self.held = threading.Semaphore(0)

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Receivers

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.startswith("/slow"):
            self.server.held.release()
            self.server.go_on.wait()
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def receivers(settings: Settings) -> Iterator[Receivers]:
    with Receivers() as server:
        settings.KEYVAULT_WEBHOOK_ALLOWED_ADDRESSES = [server.place]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.go_on.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def worker(receivers: Receivers) -> Iterator[Deliverer]:
    """One without patience for who is slow."""
    worker = Deliverer(patience_seconds=0)
    yield worker
    receivers.go_on.set()


def _address(receivers: Receivers, path: str) -> UUID:
    name = f"{path}{WebhookEndpoint.objects.count()}"
    made = create_backend(name=name, scopes=[], stores=None, days=1, actor=SYSTEM)
    url = f"http://{receivers.place}{path}"
    return register(backend_id=made.backend_id, url=url, actor=SYSTEM).id


def _events(count: int, *, of: UUID) -> None:
    now = timezone.now()
    for _ in range(count):
        WebhookDelivery.objects.create(
            endpoint_id=of, type="credential.failing", body="{}", created_at=now, due_at=now
        )


def _run_until(worker: Deliverer, is_so: Callable[[], bool]) -> None:
    while not is_so():
        worker.run(timezone.now())


def _delivered(of: UUID) -> int:
    return WebhookDelivery.objects.filter(endpoint=of, delivered_at__isnull=False).count()


def test_a_slow_address_holds_up_nobody_else(receivers: Receivers, worker: Deliverer) -> None:
    slow, quick = _address(receivers, "/slow"), _address(receivers, "/quick")
    _events(3 * AT_A_TIME, of=slow)
    _events(3, of=quick)

    _run_until(worker, lambda: _delivered(quick) == 3)

    assert _delivered(slow) == 0
    receivers.go_on.set()
    _run_until(worker, lambda: _delivered(slow) == 3 * AT_A_TIME)


def test_an_address_gets_so_many_events_at_a_time_and_no_more(
    receivers: Receivers, worker: Deliverer
) -> None:
    _events(3 * AT_ONE_ADDRESS, of=_address(receivers, "/slow"))

    assert [worker.run(timezone.now()) for _ in range(3)] == [AT_ONE_ADDRESS, 0, 0]


def test_an_address_that_fails_gets_one_event_at_a_time(
    receivers: Receivers, worker: Deliverer
) -> None:
    failing = _address(receivers, "/slow")
    WebhookEndpoint.objects.filter(pk=failing).update(failing_since=timezone.now())
    _events(3, of=failing)

    assert [worker.run(timezone.now()) for _ in range(2)] == [1, 0]


def test_all_slow_addresses_together_get_no_more_than_there_are_threads(
    receivers: Receivers, worker: Deliverer
) -> None:
    for _ in range(AT_A_TIME):
        _events(2, of=_address(receivers, "/slow"))

    assert worker.run(timezone.now()) == AT_A_TIME
    assert worker.run(timezone.now()) == 0
    for _ in range(AT_A_TIME):
        receivers.held.acquire()


def test_all_that_fail_leave_room_for_who_does_not(receivers: Receivers, worker: Deliverer) -> None:
    for _ in range(2 * AT_A_TIME):
        _events(2, of=_address(receivers, "/slow"))
    WebhookEndpoint.objects.update(failing_since=timezone.now())
    sound = _address(receivers, "/quick")

    assert [worker.run(timezone.now()) for _ in range(2)] == [FOR_FAILING, 0]
    _events(1, of=sound)
    _run_until(worker, lambda: _delivered(sound) == 1)


def test_a_run_does_not_wait_for_who_is_slow(receivers: Receivers, worker: Deliverer) -> None:
    _events(1, of=_address(receivers, "/slow"))

    worker.run(timezone.now())

    assert WebhookDelivery.objects.get().last_status is None


def test_a_worker_that_ends_waits_for_what_is_under_way(
    receivers: Receivers, worker: Deliverer
) -> None:
    slow = _address(receivers, "/slow")
    _events(1, of=slow)
    worker.run(timezone.now())
    receivers.held.acquire()
    receivers.go_on.set()

    worker.end()

    assert _delivered(slow) == 1


def test_a_signing_key_that_does_not_open_holds_up_nobody_else(receivers: Receivers) -> None:
    broken, sound = _address(receivers, "/quick"), _address(receivers, "/quick")
    WebhookEndpoint.objects.filter(pk=broken).update(sealed_key=b"spoilt")
    _events(1, of=broken)
    _events(1, of=sound)

    assert deliver(timezone.now()) == 2

    assert (_delivered(broken), _delivered(sound)) == (0, 1)
    assert WebhookDelivery.objects.get(endpoint=broken).last_status == 0


def test_an_address_that_was_kept_though_it_is_none_fails_like_others(
    receivers: Receivers, caplog: pytest.LogCaptureFixture
) -> None:
    broken, sound = _address(receivers, "/quick"), _address(receivers, "/quick")
    WebhookEndpoint.objects.filter(pk=broken).update(url="https://example.test:99999/password")
    _events(1, of=broken)
    _events(1, of=sound)

    assert deliver(timezone.now()) == 2

    assert (_delivered(broken), _delivered(sound)) == (0, 1)
    assert WebhookDelivery.objects.get(endpoint=broken).last_status == 0
    assert WebhookEndpoint.objects.get(pk=broken).failing_since is not None
    assert "password" not in caplog.text


def test_what_nobody_foresaw_is_a_failure_of_that_event_alone(
    receivers: Receivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, sound = _address(receivers, "/quick"), _address(receivers, "/quick")
    WebhookEndpoint.objects.filter(pk=broken).update(url="https://hook.example.test/")
    usual = socket.getaddrinfo

    def look_up(host: str, *rest: Any, **options: Any) -> Any:
        if host == "hook.example.test":
            raise RuntimeError(host)
        return usual(host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    _events(1, of=broken)
    _events(1, of=sound)

    deliver(timezone.now())

    assert (_delivered(broken), _delivered(sound)) == (0, 1)
    assert WebhookDelivery.objects.get(endpoint=broken).last_status == 0


@pytest.mark.parametrize("url", [f"https://{'x' * 64}.example/", "https://a..b/"])
def test_a_name_that_is_none_is_status_0(url: str) -> None:
    assert post(url=url, body=b"{}", headers={}).status == 0


def test_an_address_that_trickles_is_left_at_the_deadline(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = f"127.0.0.1:{server.getsockname()[1]}"
        settings.KEYVAULT_WEBHOOK_ALLOWED_ADDRESSES = [place]
        trickle = threading.Thread(target=_trickle, args=(server,))
        trickle.start()

        sent = post(url=f"http://{place}/", body=b"{}", headers={}, deadline_seconds=0.2)

        trickle.join()
    assert sent.status == 0


def _trickle(server: socket.socket) -> None:
    """A status without an end, until nobody listens any more."""
    client, _ = server.accept()
    with client:
        client.sendall(b"HTTP/1.1 200 ")
        client.settimeout(0.01)
        while True:
            try:
                client.sendall(b"O")
                client.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                return
