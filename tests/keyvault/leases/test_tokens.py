"""Tokens that wait for a second person, and when a token was used last."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from keyvault.audit import SYSTEM, Actor
from keyvault.errors import StateError, UnknownRecordError
from keyvault.leases import (
    NewToken,
    Scope,
    create_backend,
    create_token,
    release_token,
    revoke_token,
    waiting_tokens,
)
from keyvault.leases.backends import MOST_DAYS
from keyvault.leases.tokens import WAITS_FOR
from keyvault.models import AuditEntry, Backend, BackendToken
from tests.keyvault.lending import Api, token_of

pytestmark = pytest.mark.django_db

ANNA = Actor(kind="person", id="1")
BEN = Actor(kind="person", id="2")
REFUSE_SQLITE = (
    "CREATE TRIGGER disk_is_full BEFORE UPDATE OF last_used_at ON keyvault_backendtoken "
    "BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
)
REFUSE_POSTGRESQL = (
    "CREATE FUNCTION disk_is_full() RETURNS trigger LANGUAGE plpgsql AS "
    "'BEGIN RAISE EXCEPTION $$disk is full$$; END'; "
    "CREATE TRIGGER disk_is_full BEFORE UPDATE OF last_used_at ON keyvault_backendtoken "
    "FOR EACH ROW EXECUTE FUNCTION disk_is_full()"
)


def asked_for(*, days: int = 30) -> NewToken:
    return create_backend(
        name="app", scopes=list(Scope), stores=None, days=days, actor=ANNA, is_waiting=True
    )


def answer(made: NewToken) -> int:
    return Api(made.token.get_secret_value()).get("/api/v1/stores").status_code


def test_a_token_that_waits_opens_nothing_until_another_has_spoken() -> None:
    made = asked_for()
    assert answer(made) == 401

    release_token(token_id=made.token_id, actor=BEN)

    assert answer(made) == 200
    lasts = BackendToken.objects.get().expires_at - timezone.now()
    assert timedelta(days=29) < lasts <= timedelta(days=30)
    entries = AuditEntry.objects.filter(subject=f"token:{made.token_id}").order_by("pk")
    assert [(each.action, each.actor) for each in entries] == [
        ("token.asked", "person:1"),
        ("token.created", "person:2"),
    ]
    assert entries[1].facts["asked_by"] == "person:1"


def test_whoever_asked_is_no_second_person() -> None:
    made = asked_for()

    with pytest.raises(UnknownRecordError):
        release_token(token_id=made.token_id, actor=ANNA)

    assert answer(made) == 401


def test_a_token_is_spoken_for_once_and_within_a_day() -> None:
    made = asked_for()
    release_token(token_id=made.token_id, actor=BEN)
    with pytest.raises(UnknownRecordError):
        release_token(token_id=made.token_id, actor=BEN)

    late = create_token(
        backend_id=made.backend_id, scopes=list(Scope), days=1, actor=ANNA, is_waiting=True
    )
    long_ago = timezone.now() - WAITS_FOR
    BackendToken.objects.filter(pk=late.token_id).update(created_at=long_ago, expires_at=long_ago)
    with pytest.raises(UnknownRecordError):
        release_token(token_id=late.token_id, actor=BEN)
    assert not waiting_tokens(now=timezone.now()).exists()
    assert answer(late) == 401


def test_a_token_that_was_turned_down_is_not_released() -> None:
    made = asked_for()
    revoke_token(token_id=made.token_id, actor=BEN)

    with pytest.raises(UnknownRecordError):
        release_token(token_id=made.token_id, actor=BEN)
    assert answer(made) == 401


def test_the_database_keeps_a_token_that_waits_from_opening_anything() -> None:
    made = asked_for()

    with pytest.raises(DatabaseError, match=r"waiting_token|CHECK"):
        BackendToken.objects.filter(pk=made.token_id).update(
            expires_at=timezone.now() + timedelta(days=1)
        )


def test_a_form_that_is_sent_twice_makes_one_token() -> None:
    made, form_id = asked_for(), uuid4()
    create_token(backend_id=made.backend_id, scopes=[], days=1, actor=ANNA, form_id=form_id)

    with pytest.raises(StateError):
        create_token(backend_id=made.backend_id, scopes=[], days=1, actor=ANNA, form_id=form_id)
    assert BackendToken.objects.filter(form_id=form_id).count() == 1


@pytest.mark.parametrize("days", [-1, 0, MOST_DAYS + 1, 10**12])
def test_days_that_are_none_make_nothing(days: int) -> None:
    with pytest.raises(ValueError, match="days"):
        asked_for(days=days)
    assert not Backend.objects.exists()


@pytest.mark.parametrize("name", ["", "x" * 101, "a\x1b[31mb", "a\nb", "a\u202eb"])
def test_a_name_that_cannot_be_kept_makes_nothing(name: str) -> None:
    with pytest.raises(ValueError, match="characters"):
        create_backend(name=name, scopes=[], stores=None, days=1, actor=ANNA)
    assert not Backend.objects.exists()


def test_the_last_use_is_kept_to_the_minute() -> None:
    token = token_of()
    row = BackendToken.objects.get()
    assert row.last_used_at is None

    Api(token).get("/api/v1/stores")
    first = BackendToken.objects.get().last_used_at
    Api(token).get("/api/v1/stores")

    assert first is not None
    assert BackendToken.objects.get().last_used_at == first


def test_a_use_that_another_process_has_kept_is_not_kept_again() -> None:
    token = token_of()
    just_now = timezone.now() - timedelta(seconds=5)
    BackendToken.objects.update(last_used_at=just_now)

    assert Api(token).get("/api/v1/stores").status_code == 200

    assert BackendToken.objects.get().last_used_at == just_now


def test_a_token_of_nobody_is_not_made() -> None:
    with pytest.raises(UnknownRecordError):
        create_token(backend_id=uuid4(), scopes=list(Scope), days=1, actor=ANNA)
    assert not BackendToken.objects.exists()


def test_a_token_that_opens_nothing_was_not_used() -> None:
    token = token_of()
    revoke_token(token_id=BackendToken.objects.get().pk, actor=SYSTEM)

    assert Api(token).get("/api/v1/stores").status_code == 401

    assert BackendToken.objects.get().last_used_at is None


@pytest.fixture
def full_disk(transactional_db: None) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(REFUSE_SQLITE if connection.vendor == "sqlite" else REFUSE_POSTGRESQL)
    yield
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("DROP TRIGGER disk_is_full")
        else:
            cursor.execute("DROP FUNCTION disk_is_full() CASCADE")


@pytest.mark.usefixtures("full_disk")
def test_a_use_that_cannot_be_kept_keeps_nobody_from_reading() -> None:
    token = token_of()

    assert Api(token).get("/api/v1/stores").status_code == 200

    assert BackendToken.objects.get().last_used_at is None
