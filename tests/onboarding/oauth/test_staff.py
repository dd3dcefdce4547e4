"""Registrations and imported keys, entered by staff."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pydantic import SecretStr

from keyvault.audit import Action
from keyvault.errors import RefreshFailedError
from keyvault.models import AuditEntry, Credential
from keyvault.renewal import AccountRef
from onboarding.errors import UnknownRecordError
from onboarding.models import ProviderClient
from onboarding.oauth.legacy import MOST_BYTES, MOST_ROWS, FileError, import_keys
from onboarding.oauth.providers import client_of, register_client
from onboarding.oauth.renewer import RENEWER
from simulator.running import RunningSimulator
from tests.onboarding.cast import confirmed, person, signed_in, staff_member
from tests.onboarding.oauth.desk import desk, opened

pytestmark = pytest.mark.django_db

URL = "/staff/providers/retail-r/"


def test_staff_enter_a_registration_and_its_secret_is_sealed() -> None:
    client = confirmed(staff_member())
    page = client.get(URL).content.decode()
    assert "http://testserver/connect/retail-r/callback/" in page
    fields = {"client_id": "our-app", "secret": "canary-client-secret", "is_open": "on"}
    answer = client.post(URL, fields, follow=True)
    assert "Open" in answer.content.decode()
    assert client_of("retail-r").secret.get_secret_value() == "canary-client-secret"
    seen = repr(list(ProviderClient.objects.values())) + repr(list(AuditEntry.objects.values()))
    seen += client.get(URL).content.decode() + answer.content.decode()
    assert "canary" not in seen
    assert AuditEntry.objects.filter(action=Action.CLIENT_REGISTERED).count() == 1


def test_a_blank_secret_keeps_the_present_one() -> None:
    client = confirmed(staff_member())
    client.post(URL, {"client_id": "one", "secret": "first-secret"})
    client.post(URL, {"client_id": "two", "secret": ""})
    kept = client_of("retail-r")
    assert (kept.client_id, kept.secret.get_secret_value()) == ("two", "first-secret")
    assert not ProviderClient.objects.get().is_open


def test_a_first_registration_needs_a_secret() -> None:
    client = confirmed(staff_member())
    answer = client.post(URL, {"client_id": "one"})
    assert answer.status_code == 422
    assert "Enter the client secret." in answer.content.decode()
    with pytest.raises(UnknownRecordError):
        register_client(
            provider="retail-r", client_id="c", secret=None, is_open=True, user=staff_member("b")
        )


def test_staff_enter_the_partner_app_and_see_its_three_addresses() -> None:
    client = confirmed(staff_member())
    url = "/staff/providers/ecom-app/"
    page = client.get(url).content.decode()
    for path in ("install/ecom/", "install/ecom/uninstalled/", "install/ecom/cancelled/"):
        assert f"http://testserver/{path}<" in page
    start = "https://store.example.test/app"
    fields = {"client_id": "our-key", "secret": "canary", "is_open": "on", "start_url": start}
    listed = client.post(url, fields, follow=True).content.decode()
    assert "our-key" in listed
    row = ProviderClient.objects.get(provider="ecom-app")
    assert (row.start_url, client_of("ecom-app").secret.get_secret_value()) == (start, "canary")
    assert start in client.get(url).content.decode()
    assert "start_url" not in client.get(URL).content.decode()


@pytest.mark.parametrize("path", ["/staff/providers/", URL, "/staff/legacy-keys/"])
def test_the_pages_exist_for_staff_only(path: str) -> None:
    assert signed_in(person("merchant")).get(path).status_code == 404
    assert confirmed(staff_member()).get(path).status_code == 200


def test_without_a_registration_nothing_is_renewed() -> None:
    account = AccountRef(provider="retail-r", account="1")
    with pytest.raises(RefreshFailedError) as caught:
        RENEWER.renew(account=account, refresh_token=SecretStr("t"), seconds=1)
    assert (caught.value.problem, caught.value.may_have_rotated) == ("client_refused", False)


def test_which_vendor_forgives_a_lost_answer_is_data() -> None:
    assert RENEWER.is_single_use("retail-x")
    assert not RENEWER.is_single_use("retail-r")


def test_a_timeout_may_have_rotated_and_throttling_has_not(vendor: RunningSimulator) -> None:
    opened()
    pair = vendor.retail(lambda each: each.consent({"series": "r"}))
    account, token = AccountRef("retail-r", "100001"), SecretStr(str(pair["refresh_token"]))
    found = []
    for kind in ("reset", "429"):
        vendor.add_fault(path="auth/oauth/token", kind=kind)
        with pytest.raises(RefreshFailedError) as caught:
            RENEWER.renew(account=account, refresh_token=token, seconds=2)
        found.append((caught.value.may_have_rotated, caught.value.retry_after_seconds))
    assert found == [(True, 0.0), (False, 2)]


def test_imported_keys_are_checked_row_by_row(vendor: RunningSimulator) -> None:
    at, other = desk(vendor), desk(vendor, "second")
    keys = {"good-key-1": "100001", "good-key-2": "100001", "other-acct": "100002"}
    for key, account in keys.items():
        vendor.retail(
            lambda each, key=key, account=account: each.put_key({"key": key, "account_id": account})
        )
    rows = [
        f"{at.store.pk},good-key-1",
        f"{at.store.pk},good-key-1",
        f"{at.store.pk},other-acct",
        f"{other.store.pk},unknown-key",
        f"{other.store.pk},a b",
        "nonsense,good-key-2",
        f"{other.user.pk},good-key-2",
    ]
    file = SimpleUploadedFile("keys.csv", ("store,key\n" + "\n".join(rows)).encode())
    page = signed_in(staff_member()).post("/staff/legacy-keys/", {"file": file})
    text = page.content.decode()
    assert "1 key stored." in text
    for words in (
        "Stored already",
        "Another account than the store",
        "Lightspeed refuses it",
        "does not look like a key",
    ):
        assert words in text
    assert text.count("No such store") == 2
    assert "good-key" not in text
    assert Credential.objects.get().endpoint == "retail-r-key"


def test_pasted_keys_are_taken_like_a_file_and_not_shown_again(vendor: RunningSimulator) -> None:
    at = desk(vendor)
    vendor.retail(lambda each: each.put_key({"key": "canary-key", "account_id": "100001"}))
    client = signed_in(staff_member())
    text = f"{at.store.pk},canary-key\n{at.store.pk},canary-unknown"
    page = client.post("/staff/legacy-keys/", {"pasted": text}).content.decode()
    assert "1 key stored." in page
    assert "Lightspeed refuses it" in page
    assert "canary" not in page
    for fields in ({}, {"pasted": text, "file": SimpleUploadedFile("k.csv", b"store,key")}):
        answer = client.post("/staff/legacy-keys/", fields)
        assert answer.status_code == 422
        assert "Choose a file, or paste rows" in answer.content.decode()
        assert "canary" not in answer.content.decode()


def test_an_outage_during_an_import_is_no_refusal(vendor: RunningSimulator) -> None:
    at = desk(vendor)
    vendor.add_fault(path="API/Account.json", kind="500")
    text = f"store,key\n{at.store.pk},good-key-1"
    (row,) = import_keys(text=text, user=staff_member())
    assert row.result == "unavailable"


@pytest.mark.parametrize("text", ["", "a,b\n1,2", "store,key\n" + "x,y\n" * (MOST_ROWS + 1)])
def test_a_file_that_is_no_such_table_is_refused(text: str) -> None:
    with pytest.raises(FileError):
        import_keys(text=text, user=staff_member())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a,b\n1,2", "must name the columns"),
        (b"\xff\xfe\xfa", "must be text in UTF-8"),
        (b"x" * (MOST_BYTES + 1), "too large"),
    ],
)
def test_a_bad_file_says_what_is_wrong(content: bytes, words: str) -> None:
    file = SimpleUploadedFile("keys.csv", content)
    answer = signed_in(staff_member()).post("/staff/legacy-keys/", {"file": file})
    assert answer.status_code == 422
    assert words in answer.content.decode()
