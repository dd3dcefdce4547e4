"""A stored key is checked by itself: when a backend was refused, and every night."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from keyvault import vault
from keyvault.due import claim, load_duties
from keyvault.errors import VaultError
from keyvault.leases import Scope
from keyvault.models import Credential, CredentialCheck
from onboarding.models import Verification
from onboarding.submission.duties import NIGHTLY, RECHECKS, run_due_rechecks
from onboarding.submission.services.recheck import NIGHTLY_AT_ONCE
from onboarding.submission.vendor import USUAL_REQUESTS
from simulator.running import RunningSimulator
from tests.keyvault.lending import Api, token_of
from tests.onboarding.cast import BY_TESTS, credential, merchant, pair, store
from tests.onboarding.vendor import known_pair

pytestmark = pytest.mark.django_db
State = Credential.State


def stored(
    simulator: RunningSimulator, *, works: bool = True, checked_hours_ago: float = 1.0
) -> Credential:
    """A key in a store of its own, known to the vendor as working or not."""
    known = known_pair(simulator, enabled=works)
    row = credential(store(merchant()), of=known)
    row.checked_at = timezone.now() - timedelta(hours=checked_hours_ago)
    row.save()
    return row


def refused_to_a_backend(row: Credential, *, outcome: str = "unauthorized") -> CredentialCheck:
    """The wanted check of a key after a backend lent it and was refused by the vendor."""
    backend = Api(token_of(scopes=tuple(Scope)))
    lease = backend.lease(row.keychain).json()["lease"]
    backend.settle(lease["id"], used=1, outcome=outcome)
    assert state_of(row) == State.SUSPENDED
    return CredentialCheck.objects.get(credential=row)


def state_of(row: Credential) -> str:
    return Credential.objects.get(pk=row.pk).state


def outcomes_of(row: Credential) -> list[str]:
    return list(Verification.objects.filter(credential=row).values_list("outcome", flat=True))


def test_the_worker_runs_both_duties() -> None:
    duties = load_duties(settings.KEYVAULT_DUTIES)
    assert RECHECKS in duties
    assert NIGHTLY in duties


@pytest.mark.parametrize("outcome", ["unauthorized", "forbidden"])
def test_a_key_that_works_again_recovers(simulator: RunningSimulator, outcome: str) -> None:
    row = stored(simulator)
    refused_to_a_backend(row, outcome=outcome)
    assert RECHECKS.run(timezone.now()) == 1
    assert (state_of(row), outcomes_of(row)) == (State.ACTIVE, ["passed"])


def test_a_key_that_is_refused_again_stays_suspended(simulator: RunningSimulator) -> None:
    row = stored(simulator, works=False)
    refused_to_a_backend(row)
    assert RECHECKS.run(timezone.now()) == 1
    assert (state_of(row), outcomes_of(row)) == (State.SUSPENDED, ["refused"])


def test_a_key_is_checked_once_however_often_the_duty_runs(simulator: RunningSimulator) -> None:
    row = stored(simulator)
    refused_to_a_backend(row)
    later = timezone.now() + timedelta(hours=2)
    assert [RECHECKS.run(later) for _ in range(3)] == [1, 0, 0]
    assert outcomes_of(row) == ["passed"]


def test_a_key_that_another_worker_checks_is_left_to_it(simulator: RunningSimulator) -> None:
    refused_to_a_backend(stored(simulator))
    now = timezone.now()
    claim(CredentialCheck.objects.all(), now=now, claim_seconds=30)
    assert RECHECKS.run(now) == 0
    assert simulator.stats()["requests"] == 0


def test_silence_of_the_vendor_changes_nothing_and_the_pause_grows(
    simulator: RunningSimulator,
) -> None:
    row = stored(simulator)
    check = refused_to_a_backend(row)
    simulator.add_fault(path="account/permissions", kind="500", count=2)
    pauses = []
    for _ in range(2):
        assert check.due_at is not None
        before = timezone.now()
        assert RECHECKS.run(max(check.due_at, before)) == 0
        check.refresh_from_db()
        assert check.due_at is not None
        pauses.append(round((check.due_at - before).total_seconds(), -1))
    assert pauses == [60, 120]
    assert state_of(row) == State.SUSPENDED
    assert check.due_at is not None
    assert RECHECKS.run(check.due_at) == 1
    assert state_of(row) == State.ACTIVE


def test_a_key_without_room_is_checked_later(simulator: RunningSimulator) -> None:
    row = stored(simulator)
    Credential.objects.filter(pk=row.pk).update(limits=[[300, USUAL_REQUESTS]])
    check = refused_to_a_backend(row)
    now = timezone.now()
    assert RECHECKS.run(now) == 1
    check.refresh_from_db()
    assert check.due_at is not None
    assert check.due_at > now
    assert (state_of(row), simulator.stats()["requests"]) == (State.SUSPENDED, 0)


def test_a_key_that_does_not_open_is_tried_later(simulator: RunningSimulator) -> None:
    row = stored(simulator)
    check = refused_to_a_backend(row)
    Credential.objects.filter(pk=row.pk).update(sealed=b"\x01" * 60)
    now = timezone.now()
    with pytest.raises(VaultError):
        RECHECKS.run(now)
    check.refresh_from_db()
    assert check.due_at is not None
    assert check.due_at > now
    assert check.claimed_until is None


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "bearer", "endpoint": "retail-r"},
        {"endpoint": "retail-x"},
        {"state": "revoked"},
        {"is_honeytoken": True},
    ],
)
def test_what_is_no_live_key_is_not_checked(
    simulator: RunningSimulator, changes: dict[str, str]
) -> None:
    row = stored(simulator)
    refused_to_a_backend(row)
    Credential.objects.filter(pk=row.pk).update(**changes)
    assert RECHECKS.run(timezone.now()) == 1
    assert CredentialCheck.objects.get().due_at is None
    assert simulator.stats()["requests"] == 0


def test_a_key_that_is_refused_during_its_check_is_checked_once_more(
    simulator: RunningSimulator,
) -> None:
    row = stored(simulator)
    backend = Api(token_of())
    lease = backend.lease(row.keychain).json()["lease"]
    refused_to_a_backend(row)
    now = timezone.now()
    claim(CredentialCheck.objects.all(), now=now, claim_seconds=30)
    backend.settle(lease["id"], used=1, outcome="unauthorized")
    assert RECHECKS.run(timezone.now()) == 1
    assert outcomes_of(row) == ["passed"]


def test_a_key_is_checked_when_its_last_check_is_a_day_old(simulator: RunningSimulator) -> None:
    old, young = stored(simulator, checked_hours_ago=25), stored(simulator, checked_hours_ago=23)
    now = timezone.now()
    assert NIGHTLY.run(now) == 0
    assert [run_due_rechecks(now) for _ in range(2)] == [1, 0]
    assert (outcomes_of(old), outcomes_of(young)) == (["passed"], [])
    NIGHTLY.run(now)
    assert run_due_rechecks(now) == 0


def test_a_key_that_the_vendor_withdrew_is_found_at_night(simulator: RunningSimulator) -> None:
    row = stored(simulator, works=False, checked_hours_ago=25)
    NIGHTLY.run(timezone.now())
    run_due_rechecks(timezone.now())
    assert state_of(row) == State.SUSPENDED


def test_nights_are_spread_the_oldest_check_first(simulator: RunningSimulator) -> None:
    shop = store(merchant())
    rows = [credential(shop, of=pair()) for _ in range(NIGHTLY_AT_ONCE + 2)]
    now = timezone.now()
    for hours, row in enumerate(rows, start=25):
        Credential.objects.filter(pk=row.pk).update(checked_at=now - timedelta(hours=hours))
    Credential.objects.filter(pk=rows[0].pk).update(checked_at=None)
    for _ in range(2):
        NIGHTLY.run(now)
        waiting = set(CredentialCheck.objects.values_list("credential", flat=True))
        assert waiting == {row.pk for row in [rows[0], *rows[3:]]}
    run_due_rechecks(now)
    NIGHTLY.run(now)
    assert CredentialCheck.objects.filter(due_at__isnull=False).count() == NIGHTLY_AT_ONCE


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "bearer", "endpoint": "retail-r"},
        {"endpoint": "retail-x"},
        {"state": "paused"},
        {"state": "suspended"},
        {"is_honeytoken": True},
    ],
)
def test_only_lent_keys_are_checked_at_night(
    simulator: RunningSimulator, changes: dict[str, str]
) -> None:
    row = stored(simulator, checked_hours_ago=25)
    Credential.objects.filter(pk=row.pk).update(**changes)
    NIGHTLY.run(timezone.now())
    assert not CredentialCheck.objects.exists()


def test_a_paused_key_stays_paused(simulator: RunningSimulator) -> None:
    row = stored(simulator, checked_hours_ago=25)
    NIGHTLY.run(timezone.now())
    vault.set_state(
        credential_id=row.pk, keychain_id=row.keychain_id, to=State.PAUSED, actor=BY_TESTS
    )
    assert run_due_rechecks(timezone.now()) == 1
    assert state_of(row) == State.PAUSED
