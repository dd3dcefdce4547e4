import re
from datetime import timedelta

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pydantic import SecretStr

from keyvault.audit import Action
from keyvault.models import AuditEntry
from onboarding.errors import (
    AccountExistsError,
    AlreadyMemberError,
    InvitationClosedError,
    OtherAddressError,
)
from onboarding.models import Invitation, Member, Merchant, User
from onboarding.people import invitations
from onboarding.people.invitations import (
    accept_as_new_person,
    accept_invitation,
    invite_person,
    withdraw_invitation,
)
from onboarding.people.selectors import invitation_behind, open_invitations_of
from tests.keyvault.at_once import at_once
from tests.onboarding.cast import BY_TESTS, PASSWORD, member, merchant, person, signed_in, store

pytestmark = pytest.mark.django_db
NEW = "new@example.test"


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    cache.clear()


@pytest.fixture
def company() -> Merchant:
    made = merchant("Bike <Shop>", owner=person("owner"))
    store(made)
    return made


def owner_of(company: Merchant) -> User:
    return company.members.get(role="owner").user


def invited(company: Merchant, email: str = NEW, **changes: str) -> str:
    """The token of a new invitation, out of its mail."""
    invite_person(merchant=company, email=email, invited_by=owner_of(company), **changes)
    return re.search(r"/invitations/([\w-]+)/", str(mail.outbox[-1].body))[1]


@pytest.mark.django_db(transaction=True)
def test_invitations_of_one_address_at_the_same_moment_leave_one_open(company: Merchant) -> None:
    owner = owner_of(company)
    found = at_once([lambda: invite_person(merchant=company, email=NEW, invited_by=owner)] * 4)
    assert [each for each in found if not isinstance(each, Invitation)] == []
    assert open_invitations_of(company).count() == 1


def test_link_is_in_the_mail_and_nowhere_else(company: Merchant) -> None:
    token = invited(company)
    row = Invitation.objects.get()
    assert mail.outbox[0].to == [NEW]
    assert token not in repr(row.__dict__)
    assert len(token) >= 43
    assert not any(token in f"{entry.subject}{entry.facts}" for entry in AuditEntry.objects.all())


def test_invitation_is_recorded_without_the_address(company: Merchant) -> None:
    invited(company)
    entry = AuditEntry.objects.get(action=Action.MEMBER_INVITED)
    assert entry.keychain_id == company.stores.get().pk
    assert entry.subject == f"invitation:{Invitation.objects.get().pk}"
    assert NEW not in f"{entry.actor}{entry.subject}{entry.facts}"


def test_new_person_gets_an_account_a_role_and_a_verified_address(company: Merchant) -> None:
    token = invited(company, role=Member.Role.OWNER)
    user = accept_as_new_person(token=token, password=SecretStr(PASSWORD))
    assert user.email == NEW
    assert user.emailaddress_set.get().verified
    assert company.members.get(user=user).role == "owner"


def test_link_works_once(company: Merchant) -> None:
    token = invited(company)
    accept_as_new_person(token=token, password=SecretStr(PASSWORD))
    with pytest.raises(InvitationClosedError):
        invitation_behind(token)
    with pytest.raises(InvitationClosedError):
        accept_invitation(token=token, user=User.objects.get(email=NEW))


def test_link_expires_after_seven_days(company: Merchant) -> None:
    token = invited(company)
    expiry = Invitation.objects.get().expires_at
    assert timedelta(days=6, hours=23) < expiry - timezone.now() <= timedelta(days=7)
    Invitation.objects.update(expires_at=timezone.now())
    with pytest.raises(InvitationClosedError):
        accept_as_new_person(token=token, password=SecretStr(PASSWORD))
    assert not User.objects.filter(email=NEW).exists()
    assert not open_invitations_of(company).exists()


def test_link_is_bound_to_its_address(company: Merchant) -> None:
    token, outsider = invited(company), person("outsider")
    with pytest.raises(OtherAddressError):
        accept_invitation(token=token, user=outsider)
    assert Invitation.objects.get().used_at is None
    assert not company.members.filter(user=outsider).exists()


def test_account_is_never_taken_over_by_a_link(company: Merchant) -> None:
    colleague = person("colleague")
    token = invited(company, "Colleague@Example.test")
    with pytest.raises(AccountExistsError):
        accept_as_new_person(token=token, password=SecretStr("another-lantern-43"))
    colleague.refresh_from_db()
    assert colleague.check_password(PASSWORD)
    assert accept_invitation(token=token, user=colleague).role == "member"


def test_new_invitation_replaces_the_one_before(company: Merchant) -> None:
    first, second = invited(company), invited(company)
    with pytest.raises(InvitationClosedError):
        invitation_behind(first)
    assert invitation_behind(second).email == NEW


def test_members_are_not_invited_again(company: Merchant) -> None:
    with pytest.raises(AlreadyMemberError):
        invited(company, "OWNER@example.test")
    assert mail.outbox == []


def test_person_who_was_added_meanwhile_keeps_the_role(company: Merchant) -> None:
    colleague = person("colleague")
    token = invited(company, colleague.email, role=Member.Role.OWNER)
    member(company, colleague)
    with pytest.raises(AlreadyMemberError):
        accept_invitation(token=token, user=colleague)
    assert company.members.get(user=colleague).role == "member"


def test_withdrawn_link_is_dead_and_recorded(company: Merchant) -> None:
    token = invited(company)
    withdraw_invitation(invitation=Invitation.objects.get(), actor=BY_TESTS)
    with pytest.raises(InvitationClosedError):
        invitation_behind(token)
    assert AuditEntry.objects.filter(action=Action.MEMBER_UNINVITED).count() == 1
    assert not AuditEntry.objects.filter(action=Action.MEMBER_REMOVED).exists()


def test_mail_speaks_the_chosen_language(company: Merchant) -> None:
    invited(company, language="nl")
    assert '<html lang="nl">' in mail.outbox[0].alternatives[0].content


# Pages


def test_new_person_walks_in_by_the_link(company: Merchant) -> None:
    token, client = invited(company), Client()
    page = client.get(reverse("invitation", args=[token]))
    assert "no-store" in page["Cache-Control"]
    assert "Bike &lt;Shop&gt;" in page.content.decode()
    answer = client.post(reverse("invitation", args=[token]), {"password1": PASSWORD})
    assert answer.status_code == 302
    assert client.session["_auth_user_id"] == str(User.objects.get(email=NEW).pk)


def test_looking_at_the_link_spends_nothing(company: Merchant) -> None:
    token, client = invited(company), Client()
    for _ in range(3):
        assert client.get(reverse("invitation", args=[token])).status_code == 200
        client.head(reverse("invitation", args=[token]))
    assert Invitation.objects.get().used_at is None


@pytest.mark.parametrize(
    "password", ["", "short", "password1234", "123456789012", "new@example.test"]
)
def test_weak_password_is_refused_with_a_summary(company: Merchant, password: str) -> None:
    token, client = invited(company), Client()
    page = client.post(
        reverse("invitation", args=[token]), {"password1": password}
    ).content.decode()
    assert "There is a problem" in page
    assert "<title>Error:" in page
    assert not re.search(r'type="password"[^>]*value=', page)
    assert not User.objects.filter(email=NEW).exists()


def test_owner_of_an_account_signs_in_and_comes_back(company: Merchant) -> None:
    colleague = person("colleague")
    token, client = invited(company, colleague.email), Client()
    address = reverse("invitation", args=[token])
    assert f"/accounts/login/?next={address}" in client.get(address).content.decode()
    client.force_login(colleague)
    assert "Accept" in client.get(address).content.decode()
    assert client.post(address)["Location"] == "/"
    assert company.members.filter(user=colleague).exists()


def test_somebody_else_is_told_to_sign_out(company: Merchant) -> None:
    token, client = invited(company), signed_in(person("outsider"))
    address = reverse("invitation", args=[token])
    for page in (client.get(address), client.post(address)):
        assert "You are signed in as outsider@example.test" in page.content.decode()
    assert Invitation.objects.get().used_at is None


def test_dead_and_made_up_links_look_alike(company: Merchant) -> None:
    token = invited(company)
    Invitation.objects.update(used_at=timezone.now())
    pages = [Client().get(reverse("invitation", args=[each])) for each in (token, "made-up")]
    assert [page.status_code for page in pages] == [410, 410]
    bodies = [re.sub(r'value="[^"]*"', "", page.content.decode()) for page in pages]
    assert bodies[0] == bodies[1]


def test_of_two_windows_with_the_link_one_wins(company: Merchant) -> None:
    token = invited(company)
    stale = invitation_behind(token)
    accept_as_new_person(token=token, password=SecretStr(PASSWORD))
    with pytest.raises(InvitationClosedError):
        invitations._use(stale)


def test_colleague_who_was_added_meanwhile_is_simply_let_in(company: Merchant) -> None:
    colleague = person("colleague")
    address = reverse("invitation", args=[invited(company, colleague.email)])
    member(company, colleague)
    assert signed_in(colleague).post(address)["Location"] == "/"
