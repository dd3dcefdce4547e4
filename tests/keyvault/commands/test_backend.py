"""manage.py backend."""

import base64
import json
import secrets
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from keyvault.models import AuditEntry, Backend, BackendToken, Keychain
from tests.keyvault import factories
from tests.keyvault.lending import Api, key_of

pytestmark = pytest.mark.django_db

SCOPES = ("--scope", "leases:write", "--scope", "stores:read")


def _run(*arguments: str) -> str:
    out = StringIO()
    call_command("backend", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue().strip()


@pytest.fixture
def store() -> Keychain:
    return factories.keychain()


def test_a_token_is_printed_once_and_leases(store: Keychain) -> None:
    key_of(store)

    token = _run("create", "app", *SCOPES)

    assert Api(token).lease(store).status_code == 201
    assert token not in _run("list")


def test_json_holds_the_token_and_when_it_ends() -> None:
    printed = json.loads(_run("create", "app", *SCOPES, "--json", "--days", "3"))

    assert printed["token"].startswith("lk_")
    assert printed["backend_id"] == str(Backend.objects.get().pk)


def test_a_backend_can_be_limited_to_stores(store: Keychain) -> None:
    other = factories.keychain()
    key_of(other)

    token = _run("create", "app", *SCOPES, "--store", str(store.pk))

    assert Api(token).lease(other).status_code == 404


def test_a_second_token_and_the_end_of_the_first(store: Keychain) -> None:
    key_of(store)
    first = _run("create", "app", *SCOPES)
    second = _run("token", "app", *SCOPES)

    _run("revoke", BackendToken.objects.order_by("pk").first().prefix)

    assert Api(first).lease(store).status_code == 401
    assert Api(second).lease(store).status_code == 201
    assert AuditEntry.objects.filter(action="token.revoked").count() == 1


def test_what_the_list_shows_is_what_revoke_takes() -> None:
    _run("create", "app", *SCOPES)
    shown = _run("list").split()[1]

    _run("revoke", shown)

    assert BackendToken.objects.get().revoked_at is not None


def test_a_backend_without_a_live_token_is_listed_too() -> None:
    _run("create", "app", *SCOPES)
    _run("off", "app")
    _run("revoke", BackendToken.objects.get().prefix)

    assert _run("list") == "app  no live token  switched off"


def test_a_scope_that_there_is_not_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(CommandError, match=r"'stores:read', 'leases:write'"):
        _run("create", "app", "--scope", "everything")


def test_a_database_without_tables_is_told_with_the_next_step() -> None:
    _run("create", "app", *SCOPES)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE keyvault_backendtoken RENAME TO elsewhere")

    with pytest.raises(CommandError, match="run: manage"):
        _run("list")


@pytest.mark.parametrize(
    "arguments",
    [
        ("create", "app", *SCOPES, "--store", str(uuid4())),
        ("create", "app", *SCOPES, "--days", "0"),
        ("create", "app", *SCOPES, "--public-key", "x"),
        ("create", "app", *SCOPES, "--network", "everywhere"),
        ("create", "taken", *SCOPES),
        ("token", "nobody", *SCOPES),
        ("revoke", "lk_nobody"),
        ("webhook", "nobody", "https://example.test/"),
        ("webhook", "taken", "http://example.test/"),
    ],
)
def test_what_makes_no_sense_is_an_error_and_makes_nothing(arguments: tuple[str, ...]) -> None:
    _run("create", "taken", *SCOPES)

    with pytest.raises(CommandError):
        _run(*arguments)
    assert Backend.objects.count() == 1


def test_a_public_key_seals_what_is_leased(store: Keychain) -> None:
    key_of(store)
    key = base64.b64encode(secrets.token_bytes(32)).decode()

    token = _run("create", "app", *SCOPES, "--public-key", key)

    assert "sealed" in Api(token).lease(store).json()["credential"]


def test_a_backend_that_is_sealed_to_later_is_lent_nothing_plain_again(store: Keychain) -> None:
    key_of(store)
    older = Api(_run("create", "app", *SCOPES))
    path = f"/api/v1/stores/{store.pk}/leases"
    again = {"Idempotency-Key": "k"}
    plain = older.post(path, {"permits": 1}, **again).json()["credential"]

    _run("seal", "app", "--key", base64.b64encode(secrets.token_bytes(32)).decode())
    newer = Api(_run("token", "app", *SCOPES))

    answers = [older.post(path, {"permits": 1}, **again), older.lease(store), newer.lease(store)]
    assert all("sealed" in each.json()["credential"] for each in answers)
    assert not any(plain["secret"] in each.content.decode() for each in answers)
    assert AuditEntry.objects.filter(action="backend.changed").count() == 1


@pytest.mark.parametrize("key", ["", "x", base64.b64encode(bytes(32)).decode()])
def test_what_nothing_can_be_sealed_to_changes_nothing(key: str) -> None:
    _run("create", "app", *SCOPES)

    with pytest.raises(CommandError, match="X25519"):
        _run("seal", "app", "--key", key)
    assert Backend.objects.get().public_key is None


def test_a_webhook_prints_its_signing_key() -> None:
    _run("create", "app", *SCOPES)

    assert _run("webhook", "app", "https://example.test/hook").startswith("whsec_")


def test_a_lease_is_ended_once_and_held_no_longer(store: Keychain) -> None:
    key_of(store)
    api = Api(_run("create", "app", *SCOPES))
    lease_id = api.lease(store, permits=3).json()["lease"]["id"]

    assert "ended" in _run("end-lease", lease_id)

    assert api.post(f"/api/v1/leases/{lease_id}/renew", {}).status_code == 409
    assert AuditEntry.objects.get(action="lease.revoked").subject == f"lease:{lease_id}"
    with pytest.raises(CommandError, match="no open lease"):
        _run("end-lease", lease_id)
    with pytest.raises(CommandError, match="no lease"):
        _run("end-lease", str(uuid4()))


def test_a_backend_that_is_off_gets_nothing_until_it_is_on_again(store: Keychain) -> None:
    key_of(store)
    token = _run("create", "app", *SCOPES)
    actor, other = "command:backend", Api(_run("create", "other", *SCOPES))

    _run("off", "app")
    assert Api(token).lease(store).status_code == 401
    assert other.lease(store).status_code == 201
    assert "switched off" in _run("list")
    with pytest.raises(CommandError, match="switched on"):
        _run("off", "app")

    _run("on", "app")
    assert Api(token).lease(store).status_code == 201
    changes = AuditEntry.objects.filter(action="backend.changed", actor=actor).order_by("pk")
    assert [each.facts for each in changes] == [{"active": False}, {"active": True}]
    with pytest.raises(CommandError, match="switched off"):
        _run("on", "app")


def test_its_stores_can_be_changed_and_what_it_leased_is_still_settled(store: Keychain) -> None:
    other = factories.keychain()
    for each in (store, other):
        key_of(each)
    api = Api(_run("create", "app", *SCOPES))
    lease_id = api.lease(store, permits=3).json()["lease"]["id"]

    assert _run("stores", "app", "--store", str(other.pk)) == "stores it may lease from: 1"

    assert [api.lease(store).status_code, api.lease(other).status_code] == [404, 201]
    assert api.settle(lease_id, used=1).status_code == 200
    assert _run("stores", "app", "--all") == "stores it may lease from: all"
    assert api.lease(store).status_code == 201
    facts = AuditEntry.objects.filter(action="backend.changed").order_by("pk")
    assert [each.facts for each in facts] == [
        {"all_stores": False, "stores": 1},
        {"all_stores": True, "stores": 0},
    ]


def test_its_networks_can_be_changed(store: Keychain) -> None:
    key_of(store)
    api = Api(_run("create", "app", *SCOPES, "--network", "192.0.2.0/24"))
    assert api.lease(store).status_code == 403

    assert _run("networks", "app", "--network", "127.0.0.0/8") == "may call from 127.0.0.0/8"
    assert api.lease(store).status_code == 201
    _run("networks", "app", "--network", "192.0.2.0/24")
    assert api.lease(store).status_code == 403
    assert _run("networks", "app", "--anywhere") == "may call from anywhere"
    assert api.lease(store).status_code == 201


@pytest.mark.parametrize(
    "arguments",
    [
        ("networks", "app", "--network", "everywhere"),
        ("networks", "nobody", "--anywhere"),
        ("networks", "app"),
        ("networks", "app", "--anywhere", "--network", "192.0.2.0/24"),
        ("stores", "app", "--store", str(uuid4())),
        ("stores", "nobody", "--all"),
        ("stores", "app"),
    ],
)
def test_a_change_that_makes_no_sense_changes_nothing(
    store: Keychain, arguments: tuple[str, ...]
) -> None:
    reach = ("--store", str(store.pk), "--network", "192.0.2.0/24")
    _run("create", "app", *SCOPES, *reach)

    with pytest.raises(CommandError):
        _run(*arguments)

    app = Backend.objects.get()
    assert (app.networks, app.has_all_stores) == ("192.0.2.0/24", False)
    assert list(app.stores.all()) == [store]
    assert not AuditEntry.objects.filter(action="backend.changed").exists()
