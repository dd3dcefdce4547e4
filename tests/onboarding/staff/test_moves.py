"""Who of the staff sees and changes connections, plans, campaigns and waiting lines."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from onboarding.models import Campaign, Plan
from tests.onboarding.cast import confirmed, person, signed_in, staff_in
from tests.onboarding.migration.scene import plan

pytestmark = pytest.mark.django_db
LISTS = ("/staff/providers/", "/staff/plans/", "/staff/waiting/")
FOR_SECURITY = (
    "/staff/providers/retail-r/",
    "/staff/legacy-keys/",
    "/staff/plans/new/",
)


def campaign() -> Campaign:
    return Campaign.objects.create(
        plan=plan(keys_refused=timedelta(days=30)), name="Wave", starts_at=timezone.now()
    )


def one_of_each() -> tuple[str, str]:
    """A plan's page and its campaign's."""
    made = campaign()
    return (
        reverse("migration:plan", args=[made.plan_id]),
        reverse("migration:campaign", args=[made.pk]),
    )


@pytest.mark.parametrize("role", ["support", "operator", "security"])
def test_every_role_sees_the_lists_and_finds_them_on_the_first_page(role: str) -> None:
    client = signed_in(staff_in(role))
    index = client.get("/staff/").content.decode()
    for path in LISTS:
        assert f'href="{path}"' in index
    for path in (*LISTS, *one_of_each()):
        assert client.get(path).status_code == 200
    assert ('href="/staff/legacy-keys/"' in index) is (role == "security")


def test_support_changes_nothing_and_is_offered_nothing() -> None:
    client = signed_in(staff_in("support"))
    plan_page, campaign_page = one_of_each()
    for path in (*LISTS, plan_page, campaign_page):
        assert forms_on(path, client=client) == forms_on("/staff/providers/", client=client)
    for path in (
        plan_page,
        f"{plan_page}activate/",
        campaign_page,
        f"{campaign_page}start/",
        "/staff/waiting/",
    ):
        assert client.post(path).status_code == 403
    assert client.get(f"{plan_page}campaigns/new/").status_code == 403
    assert Plan.objects.get().state == Campaign.objects.get().state == "draft"


def forms_on(path: str, *, client: Client) -> int:
    return client.get(path).content.decode().count('method="post"')


@pytest.mark.parametrize("role", ["support", "operator", None])
def test_only_security_changes_providers_and_plans(role: str | None) -> None:
    client = signed_in(staff_in(role))
    for path in FOR_SECURITY:
        assert client.get(path).status_code == 403
        assert client.post(path).status_code == 403
    path, _ = one_of_each()
    assert client.post(path).status_code == client.post(f"{path}activate/").status_code == 403
    assert client.post("/staff/plans/example/").status_code == 403
    assert client.get(f"{path}edit/").status_code == 403
    phase = Plan.objects.get().phases.get()
    assert client.post(f"/staff/phases/{phase.pk}/remove/").status_code == 403
    assert Plan.objects.get().state == "draft"


def test_security_changes_providers_and_plans() -> None:
    client = confirmed(staff_in("security"))
    for path in FOR_SECURITY:
        assert client.get(path).status_code == 200
    path, _ = one_of_each()
    assert "Put into effect" in client.get(path).content.decode()
    client.post(f"{path}activate/")
    assert Plan.objects.get().state == "active"
    assert "Call off" in client.get(path).content.decode()


def test_an_operator_runs_campaigns_and_invites_who_waits() -> None:
    client = signed_in(staff_in("operator"))
    plan_page, page = one_of_each()
    assert client.get(f"{plan_page}campaigns/new/").status_code == 200
    assert "Stop for good" in client.get(page).content.decode()
    client.post(f"{page}stop/")
    assert Campaign.objects.get().state == "stopped"
    answer = client.post("/staff/waiting/", {"provider": "retail-r", "count": "1"})
    assert answer.status_code == 302


def test_staff_in_no_role_see_nothing() -> None:
    client = signed_in(staff_in(None))
    assert "/staff/plans/" not in client.get("/staff/").content.decode()
    for path in (*LISTS, *one_of_each()):
        assert client.get(path).status_code == 403


def test_without_a_second_step_staff_are_sent_to_set_one_up() -> None:
    client = signed_in(person("newcomer", is_staff=True, is_superuser=True))
    for path in (*LISTS, *FOR_SECURITY, *one_of_each()):
        assert client.get(path)["Location"].startswith("/staff/login/")
        assert client.get(path, follow=True).redirect_chain[-1][0] == reverse("mfa_index")
        assert client.post(path).status_code == 302


def test_to_merchants_and_strangers_the_pages_do_not_exist() -> None:
    merchant = signed_in(person("owner"))
    for path in (*LISTS, *FOR_SECURITY):
        assert merchant.get(path).status_code == 404
        assert Client().get(path)["Location"].startswith("/accounts/login/")
