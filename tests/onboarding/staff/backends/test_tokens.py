"""Staff make tokens of backends on a page, two of them each, and revoke them."""

import base64
import re
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.contrib.sessions.models import Session
from django.core import mail
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from keyvault.leases import create_token
from keyvault.leases.tokens import WAITS_FOR
from keyvault.models import AuditEntry, Backend, BackendToken
from onboarding.models import Store, User
from onboarding.staff.roles import Role
from onboarding.staff.team.services import give_role
from tests.keyvault.lending import Api
from tests.onboarding.cast import (
    BY_TESTS,
    confirmed,
    credential,
    merchant,
    officer,
    person,
    signed_in,
    staff_in,
    staff_member,
    store,
)

pytestmark = pytest.mark.django_db
NEW = "/staff/backends/new/"
BOTH = ["leases:write", "stores:read"]


@dataclass
class Office:
    """Two of the security role, and a shop with a key."""

    anna: User = field(default_factory=lambda: officer("anna"))
    ben: User = field(default_factory=lambda: officer("ben"))
    shop: Store = field(default_factory=lambda: store(merchant(owner=person("owner"))))

    def __post_init__(self) -> None:
        credential(self.shop)

    def form(self, **changes: object) -> dict[str, object]:
        return {
            "name": "app",
            "which": "these",
            "stores": self.shop.name,
            "scopes": BOTH,
            "days": "30",
            "form_id": str(uuid4()),
            **changes,
        }

    def registered(self, **changes: object) -> str:
        """A token as the page shows it."""
        return shown(confirmed(self.anna).post(NEW, self.form(**changes)))

    def decide(self, *, by: User, do: str = "approve") -> HttpResponse:
        token = BackendToken.objects.latest("pk")
        address = reverse("staff-token-decide", args=[token.pk])
        return confirmed(by).post(address, {"do": do}, follow=True)

    def leases(self, token: str) -> int:
        return Api(token).lease(self.shop.keychain).status_code


@pytest.fixture
def office() -> Office:
    return Office()


def shown(answer: HttpResponse) -> str:
    assert answer.status_code == 200
    found = re.search(r'id="token">(lk_[\w-]{43})</pre>', answer.content.decode())
    assert found, answer.content.decode()
    return found[1]


def row_page(client: Client) -> str:
    address = reverse("admin:keyvault_backend_change", args=[Backend.objects.get().pk])
    return client.get(address).content.decode()


def subjects_to(user: User) -> list[str]:
    return [str(letter.subject) for letter in mail.outbox if letter.to == [user.email]]


def everything_stored() -> str:
    """Each column of text or bytes in the database."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608  # our own tables
            found += [repr(each) for each in cursor.fetchall()]
    return "\n".join(found)


def test_two_people_make_a_token_that_leases(office: Office) -> None:
    token = office.registered()
    assert office.leases(token) == 401

    page = office.decide(by=office.ben).content.decode()

    assert "It works from now on" in page
    assert office.leases(token) == 201
    actors = list(
        AuditEntry.objects.filter(action__in=("token.asked", "token.created"))
        .order_by("pk")
        .values_list("action", "actor")
    )
    assert actors == [
        ("token.asked", f"person:{office.anna.pk}"),
        ("token.created", f"person:{office.ben.pk}"),
    ]
    assert subjects_to(office.ben) == [
        "A second person is needed: anna@example.test asks for a token of app"
    ]
    assert subjects_to(office.anna) == ["The new token of app works"]


def test_one_person_alone_gets_at_nothing(office: Office) -> None:
    token = office.registered()

    page = office.decide(by=office.anna).content.decode()

    assert "You cannot decide here" in page
    assert office.leases(token) == 401
    denial = AuditEntry.objects.get(action="access.denied", subject__startswith="token:")
    assert denial.actor == f"person:{office.anna.pk}"


def test_an_officer_whom_the_asker_has_just_made_is_no_second_person(office: Office) -> None:
    puppet = staff_in("support")
    give_role(user=puppet, role=Role.SECURITY, by=office.anna)
    token = office.registered()

    address = reverse("staff-token-decide", args=[BackendToken.objects.get().pk])
    assert "Let it work" not in confirmed(puppet).get(address).content.decode()
    assert "Let it work" in confirmed(office.ben).get(address).content.decode()
    assert "You cannot decide here" in office.decide(by=puppet).content.decode()
    assert office.leases(token) == 401
    office.decide(by=office.ben)
    assert office.leases(token) == 201


def test_a_token_is_shown_once_and_kept_nowhere(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    client = confirmed(office.anna)
    answer = client.post(NEW, office.form())
    token = shown(answer)

    assert "no-store" in answer["Cache-Control"]
    assert token not in everything_stored()
    assert token not in caplog.text
    sessions = [session.get_decoded() for session in Session.objects.all()]
    assert token not in repr(sessions)
    row = BackendToken.objects.get()
    for address in (
        reverse("admin:keyvault_backend_change", args=[row.backend_id]),
        reverse("admin:keyvault_backendtoken_change", args=[row.pk]),
        reverse("staff-token-revoke", args=[row.pk]),
        reverse("staff-token-decide", args=[row.pk]),
        "/staff/",
    ):
        page = client.get(address).content.decode()
        assert token not in page
        assert row.digest not in page


def test_a_form_sent_twice_makes_one_token(office: Office) -> None:
    office.registered()
    client = confirmed(office.anna)
    again = client.post(NEW, office.form())
    assert again.status_code == 422
    assert "There is a backend of this name already" in again.content.decode()

    form = {"scopes": BOTH, "days": "30", "form_id": str(uuid4())}
    address = reverse("staff-token-new", args=[Backend.objects.get().pk])
    shown(client.post(address, form))
    page = client.post(address, form, follow=True).content.decode()
    assert "This form has made its token already" in page
    assert BackendToken.objects.count() == 2
    assert Backend.objects.count() == 1


def test_a_further_token_goes_beside_the_old_one_until_that_is_revoked(office: Office) -> None:
    first = office.registered()
    office.decide(by=office.ben)
    old = BackendToken.objects.get()
    client = confirmed(office.anna)
    form = {"scopes": BOTH, "days": "30", "form_id": str(uuid4())}
    second = shown(client.post(reverse("staff-token-new", args=[old.backend_id]), form))
    assert office.leases(first) == 201
    office.decide(by=office.ben)
    assert office.leases(second) == 201

    address = reverse("staff-token-revoke", args=[old.pk])
    assert "Every request that shows it is refused at once" in client.get(address).content.decode()
    assert office.leases(first) == 201
    client.post(address)

    assert office.leases(first) == 401
    assert office.leases(second) == 201
    assert AuditEntry.objects.get(action="token.revoked").actor == f"person:{office.anna.pk}"
    assert "It was revoked before" in client.post(address, follow=True).content.decode()


def test_a_backend_is_switched_off_and_on_again(office: Office) -> None:
    token = office.registered()
    office.decide(by=office.ben)
    backend = Backend.objects.get()
    address = reverse("staff-backend-switch", args=[backend.pk])
    client = confirmed(office.anna)
    assert address in row_page(client)

    assert "Every token of it is refused at once" in client.get(address).content.decode()
    assert client.post(address, {"to": "nonsense"}).status_code == 200
    assert office.leases(token) == 201
    for said in ("Off. All its tokens are refused", "It was so before. Nothing was changed."):
        assert said in client.post(address, {"to": "off"}, follow=True).content.decode()
        assert office.leases(token) == 401

    assert "Its tokens work again" in client.get(address).content.decode()
    for said in ("On again. Its tokens work", "It was so before. Nothing was changed."):
        assert said in client.post(address, {"to": "on"}, follow=True).content.decode()
        assert office.leases(token) == 201
    changes = AuditEntry.objects.filter(action="backend.changed", actor=f"person:{office.anna.pk}")
    assert [each.facts["active"] for each in changes.order_by("pk")] == [False, True]


def test_the_last_token_is_revoked_with_a_warning(office: Office) -> None:
    office.registered()
    office.decide(by=office.ben)
    token = BackendToken.objects.get()
    address = reverse("staff-token-revoke", args=[token.pk])
    client = confirmed(office.anna)
    assert "It is the only one that works" in client.get(address).content.decode()

    create_token(backend_id=token.backend_id, scopes=[], days=1, actor=BY_TESTS)

    assert "It is the only one that works" not in client.get(address).content.decode()


def test_a_token_can_be_turned_down(office: Office) -> None:
    token = office.registered()

    office.decide(by=office.ben, do="deny")

    assert office.leases(token) == 401
    assert subjects_to(office.anna) == ["The new token of app was turned down"]
    assert "waits no more" in office.decide(by=office.ben, do="approve").content.decode()
    assert "revoked before" in office.decide(by=office.ben, do="deny").content.decode()
    assert office.leases(token) == 401


def test_a_token_that_works_is_not_ended_by_a_late_no(office: Office) -> None:
    token = office.registered()
    office.decide(by=office.ben)

    assert "waits no more" in office.decide(by=office.ben, do="deny").content.decode()

    assert office.leases(token) == 201


def test_a_token_of_somebody_who_is_gone_can_be_decided_on(office: Office) -> None:
    token = office.registered()
    BackendToken.objects.update(made_by="person:987654")

    office.decide(by=office.ben)

    assert office.leases(token) == 201
    assert subjects_to(office.anna) == []


def test_a_day_later_it_is_too_late(office: Office) -> None:
    token = office.registered()
    long_ago = timezone.now() - WAITS_FOR - timedelta(seconds=1)
    BackendToken.objects.update(created_at=long_ago, expires_at=long_ago)

    assert "waits no more" in office.decide(by=office.ben).content.decode()
    assert office.leases(token) == 401
    assert "Lapsed" in row_page(signed_in(office.ben))


def test_the_page_of_a_token_that_waits_leads_to_the_decision(office: Office) -> None:
    office.registered()
    token = BackendToken.objects.get()
    address = reverse("admin:keyvault_backendtoken_change", args=[token.pk])
    decision = reverse("staff-token-decide", args=[token.pk])

    page = signed_in(office.ben).get(address).content.decode()

    assert decision in page
    assert "30 days later" in page
    listed = signed_in(office.ben).get(reverse("admin:keyvault_backendtoken_changelist"))
    assert "30 days later" in listed.content.decode()
    for other in (office.anna, staff_in("support")):
        assert decision not in signed_in(other).get(address).content.decode()
    office.decide(by=office.ben, do="approve")
    page = signed_in(office.ben).get(address).content.decode()
    assert decision not in page
    assert "days later" not in page


def test_what_waits_stands_in_the_queue_of_who_may_decide(office: Office) -> None:
    assert "waits for a second person" not in signed_in(office.ben).get("/staff/").content.decode()
    office.registered()

    assert (
        "1 token waits for a second person" in signed_in(office.ben).get("/staff/").content.decode()
    )
    for other in (office.anna, staff_in("operator")):
        page = signed_in(other).get("/staff/").content.decode()
        assert "waits for a second person" not in page


def test_a_backend_is_registered_with_all_that_the_command_can_say(office: Office) -> None:
    sealing, signing = secrets.token_bytes(32), Ed25519PrivateKey.generate().public_key()
    office.registered(
        which="all",
        stores="",
        networks="192.0.2.0/24\n2001:db8::/32",
        public_key=base64.b64encode(sealing).decode(),
        signing_key=base64.b64encode(signing.public_bytes_raw()).decode(),
        scopes=["stores:read"],
        days="7",
    )

    backend, token = Backend.objects.get(), BackendToken.objects.get()
    assert backend.has_all_stores
    assert backend.networks == "192.0.2.0/24 2001:db8::/32"
    assert bytes(backend.public_key or b"") == sealing
    assert bytes(backend.signing_key or b"") == signing.public_bytes_raw()
    assert (token.scopes, token.waiting_days) == (" stores:read ", 7)


def test_only_the_stores_that_were_named_are_lent(office: Office) -> None:
    other = store(merchant("Bloem & Blad"), "Bloem")
    credential(other)
    token = office.registered(stores=str(office.shop.pk).upper())
    office.decide(by=office.ben)

    assert office.leases(token) == 201
    assert Api(token).lease(other.keychain).status_code == 404
    page = row_page(signed_in(staff_in("support")))
    assert office.shop.name in page
    assert "Bloem" not in page


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": ""}, "Enter a name"),
        ({"name": "x" * 101}, "at most 100"),
        ({"name": "x\x00"}, "Null characters"),
        ({"name": "a\x1b[31mb"}, "without special characters"),
        ({"name": "a\u202eb"}, "without special characters"),
        ({"which": "none"}, "not one of the available choices"),
        ({"stores": ""}, "Enter at least one store"),
        ({"stores": "Nowhere"}, "There is no store “Nowhere”"),
        ({"stores": str(uuid4())}, "There is no store"),
        ({"stores": "\n".join(map(str, range(201)))}, "at most 200 lines"),
        ({"which": "all"}, "Empty this, or choose only these"),
        ({"scopes": []}, "Choose at least one"),
        ({"scopes": ["root"]}, "not one of the available choices"),
        ({"days": "0"}, "Enter 1 or more"),
        ({"days": "99999"}, "Enter 3650 or less"),
        ({"days": "-1"}, "Enter 1 or more"),
        ({"networks": "everywhere"}, "“everywhere” is no network"),
        ({"networks": "192.0.2.1/24"}, "is no network"),
        ({"public_key": "x"}, "44 characters"),
        ({"public_key": base64.b64encode(bytes(32)).decode()}, "44 characters"),
        ({"signing_key": "x"}, "44 characters"),
    ],
)
def test_what_makes_no_sense_is_said_and_makes_nothing(
    office: Office, changes: dict[str, object], said: str
) -> None:
    answer = confirmed(office.anna).post(NEW, office.form(**changes))

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not Backend.objects.exists()


def test_shops_of_one_name_are_told_apart_by_their_ids(office: Office) -> None:
    store(merchant("Another"), office.shop.name)

    answer = confirmed(office.anna).post(NEW, office.form())

    assert "Several stores are called" in answer.content.decode()
    assert not Backend.objects.exists()


def test_a_stolen_session_makes_decides_and_revokes_nothing(office: Office) -> None:
    token = office.registered()
    row = BackendToken.objects.get()
    client = signed_in(office.ben)
    before = AuditEntry.objects.count()

    for address, form in (
        (NEW, office.form(name="other")),
        (reverse("staff-token-new", args=[row.backend_id]), {"scopes": BOTH, "days": "1"}),
        (reverse("staff-token-decide", args=[row.pk]), {"do": "approve"}),
        (reverse("staff-token-revoke", args=[row.pk]), {}),
        (reverse("staff-backend-switch", args=[row.backend_id]), {"to": "off"}),
    ):
        assert client.post(address, form)["Location"].startswith("/accounts/reauthenticate/")

    assert AuditEntry.objects.count() == before
    assert BackendToken.objects.get().revoked_at is None
    assert office.leases(token) == 401


def test_others_see_the_tokens_and_no_button(office: Office) -> None:
    office.registered()
    token = BackendToken.objects.get()
    for role in ("support", "operator"):
        client = confirmed(staff_in(role))
        page = row_page(client)
        assert f"{token.prefix}…" in page
        assert "/staff/backends/" not in page
        listed = client.get(reverse("admin:keyvault_backend_changelist")).content.decode()
        assert NEW not in listed
        assert client.post(reverse("staff-token-revoke", args=[token.pk])).status_code == 403
        address = reverse("staff-backend-switch", args=[token.backend_id])
        assert client.post(address, {"to": "off"}).status_code == 403
    assert BackendToken.objects.get().revoked_at is None


def test_whoever_is_alone_is_told_before(office: Office) -> None:
    client = confirmed(office.anna)
    assert "Nobody else has the security role" not in client.get(NEW).content.decode()

    User.objects.filter(pk=office.ben.pk).update(is_active=False)

    assert "Nobody else has the security role" in client.get(NEW).content.decode()


def test_a_hostile_name_is_escaped(office: Office) -> None:
    office.registered(name="<script>alert(1)</script>")
    token = BackendToken.objects.get()
    client = confirmed(office.ben)
    for address in (
        "/staff/",
        reverse("admin:keyvault_backend_change", args=[token.backend_id]),
        reverse("staff-token-decide", args=[token.pk]),
        reverse("staff-token-revoke", args=[token.pk]),
        reverse("staff-token-new", args=[token.backend_id]),
        reverse("staff-backend-switch", args=[token.backend_id]),
    ):
        assert "<script>alert" not in client.get(address).content.decode()


def test_the_page_of_a_backend_takes_as_many_queries_for_many_tokens(
    office: Office, django_assert_max_num_queries: object
) -> None:
    office.registered()
    backend = Backend.objects.get()
    for _ in range(60):
        create_token(backend_id=backend.pk, scopes=[], days=1, actor=BY_TESTS)
    client = signed_in(staff_member())
    row_page(client)

    with django_assert_max_num_queries(8):  # type: ignore[operator]
        page = row_page(client)

    assert "All its tokens" in page
