"""The server: slow clients, signals, and a restart that nobody notices."""

import socket
import threading
from collections import Counter

from tests.faults.installation import Installation, free_port, wait_for

SLOW_CLIENTS = 200
WARM_REQUESTS = 500


def test_two_hundred_slow_clients_do_not_stop_it(site: Installation) -> None:
    site.start_web()
    site.start_simulator()
    slow = []
    try:
        for _ in range(SLOW_CLIENTS):
            client = socket.create_connection(("127.0.0.1", site.port), timeout=10)
            client.sendall(b"POST /api/v1/stores HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
            slow.append(client)

        for _ in range(20):
            for client in slow:
                client.sendall(b"x")
            answer = site.request("GET", "/healthz", timeout=2)
            assert answer.status == 200
        assert site.lease().status == 201
    finally:
        for client in slow:
            client.close()


def test_two_hundred_slow_bodies_do_not_stop_it(site: Installation) -> None:
    site.start_web()
    site.start_simulator()
    store = site.facts["merchant"]["store_id"]
    head = (
        f"POST /api/v1/stores/{store}/leases HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {site.facts['backend_token']}\r\n"
        "Content-Type: application/json\r\nContent-Length: 14\r\n\r\n{"
    ).encode()
    slow = []
    try:
        for _ in range(SLOW_CLIENTS):
            client = socket.create_connection(("127.0.0.1", site.port), timeout=10)
            client.sendall(head)
            slow.append(client)

        for _ in range(20):
            assert site.request("GET", "/healthz", timeout=5).status == 200
    finally:
        for client in slow:
            client.close()


def test_a_request_in_hand_is_finished_when_it_is_told_to_end(site: Installation) -> None:
    site.start_web()
    site.start_simulator()
    head = (
        f"POST /api/v1/stores/{site.facts['merchant']['store_id']}/leases HTTP/1.1\r\n"
        f"Host: 127.0.0.1\r\nAuthorization: Bearer {site.facts['backend_token']}\r\n"
        "Content-Type: application/json\r\nContent-Length: 14\r\n\r\n{"
    ).encode()
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as client:
        client.sendall(head)
        ender = threading.Thread(target=site.terminate, args=("web",))
        ender.start()
        wait_for(lambda: not site.is_ready(), what="it takes no further requests")

        client.sendall(b'"permits": 1}')
        answer = client.recv(65536)
        ender.join()

    assert answer.startswith(b"HTTP/1.1 201")


def test_two_instances_are_started_again_and_no_request_is_lost(site: Installation) -> None:
    """As the proxy does: what can be read again is asked of the other one.

    Whoever waits in the queue of a server's socket when it closes is reset; what a server has taken
    in hand, it finishes (see the test above).
    """
    ports = [site.port, free_port()]
    site.start_simulator()
    for number, port in enumerate(ports):
        site.start_web(f"web-{number}", port=port)
    seen: Counter[str] = Counter()
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            seen[_first_that_answers(site, ports)] += 1

    asking = [threading.Thread(target=ask) for _ in range(4)]
    for thread in asking:
        thread.start()
    try:
        for number, port in enumerate(ports):
            # Nobody restarts a server that has only just begun, and it would not bear it.
            enough = seen["200"] + WARM_REQUESTS
            wait_for(lambda enough=enough: seen["200"] > enough, what="it is at work")
            assert site.terminate(f"web-{number}") == 0
            site.start_web(f"web-{number}", port=port)
    finally:
        stop.set()
        for thread in asking:
            thread.join()

    assert set(seen) == {"200"}


def _first_that_answers(site: Installation, ports: list[int]) -> str:
    for port in ports:
        try:
            return str(
                site.request(
                    "GET", "/api/v1/stores", token=site.facts["backend_token"], port=port
                ).status
            )
        except ConnectionError:
            continue
        except OSError as error:
            return type(error).__name__
    return "nobody"
