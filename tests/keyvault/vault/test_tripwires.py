"""Tripwires tell staff once, and leave an entry that no merchant's export holds."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from keyvault import audit, vault
from keyvault.audit import Action
from keyvault.errors import StateError
from keyvault.models import Alert, AuditEntry, Credential
from keyvault.vault import tripwires
from tests.keyvault import factories
from tests.keyvault.factories import BACKEND, OWNER
from tests.keyvault.lending import Api, token_of

pytestmark = pytest.mark.django_db

TOLD: list[int] = []


def note(alert_id: int) -> None:
    TOLD.append(alert_id)


@pytest.fixture(autouse=True)
def _listening(settings: Settings) -> None:
    settings.KEYVAULT_ON_ALERT = f"{__name__}.note"
    TOLD.clear()


def _open(credential: Credential) -> None:
    vault.check_out_credential(
        credential_id=credential.pk,
        keychain_id=credential.keychain_id,
        actor=BACKEND,
        purpose="verification",
    )


def test_a_decoy_tells_on_whoever_opens_it(
    settings: Settings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.KEYVAULT_ON_ALERT = None
    credential = factories.credential()
    _open(credential)
    assert not Alert.objects.exists()
    Credential.objects.update(is_honeytoken=True)
    with django_capture_on_commit_callbacks(execute=True):
        _open(credential)
        _open(credential)
    alert = Alert.objects.get()
    assert (alert.kind, alert.facts) == ("honeytoken", {"by": str(BACKEND)})
    entry = AuditEntry.objects.get(action="tripwire.fired")
    assert (entry.keychain_id, entry.subject) == (None, f"credential:{credential.pk}")
    assert "tripwire" in caplog.text
    assert "decoy" in str(alert)


def test_a_planted_decoy_can_be_borrowed_and_tells() -> None:
    decoy = vault.plant_honeytoken(label="Bakery Oven & Zonen", actor=OWNER)
    api = Api(token_of())
    assert not Alert.objects.exists()
    assert api.lease(decoy.keychain).status_code == 201
    assert Alert.objects.get().subject == f"credential:{decoy.pk}"
    assert list(vault.open_in_bulk(Credential.objects.all())) == []


def test_a_key_at_two_merchants_is_told_to_staff_and_not_to_merchants() -> None:
    secret = factories.api_key()
    first = factories.credential(secret=secret)
    other = factories.keychain()
    for keychain in (first.keychain, other):
        vault.seal_draft(keychain_id=keychain.id, secret=secret, ttl_seconds=60, actor=OWNER)
    alert = Alert.objects.get()
    assert (alert.kind, alert.facts) == ("two-merchants", {"pasted_at": str(other.id)})
    assert not audit.entries_for(keychain_id=other.id).filter(action="tripwire.fired").exists()


def _openings(times: int) -> None:
    for _ in range(times):
        audit.record(action=Action.LEASE_GRANTED, actor=BACKEND)


def test_an_actor_that_opens_too_much_is_told_once(settings: Settings) -> None:
    settings.KEYVAULT_OPENS_PER_MINUTE = {**settings.KEYVAULT_OPENS_PER_MINUTE, "backend": 10}
    _openings(10)
    assert tripwires.watch_rates(timezone.now()) == 0
    _openings(1)
    assert tripwires.watch_rates(timezone.now()) == 1
    assert tripwires.watch_rates(timezone.now()) == 0
    alert = Alert.objects.get()
    assert (alert.subject, alert.facts) == (str(BACKEND), {"limit": 10, "times": 11})


@pytest.mark.parametrize(
    "action",
    [
        Action.CREDENTIAL_OPENED,
        Action.DRAFT_OPENED,
        Action.LEASE_GRANTED,
        Action.SECRET_OPENED,
    ],
)
def test_every_way_to_open_a_secret_counts(settings: Settings, action: Action) -> None:
    settings.KEYVAULT_OPENS_PER_MINUTE = {**settings.KEYVAULT_OPENS_PER_MINUTE, "backend": 1}
    for _ in range(2):
        audit.record(action=action, actor=BACKEND)
    assert tripwires.watch_rates(timezone.now()) == 1


def test_openings_of_the_minutes_before_do_not_count(settings: Settings) -> None:
    settings.KEYVAULT_OPENS_PER_MINUTE = {**settings.KEYVAULT_OPENS_PER_MINUTE, "backend": 10}
    _openings(11)
    later = timezone.now() + timedelta(minutes=2)
    assert tripwires.watch_rates(later) == 0
    assert tripwires.watch_rates(later) == 0
    assert not Alert.objects.exists()


def test_a_record_that_does_not_open_is_quarantined_alone(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    bad, good = factories.credential(), factories.credential()
    with django_capture_on_commit_callbacks(execute=True):
        vault.quarantine(credential_id=bad.pk)
        vault.quarantine(credential_id=bad.pk)
    states = dict(Credential.objects.values_list("pk", "state"))
    assert states == {bad.pk: "suspended", good.pk: "active"}
    assert AuditEntry.objects.filter(action="credential.quarantined").count() == 1
    assert [Alert.objects.get().pk] == TOLD


def _tampered(number: int) -> None:
    tripwires.fire(kind=Alert.Kind.TAMPERED, subject=f"credential:{number}", facts={})


def test_an_alert_is_handled_once_and_the_record_says_by_whom() -> None:
    _tampered(2)
    _tampered(1)
    other, alert = Alert.objects.order_by("pk")
    vault.handle_alert(alert_id=alert.pk, note="A disk was at fault.", actor=OWNER)
    other.refresh_from_db()
    assert other.handled_at is None
    alert.refresh_from_db()
    assert alert.handled_at is not None
    assert (alert.handled_by, alert.handled_note) == (str(OWNER), "A disk was at fault.")
    entry = AuditEntry.objects.get(action="tripwire.handled")
    assert (entry.actor, entry.subject) == (str(OWNER), "credential:1")
    assert "disk" not in str(entry.facts)
    with pytest.raises(StateError, match="handled already"):
        vault.handle_alert(alert_id=alert.pk, note="Me, too.", actor=BACKEND)
    alert.refresh_from_db()
    assert alert.handled_by == str(OWNER)


def test_what_happens_again_after_it_was_handled_is_a_new_alert() -> None:
    _tampered(1)
    _tampered(1)
    assert Alert.objects.count() == 1
    vault.handle_alert(alert_id=Alert.objects.get().pk, note="", actor=OWNER)
    _tampered(1)
    assert Alert.objects.filter(handled_at=None).count() == 1


def test_of_a_flood_of_one_kind_the_first_is_told_at_once(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    for number in range(5):
        with django_capture_on_commit_callbacks(execute=True):
            _tampered(number)
    with django_capture_on_commit_callbacks(execute=True):
        tripwires.fire(kind=Alert.Kind.HONEYTOKEN, subject="credential:9", facts={})
    first = Alert.objects.order_by("pk")[0]
    other = Alert.objects.get(kind=Alert.Kind.HONEYTOKEN)
    assert [first.pk, other.pk] == TOLD
    Alert.objects.update(told_at=first.at - timedelta(hours=2))
    with django_capture_on_commit_callbacks(execute=True):
        _tampered(6)
    assert len(TOLD) == 3


def test_what_cannot_be_told_does_not_stop_who_fired_it(
    settings: Settings, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    settings.KEYVAULT_ON_ALERT = "keyvault.nowhere.tell"
    with django_capture_on_commit_callbacks(execute=True):
        _tampered(1)
    assert Alert.objects.count() == 1
