import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth import authenticate
from django.db import IntegrityError

from keyvault.audit import Action
from keyvault.models import AuditEntry
from onboarding.errors import AlreadyMemberError, LastOwnerError, UnknownRecordError
from onboarding.models import Member, User
from onboarding.people.selectors import actor_for
from onboarding.people.services import (
    add_member,
    change_role,
    create_merchant,
    create_person,
    remove_member,
)
from tests.onboarding.cast import BY_TESTS, PASSWORD, member, merchant, person, store

pytestmark = pytest.mark.django_db
OWNER, MEMBER = Member.Role.OWNER, Member.Role.MEMBER


def entries(action: Action) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(action=action).order_by("id"))


def test_created_person_can_sign_in_at_once() -> None:
    user = person("owner")
    assert EmailAddress.objects.get(user=user).verified
    assert authenticate(email="owner@example.test", password=PASSWORD) == user


def test_address_is_stored_in_lower_case() -> None:
    assert create_person(email="Anna@Example.TEST").email == "anna@example.test"


def test_person_without_password_cannot_sign_in() -> None:
    user = create_person(email="anna@example.test")
    assert not user.has_usable_password()


def test_same_address_makes_no_second_account() -> None:
    person("owner")
    with pytest.raises(IntegrityError):
        create_person(email="OWNER@example.test")


def test_merchant_and_its_first_owner_are_recorded() -> None:
    owner = person("owner")
    company = create_merchant(name="Bike Shop", owner=owner, actor=BY_TESTS)
    assert [entry.subject for entry in entries(Action.MERCHANT_CREATED)] == [
        f"merchant:{company.pk}"
    ]
    assert [entry.subject for entry in entries(Action.MEMBER_ADDED)] == [f"person:{owner.pk}"]


def test_merchant_may_wait_for_its_owner() -> None:
    assert not create_merchant(name="Bike Shop", actor=BY_TESTS).members.exists()


def test_new_member_stands_on_the_record_of_each_store() -> None:
    company = merchant(owner=person("owner"))
    shops = {store(company, name).pk for name in ("A", "B")}
    add_member(merchant=company, user=person("colleague"), actor=BY_TESTS)
    added = entries(Action.MEMBER_ADDED)[1:]
    assert {entry.keychain_id for entry in added} == shops
    assert all(entry.facts == {"role": "member"} for entry in added)


def test_record_names_nobody() -> None:
    company = merchant(owner=person("owner"))
    store(company)
    by_owner = actor_for(User.objects.get(email="owner@example.test"))
    add_member(merchant=company, user=person("colleague"), actor=by_owner)
    assert str(by_owner) in set(AuditEntry.objects.values_list("actor", flat=True))
    for entry in AuditEntry.objects.all():
        assert "@" not in f"{entry.actor}{entry.subject}{entry.facts}"


def test_nobody_is_added_twice() -> None:
    owner = person("owner")
    company = merchant(owner=owner)
    with pytest.raises(AlreadyMemberError):
        add_member(merchant=company, user=owner, actor=BY_TESTS)
    assert company.members.get().role == OWNER


def test_role_changes_and_is_recorded() -> None:
    company = merchant(owner=person("owner"))
    shop = store(company)
    colleague = member(company, person("colleague"))
    assert change_role(member=colleague, role=OWNER, actor=BY_TESTS).role == OWNER
    entry = entries(Action.MEMBER_CHANGED)[0]
    assert (entry.keychain_id, entry.facts) == (shop.pk, {"role": "owner"})


def test_owner_may_step_down_once_there_is_another() -> None:
    company = merchant(owner=person("owner"))
    first = company.members.get()
    member(company, person("colleague"), role=OWNER)
    assert change_role(member=first, role=MEMBER, actor=BY_TESTS).role == MEMBER


def test_last_owner_keeps_the_role_and_stays() -> None:
    company = merchant(owner=person("owner"))
    member(company, person("colleague"))
    last = company.members.get(role=OWNER)
    with pytest.raises(LastOwnerError):
        change_role(member=last, role=MEMBER, actor=BY_TESTS)
    with pytest.raises(LastOwnerError):
        remove_member(member=last, actor=BY_TESTS)
    assert company.members.filter(pk=last.pk, role=OWNER).exists()
    assert not entries(Action.MEMBER_CHANGED)
    assert not entries(Action.MEMBER_REMOVED)


def test_removed_member_is_gone_and_recorded() -> None:
    company = merchant(owner=person("owner"))
    shop = store(company)
    colleague = member(company, person("colleague"))
    remove_member(member=colleague, actor=BY_TESTS)
    assert not company.members.filter(pk=colleague.pk).exists()
    assert User.objects.filter(email="colleague@example.test").exists()
    assert [entry.keychain_id for entry in entries(Action.MEMBER_REMOVED)] == [shop.pk]


def test_member_who_was_removed_meanwhile_is_unknown() -> None:
    company = merchant(owner=person("owner"))
    colleague = member(company, person("colleague"))
    stale = Member.objects.get(pk=colleague.pk)
    remove_member(member=colleague, actor=BY_TESTS)
    with pytest.raises(UnknownRecordError):
        change_role(member=stale, role=OWNER, actor=BY_TESTS)
