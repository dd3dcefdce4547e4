import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, Permission
from django.core import mail

from keyvault.models import AuditEntry
from onboarding.models import User
from onboarding.people.services import create_person
from onboarding.staff.roles import Role
from onboarding.staff.team.errors import LastSecurityError, OwnRoleError, SuperuserError
from onboarding.staff.team.selectors import role_of, team
from onboarding.staff.team.services import add_to_staff, give_role
from tests.onboarding.cast import confirmed, person, signed_in, staff_in, staff_member

pytestmark = pytest.mark.django_db
PAGE = "/staff/team/"


def fresh(user: User) -> User:
    return User.objects.get(pk=user.pk)


def test_security_gives_a_role_and_it_is_on_record_and_told() -> None:
    by, user = staff_in("security"), staff_in("support")
    mail.outbox.clear()
    path = f"{PAGE}{user.pk}/role/"
    client = confirmed(by)
    assert 'value="support"' in client.get(path).content.decode()
    page = client.post(path, {"role": "operator"}, follow=True).content.decode()
    assert f"Done: {user.email}." in page
    assert role_of(fresh(user)) == Role.OPERATOR
    assert fresh(user).groups.count() == 1
    entry = AuditEntry.objects.get(action="staff.changed")
    assert (entry.actor, entry.subject) == (f"person:{by.pk}", f"person:{user.pk}")
    assert entry.facts == {"from": "support", "to": "operator"}
    (letter,) = mail.outbox
    assert letter.to == [user.email]
    assert "Operator: invites, checks, pauses" in letter.body


def test_who_loses_the_role_is_out_with_the_next_request() -> None:
    user = staff_in("operator")
    theirs = signed_in(user)
    assert theirs.get("/staff/due-work/").status_code == 200
    confirmed(staff_in("security")).post(f"{PAGE}{user.pk}/role/", {"role": "none"})
    assert theirs.get("/staff/due-work/").status_code == 403
    assert not fresh(user).is_staff
    assert not fresh(user).groups.exists()


def test_nobody_changes_their_own_role() -> None:
    user = staff_in("security")
    with pytest.raises(OwnRoleError):
        give_role(user=user, role=None, by=user)
    client = confirmed(user)
    answer = client.post(f"{PAGE}{user.pk}/role/", {"role": "support"})
    assert answer.status_code == 422
    assert "Nobody changes their own role" in answer.content.decode()
    page = client.get(f"{PAGE}{user.pk}/role/", follow=True).content.decode()
    assert "Nobody changes their own role" in page
    assert "Give this role" not in page
    answer = client.post(f"{PAGE}add/", {"email": user.email, "role": "support"})
    assert "Nobody changes their own role" in answer.content.decode()
    assert role_of(fresh(user)) == Role.SECURITY
    assert not AuditEntry.objects.filter(action="staff.changed").exists()


def test_accounts_that_may_do_everything_are_left_alone() -> None:
    by, user = staff_in("security"), staff_member("root")
    with pytest.raises(SuperuserError):
        give_role(user=user, role=None, by=by)
    answer = confirmed(by).post(f"{PAGE}{user.pk}/role/", {"role": "support"})
    assert "changed by a command only" in answer.content.decode()


def test_somebody_keeps_the_security_role() -> None:
    security, by = staff_in("security"), person("odd", is_staff=True)
    with pytest.raises(LastSecurityError):
        give_role(user=security, role=Role.SUPPORT, by=by)
    second = person("second", is_staff=True)
    second.groups.set(Group.objects.filter(name="security"))
    give_role(user=security, role=Role.SUPPORT, by=by)
    assert role_of(fresh(security)) == Role.SUPPORT


def test_a_superuser_counts_as_somebody_who_may() -> None:
    security, by = staff_in("security"), staff_member("root")
    give_role(user=security, role=None, by=by)
    assert not fresh(security).is_staff


def test_the_last_one_is_told_why_it_does_not_go() -> None:
    last = person("last", is_staff=True)
    last.groups.set(Group.objects.filter(name="security"))
    by = staff_in("security")
    client = confirmed(by)
    # Somebody took the role from `by` a moment ago; the form was on its way.
    by.groups.set(Group.objects.filter(name="support"))
    by.user_permissions.set(Permission.objects.filter(codename="change_user"))
    answer = client.post(f"{PAGE}{last.pk}/role/", {"role": "none"})
    assert "Somebody must keep the security role" in answer.content.decode()


def test_the_same_role_again_says_nothing_to_nobody() -> None:
    by, user = staff_in("security"), staff_in("support")
    mail.outbox.clear()
    give_role(user=user, role=Role.SUPPORT, by=by)
    assert not mail.outbox
    assert not AuditEntry.objects.filter(action="staff.changed").exists()


def test_somebody_new_gets_an_account_and_the_way_to_a_password() -> None:
    by = staff_in("security")
    mail.outbox.clear()
    client = confirmed(by)
    client.post(f"{PAGE}add/", {"email": "New@example.test", "role": "support"})
    user = User.objects.get(email="new@example.test")
    assert role_of(user) == Role.SUPPORT
    assert not user.has_usable_password()
    assert "/accounts/password/reset/" in mail.outbox[-1].body
    client.post(f"{PAGE}add/", {"email": "new@example.test", "role": "support"})
    assert User.objects.filter(email="new@example.test").count() == 1


def test_somebody_with_an_account_keeps_it() -> None:
    user = create_person(email="anna@example.test")
    assert (
        add_to_staff(email="ANNA@example.test", role=Role.OPERATOR, by=staff_in("security")) == user
    )
    assert fresh(user).is_staff


def test_the_others_of_the_security_role_are_told_of_a_new_one() -> None:
    by, root = staff_in("security"), staff_member("root")
    staff_in("operator")
    mail.outbox.clear()
    add_to_staff(email="new@example.test", role=Role.SECURITY, by=by)
    assert [letter.to[0] for letter in mail.outbox] == ["new@example.test", root.email]
    assert "may break glass from now on" in mail.outbox[1].subject


def test_changing_roles_asks_who_it_is() -> None:
    user = staff_in("support")
    thief = signed_in(staff_in("security"))
    for path in (f"{PAGE}{user.pk}/role/", f"{PAGE}add/"):
        for answer in (thief.get(path), thief.post(path, {"role": "security"})):
            assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert role_of(fresh(user)) == Role.SUPPORT


@pytest.mark.parametrize("role", ["support", "operator"])
def test_other_roles_see_the_list_and_give_nothing(role: str) -> None:
    user = staff_in(role)
    other = person("other", is_staff=True)
    client = confirmed(user)
    page = client.get(PAGE).content.decode()
    assert other.email in page
    assert "Change role" not in page
    assert "Add somebody" not in page
    for path in (f"{PAGE}{user.pk}/role/", f"{PAGE}{other.pk}/role/", f"{PAGE}add/"):
        assert client.get(path).status_code == 403
        answer = client.post(path, {"role": "security", "email": user.email})
        assert answer.status_code == 403
    assert role_of(fresh(user)) == Role(role)


def test_merchants_and_closed_accounts_are_not_given_roles_here() -> None:
    client = confirmed(staff_in("security"))
    merchant, closed = person("merchant"), person("closed", is_staff=True)
    User.objects.filter(pk=closed.pk).update(is_active=False)
    for user in (merchant, closed):
        path = f"{PAGE}{user.pk}/role/"
        assert client.post(path, {"role": "security"}).status_code == 404
        assert user.email not in client.get(PAGE).content.decode()


def test_recovery_codes_alone_are_no_second_step() -> None:
    user = person("unready", is_staff=True)
    Authenticator.objects.create(user=user, type=Authenticator.Type.RECOVERY_CODES, data={})
    reader = staff_in("security")
    assert {each.user: each.has_second_step for each in team(reader=reader)} == {
        user: False,
        reader: True,
    }


def test_the_list_tells_who_cannot_enter() -> None:
    person("unready", is_staff=True)
    staff_member("root")
    page = signed_in(staff_in("security")).get(PAGE).content.decode()
    for words in ("Not yet: cannot enter", "Everything: made by a command", "None yet", "you"):
        assert words in page


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"email": "", "role": "support"}, "Enter an email address"),
        ({"email": "nonsense", "role": "support"}, "Enter an email address like"),
        ({"email": "a@example.test", "role": "superuser"}, "Select a valid choice"),
        ({"email": "a@example.test"}, "Choose a role."),
    ],
)
def test_each_mistake_is_named(form: dict[str, str], error: str) -> None:
    answer = confirmed(staff_in("security")).post(f"{PAGE}add/", form)
    assert answer.status_code == 422
    assert error in answer.content.decode()
    assert not User.objects.filter(email="a@example.test").exists()
