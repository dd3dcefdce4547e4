import html
import re

import pytest
from django.contrib import admin
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from keyvault.models import (
    Alert,
    AuditCheckpoint,
    AuditEntry,
    Backend,
    BackendToken,
    Credential,
    Draft,
    Lease,
    WebhookDelivery,
    WebhookEndpoint,
)
from keyvault.vault import seal_draft, short_fingerprint
from keyvault.vault.tripwires import fire
from onboarding.models import (
    BouncedAddress,
    Invitation,
    Member,
    Merchant,
    OutgoingMail,
    Store,
    StoreNote,
    Submission,
    User,
    Verification,
)
from onboarding.notices.bounces import mark_bounced
from onboarding.notices.outbox import enqueue
from onboarding.people.invitations import invite_person
from onboarding.staff.rows.read_only import COUNTED_ROWS, CappedPaginator
from tests.onboarding.cast import (
    BY_TESTS,
    confirmed,
    credential,
    member,
    merchant,
    pair,
    person,
    signed_in,
    staff_in,
    staff_member,
    store,
)

pytestmark = pytest.mark.django_db
MODELS = [
    Alert,
    AuditCheckpoint,
    AuditEntry,
    Backend,
    BackendToken,
    BouncedAddress,
    Credential,
    Draft,
    Invitation,
    Lease,
    Member,
    Merchant,
    OutgoingMail,
    Store,
    StoreNote,
    Submission,
    User,
    Verification,
    WebhookDelivery,
    WebhookEndpoint,
]
# Session, account, second step, rows, their number; nothing that grows with the rows.
MOST_QUERIES = 6


def list_url(model: type) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def row_url(row: object) -> str:
    meta = row._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])


def fill(shops: int) -> list[str]:
    """Some of everything; gives the secrets that no page may show."""
    secrets = []
    backend = Backend.objects.create(name=f"Backend {shops}", has_all_stores=True)
    for number in range(shops):
        company = merchant(f"Company {shops}-{number}", owner=person(f"owner-{shops}-{number}"))
        owner = company.members.get().user
        invitation = invite_person(
            merchant=company, email=f"new-{number}@example.test", invited_by=owner
        )
        mail = enqueue(recipient="a@example.test", subject="Hello", text="canary-in-a-mail")
        mark_bounced(address=f"gone-{shops}-{number}@example.test", status="5.1.1")
        secrets += [invitation.digest, bytes(mail.sealed).hex(), "canary-in-a-mail"]
        shop = store(company, f"Shop {shops}-{number}")
        stored, waiting = pair(), pair()
        key = credential(shop, of=stored)
        draft = seal_draft(keychain_id=shop.pk, secret=waiting, ttl_seconds=3600, actor=BY_TESTS)
        Submission.objects.create(
            store=shop,
            user=owner,
            draft_id=draft.pk,
            expires_at=draft.expires_at,
        )
        Verification.objects.create(
            store=shop, credential=key, at=timezone.now(), outcome="passed", status=200
        )
        token = BackendToken.objects.create(
            backend=backend,
            prefix=f"lk_{shops}{number}",
            digest=f"{shops:032x}{number:032x}",
            scopes=" stores:read ",
            expires_at=timezone.now(),
        )
        endpoint = WebhookEndpoint.objects.create(
            backend=backend, url="https://app.example.test/hook", sealed_key=b"canary-sealed"
        )
        WebhookDelivery.objects.create(
            endpoint=endpoint, type="credential.failing", body="{}", created_at=timezone.now()
        )
        StoreNote.objects.create(store=shop, author=owner, text="A note", at=timezone.now())
        fire(kind=Alert.Kind.TAMPERED, subject=f"test:{shops}-{number}", facts={})
        AuditCheckpoint.objects.create(
            previous=f"{shops}-{number}".encode(),
            first_entry=1,
            last_entry=1,
            count=1,
            ranges="1",
            root=b"root",
            leaves=b"leaves",
            at=timezone.now(),
            key_id="key",
            signature=b"signature",
        )
        secrets += [token.digest, bytes(key.sealed).hex(), key.fingerprint, draft.fingerprint]
        for each in (stored, waiting):
            secrets += [each.key.get_secret_value(), each.secret.get_secret_value()]
    return secrets


def assert_framed(response: HttpResponse) -> None:
    page = response.content.decode()
    assert page.count("<main") == page.count("<h1>") == 1
    assert "style=" not in page
    assert not re.search(r"<script(?![^>]*src=)", page)
    assert "unsafe" not in response["Content-Security-Policy"]


def test_panel_holds_our_tables_and_no_other() -> None:
    assert set(admin.site._registry) == set(MODELS)


def test_index_lists_every_table_once() -> None:
    page = signed_in(staff_member()).get("/staff/").content.decode()
    assert [page.count(f'href="{list_url(model)}"') for model in MODELS] == [1] * len(MODELS)


@pytest.mark.parametrize("model", MODELS)
def test_lists_take_as_many_queries_for_many_rows_as_for_one(model: type) -> None:
    client = signed_in(staff_member())
    client.get("/staff/")
    counts = []
    for shops in (1, 4):
        fill(shops)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            response = client.get(list_url(model))
        assert response.status_code == 200
        assert_framed(response)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= MOST_QUERIES


def test_no_page_shows_a_secret_a_digest_or_a_whole_fingerprint() -> None:
    secrets = fill(2)
    client = signed_in(staff_member())
    for model in MODELS:
        pages = [client.get(list_url(model))]
        pages += [client.get(row_url(row)) for row in model._default_manager.all()]
        assert len(pages) > 1
        for page in pages:
            assert page.status_code == 200
            assert_framed(page)
            assert [secret for secret in secrets if secret in page.content.decode()] == []


def test_every_row_is_called_by_what_it_is_about() -> None:
    fill(1)
    client = signed_in(staff_member())
    for model in MODELS:
        row = model.objects.first()
        page = client.get(row_url(row)).content.decode()
        assert " object (" not in html.unescape(page), model


def test_sealed_columns_and_digests_are_not_even_fetched() -> None:
    fill(1)
    client = signed_in(staff_member())
    for model in (
        Credential,
        Draft,
        BackendToken,
        Invitation,
        OutgoingMail,
        Submission,
        Verification,
        Lease,
    ):
        with CaptureQueriesContext(connection) as queries:
            client.get(list_url(model))
        fetched = " ".join(query["sql"] for query in queries)
        assert '"sealed"' not in fetched
        assert '"digest"' not in fetched


@pytest.mark.parametrize("model", MODELS)
def test_nothing_is_added_changed_or_deleted_by_hand(model: type) -> None:
    fill(1)
    client = signed_in(staff_member())
    row = model._default_manager.first()
    assert client.get(f"{list_url(model)}add/").status_code == 403
    for address in (row_url(row), row_url(row).replace("change", "delete")):
        assert client.post(address, {"post": "yes"}).status_code == 403
    assert model._default_manager.filter(pk=row.pk).exists()


@pytest.mark.parametrize("model", MODELS)
def test_no_column_can_be_guessed_letter_by_letter(model: type) -> None:
    """A list that may be filtered by a column tells who asks whether a guess is right."""
    fill(1)
    client = signed_in(staff_in("support"))
    for field in model._meta.get_fields():
        for lookup in ("startswith", "regex", "startswith__exact"):
            answer = client.get(list_url(model), {f"{field.name}__{lookup}": "a"})
            assert answer.status_code == 400, (field.name, lookup)


def test_hidden_columns_cannot_be_asked_for_at_all() -> None:
    fill(1)
    client = signed_in(staff_in("support"))
    for model, column in (
        (User, "password"),
        (BackendToken, "digest"),
        (Credential, "fingerprint"),
        (Credential, "sealed"),
        (Invitation, "digest"),
        (OutgoingMail, "sealed"),
        (Member, "user__password"),
        (BackendToken, "backend__tokens__digest"),
    ):
        for key in (column, f"{column}__exact", f"{column}__isnull"):
            assert client.get(list_url(model), {key: "1"}).status_code == 400, (model, key)


def state_of_everything() -> list[object]:
    """What an action could change."""
    rows = [model._default_manager.order_by("pk").values_list() for model in MODELS]
    return [list(each) for each in rows]


def test_actions_of_lists_are_refused_to_support_when_sent_by_hand() -> None:
    fill(1)
    client = confirmed(staff_in("support"))
    BackendToken.objects.update(last_used_at=None)
    before = state_of_everything()
    tried = []
    for model in MODELS:
        keys = [str(pk) for pk in model._default_manager.values_list("pk", flat=True)]
        names = {name for name, _ in admin.site.actions}
        for action in (*names, *(each.__name__ for each in admin.site._registry[model].actions)):
            form = {"action": action, "_selected_action": keys, "confirmed": "1", "post": "yes"}
            client.post(list_url(model), {**form, "select_across": "1", "index": "0"})
            tried.append(action)
    assert {"pause_keys", "check_again", "send_again", "delete_selected"} <= set(tried)
    assert state_of_everything() == before


def test_every_filter_that_a_list_offers_works() -> None:
    fill(1)
    client = signed_in(staff_in("support"))
    tried = 0
    for model in MODELS:
        page = client.get(list_url(model)).content.decode()
        for link in {html.unescape(each) for each in re.findall(r'href="(\?[^"]+)"', page)}:
            assert client.get(f"{list_url(model)}{link}").status_code == 200, (model, link)
            tried += 1
    assert tried > 40


def test_no_computed_column_bears_the_name_of_a_relation() -> None:
    """Django would sort by the relation, and show a row once for each row at its other end."""
    for model in MODELS:
        row_admin = admin.site._registry[model]
        fields = {field.name for field in model._meta.get_fields()}
        computed = {name for name in row_admin.list_display if hasattr(row_admin, str(name))}
        assert not fields & computed, model


@pytest.mark.parametrize("column", range(4))
def test_a_merchant_stands_once_in_the_list_however_it_is_sorted(column: int) -> None:
    company = merchant("Agency", owner=person("owner"))
    member(company, person("colleague"))
    for number in range(3):
        store(company, f"Shop {number}")
    merchant("Bakery", owner=person("baker"))
    page = signed_in(staff_member()).get(f"/staff/onboarding/merchant/?o={column}").content.decode()
    counts = re.findall(r'field-number_of_(?:stores|people)">(\d+)<', page)
    assert sorted(counts) == ["0", "1", "2", "3"]


def test_counting_stores_and_people_of_a_merchant_does_not_multiply_them() -> None:
    with CaptureQueriesContext(connection) as queries:
        signed_in(staff_member()).get("/staff/onboarding/merchant/")
    asked = [each["sql"] for each in queries if "member_count" in each["sql"]]
    assert asked
    assert not [sql for sql in asked if "JOIN" in sql]


def test_merchants_and_strangers_stay_outside() -> None:
    owner = person("owner")
    fill(1)
    for model in MODELS:
        for client in (Client(), signed_in(owner)):
            assert client.get(list_url(model)).status_code in (302, 403)


def test_strangers_are_sent_to_the_one_sign_in_page() -> None:
    response = Client().get("/staff/", follow=True)
    assert response.redirect_chain[-1][0].startswith("/accounts/login/")


def test_staff_without_rights_see_no_table() -> None:
    client = signed_in(staff_in(None))
    assert "Nothing to see yet" in client.get("/staff/").content.decode()
    assert client.get(list_url(Credential)).status_code == 403


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("/staff/password_change/", "/accounts/password/change/"),
        ("/staff/password_change/done/", "/accounts/"),
        ("/staff/logout/", "/accounts/logout/"),
        ("/staff/keyvault/", "/staff/"),
    ],
)
def test_pages_that_allauth_has_are_not_doubled(address: str, target: str) -> None:
    assert signed_in(staff_member()).get(address)["Location"] == target


def found(client: Client, model: type, query: str) -> int:
    page = client.get(list_url(model), {"q": query}).content.decode()
    return page.count("<th class=")


def test_key_is_found_by_its_fingerprint_last_four_and_shop() -> None:
    fill(2)
    client = signed_in(staff_member())
    key = Credential.objects.first()
    assert found(client, Credential, short_fingerprint(key.fingerprint)) == 1
    assert found(client, Credential, short_fingerprint(key.fingerprint).upper()) == 1
    assert found(client, Credential, key.last_four) >= 1
    assert found(client, Credential, key.keychain.store.name) == 1
    assert found(client, Credential, "nothing of the kind") == 0


def test_entries_are_found_by_actor_subject_store_and_day() -> None:
    fill(1)
    client = signed_in(staff_member())
    key = Credential.objects.get()
    everything = AuditEntry.objects.count()
    ours = AuditEntry.objects.filter(actor="command:tests").count()
    assert found(client, AuditEntry, "command:tests") == ours < everything
    assert found(client, AuditEntry, f"credential:{key.pk}") == 1
    assert found(client, AuditEntry, str(key.keychain_id)) >= 2
    assert found(client, AuditEntry, timezone.localdate().isoformat()) == everything
    assert found(client, AuditEntry, "2001-01-01") == 0
    assert found(client, AuditEntry, "2001-99-99") == 0
    assert found(client, AuditEntry, "command:test") == 0
    assert found(client, AuditEntry, " ") == everything


def test_entries_are_filtered_by_action() -> None:
    fill(1)
    client = signed_in(staff_member())
    page = client.get(list_url(AuditEntry), {"action": "credential.sealed"}).content.decode()
    assert page.count("<th class=") == 1


def test_hostile_names_are_escaped() -> None:
    company = merchant("<script>alert(1)</script>", owner=person("owner"))
    shop = store(company, "<img src=x onerror=alert(1)>")
    credential(shop, name="<b>key</b>")
    client = signed_in(staff_member())
    for address in (list_url(Store), list_url(Credential), list_url(Merchant), row_url(shop)):
        page = client.get(address).content.decode()
        assert not re.search(r"<script>alert|<img src=x|<b>key", page)


def test_states_have_words_of_their_own() -> None:
    fill(1)
    client = signed_in(staff_member())
    for state, word in (("suspended", "Refused"), ("revoked", "Removed"), ("paused", "Paused")):
        Credential.objects.update(state=state)
        assert word in client.get(list_url(Credential)).content.decode()
    Backend.objects.update(is_active=False)
    assert "Closed" in client.get(list_url(Backend)).content.decode()
    BackendToken.objects.update(revoked_at=timezone.now())
    assert "Revoked" in client.get(list_url(BackendToken)).content.decode()
    for change, word in (
        ({}, "Open"),
        ({"expires_at": timezone.now()}, "Expired"),
        ({"used_at": timezone.now()}, "Used"),
    ):
        Invitation.objects.update(**change)
        assert word in client.get(list_url(Invitation)).content.decode()
    for change, word in (
        ({}, "Waiting"),
        ({"problem": "TimeoutError"}, "Tried, waiting"),
        ({"failed_at": timezone.now()}, "Given up"),
        ({"sent_at": timezone.now()}, "Sent"),
    ):
        OutgoingMail.objects.update(**change)
        assert word in client.get(list_url(OutgoingMail)).content.decode()
    User.objects.filter(is_staff=False).update(is_active=False)
    assert "Closed" in client.get(list_url(User)).content.decode()


def test_pages_are_counted_no_further_than_people_turn_them() -> None:
    rows = list(range(COUNTED_ROWS + 50))
    assert CappedPaginator(rows, 50).count == len(rows)
    with CaptureQueriesContext(connection) as queries:
        assert CappedPaginator(AuditEntry.objects.order_by("id"), 50).count == 0
    assert f"LIMIT {COUNTED_ROWS}" in queries[0]["sql"]
