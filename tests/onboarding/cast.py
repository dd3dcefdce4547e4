"""The people of the tests, and what they own: plain functions that make rows."""

import secrets

from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pydantic import SecretStr

from keyvault.audit import Actor
from keyvault.models import Credential
from keyvault.pool import seed
from keyvault.vault import ApiKeySecret, create_keychain, store_credential
from onboarding.models import Member, Merchant, Store, User
from onboarding.people.second_step import enrol_codes
from onboarding.people.services import add_member, create_merchant, create_person

PASSWORD = "harbour-lantern-42"
BY_TESTS = Actor(kind="command", id="tests")


def person(name: str, **fields: bool | str) -> User:
    """An account, name@example.test, with a verified address and `PASSWORD`."""
    return create_person(
        email=f"{name}@example.test",
        password=SecretStr(PASSWORD),
        **fields,  # type: ignore[arg-type]
    )


def staff_member(name: str = "staff") -> User:
    """Somebody of the operator's, who may see everything and has a second step."""
    user = person(name, is_staff=True, is_superuser=True)
    enrol_codes(user=user)
    return user


def staff_in(role: str | None, *, name: str = "") -> User:
    """Somebody of the operator's in one role or in none yet, with a second step."""
    user = person(name or role or "newcomer", is_staff=True)
    user.groups.set(Group.objects.filter(name=role))
    enrol_codes(user=user)
    return user


def merchant(name: str = "Bike Shop", *, owner: User | None = None) -> Merchant:
    """A company."""
    return create_merchant(name=name, owner=owner, actor=BY_TESTS)


def member(company: Merchant, user: User, *, role: str = Member.Role.MEMBER) -> Member:
    """A colleague."""
    return add_member(merchant=company, user=user, role=role, actor=BY_TESTS)


def store(company: Merchant, name: str = "Bike Shop Amsterdam") -> Store:
    """A shop of a company."""
    keychain = create_keychain(kind="store", label=name, actor=BY_TESTS)
    return Store.objects.create(
        keychain=keychain, merchant=company, name=name, app_name="Bike App", cluster="eu1"
    )


def pair() -> ApiKeySecret:
    """A key and secret of the vendor's shape."""
    return ApiKeySecret(SecretStr(secrets.token_hex(16)), SecretStr(secrets.token_hex(16)))


def credential(
    shop: Store, *, name: str = "Bike App mobile", of: ApiKeySecret | None = None
) -> Credential:
    """A stored key, whose check took one request of its pool."""
    stored = store_credential(
        keychain_id=shop.pk,
        draft_id=None,
        secret=of or pair(),
        name=name,
        endpoint="ecom-eu1",
        language="en",
        limits=[(300, 300)],
        actor=BY_TESTS,
    )
    seed(credential_id=stored.pk, request_times=[timezone.now()])
    return stored


def officer(name: str) -> User:
    """Somebody of the security role."""
    return staff_in("security", name=name)


def signed_in(user: User) -> Client:
    """A browser in which the person has signed in."""
    client = Client()
    client.force_login(user)
    return client


def confirmed(user: User) -> Client:
    """A browser in which the person has signed in, and has just confirmed that it is they."""
    client = signed_in(user)
    answer = client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    assert answer.status_code == 302, "the person did not confirm"
    return client
