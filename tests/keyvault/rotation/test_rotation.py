"""Rotating the KEK: every secret opens before, during and after."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.db.models.expressions import RawSQL
from pytest_django import Settings

from keyvault import envelope, rotation, vault
from keyvault.audit import Actor
from keyvault.errors import (
    KekInUseError,
    KekUnavailableError,
    TamperedSecretError,
    UnknownKekError,
)
from keyvault.kek.local import create_keyring
from keyvault.models import AuditEntry, KekUse, WrappedDek
from keyvault.vault.ciphers import unwrap_dek
from keyvault.vault.custody import active_provider, current_keyring
from tests.keyvault import factories
from tests.keyvault.factories import BACKEND

pytestmark = pytest.mark.django_db
OPERATOR = Actor("command", "keyvault")


def _rewrap() -> rotation.Rewrapped:
    return rotation.rewrap(actor=OPERATOR, progress=lambda *_: None, portion=2)


def _opens(secrets: dict[object, vault.ApiKeySecret]) -> bool:
    return all(
        vault.check_out_credential(
            credential_id=credential.pk,  # type: ignore[attr-defined]
            keychain_id=credential.keychain_id,  # type: ignore[attr-defined]
            actor=BACKEND,
            purpose="test",
        )
        == secret
        for credential, secret in secrets.items()
    )


@pytest.fixture
def stored() -> dict[object, vault.ApiKeySecret]:
    pairs = [factories.api_key() for _ in range(5)]
    return {factories.credential(secret=pair): pair for pair in pairs}


def test_rewrapping_moves_every_dek_and_opens_no_secret(
    stored: dict[object, vault.ApiKeySecret],
) -> None:
    sealed = {row.pk: bytes(row.sealed) for row in stored}  # type: ignore[attr-defined]
    fresh = rotation.rotate_kek(actor=OPERATOR)
    assert _opens(stored)
    result = _rewrap()
    assert (result.done, result.kek_id, result.failures) == (5, fresh.id, [])
    assert set(WrappedDek.objects.values_list("kek_id", flat=True)) == {fresh.id}
    assert _opens(stored)
    for row in stored:
        row.refresh_from_db()  # type: ignore[attr-defined]
        assert bytes(row.sealed) == sealed[row.pk]  # type: ignore[attr-defined]


def test_rewrapping_twice_does_nothing_more(stored: dict[object, vault.ApiKeySecret]) -> None:
    rotation.rotate_kek(actor=OPERATOR)
    _rewrap()
    before = list(WrappedDek.objects.values_list("wrapped", flat=True))
    assert _rewrap().done == 0
    assert list(WrappedDek.objects.values_list("wrapped", flat=True)) == before


def test_an_interrupted_run_is_finished_by_the_next(
    stored: dict[object, vault.ApiKeySecret],
) -> None:
    rotation.rotate_kek(actor=OPERATOR)

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rotation.rewrap(actor=OPERATOR, progress=stop, portion=2)
    assert _opens(stored)
    assert _rewrap().done == 3
    assert _opens(stored)


class _SecondOperator:
    """Moves every DEK just before the first run stores what it has wrapped."""

    def __init__(self) -> None:
        self.kept: list[bytes] = []

    def __call__(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        if "UPDATE" in sql and "keyvault_kekuse" in sql and not self.kept:
            self.kept = _wrapped()
            assert _rewrap().done == 5
            self.kept = _wrapped()
        return execute(sql, params, many, context)


def _wrapped() -> list[bytes]:
    rows = WrappedDek.objects.order_by("keychain_id").values_list("wrapped", flat=True)
    return [bytes(row) for row in rows]


def test_a_row_that_changed_meanwhile_is_left_alone(
    stored: dict[object, vault.ApiKeySecret],
) -> None:
    rotation.rotate_kek(actor=OPERATOR)
    second = _SecondOperator()
    with connection.execute_wrapper(second):
        first = rotation.rewrap(actor=OPERATOR, progress=lambda *_: None)
    assert (first.done, first.failures) == (0, [])
    assert _wrapped() == second.kept
    assert _opens(stored)


def test_a_portion_is_stored_with_its_count_and_its_entry_or_not_at_all(
    stored: dict[object, vault.ApiKeySecret],
) -> None:
    fresh = rotation.rotate_kek(actor=OPERATOR)
    before = _wrapped()

    def no_entry(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if sql.startswith("INSERT") and "keyvault_auditentry" in sql:
            raise OSError
        return execute(sql, *rest)

    with connection.execute_wrapper(no_entry), pytest.raises(OSError):  # noqa: PT011  # our own
        _rewrap()
    assert _wrapped() == before
    assert not KekUse.objects.filter(kek_id=fresh.id, wraps__gt=0).exists()
    assert _rewrap().done == 5


def test_a_second_rotation_in_between_stops_the_first(
    stored: dict[object, vault.ApiKeySecret],
) -> None:
    rotation.rotate_kek(actor=OPERATOR)

    def rotate_again(done: int, total: int) -> None:
        rotation.rotate_kek(actor=OPERATOR)

    with pytest.raises(KekUnavailableError, match="run rewrap again"):
        rotation.rewrap(actor=OPERATOR, progress=rotate_again, portion=2)
    assert _opens(stored)
    assert _rewrap().done == 5
    assert _opens(stored)


def test_what_is_stored_under_the_old_kek_behind_the_run_is_moved_too(
    stored: dict[object, vault.ApiKeySecret],
) -> None:
    provider, laggard = active_provider(), WrappedDek.objects.order_by("keychain_id")[0]
    key = provider.wrap(dek=envelope.new_dek(), keychain=laggard.keychain_id.hex)
    fresh = rotation.rotate_kek(actor=OPERATOR)

    def store_the_old(done: int, total: int) -> None:
        if done == 5:
            late.update(kek_id=key.kek_id, wrapped=key.wrapped)

    late = WrappedDek.objects.filter(pk=laggard.pk)
    assert rotation.rewrap(actor=OPERATOR, progress=store_the_old, portion=5).done == 6
    assert set(WrappedDek.objects.values_list("kek_id", flat=True)) == {fresh.id}


def test_a_dek_that_cannot_be_unwrapped_is_named_and_the_rest_moved(
    stored: dict[object, vault.ApiKeySecret],
) -> None:
    rotation.rotate_kek(actor=OPERATOR)
    rows = list(WrappedDek.objects.order_by("keychain_id"))
    WrappedDek.objects.filter(pk=rows[0].pk).update(kek_id="local:lost")
    WrappedDek.objects.filter(pk=rows[1].pk).update(wrapped=rows[2].wrapped)
    result = _rewrap()
    assert result.done == 3
    assert len(result.failures) == 2
    named = {(bad.keychain_id, bad.code) for bad in result.failures}
    assert named == {(str(rows[0].pk), "unknown-kek"), (str(rows[1].pk), "tampered-secret")}


def test_an_altered_row_of_another_type_is_named_and_the_rest_moved(
    stored: dict[object, vault.ApiKeySecret],
) -> None:
    rotation.rotate_kek(actor=OPERATOR)
    bad = WrappedDek.objects.order_by("keychain_id")[0].pk
    as_text = {"sqlite": "'x'", "postgresql": "'x'::bytea"}[connection.vendor]
    WrappedDek.objects.filter(pk=bad).update(wrapped=RawSQL(as_text, []))  # noqa: S611  # a constant
    result = _rewrap()
    assert result.done == 4
    named = [(row.keychain_id, row.code) for row in result.failures]
    assert named == [(str(bad), "tampered-secret")]
    with pytest.raises(TamperedSecretError):
        unwrap_dek(WrappedDek.objects.get(pk=bad))


def test_rewrapping_forgets_every_unwrapped_dek(
    stored: dict[object, vault.ApiKeySecret], settings: Settings, tmp_path: Path
) -> None:
    assert _opens(stored)
    _rewrap()
    settings.KEYVAULT_KEYRING = tmp_path / "other.json"
    create_keyring(settings.KEYVAULT_KEYRING)
    with pytest.raises(UnknownKekError):
        _opens(stored)


def test_rotation_and_rewrapping_are_recorded(stored: dict[object, vault.ApiKeySecret]) -> None:
    fresh = rotation.rotate_kek(actor=OPERATOR)
    _rewrap()
    assert AuditEntry.objects.get(action="kek.rotated").subject == f"kek:{fresh.id}"
    counts = [entry.facts["count"] for entry in AuditEntry.objects.filter(action="dek.rewrapped")]
    assert counts == [2, 2, 1]
    old = KekUse.objects.exclude(kek_id=fresh.id).get().kek_id
    rotation.destroy_kek(kek_id=old, actor=OPERATOR)
    assert AuditEntry.objects.get(action="kek.destroyed").subject == f"kek:{old}"


def test_a_database_that_cannot_be_written_leaves_the_keyring_alone(
    stored: dict[object, vault.ApiKeySecret], own_keyring: Path
) -> None:
    before = own_keyring.read_bytes()

    def read_only(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if sql.startswith(("INSERT", "UPDATE")):
            raise OSError
        return execute(sql, *rest)

    with connection.execute_wrapper(read_only), pytest.raises(OSError):  # noqa: PT011  # our own
        rotation.rotate_kek(actor=OPERATOR)
    assert own_keyring.read_bytes() == before


def test_a_kek_in_use_is_not_destroyed(stored: dict[object, vault.ApiKeySecret]) -> None:
    old = active_provider().active_id()
    with pytest.raises(KekInUseError, match="keyvault rotate"):
        rotation.destroy_kek(kek_id=old, actor=OPERATOR)
    rotation.rotate_kek(actor=OPERATOR)
    with pytest.raises(KekInUseError, match=r"wraps 5 DEKs.*keyvault rewrap"):
        rotation.destroy_kek(kek_id=old, actor=OPERATOR)
    assert _opens(stored)
    _rewrap()
    rotation.destroy_kek(kek_id=old, actor=OPERATOR)
    assert _opens(stored)
    assert AuditEntry.objects.filter(action="kek.destroyed").count() == 1


def test_nothing_comes_to_stand_on_a_kek_that_was_destroyed() -> None:
    old = active_provider().active_id()
    rotation.rotate_kek(actor=OPERATOR)
    rotation.destroy_kek(kek_id=old, actor=OPERATOR)
    with pytest.raises(UnknownKekError):
        vault.ciphers.count_wraps(kek_id=old)  # type: ignore[attr-defined]


def test_the_active_kek_is_not_destroyed_even_when_unused() -> None:
    active = active_provider().active_id()
    with pytest.raises(KekInUseError, match="rotate first"):
        rotation.destroy_kek(kek_id=active, actor=OPERATOR)
    assert not KekUse.objects.exclude(closed_at=None).exists()


def test_status_tells_what_stands_on_which_kek(stored: dict[object, vault.ApiKeySecret]) -> None:
    rotation.rotate_kek(actor=OPERATOR)
    WrappedDek.objects.update(seals=F("seals") + 6)
    status = rotation.read_status()
    assert [(kek.state, kek.deks, kek.wraps) for kek in status.keks] == [
        ("decrypt-only", 5, 5),
        ("active", 0, 0),
    ]
    assert (status.keychains, status.deks_on_old_keks, status.most_seals) == (5, 5, 7)
    assert status.unknown_keks == []
    made = [kek.created_at for kek in status.keks]
    assert made == [kek.created_at for kek in current_keyring().keks]
    assert None not in made
    assert made == sorted(made)


def test_status_names_a_kek_that_nobody_holds(stored: dict[object, vault.ApiKeySecret]) -> None:
    WrappedDek.objects.update(kek_id="local:lost")
    assert rotation.read_status().unknown_keks == ["local:lost"]
