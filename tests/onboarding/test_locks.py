"""Rows that are locked, and others that point to them."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone
from pydantic import SecretStr

from keyvault.due import claim
from keyvault.models import Credential, CredentialCheck
from keyvault.vault import seal_draft
from onboarding.models import NotificationChoice, Store, Submission, Verification
from onboarding.people.second_step import seal_for
from onboarding.staff.roles import Role
from onboarding.staff.team.services import give_role
from onboarding.stores.services import pause_key, resume_key
from tests.onboarding.cast import BY_TESTS, credential, merchant, pair, person, staff_in, store

pytestmark = pytest.mark.django_db(transaction=True)
SECONDS = 10


@contextmanager
def held(work: Callable[[], object]) -> Iterator[None]:
    """A transaction of somebody else that has done its work and is not over yet.

    SQLite lets one write at a time: there the work is over before.
    """
    if connection.vendor == "sqlite":
        work()
        yield
        return
    is_done, may_end = threading.Event(), threading.Event()

    def run() -> None:
        with transaction.atomic():
            work()
            is_done.set()
            may_end.wait(SECONDS)
        connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    is_done.wait(SECONDS)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = 1")
    try:
        yield
    finally:
        may_end.set()
        thread.join()
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")


@pytest.fixture
def shop() -> Store:
    return store(merchant(owner=person("owner")))


def test_a_key_that_is_resumed_keeps_nobody_from_wanting_its_check(shop: Store) -> None:
    key = credential(shop)
    pause_key(credential=key, actor=BY_TESTS)

    with held(lambda: resume_key(credential=key, actor=BY_TESTS)):
        CredentialCheck.objects.create(credential=key, due_at=timezone.now())

    assert Credential.objects.get().state == "active"


def test_a_role_that_is_given_keeps_nobody_from_changing_their_notices() -> None:
    security, user = staff_in("security"), staff_in("support")

    with held(lambda: give_role(user=user, role=Role.OPERATOR, by=security)):
        for person_of_staff in (security, user):
            NotificationChoice.objects.create(user=person_of_staff, topic="digest", choice="off")


def test_a_second_step_that_is_set_up_keeps_nobody_from_changing_their_notices() -> None:
    user = staff_in("support")

    with held(lambda: seal_for(user=user, secret=SecretStr("another"))):
        NotificationChoice.objects.create(user=user, topic="keys", choice="off")


def test_a_paste_that_a_worker_claims_keeps_nobody_from_noting_its_check(shop: Store) -> None:
    now = timezone.now()
    draft = seal_draft(keychain_id=shop.pk, secret=pair(), ttl_seconds=3600, actor=BY_TESTS)
    waiting = Submission.objects.create(
        store=shop,
        user=shop.merchant.members.get().user,
        draft_id=draft.pk,
        expires_at=now + timedelta(days=1),
        due_at=now,
    )

    with held(lambda: claim(Submission.objects.all(), now=now, claim_seconds=60)):
        Verification.objects.create(store=shop, submission=waiting, at=now, outcome="busy")

    assert Submission.objects.get().claimed_until == now + timedelta(seconds=60)
