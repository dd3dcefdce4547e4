import uuid

import pytest

from onboarding.errors import RoleError, UnknownRecordError
from onboarding.people.selectors import (
    member_of,
    merchants_for,
    owned_merchant,
    store_for,
    stores_for,
)
from tests.onboarding.cast import member, merchant, person, staff_member, store

pytestmark = pytest.mark.django_db


def test_owner_and_colleague_see_the_stores_of_their_merchant() -> None:
    owner, colleague = person("owner"), person("colleague")
    company = merchant(owner=owner)
    member(company, colleague)
    shop = store(company)
    for user in (owner, colleague):
        assert list(stores_for(user)) == [shop]
        assert store_for(user=user, store_id=shop.pk) == shop
        assert list(merchants_for(user)) == [company]


def test_stores_come_by_name() -> None:
    owner = person("owner")
    company = merchant(owner=owner)
    second, first = store(company, "B"), store(company, "A")
    assert list(stores_for(owner)) == [first, second]


def test_anothers_store_is_as_unknown_as_none() -> None:
    shop = store(merchant(owner=person("owner")))
    outsider = person("outsider")
    merchant("Other", owner=outsider)
    for store_id in (shop.pk, uuid.uuid4()):
        with pytest.raises(UnknownRecordError) as caught:
            store_for(user=outsider, store_id=store_id)
        assert str(caught.value) == "no such record"


def test_staff_see_no_store_as_a_merchant_does() -> None:
    shop = store(merchant(owner=person("owner")))
    with pytest.raises(UnknownRecordError):
        store_for(user=staff_member(), store_id=shop.pk)


def test_closed_account_sees_nothing() -> None:
    owner = person("owner")
    store(merchant(owner=owner))
    owner.is_active = False
    owner.save()
    assert not stores_for(owner).exists()


def test_membership_is_known_to_members_only() -> None:
    owner, outsider = person("owner"), person("outsider")
    company = merchant(owner=owner)
    assert member_of(user=owner, merchant_id=company.pk).role == "owner"
    with pytest.raises(UnknownRecordError):
        member_of(user=outsider, merchant_id=company.pk)


def test_merchant_is_given_to_its_owners_only() -> None:
    owner, colleague, outsider = person("owner"), person("colleague"), person("outsider")
    company = merchant(owner=owner)
    member(company, colleague)
    assert owned_merchant(user=owner, merchant_id=company.pk) == company
    with pytest.raises(RoleError):
        owned_merchant(user=colleague, merchant_id=company.pk)
    with pytest.raises(UnknownRecordError):
        owned_merchant(user=outsider, merchant_id=company.pk)
