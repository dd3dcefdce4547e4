"""No error of the client shows a secret: not in its words, its frames or a pickle."""

import base64
import json
import pickle  # noqa: TID251  # as pools of processes do
import socket
import sys
from contextlib import closing
from pathlib import Path
from types import TracebackType

import pytest

from tests.client.answering import answering

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "client"))

from latchkey.connection import Connection
from latchkey.environment import connect
from latchkey.errors import LatchkeyError, LeaseRefusedError, PoolEmptyError, UnavailableError
from latchkey.pool import pool

TOKEN = "lk_canary-token"  # nobody's
KEY = b"canary-private-key-of-32-bytes.."
SECRETS = (TOKEN, "canary-secret", "canary-private")
PLACE = {"id": "c", "base_url": "https://v.example.test/", "language": "nl"}


def _lease(**credential: object) -> bytes:
    return json.dumps(
        {
            "lease": {"id": "l", "permits": 4, "use_by": "2026-01-01T00:00:00Z"},
            "credential": {**PLACE, **credential},
        }
    ).encode()


def _http(body: bytes, status: str = "201 Created", *, more: int = 0) -> bytes:
    head = f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {len(body) + more}\r\n\r\n"
    return head.encode() + body


PLAIN = _lease(key="k", secret="canary-secret")
SEALED = _lease(backend_id="b", sealed=base64.b64encode(bytes(80)).decode())
ANSWERS = {
    "a lease that is none": _http(_lease(key=5, secret="canary-secret")),
    "half a lease": _http(PLAIN, more=5),
    "a lease where a status was to be": PLAIN + b"\r\n\r\n",
    "a lease with a refusal": _http(PLAIN, "403 Forbidden"),
    "a lease with an outage": _http(PLAIN, "502 Bad Gateway"),
    "an empty pool": _http(PLAIN, "429 Too Many Requests"),
    "a seal for somebody else": _http(SEALED),
}


def _shown(error: BaseException | None) -> str:
    """All that an error and what led to it show, with the locals of every frame but the tests'."""
    told = ""
    while error is not None:
        told += f"{error!r} {error} {vars(error)}"
        trace: TracebackType | None = error.__traceback__
        while trace is not None:
            if "tests" not in Path(trace.tb_frame.f_code.co_filename).parts:
                told += repr(trace.tb_frame.f_locals)
            trace = trace.tb_next
        error = error.__cause__ or error.__context__
    return told


def _require_nothing_shown(error: BaseException) -> None:
    shown = _shown(error) + pickle.dumps(error).decode("latin-1")
    raw = base64.b64encode(KEY).decode()
    assert [each for each in (*SECRETS, raw) if each in shown] == []


@pytest.mark.parametrize("name", ANSWERS)
def test_no_answer_makes_an_error_show_a_secret(name: str) -> None:
    with (
        answering(ANSWERS[name]) as server,
        closing(Connection(url=server.url, token=TOKEN, private_key=KEY)) as connection,
        pytest.raises(LatchkeyError) as raised,
    ):
        connection.lease("s")

    _require_nothing_shown(raised.value)


def test_an_outage_shows_no_token() -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unheard.getsockname()[1]}"
        with pytest.raises(UnavailableError, match=url) as raised:
            pool("s", url=url, token=TOKEN, wait_seconds=0).take()

    _require_nothing_shown(raised.value)


@pytest.mark.parametrize("flaw", ["…", "\nX: y", " y", "\x00", "é"])
def test_a_token_that_cannot_be_one_is_not_repeated(flaw: str) -> None:
    with pytest.raises(ValueError, match="token") as raised:
        pool("s", url="http://127.0.0.1:1", token=TOKEN + flaw)

    _require_nothing_shown(raised.value)


def test_a_token_may_come_with_the_end_of_its_line() -> None:
    with answering(_http(b'{"stores": [], "next": null}', "200 OK")) as server:
        assert list(Connection(url=server.url, token=f"{TOKEN}\n").stores()) == []


def test_a_key_that_is_none_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATCHKEY_PRIVATE_KEY", base64.b64encode(KEY + b"!").decode())

    with pytest.raises(ValueError, match="LATCHKEY_PRIVATE_KEY") as raised:
        connect(url="http://127.0.0.1:1", token=TOKEN)

    _require_nothing_shown(raised.value)


def test_neither_a_lease_nor_the_way_to_latchkey_is_pickled() -> None:
    with (
        answering(_http(PLAIN)) as server,
        closing(Connection(url=server.url, token=TOKEN, private_key=KEY)) as connection,
    ):
        lease = connection.lease("s")

    for each in (lease, lease.credential, connection):
        assert not any(secret in repr(each) for secret in SECRETS)
        with pytest.raises(TypeError):
            pickle.dumps(each)


@pytest.mark.parametrize(
    "error",
    [
        PoolEmptyError(retry_after_seconds=1.5),
        LeaseRefusedError(status=422, type_="invalid", title="No", faults="permits: too many"),
        UnavailableError("away"),
    ],
)
def test_an_error_goes_from_one_process_to_another(error: LatchkeyError) -> None:
    """Else a pool of processes breaks on it."""
    told = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own

    assert (type(told), str(told)) == (type(error), str(error))
    assert vars(told) == vars(error)


def test_a_lease_that_does_not_open_is_given_back() -> None:
    settled = _http(b'{"lease": {}}', "200 OK")
    with (
        answering(_http(SEALED).replace(b"Connection: close\r\n", b""), settled) as server,
        pytest.raises(LatchkeyError, match="public half"),
    ):
        Connection(url=server.url, token=TOKEN, private_key=KEY).lease("s")

    assert server.asked == 2
