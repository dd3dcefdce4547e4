"""R- and X-Series over a restart."""

import base64
import json
import stat
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from simulator.journal import JournalError
from simulator.retail.clients import DEFAULT_SECRET
from simulator.server import Options, build_site
from simulator.site import Site
from simulator.wire import Request, Response
from tests.simulator.stand_in import HandClock, ask, content

TOKEN_PATHS = {"x": "/api/1.0/token", "r": "/auth/oauth/token"}
LEGACY = "legacy-key-of-2015"


def started(folder: Path, *, clock: HandClock | None = None) -> Site:
    """A stand-in as `make run` starts one."""
    options = Options(state_file=folder / "simulator.json", clock=clock or HandClock())
    return build_site(options)


def tell(site: Site, what: str, **fields: Any) -> dict[str, str]:
    reply = site.reply(
        Request(
            method="POST",
            path=f"/_sim/retail/{what}",
            headers={"host": "127.0.0.1"},
            body=json.dumps(fields).encode(),
        )
    )
    assert isinstance(reply, Response)
    assert reply.status < 300, reply.body
    return content(reply)


def renew(site: Site, token: str, *, series: str = "x", secret: str = DEFAULT_SECRET) -> Response:
    fields = {
        "grant_type": "refresh_token",
        "refresh_token": token,
        "client_id": f"latchkey-{series}",
        "client_secret": secret,
    }
    body = urlencode(fields).encode()
    return ask(site, TOKEN_PATHS[series], method="POST", header="", body=body)


def account(site: Site, token: str) -> int:
    return ask(site, "/API/V3/Account.json", header=f"Bearer {token}").status


def test_a_grant_outlives_a_restart(tmp_path: Path) -> None:
    pair = tell(started(tmp_path), "consent", series="x")
    after = started(tmp_path)
    assert renew(after, pair["refresh_token"]).status == 200


def test_what_was_used_up_stays_so_and_ends_the_family(tmp_path: Path) -> None:
    before = started(tmp_path)
    pair = tell(before, "consent", series="x")
    newer = content(renew(before, pair["refresh_token"]))
    after = started(tmp_path)
    assert renew(after, pair["refresh_token"]).status == 400
    assert renew(started(tmp_path), newer["refresh_token"]).status == 400


def test_the_old_token_dies_with_the_first_use_after_a_restart_too(tmp_path: Path) -> None:
    before = started(tmp_path)
    pair = tell(before, "consent", series="r")
    newer = content(renew(before, pair["refresh_token"], series="r"))
    assert renew(started(tmp_path), pair["refresh_token"], series="r").status == 200
    assert account(started(tmp_path), newer["access_token"]) == 200
    assert renew(started(tmp_path), pair["refresh_token"], series="r").status == 400


def test_a_revoked_grant_stays_revoked(tmp_path: Path) -> None:
    before = started(tmp_path)
    pair = tell(before, "consent", series="r")
    fields = {"client_id": "latchkey-r", "client_secret": DEFAULT_SECRET}
    body = urlencode({**fields, "token": pair["refresh_token"]}).encode()
    assert ask(before, "/auth/oauth/revoke", method="POST", header="", body=body).status == 200
    assert renew(started(tmp_path), pair["refresh_token"], series="r").status == 400


def test_clients_accounts_and_legacy_keys_outlive_a_restart(tmp_path: Path) -> None:
    before = started(tmp_path)
    tell(before, "clients", series="x", client_id="latchkey-x", client_secret="another")
    tell(before, "accounts", series="x", id="third-shop", name="Third Shop")
    tell(before, "keys", key=LEGACY, account_id="100001")
    after = started(tmp_path)
    pair = tell(after, "consent", series="x", account="third-shop")
    assert renew(after, pair["refresh_token"]).status == 401
    assert renew(after, pair["refresh_token"], secret="another").status == 200
    basic = "Basic " + base64.b64encode(f"{LEGACY}:apikey".encode()).decode()
    assert ask(after, "/API/Account.json", header=basic).status == 200
    tell(after, "keys", refused=True)
    assert ask(started(tmp_path), "/API/Account.json", header=basic).status == 401


def test_no_token_and_no_secret_stand_in_the_file(tmp_path: Path) -> None:
    site = started(tmp_path)
    pair = tell(site, "consent", series="x")
    tell(site, "clients", series="x", client_id="latchkey-x", client_secret="canary-secret")
    tell(site, "keys", key=LEGACY, account_id="100001")
    file = tmp_path / "simulator-retail.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text()
    for value in (pair["access_token"], pair["refresh_token"], "canary-secret", LEGACY):
        assert value not in text


def test_pairs_that_are_over_are_left_out(tmp_path: Path) -> None:
    clock = HandClock()
    site = started(tmp_path, clock=clock)
    tell(site, "consent", series="x")
    clock.now += 31 * 86_400
    tell(site, "consent", series="x")
    known = json.loads((tmp_path / "simulator-retail.json").read_text())
    assert len(known["generations"]) == 1


def test_what_only_asks_writes_nothing(tmp_path: Path) -> None:
    site = started(tmp_path)
    tell(site, "consent", series="x")
    file = tmp_path / "simulator-retail.json"
    file.unlink()
    ask(site, "/.well-known/jwks")
    assert not file.exists()


@pytest.mark.parametrize("text", ["", "[]", '{"version": 2}', '{"version": 1}'])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "simulator-retail.json").write_text(text)
    with pytest.raises(JournalError):
        started(tmp_path)
