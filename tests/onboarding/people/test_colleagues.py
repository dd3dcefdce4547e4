import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from onboarding.models import Invitation, Member, Merchant
from onboarding.people.invitations import invite_person
from tests.onboarding.cast import member, merchant, person, signed_in, staff_member

pytestmark = pytest.mark.django_db


@pytest.fixture
def company() -> Merchant:
    made = merchant("Bike Shop", owner=person("owner"))
    member(made, person("colleague"))
    return made


def member_named(company: Merchant, name: str) -> Member:
    return company.members.select_related("user").get(user__email=f"{name}@example.test")


def browser(company: Merchant, name: str) -> Client:
    return signed_in(member_named(company, name).user)


def people(company: Merchant) -> str:
    return reverse("people", args=[company.pk])


def addresses(company: Merchant) -> list[str]:
    colleague = member_named(company, "colleague")
    invitation = invite_person(
        merchant=company, email="new@example.test", invited_by=member_named(company, "owner").user
    )
    return [
        people(company),
        reverse("member-role", args=[company.pk, colleague.pk]),
        reverse("member-remove", args=[company.pk, colleague.pk]),
        reverse("invitation-withdraw", args=[company.pk, invitation.pk]),
    ]


def test_owner_invites_by_the_form(company: Merchant) -> None:
    form = {"email": "New@example.test", "role": "member"}
    page = browser(company, "owner").post(people(company), form, follow=True).content.decode()
    assert "We sent an invitation to new@example.test." in page
    assert mail.outbox[0].to == ["new@example.test"]
    assert "Invited" in page


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"email": "", "role": "member"}, "Enter an email address"),
        ({"email": "nonsense", "role": "member"}, "Enter an email address like"),
        ({"email": "new@example.test"}, "Choose what they may do"),
        ({"email": "new@example.test", "role": "emperor"}, "Select a valid choice"),
        ({"email": "colleague@example.test", "role": "member"}, "acts for you already"),
        ({"email": "<script>@example.test", "role": "member"}, "Enter an email address like"),
        ({"email": "a" * 400 + "@example.test", "role": "member"}, "Enter an email address like"),
    ],
)
def test_bad_invitation_is_said_in_the_summary(
    company: Merchant, form: dict[str, str], error: str
) -> None:
    page = browser(company, "owner").post(people(company), form).content.decode()
    assert "There is a problem" in page
    assert error in page
    assert "<script>@" not in page
    assert not Invitation.objects.exists()


def test_member_sees_people_but_changes_nobody(company: Merchant) -> None:
    client = browser(company, "colleague")
    page = client.get(people(company)).content.decode()
    assert "owner@example.test" in page
    assert "Invite a colleague" not in page
    for address in addresses(company)[:2] + addresses(company)[3:]:
        assert client.post(address, {"email": "x@y.test", "role": "owner"}).status_code == 403
    owner = member_named(company, "owner")
    assert client.post(reverse("member-remove", args=[company.pk, owner.pk])).status_code == 403
    assert company.members.count() == 2


def test_outsiders_and_staff_find_nothing_there(company: Merchant) -> None:
    for user in (person("outsider"), staff_member()):
        client = signed_in(user)
        for address in addresses(company):
            assert client.post(address, {"role": "owner"}).status_code == 404
        assert client.get(people(company)).status_code == 404


def test_strangers_are_asked_to_sign_in(company: Merchant) -> None:
    for address in addresses(company):
        assert Client().post(address)["Location"].startswith("/accounts/login/")


def test_merchants_do_not_reach_each_others_rows(company: Merchant) -> None:
    other = merchant("Other", owner=person("other-owner"))
    theirs = other.members.get()
    client = browser(company, "owner")
    for name in ("member-role", "member-remove"):
        address = reverse(name, args=[company.pk, theirs.pk])
        assert client.post(address, {"role": "member"}).status_code == 404
    invitation = invite_person(merchant=other, email="x@y.test", invited_by=theirs.user)
    address = reverse("invitation-withdraw", args=[company.pk, invitation.pk])
    assert client.post(address).status_code == 404
    assert Invitation.objects.exists()


def test_owner_gives_another_role(company: Merchant) -> None:
    colleague = member_named(company, "colleague")
    client = browser(company, "owner")
    client.post(reverse("member-role", args=[company.pk, colleague.pk]), {"role": "owner"})
    assert member_named(company, "colleague").role == "owner"
    client.post(reverse("member-role", args=[company.pk, colleague.pk]), {"role": "emperor"})
    assert member_named(company, "colleague").role == "owner"


def test_last_owner_is_told_to_make_another_first(company: Merchant) -> None:
    owner = member_named(company, "owner")
    client = browser(company, "owner")
    for name in ("member-role", "member-remove"):
        address = reverse(name, args=[company.pk, owner.pk])
        page = client.post(address, {"role": "member"}, follow=True).content.decode()
        assert "Somebody must stay an owner" in page
    assert member_named(company, "owner").role == "owner"


def test_the_last_owner_has_no_button_that_would_be_refused(company: Merchant) -> None:
    owner, colleague = member_named(company, "owner"), member_named(company, "colleague")
    client, page = browser(company, "owner"), reverse("people", args=[company.pk])
    theirs = [
        reverse(name, args=[company.pk, owner.pk]) for name in ("member-role", "member-remove")
    ]

    shown = client.get(page).content.decode()
    assert "Somebody must stay an owner" in shown
    assert [each in shown for each in theirs] == [False, False]
    assert reverse("member-role", args=[company.pk, colleague.pk]) in shown

    client.post(reverse("member-role", args=[company.pk, colleague.pk]), {"role": "owner"})
    shown = client.get(page).content.decode()
    assert [each in shown for each in theirs] == [True, True]
    assert "Somebody must stay an owner" not in shown


def test_removing_asks_first(company: Merchant) -> None:
    colleague = member_named(company, "colleague")
    client = browser(company, "owner")
    address = reverse("member-remove", args=[company.pk, colleague.pk])
    assert "Remove colleague@example.test?" in client.get(address).content.decode()
    assert company.members.count() == 2
    client.post(address)
    assert company.members.count() == 1


def test_member_leaves_by_themselves(company: Merchant) -> None:
    colleague = member_named(company, "colleague")
    client = browser(company, "colleague")
    address = reverse("member-remove", args=[company.pk, colleague.pk])
    assert "Leave Bike Shop?" in client.get(address).content.decode()
    assert client.post(address)["Location"] == "/"
    assert client.get(people(company)).status_code == 404


def test_owner_takes_an_invitation_back(company: Merchant) -> None:
    address = addresses(company)[3]
    client = browser(company, "owner")
    assert "does not work any more" in client.post(address, follow=True).content.decode()
    assert not Invitation.objects.exists()
    assert client.post(address).status_code == 404


def test_page_takes_as_many_queries_for_many_people_as_for_two(
    company: Merchant, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = browser(company, "owner")
    for number in range(5):
        member(company, person(f"colleague-{number}"))
    with django_assert_max_num_queries(8):
        client.get(people(company))
