"""The partner app: from the vendor's signed call to a stored key, and all that stores nothing."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from pydantic import SecretStr

from keyvault import vault
from keyvault.audit import SYSTEM, entries_for
from keyvault.errors import StateError
from keyvault.models import AuditEntry, Credential
from keyvault.pool import budgets
from keyvault.vault import ApiKeySecret
from lightspeed.oauth.install import APP_NAME, MAX_AGE_SECONDS, sign
from onboarding.models import AppInstall, Phase, Plan, Replacement, Store, User, Verification
from onboarding.notices.preferences import Choice, Topic, save_choices
from onboarding.oauth.duties import CONSENTS
from onboarding.oauth.installs import InstallPlace
from onboarding.oauth.providers import register_client
from onboarding.submission.services import undo_replacement, verify_credential
from simulator.running import RunningSimulator
from tests.onboarding.cast import (
    PASSWORD,
    credential,
    merchant,
    person,
    signed_in,
    staff_member,
    store,
)

pytestmark = pytest.mark.django_db

APP_KEY = "a99" + "0" * 29
APP_SECRET = "canary-app-secret"
SHOP = 300_001
START = "https://store.lightspeed.example.test/app"


def app_is_registered(vendor: RunningSimulator, *, is_open: bool = True) -> None:
    """The operator's app, at the vendor and here."""
    vendor.put_app(
        key=APP_KEY,
        secret=APP_SECRET,
        success_url="http://testserver/install/ecom/",
        cancel_url="http://testserver/install/ecom/cancelled/",
        uninstall_url="http://testserver/install/ecom/uninstalled/",
    )
    register_client(
        provider=APP_NAME,
        client_id=APP_KEY,
        secret=SecretStr(APP_SECRET),
        is_open=is_open,
        user=User.objects.filter(is_staff=True).first() or staff_member("registrar"),
        start_url=START,
    )


@dataclass
class Owner:
    """A shop's owner in a browser."""

    vendor: RunningSimulator
    user: User
    client: Client = field(default_factory=Client)

    def at_vendor(
        self, decision: str = "install", *, shop: int = SHOP, cluster: str = "eu1", **fields: str
    ) -> str:
        """Decide in the vendor's app store; gives the address that it sends the browser to."""
        root = self.vendor.url_eu1 if cluster == "eu1" else self.vendor.url_us1
        form = {"shop_id": str(shop), "language": "en", "decision": decision, **fields}
        answer = httpx2.post(
            f"{root}/apps/install?app={APP_KEY}",
            content=urlencode(form),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def come(self, location: str) -> Any:
        """Follow the vendor's redirect."""
        parts = urlsplit(location)
        return self.client.get(f"{parts.path}?{parts.query}", follow=True)

    def install(self, **where: Any) -> str:
        """The whole way to the page that asks which store it is."""
        return str(self.come(self.at_vendor(**where)).content.decode())

    def say(self, shop: Store | None = None, **fields: str) -> Any:
        """Answer that page."""
        chosen = {"store": str(shop.pk)} if shop else {}
        return self.client.post("/install/ecom/check/", {**chosen, **fields}, follow=True)


@pytest.fixture
def vendor(simulator: RunningSimulator) -> RunningSimulator:
    app_is_registered(simulator)
    return simulator


def owner(vendor: RunningSimulator, name: str = "owner") -> tuple[Owner, Store]:
    user = person(name)
    shop = store(merchant(f"Shop of {name}", owner=user))
    return Owner(vendor=vendor, user=user, client=signed_in(user)), shop


def stored() -> list[Credential]:
    return list(Credential.objects.filter(state="active").order_by("created_at"))


def changed(location: str, **parameters: str) -> str:
    parts = urlsplit(location)
    query = {**dict(parse_qsl(parts.query)), **parameters}
    return f"{parts.path}?{urlencode(query)}"


def signed(**parameters: str) -> str:
    call = {
        "language": "en",
        "shop_id": str(SHOP),
        "timestamp": str(int(timezone.now().timestamp())),
        "token": "t0ken",
        **parameters,
    }
    signature = sign(parameters=call, app_secret=SecretStr(APP_SECRET))
    return f"/install/ecom/?{urlencode({**call, 'signature': signature})}"


def test_an_installed_shop_is_confirmed_checked_and_stored(vendor: RunningSimulator) -> None:
    at, shop = owner(vendor)
    page = at.install()
    assert str(SHOP) in page
    assert "We have not seen this shop yet" in page
    assert not Credential.objects.exists()
    assert "is connected" in at.say(shop, yes="1").content.decode()
    (credential,) = stored()
    assert (credential.keychain_id, credential.endpoint, credential.language) == (
        shop.pk,
        "ecom-eu1",
        "en",
    )
    shop.refresh_from_db()
    assert (shop.shop_id, shop.cluster) == (SHOP, "eu1")
    install = AppInstall.objects.get()
    assert (install.state, bytes(install.sealed_secret)) == ("stored", b"")
    assert install.credential == credential
    row = vault.openable_credentials(keychain_id=shop.pk).get(pk=credential.pk)
    secret = vault.open_credential(credential=row, actor=SYSTEM)
    assert isinstance(secret, ApiKeySecret)
    assert secret.key.get_secret_value() == APP_KEY
    assert verify_credential(credential=credential, actor=SYSTEM).outcome == "passed"


def test_the_requests_of_the_check_count(vendor: RunningSimulator) -> None:
    at, shop = owner(vendor)
    at.install()
    at.say(shop, yes="1")
    (credential,) = stored()
    told = {each.seconds: each for each in budgets(credential_ids=[credential.pk])[credential.pk]}
    assert told[300].limit - told[300].remaining == 3


def test_who_is_not_signed_in_signs_in_and_goes_on(vendor: RunningSimulator) -> None:
    user = person("owner")
    shop = store(merchant(owner=user))
    at = Owner(vendor=vendor, user=user)
    page = at.install()
    assert "Sign in to finish the installation" in page
    assert str(SHOP) in page
    answer = at.client.post(
        "/accounts/login/?next=/install/ecom/check/",
        {"login": user.email, "password": PASSWORD, "next": "/install/ecom/check/"},
        follow=True,
    )
    assert "Finish the installation" in answer.content.decode()
    at.say(shop, yes="1")
    assert len(stored()) == 1


def test_many_shops_share_the_apps_key(vendor: RunningSimulator) -> None:
    first, first_store = owner(vendor, "first")
    second, second_store = owner(vendor, "second")
    first.install(shop=1)
    first.say(first_store, yes="1")
    second.install(shop=2)
    second.say(second_store, yes="1")
    one, other = stored()
    assert one.fingerprint != other.fingerprint
    assert one.last_four == other.last_four


@pytest.mark.parametrize(
    ("place", "is_same"),
    [
        (InstallPlace(cluster="eu1", shop_id=1), True),
        (InstallPlace(cluster="us1", shop_id=1), False),
        (InstallPlace(cluster="eu1", shop_id=11), False),
    ],
)
def test_the_fingerprint_is_of_the_shop(place: InstallPlace, is_same: bool) -> None:
    ours = InstallPlace(cluster="eu1", shop_id=1)
    assert (place.fingerprint == ours.fingerprint) is is_same
    assert ours.fingerprint != vault.fingerprint(SecretStr(APP_KEY))


def test_a_known_shop_is_recognised_among_many_stores(vendor: RunningSimulator) -> None:
    at, shop = owner(vendor)
    other = store(shop.merchant, "Another")
    Store.objects.filter(pk=shop.pk).update(shop_id=SHOP)
    page = at.install()
    assert "We have not seen this shop yet" not in page
    assert "Another" not in page
    # Nor can a changed form send it elsewhere.
    assert "Choose the store" in at.say(other, yes="1").content.decode()
    assert stored() == []


def test_of_several_new_stores_the_merchant_chooses(vendor: RunningSimulator) -> None:
    at, shop = owner(vendor)
    other = store(shop.merchant, "Another")
    page = at.install()
    assert "Which store is this shop?" in page
    at.say(other, yes="1")
    assert [each.keychain_id for each in stored()] == [other.pk]


def test_a_new_installation_takes_the_place_of_the_one_before(vendor: RunningSimulator) -> None:
    at, shop = owner(vendor)
    at.install()
    at.say(shop, yes="1")
    (first,) = stored()
    page = at.install()
    assert "Takes the place of" in page
    at.say(shop, yes="1")
    (second,) = stored()
    first.refresh_from_db()
    assert (first.state, first.fingerprint) == ("replaced", second.fingerprint)
    replacement = Replacement.objects.get()
    assert replacement.new == second
    with pytest.raises(StateError):
        undo_replacement(replacement=replacement, actor=SYSTEM)
    assert "Undo" not in at.client.get(f"/stores/{shop.pk}/").content.decode()


def test_uninstalling_destroys_the_key_and_a_new_installation_brings_one(
    vendor: RunningSimulator,
) -> None:
    at, shop = owner(vendor)
    at.install()
    at.say(shop, yes="1")
    (first,) = stored()
    # The vendor's own machine may call, without a session.
    answer = Owner(vendor=vendor, user=at.user).come(at.at_vendor("uninstall"))
    assert "The app is uninstalled" in answer.content.decode()
    first.refresh_from_db()
    assert (first.state, bytes(first.sealed)) == ("revoked", b"")
    actions = [each.action for each in entries_for(keychain_id=shop.pk)]
    assert "credential.revoked" in actions
    assert [letter.to for letter in mail.outbox] == [[at.user.email]]
    assert mail.outbox[0].subject == f"{shop.app_name} was uninstalled from {shop.name}"
    assert "gets no data until it is installed again" in mail.outbox[0].body
    at.install()
    at.say(shop, yes="1")
    assert len(stored()) == 1


def test_a_store_that_goes_on_with_another_key_is_told_so(vendor: RunningSimulator) -> None:
    at, shop = owner(vendor)
    credential(shop)
    at.install()
    at.say(shop, yes="1")
    mail.outbox.clear()
    at.come(at.at_vendor("uninstall"))
    assert "goes on with the other keys" in mail.outbox[0].body


def test_whoever_does_not_want_to_hear_of_keys_gets_no_mail(vendor: RunningSimulator) -> None:
    at, shop = owner(vendor)
    save_choices(user=at.user, choices={Topic.KEYS: Choice.OFF})
    at.install()
    at.say(shop, yes="1")
    at.come(at.at_vendor("uninstall"))
    assert mail.outbox == []
    assert not stored()


def test_an_old_uninstall_shown_again_leaves_the_new_installation_alone(
    vendor: RunningSimulator,
) -> None:
    at, shop = owner(vendor)
    at.install()
    at.say(shop, yes="1")
    gone = at.at_vendor("uninstall")
    at.come(gone)
    at.come(gone)
    assert len(mail.outbox) == 1
    at.install()
    at.say(shop, yes="1")
    AppInstall.objects.filter(credential__state="active").update(
        called_at=timezone.now() + timedelta(seconds=2)
    )
    at.come(gone)
    assert len(stored()) == 1


def test_uninstalling_gives_up_what_waits_and_nothing_of_another_shop(
    vendor: RunningSimulator,
) -> None:
    at, shop = owner(vendor)
    at.install(shop=2)
    at.say(shop, yes="1")
    at.install()
    at.come(at.at_vendor("uninstall"))
    assert "no installation to finish" in at.say(shop, yes="1").content.decode()
    assert len(stored()) == 1


def test_cancelling_changes_nothing(vendor: RunningSimulator) -> None:
    at, shop = owner(vendor)
    at.install()
    at.say(shop, yes="1")
    assert "Nothing was connected" in at.come(at.at_vendor("cancel")).content.decode()
    assert len(stored()) == 1


def test_saying_no_stores_nothing(vendor: RunningSimulator) -> None:
    at, shop = owner(vendor)
    at.install()
    assert "Nothing was connected" in at.say(shop, no="1").content.decode()
    install = AppInstall.objects.get()
    assert (install.state, install.outcome, bytes(install.sealed_secret)) == (
        "failed",
        "cancelled",
        b"",
    )
    assert "no installation to finish" in at.say(shop, yes="1").content.decode()
    assert stored() == []


@pytest.mark.parametrize("name", ["language", "shop_id", "timestamp", "token", "signature"])
def test_a_changed_call_is_refused_with_its_own_words(vendor: RunningSimulator, name: str) -> None:
    at, _ = owner(vendor)
    good = dict(parse_qsl(urlsplit(at.at_vendor()).query))
    other = {"language": "nl", "shop_id": "300002", "timestamp": str(int(good["timestamp"]) - 1)}
    answer = at.come(changed(signed(), **{name: other.get(name, "0" * 32)}))
    assert answer.status_code == 400
    assert "We cannot tell that Lightspeed sent you" in answer.content.decode()
    assert START in answer.content.decode()
    assert not AppInstall.objects.exists()


@pytest.mark.parametrize("path", ["", "uninstalled/", "cancelled/"])
def test_a_call_of_nobody_is_refused(vendor: RunningSimulator, path: str) -> None:
    answer = Client().get(f"/install/ecom/{path}")
    assert answer.status_code == 400
    assert "We cannot tell" in answer.content.decode()


def test_a_forged_uninstall_destroys_nothing(vendor: RunningSimulator) -> None:
    at, shop = owner(vendor)
    at.install()
    at.say(shop, yes="1")
    answer = at.come(changed(at.at_vendor("uninstall", shop=2), shop_id=str(SHOP)))
    assert answer.status_code == 400
    assert len(stored()) == 1


def test_an_old_call_is_refused_with_its_own_words(vendor: RunningSimulator) -> None:
    at, _ = owner(vendor)
    old = int(timezone.now().timestamp()) - MAX_AGE_SECONDS - 5
    answer = at.come(signed(timestamp=str(old)))
    assert answer.status_code == 400
    assert "This installation is too old" in answer.content.decode()
    assert not AppInstall.objects.exists()


def test_a_call_works_once_and_never_in_another_browser(vendor: RunningSimulator) -> None:
    at, shop = owner(vendor)
    location = at.at_vendor()
    at.come(location)
    thief, _ = owner(vendor, "thief")
    answer = thief.come(location)
    assert answer.status_code == 409
    assert "This address was used already" in answer.content.decode()
    assert "no installation to finish" in thief.say(shop, yes="1").content.decode()
    # The first browser goes on where it was.
    assert "Finish the installation" in at.come(location).content.decode()
    assert AppInstall.objects.count() == 1


def test_who_only_looks_uses_nothing_up(vendor: RunningSimulator) -> None:
    at, _ = owner(vendor)
    parts = urlsplit(at.at_vendor())
    assert Client().head(f"{parts.path}?{parts.query}").status_code == 405
    assert not AppInstall.objects.exists()


def test_a_shop_that_is_none_of_the_persons_stores_is_refused(vendor: RunningSimulator) -> None:
    at, shop = owner(vendor)
    Store.objects.filter(pk=shop.pk).update(shop_id=7)
    page = at.install()
    assert "That is another shop" in page
    assert str(SHOP) in page
    assert stored() == []
    assert bytes(AppInstall.objects.get().sealed_secret) == b""


def test_the_same_number_on_the_other_cluster_is_another_shop(vendor: RunningSimulator) -> None:
    at, shop = owner(vendor)
    Store.objects.filter(pk=shop.pk).update(shop_id=SHOP, cluster="us1")
    assert "That is another shop" in at.install()


def test_a_person_without_a_store_is_told_what_comes_next(vendor: RunningSimulator) -> None:
    user = person("newcomer")
    at = Owner(vendor=vendor, user=user, client=signed_in(user))
    assert "You have no store here yet" in at.install()


def test_a_shop_that_is_connected_elsewhere_is_refused(vendor: RunningSimulator) -> None:
    first, first_store = owner(vendor, "first")
    first.install()
    first.say(first_store, yes="1")
    second, second_store = owner(vendor, "second")
    second.install()
    answer = second.say(second_store, yes="1").content.decode()
    assert "This shop is connected already" in answer
    assert "Shop of first" not in answer
    assert len(stored()) == 1


def test_the_store_of_somebody_else_cannot_be_chosen(vendor: RunningSimulator) -> None:
    at, _ = owner(vendor)
    _, other = owner(vendor, "other")
    at.install()
    assert "Choose the store" in at.say(other, yes="1").content.decode()
    assert stored() == []


def test_a_missing_permission_stores_nothing_and_can_be_checked_again(
    vendor: RunningSimulator,
) -> None:
    at, shop = owner(vendor)
    at.install(without="orders.write")
    page = at.say(shop, yes="1").content.decode()
    assert "Some permissions are missing" in page
    assert page.count("Missing") == 1
    assert stored() == []
    assert bytes(AppInstall.objects.get().sealed_secret) != b""
    assert Verification.objects.get().outcome == "missing_permissions"
    at.say(shop, yes="1")
    assert len(AppInstall.objects.get().request_times) == 6


def test_an_outage_keeps_the_secret_for_another_try(vendor: RunningSimulator) -> None:
    at, shop = owner(vendor)
    at.install()
    vendor.add_fault(path="account/permissions", kind="500", count=9)
    assert "Lightspeed does not answer" in at.say(shop, yes="1").content.decode()
    vendor.reset()
    assert "is connected" in at.say(shop, yes="1").content.decode()


def test_an_installation_that_opens_nothing_is_deleted(vendor: RunningSimulator) -> None:
    at, shop = owner(vendor)
    at.come(signed())
    page = at.say(shop, yes="1").content.decode()
    assert "Lightspeed does not accept this installation" in page
    assert bytes(AppInstall.objects.get().sealed_secret) == b""
    assert stored() == []


def test_a_secret_that_opens_another_shop_than_was_signed_is_refused(
    vendor: RunningSimulator,
) -> None:
    at, shop = owner(vendor)
    token = dict(parse_qsl(urlsplit(at.at_vendor(shop=2)).query))["token"]
    at.come(signed(token=token))
    page = at.say(shop, yes="1").content.decode()
    assert "Lightspeed does not accept this installation" in page
    assert stored() == []


def test_a_language_that_is_switched_off_says_so(vendor: RunningSimulator) -> None:
    at, shop = owner(vendor)
    location = at.at_vendor(language="nl")
    call = {**dict(parse_qsl(urlsplit(location).query)), "language": "fr"}
    call["signature"] = sign(parameters=call, app_secret=SecretStr(APP_SECRET))
    at.come(f"/install/ecom/?{urlencode(call)}")
    assert "This language is switched off" in at.say(shop, yes="1").content.decode()


def test_a_closed_app_takes_nothing(simulator: RunningSimulator) -> None:
    app_is_registered(simulator, is_open=False)
    at, _ = owner(simulator)
    answer = at.come(at.at_vendor())
    assert "The app cannot be installed yet" in answer.content.decode()
    assert not AppInstall.objects.exists()


def test_without_a_registration_no_call_is_believed(simulator: RunningSimulator) -> None:
    assert "cannot be installed yet" in Client().get(signed()).content.decode()
    answer = Client().get("/install/ecom/uninstalled/?shop_id=1")
    assert "cannot be installed yet" in answer.content.decode()


def test_a_plan_that_ends_new_keys_ends_installations(vendor: RunningSimulator) -> None:
    at, shop = owner(vendor)
    now = timezone.now()
    plan = Plan.objects.create(name="End", vendor="V", endpoint="ecom-eu1", state="active")
    Phase.objects.create(plan=plan, effect="no_new_keys", starts_at=now, started_at=now)
    at.install()
    assert "cannot be installed yet" in at.say(shop, yes="1").content.decode()
    assert stored() == []


def test_what_is_left_lying_is_deleted(vendor: RunningSimulator) -> None:
    at, shop = owner(vendor)
    at.install()
    assert CONSENTS.run(timezone.now()) == 0
    assert CONSENTS.run(timezone.now() + timedelta(days=1, seconds=1)) == 1
    assert bytes(AppInstall.objects.get().sealed_secret) == b""
    assert "no installation to finish" in at.say(shop, yes="1").content.decode()


def test_no_secret_of_the_app_or_of_the_shop_is_seen_anywhere(
    vendor: RunningSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    at, shop = owner(vendor)
    location = at.at_vendor()
    token = dict(parse_qsl(urlsplit(location).query))["token"]
    seen = at.come(location).content.decode()
    seen += repr(dict(at.client.session))
    seen += at.say(shop, yes="1").content.decode()
    row = vault.openable_credentials(keychain_id=shop.pk).get()
    secret = vault.open_credential(credential=row, actor=SYSTEM)
    assert isinstance(secret, ApiKeySecret)
    seen += caplog.text + repr(list(AppInstall.objects.values()))
    seen += repr(list(AuditEntry.objects.values())) + repr(list(Verification.objects.values()))
    for value in (secret.secret.get_secret_value(), APP_SECRET, APP_KEY, token):
        assert value not in seen


def test_the_store_page_leads_to_the_app(vendor: RunningSimulator) -> None:
    at, shop = owner(vendor)
    page = at.client.get(f"/stores/{shop.pk}/").content.decode()
    assert START in page
    register_client(provider=APP_NAME, client_id=APP_KEY, secret=None, is_open=False, user=at.user)
    assert START not in at.client.get(f"/stores/{shop.pk}/").content.decode()
