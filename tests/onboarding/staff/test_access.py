"""Who gets where in the panel: every address and every role, from the list of addresses itself."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from keyvault.models import AuditEntry
from onboarding.models import User
from tests.config.test_headers import _filled
from tests.onboarding.cast import confirmed, person, signed_in, staff_in

pytestmark = pytest.mark.django_db
ROLES = ("support", "operator", "security")
# Who may open each page of the panel that is no table; the others are refused. The first of the
# roles in their order that may, for every role may do what those before it may.
OPENED_BY = {
    "/staff/": None,
    "/staff/search/": "support",
    "/staff/invite/": "operator",
    "/staff/merchants/987654/invite/": "operator",
    "/staff/merchants/987654/stores/": "operator",
    "/staff/mails/": "support",
    "/staff/mails/x/x/": "support",
    "/staff/mails/x/x/html/": "support",
    "/staff/backends/00000000-0000-4000-8000-000000000000/signing-key/": "security",
    "/staff/backends/00000000-0000-4000-8000-000000000000/switch/": "security",
    "/staff/backends/00000000-0000-4000-8000-000000000000/tokens/": "security",
    "/staff/backends/new/": "security",
    "/staff/backends/tokens/987654/decide/": "security",
    "/staff/backends/tokens/987654/revoke/": "security",
    "/staff/cases/": "support",
    "/staff/cases/factors/": "operator",
    "/staff/cases/00000000-0000-4000-8000-000000000000/": "support",
    "/staff/cases/00000000-0000-4000-8000-000000000000/factors/": "operator",
    "/staff/stores/00000000-0000-4000-8000-000000000000/as-merchant/": "support",
    "/staff/stores/00000000-0000-4000-8000-000000000000/notes/": "operator",
    "/staff/alerts/handle/": "operator",
    "/staff/team/": "support",
    "/staff/team/add/": "security",
    "/staff/team/987654/role/": "security",
    "/staff/reports/": "support",
    "/staff/reports/x.csv": "support",
    "/staff/due-work/": "support",
    "/staff/due-work/retry/": "operator",
    "/staff/glass/": "security",
    "/staff/glass/keys/00000000-0000-4000-8000-000000000000/": "security",
    "/staff/glass/00000000-0000-4000-8000-000000000000/": "security",
    "/staff/glass/00000000-0000-4000-8000-000000000000/decide/": "security",
    "/staff/glass/00000000-0000-4000-8000-000000000000/withdraw/": "security",
    "/staff/glass/00000000-0000-4000-8000-000000000000/open/": "security",
    "/staff/plans/": "support",
    "/staff/plans/987654/": "support",
    "/staff/plans/987654/edit/": "security",
    "/staff/plans/987654/campaigns/new/": "operator",
    "/staff/plans/987654/x/": "security",
    "/staff/plans/example/": "security",
    "/staff/plans/new/": "security",
    "/staff/phases/987654/remove/": "security",
    "/staff/campaigns/987654/": "support",
    "/staff/campaigns/987654/x/": "operator",
    "/staff/waiting/": "support",
    "/staff/providers/": "support",
    "/staff/providers/x/": "security",
    "/staff/legacy-keys/": "security",
}
# Django's own: they lead elsewhere or are refused to everybody, and change nothing.
ADMINS_OWN = re.compile(
    r"/staff/(?:login|logout|password_change|autocomplete|jsi18n|r/|x$)"
    r"|/staff/(?:onboarding|keyvault)/|/staff//?$"
)


def _addresses(resolver: URLResolver, before: str = "/") -> Iterator[tuple[str, Any]]:
    for entry in resolver.url_patterns:
        address = before + _filled(str(entry.pattern))
        if isinstance(entry, URLPattern):
            yield address, entry.callback
        else:
            yield from _addresses(entry, address)


STAFF_ADDRESSES = sorted(
    {address for address, _view in _addresses(get_resolver()) if address.startswith("/staff/")}
)
TABLES = [
    address
    for address in STAFF_ADDRESSES
    if re.fullmatch(r"/staff/(?:onboarding|keyvault)/\w+/", address)
]


def may(role: str | None, needed: str | None) -> bool:
    if needed is None:
        return True
    return role is not None and ROLES.index(role) >= ROLES.index(needed)


def answers(client: Client, address: str) -> dict[str, int]:
    """What a browser is answered: looking, and sending a form."""
    return {"get": client.get(address).status_code, "post": client.post(address).status_code}


def test_every_address_of_the_panel_is_in_the_table() -> None:
    ours = {each for each in STAFF_ADDRESSES if not ADMINS_OWN.match(each)} | {"/staff/"}
    assert ours == set(OPENED_BY)
    assert len(TABLES) > 15


@pytest.mark.parametrize("role", [*ROLES, None])
def test_each_role_opens_what_it_may_and_nothing_else(role: str | None) -> None:
    client = confirmed(staff_in(role))
    wrong = {
        address: found
        for address, needed in OPENED_BY.items()
        if ((found := answers(client, address))["get"] == 403) is may(role, needed)
    }
    assert wrong == {}


@pytest.mark.parametrize("role", [*ROLES, None])
def test_no_role_changes_anything_that_the_next_one_must(role: str | None) -> None:
    client = confirmed(staff_in(role))
    before = AuditEntry.objects.count(), User.objects.count()
    taken = {
        address: status
        for address, needed in OPENED_BY.items()
        if not may(role, needed) and (status := client.post(address).status_code) != 403
    }
    assert taken == {}
    assert (AuditEntry.objects.count(), User.objects.count()) == before


def test_support_changes_nothing_at_all() -> None:
    """Where support may look, a form is refused, unknown, or a mistake; never taken."""
    client = confirmed(staff_in("support"))
    before = AuditEntry.objects.count()
    taken = {
        address: status
        for address in OPENED_BY
        if (status := client.post(address).status_code) not in (403, 404, 405)
    }
    assert taken == {"/staff/": 200}
    assert AuditEntry.objects.count() == before


@pytest.mark.parametrize("role", [*ROLES, None])
def test_every_role_sees_every_table_and_types_into_none(role: str | None) -> None:
    client = confirmed(staff_in(role))
    for address in TABLES:
        assert client.get(address).status_code == (403 if role is None else 200)
        assert client.get(f"{address}add/").status_code == 403
        assert client.post(f"{address}add/").status_code == 403


def test_strangers_sign_in_and_learn_nothing() -> None:
    for address in (*OPENED_BY, *TABLES):
        for method in ("get", "post"):
            answer = getattr(Client(), method)(address)
            assert answer.status_code == 302, (method, address)
            assert answer["Location"].startswith(("/accounts/login/", "/staff/login/"))


def test_merchants_are_refused_everywhere() -> None:
    client = confirmed(person("owner"))
    let_in = {
        address: found
        for address in (*OPENED_BY, *TABLES)
        if not set((found := answers(client, address)).values()) <= {302, 403, 404}
    }
    assert let_in == {}
    for address in TABLES:
        assert client.get(address, follow=True).status_code == 403


@pytest.mark.parametrize("role", ROLES)
def test_without_a_second_step_no_role_gets_in(role: str) -> None:
    user = staff_in(role)
    user.authenticator_set.all().delete()
    client = signed_in(user)
    let_in = {
        address: found
        for address in (*OPENED_BY, *TABLES)
        if set((found := answers(client, address)).values()) != {302}
    }
    assert let_in == {}


def test_an_account_that_was_closed_is_out_at_once() -> None:
    user = staff_in("security")
    client = confirmed(user)
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert {client.get(address).status_code for address in OPENED_BY} == {302}
