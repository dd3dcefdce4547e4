import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from onboarding.models import User
from onboarding.people.second_step import open_sealed
from onboarding.staff.roles import Role
from tests.onboarding.cast import (
    credential,
    merchant,
    person,
    signed_in,
    staff_in,
    staff_member,
    store,
)
from tests.onboarding.staff.test_rows import MODELS, list_url

pytestmark = pytest.mark.django_db


def test_migrate_makes_the_roles_and_keeps_them_true() -> None:
    assert set(Group.objects.values_list("name", flat=True)) >= set(Role.values)
    support = Group.objects.get(name="support")
    support.permissions.clear()
    Group.objects.get(name="security").delete()
    call_command("migrate", verbosity=0)
    assert support.permissions.filter(codename="view_credential").exists()
    assert Group.objects.filter(name="security").exists()


def test_each_role_may_do_what_those_before_it_may() -> None:
    rights = [
        set(Group.objects.get(name=role.value).permissions.values_list("codename", flat=True))
        for role in Role
    ]
    assert rights[0] < rights[1] < rights[2]
    assert all(right.startswith("view_") for right in rights[0])


def test_support_sees_every_table_and_changes_nothing() -> None:
    shop = store(merchant(owner=person("owner")))
    credential(shop)
    client = signed_in(staff_in("support"))
    for model in MODELS:
        assert client.get(list_url(model)).status_code == 200
    assert client.get(reverse("staff-invite")).status_code == 403
    assert "Check again" not in client.get(list_url(type(shop))).content.decode()
    assert "Invite a merchant" not in client.get("/staff/").content.decode()


def test_operator_invites_and_checks() -> None:
    shop = store(merchant(owner=person("owner")))
    client = signed_in(staff_in("operator"))
    assert client.get(reverse("staff-invite")).status_code == 200
    assert "Check again" in client.get(list_url(type(shop))).content.decode()


def test_check_is_refused_to_support_even_when_asked_by_hand() -> None:
    shop = store(merchant(owner=person("owner")))
    credential(shop)
    client = signed_in(staff_in("support"))
    form = {"action": "check_again", "_selected_action": [str(shop.pk)], "confirmed": "1"}
    client.post(list_url(type(shop)), form)
    assert not shop.verifications.exists()


def test_staff_without_a_second_step_get_no_further_than_setting_one_up() -> None:
    user = person("newcomer", is_staff=True, is_superuser=True)
    client = signed_in(user)
    for address in ("/staff/", "/staff/invite/", "/staff/keyvault/credential/", "/staff/mails/"):
        page = client.get(address, follow=True)
        assert page.redirect_chain[-1][0] == reverse("mfa_index")
        assert "Staff sign in with a second step" in page.content.decode()
    assert client.post("/staff/invite/", {"name": "x"}).status_code == 302


def test_recovery_codes_alone_are_no_second_step() -> None:
    user = person("newcomer", is_staff=True, is_superuser=True)
    Authenticator.objects.create(user=user, type=Authenticator.Type.RECOVERY_CODES, data={})
    assert signed_in(user).get("/staff/").status_code == 302


def test_password_alone_does_not_let_staff_in() -> None:
    user = staff_member()
    client = Client()
    client.post("/accounts/login/", {"login": user.email, "password": "harbour-lantern-42"})
    assert client.get("/staff/").status_code == 302
    assert "_auth_user_id" not in client.session


def test_enrolled_secret_is_sealed() -> None:
    user = staff_member()
    sealed = Authenticator.objects.get(user=user).data["secret"]
    assert len(open_sealed(sealed).get_secret_value()) >= 16
    assert open_sealed(sealed).get_secret_value() not in sealed
    assert User.objects.get(pk=user.pk).keychain is not None
