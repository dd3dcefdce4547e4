"""`manage.py demo`: stores and accounts of a try-out, made the merchant's own way."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site
from django.core.management import CommandError, call_command
from pydantic import SecretStr
from pytest_django import Settings

from config.environment import BASE_DIR
from keyvault.models import Backend, BackendToken, Credential
from onboarding.management.demonstration import BACKEND_NAME, DemoError, add_key, new_pair
from onboarding.models import Store, User
from onboarding.people.second_step import has_second_step
from simulator.running import RunningSimulator

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("simulator")]


def start(monkeypatch: pytest.MonkeyPatch, *, earlier: str = "") -> dict[str, Any]:
    """What a start of the try-out writes."""
    monkeypatch.setattr("sys.stdin", io.StringIO(earlier))
    call_command("demo", "--first-run")
    written: dict[str, Any] = json.loads(_facts().read_text())
    return written


def _facts() -> Path:
    return Path(site.ENVIRONMENT.data_dir) / "demo.json"


def test_stores_come_with_verified_keys_and_their_ids() -> None:
    out = io.StringIO()

    call_command("demo", "--stores", "2", "--keys", "2", "--json", stdout=out)

    ids = [each["id"] for each in json.loads(out.getvalue())["stores"]]
    assert len(ids) == Store.objects.count() == 2
    for store_id in ids:
        assert Credential.objects.filter(keychain_id=store_id, state="active").count() == 2


def test_without_json_the_ids_stand_one_a_line() -> None:
    out = io.StringIO()

    call_command("demo", stdout=out)
    call_command("demo", stdout=out)

    assert out.getvalue().split() == [str(store.pk) for store in Store.objects.order_by("name")]


@pytest.mark.parametrize("count", ["0", "-1", "x", "²"])
def test_a_count_that_is_none_is_refused(count: str) -> None:
    with pytest.raises(CommandError, match="no number from 1 on"):
        call_command("demo", "--stores", count)


def test_the_first_start_makes_accounts_store_backend_and_pairs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    facts = start(monkeypatch)

    assert _facts().stat().st_mode & 0o777 == 0o600
    store = Store.objects.get(pk=facts["merchant"]["store_id"])
    assert store.keychain.credentials.count() == 1
    for who in ("merchant", "staff"):
        assert User.objects.get(email=facts[who]["email"]).check_password(facts[who]["password"])
    assert has_second_step(User.objects.get(email=facts["staff"]["email"]))
    assert facts["weak_key"]["missing"] == "orders.write"
    assert Backend.objects.get(name=BACKEND_NAME).has_all_stores


def test_the_next_start_finds_everything_again(monkeypatch: pytest.MonkeyPatch) -> None:
    first = start(monkeypatch)

    again = start(monkeypatch, earlier=json.dumps(first))

    assert again == first
    assert Credential.objects.count() == 1
    assert BackendToken.objects.count() == 1


@pytest.mark.parametrize("earlier", ["", "not json", "[]", '{"good_key": 7, "staff": "x"}'])
def test_what_cannot_be_known_any_more_is_made_anew(
    monkeypatch: pytest.MonkeyPatch, earlier: str
) -> None:
    first = start(monkeypatch)

    again = start(monkeypatch, earlier=earlier)

    assert again["merchant"]["store_id"] == first["merchant"]["store_id"]
    assert again["backend_token"] != first["backend_token"]
    merchant = User.objects.get(email=again["merchant"]["email"])
    assert merchant.check_password(again["merchant"]["password"])


def test_a_pair_that_was_stored_since_is_replaced_by_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = start(monkeypatch)
    store = Store.objects.get(pk=first["merchant"]["store_id"])
    pair = {part: SecretStr(first["good_key"][part]) for part in ("key", "secret")}
    known = new_pair(shop_id=store.shop_id or 1)
    add_key(
        store=store,
        user=User.objects.get(email=first["merchant"]["email"]),
        pair=type(known)(**pair),
        name="second",
    )

    again = start(monkeypatch, earlier=json.dumps(first))

    assert again["good_key"] != first["good_key"]
    assert again["weak_key"] == first["weak_key"]


def test_without_the_simulator_it_says_how_to_start_it(settings: Settings) -> None:
    settings.KEYVAULT_ENDPOINTS = {"ecom-eu1": "http://127.0.0.1:9/", "ecom-us1": "http://[::1]:9/"}

    with pytest.raises(CommandError, match="make run"):
        call_command("demo")


def test_there_is_no_demo_in_production(settings: Settings) -> None:
    settings.IS_PRODUCTION = True

    with pytest.raises(CommandError, match="no demo in production"):
        call_command("demo")


def test_a_pair_that_does_not_pass_is_named(simulator: RunningSimulator) -> None:
    call_command("demo")
    store = Store.objects.get()
    user = User.objects.get()

    with pytest.raises(DemoError, match="not accepted"):
        add_key(
            store=store,
            user=user,
            pair=new_pair(shop_id=store.shop_id or 1, lacking=("orders", "write")),
            name="weak",
        )


def test_a_database_without_tables_is_told_before_anything_is_made(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "demo"],
        check=False,
        cwd=BASE_DIR,
        env={**os.environ, "DATA_DIR": str(tmp_path), "DATABASE_URL": ""},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 1
    assert "manage.py migrate" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
