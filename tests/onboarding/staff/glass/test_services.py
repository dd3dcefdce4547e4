from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from cryptography.exceptions import InvalidTag
from django.core import mail
from django.db import IntegrityError, connections, transaction
from django.utils import timezone

from keyvault.errors import StateError, TamperedSecretError
from keyvault.glass import info_for
from keyvault.leases.sealed import PublicKeyError
from keyvault.models import AuditEntry, Credential
from onboarding.models import GlassRequest, User
from onboarding.models.glass import ASKED_FOR, OPEN_FOR
from onboarding.staff.glass import selectors, services
from onboarding.staff.glass.errors import GlassClosedError, OwnRequestError
from onboarding.staff.roles import Role
from onboarding.staff.team.selectors import TRUSTED_AFTER
from onboarding.staff.team.services import add_to_staff
from tests.onboarding.cast import person, staff_in
from tests.onboarding.staff.glass.scene import REASON, Scene, later

pytestmark = pytest.mark.django_db
Standing = GlassRequest.Standing


@pytest.fixture
def scene() -> Scene:
    return Scene()


def actions() -> list[str]:
    rows = AuditEntry.objects.filter(action__startswith="glass.").order_by("id")
    return list(rows.values_list("action", flat=True))


def standing(request: GlassRequest) -> Standing:
    return GlassRequest.objects.get(pk=request.pk).standing(now=timezone.now())


def test_two_people_open_a_secret_once_and_everything_is_on_record(scene: Scene) -> None:
    request = scene.approved()
    assert request.open_until - request.decided_at == timedelta(minutes=15)

    row, sealed = services.break_glass(request_id=request.pk, user=scene.anna)

    info = info_for(request_id=row.pk, credential_id=scene.key.pk).decode()
    assert scene.unsealed(sealed, info=info) == {
        "key": scene.secret.key.get_secret_value(),
        "secret": scene.secret.secret.get_secret_value(),
    }
    assert standing(request) == Standing.USED
    assert actions() == ["glass.asked", "glass.approved", "glass.broken"]
    opened = AuditEntry.objects.get(action="credential.opened")
    assert opened.facts == {"purpose": "glass"}
    entries = AuditEntry.objects.filter(action__startswith="glass.")
    assert {entry.keychain_id for entry in entries} == {scene.key.keychain_id}
    assert {entry.actor for entry in entries} == {
        f"person:{scene.anna.pk}",
        f"person:{scene.ben.pk}",
    }


def test_what_one_request_gave_does_not_open_as_anothers(scene: Scene) -> None:
    _, sealed = services.break_glass(request_id=scene.approved().pk, user=scene.anna)
    for request_id, credential_id in ((uuid4(), scene.key.pk), (uuid4(), uuid4())):
        info = info_for(request_id=request_id, credential_id=credential_id).decode()
        with pytest.raises(InvalidTag):
            scene.unsealed(sealed, info=info)


def test_it_opens_once(scene: Scene) -> None:
    request = scene.approved()
    services.break_glass(request_id=request.pk, user=scene.anna)
    with pytest.raises(GlassClosedError):
        services.break_glass(request_id=request.pk, user=scene.anna)
    assert AuditEntry.objects.filter(action="credential.opened").count() == 1
    denial = AuditEntry.objects.get(action="access.denied")
    assert denial.facts == {"step": "open", "state": "used"}
    assert denial.keychain_id == scene.key.keychain_id


def test_nobody_approves_or_denies_their_own_request(scene: Scene) -> None:
    request = scene.ask()
    for step in (services.approve, services.deny):
        with pytest.raises(OwnRequestError):
            step(request_id=request.pk, user=scene.anna)
    assert standing(request) == Standing.ASKED
    assert actions() == ["glass.asked"]
    assert AuditEntry.objects.filter(action="access.denied").exists()


def test_whom_one_has_made_an_officer_is_no_second_person(scene: Scene) -> None:
    puppet = add_to_staff(email="puppet@example.test", role=Role.SECURITY, by=scene.anna)
    request = scene.ask()
    assert not selectors.may_decide(request=request, user=puppet, now=timezone.now())
    assert selectors.may_decide(request=request, user=scene.ben, now=timezone.now())
    with pytest.raises(OwnRequestError):
        services.approve(request_id=request.pk, user=puppet)
    assert standing(request) == Standing.ASKED
    assert AuditEntry.objects.filter(action="access.denied").exists()
    with time_machine.travel(timezone.now() + TRUSTED_AFTER, tick=False):
        later_on = scene.ask()
        services.approve(request_id=later_on.pk, user=puppet)
    services.approve(request_id=request.pk, user=scene.ben)


def made_officer(name: str, *, by: User) -> User:
    return add_to_staff(email=f"{name}@example.test", role=Role.SECURITY, by=by)


def test_nobody_asks_by_the_account_that_they_have_made(scene: Scene) -> None:
    puppet = made_officer("puppet", by=scene.anna)
    request = scene.ask(by=puppet)

    assert not selectors.may_decide(request=request, user=scene.anna, now=timezone.now())
    with pytest.raises(OwnRequestError):
        services.approve(request_id=request.pk, user=scene.anna)
    assert services.approve(request_id=request.pk, user=scene.ben).state == "approved"


def test_two_accounts_that_one_has_made_are_no_two_people(scene: Scene) -> None:
    first, second = (made_officer(name, by=scene.anna) for name in ("first", "second"))
    request = scene.ask(by=first)

    with pytest.raises(OwnRequestError):
        services.approve(request_id=request.pk, user=second)
    assert standing(request) == Standing.ASKED


def test_a_chain_of_accounts_is_no_second_person(scene: Scene) -> None:
    last = made_officer("last", by=made_officer("middle", by=scene.anna))

    for asker, approver in ((scene.anna, last), (last, scene.anna)):
        request = scene.ask(by=asker)
        with pytest.raises(OwnRequestError):
            services.approve(request_id=request.pk, user=approver)
        assert standing(request) == Standing.ASKED


def test_roles_that_guard_nothing_link_nobody(scene: Scene) -> None:
    add_to_staff(email="helper@example.test", role=Role.SUPPORT, by=scene.anna)
    helper = add_to_staff(email="helper@example.test", role=Role.OPERATOR, by=scene.ben)
    assert helper.email == "helper@example.test"

    assert services.approve(request_id=scene.ask().pk, user=scene.ben).state == "approved"


def test_the_database_refuses_one_person_in_both_parts(scene: Scene) -> None:
    request = scene.ask()
    with pytest.raises(IntegrityError), transaction.atomic():
        later(request, decided_by=scene.anna, decided_at=timezone.now())
    with pytest.raises(IntegrityError), transaction.atomic():
        later(request, state="approved")
    with pytest.raises(IntegrityError), transaction.atomic():
        later(request, state="used")


def test_only_who_asked_opens(scene: Scene) -> None:
    request = scene.approved()
    for other in (scene.ben, person("third")):
        with pytest.raises(GlassClosedError):
            services.break_glass(request_id=request.pk, user=other)
    assert standing(request) == Standing.APPROVED


def test_an_approval_holds_for_fifteen_minutes(scene: Scene) -> None:
    request = scene.approved()
    later(request, decided_at=timezone.now() - OPEN_FOR)
    assert standing(request) == Standing.EXPIRED
    with pytest.raises(GlassClosedError):
        services.break_glass(request_id=request.pk, user=scene.anna)
    with pytest.raises(GlassClosedError):
        services.approve(request_id=request.pk, user=scene.ben)
    assert not AuditEntry.objects.filter(action="credential.opened").exists()


def test_a_request_that_nobody_answers_lapses(scene: Scene) -> None:
    request = scene.ask()
    later(request, asked_at=timezone.now() - ASKED_FOR)
    assert standing(request) == Standing.LAPSED
    with pytest.raises(GlassClosedError):
        services.approve(request_id=request.pk, user=scene.ben)


def test_a_denied_request_stays_denied(scene: Scene) -> None:
    request = scene.ask()
    services.deny(request_id=request.pk, user=scene.ben)
    assert standing(request) == Standing.DENIED
    for step, user in (
        (services.approve, scene.ben),
        (services.withdraw, scene.anna),
        (services.break_glass, scene.anna),
    ):
        with pytest.raises(GlassClosedError):
            step(request_id=request.pk, user=user)
    assert actions() == ["glass.asked", "glass.denied"]


def test_a_request_that_nobody_decided_does_not_open(scene: Scene) -> None:
    with pytest.raises(GlassClosedError):
        services.break_glass(request_id=scene.ask().pk, user=scene.anna)


def test_an_approved_request_can_be_withdrawn_by_who_asked(scene: Scene) -> None:
    request = scene.approved()
    with pytest.raises(GlassClosedError):
        services.withdraw(request_id=request.pk, user=scene.ben)
    services.withdraw(request_id=request.pk, user=scene.anna)
    assert standing(request) == Standing.WITHDRAWN
    with pytest.raises(GlassClosedError):
        services.break_glass(request_id=request.pk, user=scene.anna)


def test_a_form_sent_twice_asks_once(scene: Scene) -> None:
    request_id = uuid4()
    assert scene.ask(request_id=request_id).pk == scene.ask(request_id=request_id).pk
    assert actions() == ["glass.asked"]
    with pytest.raises(GlassClosedError):
        scene.ask(request_id=request_id, by=scene.ben)


def test_a_removed_key_has_nothing_to_open(scene: Scene) -> None:
    Credential.objects.update(state="revoked", sealed=b"")
    scene.key.refresh_from_db()
    with pytest.raises(StateError):
        scene.ask()


def test_everybody_concerned_is_told(scene: Scene) -> None:
    security = staff_in("security")
    staff_in("operator")
    mail.outbox.clear()
    request = scene.ask()
    assert {each.to[0] for each in mail.outbox} == {scene.ben.email, security.email}
    assert f"/staff/glass/{request.pk}/" in mail.outbox[0].body
    mail.outbox.clear()
    services.approve(request_id=request.pk, user=scene.ben)
    assert [each.to for each in mail.outbox] == [[scene.anna.email]]
    mail.outbox.clear()
    services.break_glass(request_id=request.pk, user=scene.anna)
    (letter,) = mail.outbox
    assert letter.to == ["owner@example.test"]
    assert "replace a key of Bike Shop Amsterdam" in letter.subject
    assert f"?replaces={scene.key.pk}" in letter.body
    assert REASON not in letter.body


def test_no_letter_holds_a_secret(scene: Scene) -> None:
    request = scene.approved()
    _, sealed = services.break_glass(request_id=request.pk, user=scene.anna)
    hidden = (
        sealed,
        scene.secret.key.get_secret_value(),
        scene.secret.secret.get_secret_value(),
    )
    text = "".join(f"{each.subject}{each.body}{each.alternatives}" for each in mail.outbox)
    assert not [secret for secret in hidden if secret in text]


def test_a_replacement_must_follow(scene: Scene) -> None:
    request = scene.approved()
    assert not selectors.unreplaced_requests()
    services.break_glass(request_id=request.pk, user=scene.anna)
    assert [each.pk for each in selectors.unreplaced_requests()] == [request.pk]
    Credential.objects.update(state="replaced")
    assert not selectors.unreplaced_requests()


def test_a_record_that_does_not_open_is_set_aside_and_the_request_is_not_used_up(
    scene: Scene,
) -> None:
    request = scene.approved()
    Credential.objects.update(sealed=b"\x01\x01" + b"nonsense" * 6)
    with pytest.raises(TamperedSecretError):
        services.break_glass(request_id=request.pk, user=scene.anna)
    assert standing(request) == Standing.APPROVED
    assert Credential.objects.get().state == "suspended"
    assert "glass.broken" not in actions()


def test_a_key_that_nothing_can_be_sealed_to_uses_nothing_up(scene: Scene) -> None:
    request = scene.approved()
    for public_key in (bytes(32), b"short"):
        later(request, public_key=public_key)
        with pytest.raises(PublicKeyError):
            services.break_glass(request_id=request.pk, user=scene.anna)
    assert standing(request) == Standing.APPROVED
    assert not AuditEntry.objects.filter(action="credential.opened").exists()


@pytest.mark.django_db(transaction=True)
def test_of_many_that_open_at_once_one_does() -> None:
    scene = Scene()
    request = scene.approved()

    def open_it(_number: int) -> bool:
        try:
            services.break_glass(request_id=request.pk, user=scene.anna)
        except GlassClosedError:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(max_workers=8) as pool:
        opened = list(pool.map(open_it, range(8)))
    assert opened.count(True) == 1
    assert AuditEntry.objects.filter(action="credential.opened").count() == 1
    assert AuditEntry.objects.filter(action="glass.broken").count() == 1
