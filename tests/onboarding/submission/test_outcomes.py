"""Every outcome of paste and check, through the pages, against the stand-in vendor."""

import pytest
from django.core.exceptions import RequestDataTooBig

from keyvault.models import AuditEntry, Credential, Draft
from lightspeed.permissions import ALL_PERMISSIONS, Permission
from onboarding.models import Submission
from simulator.running import RunningSimulator
from tests.onboarding.cast import pair
from tests.onboarding.submission.desk import Desk, desk, heading, text
from tests.onboarding.vendor import OTHER_SHOP, SHOP, known_pair, pasted, without

pytestmark = pytest.mark.django_db


def assert_kept_not_stored(at: Desk) -> None:
    assert at.submission().is_open
    assert at.submission().credential is None
    assert Draft.objects.filter(pk=at.submission().draft_id).exists()


def stored(at: Desk, simulator: RunningSimulator, **facts: object) -> Credential:
    at.paste(**pasted(known_pair(simulator, **facts)))  # type: ignore[arg-type]
    at.press("store", at.submission())
    return Credential.objects.get(keychain_id=at.store.pk)


@pytest.mark.parametrize("box", ALL_PERMISSIONS, ids=str)
def test_each_missing_permission_names_its_box_and_stores_nothing(
    simulator: RunningSimulator, box: Permission
) -> None:
    at = desk()
    page = at.paste(**pasted(known_pair(simulator, lacking=(box.group, box.access))))
    assert heading(page) == "One box is not ticked"
    name = f"{box.group.title()} – {box.access.title()}"  # noqa: RUF001
    assert f'Missing : tick "{name}" in your Back Office, then Save' in text(page)
    assert text(page).count("Missing") == 1
    assert text(page).count("Allowed") == 11
    assert_kept_not_stored(at)


def test_a_box_that_is_ticked_afterwards_passes_without_pasting_again(
    simulator: RunningSimulator,
) -> None:
    at = desk()
    weak = known_pair(simulator, lacking=("orders", "write"))
    at.paste(**pasted(weak))
    simulator.put_key(key=weak.key.get_secret_value(), permissions=without(None))
    assert heading(at.press("check", at.submission())) == "This key works"


@pytest.mark.parametrize("enabled", [True, False], ids=["wrong-secret", "switched-off"])
def test_a_refusal_names_the_causes_the_likeliest_first(
    simulator: RunningSimulator, enabled: bool
) -> None:
    at = desk()
    known = known_pair(simulator, enabled=enabled)
    secret = known.secret.get_secret_value() if not enabled else "f" * 32
    page = at.paste(key=known.key.get_secret_value(), secret=secret)
    assert heading(page) == "Lightspeed does not accept this key"
    words = text(page)
    assert words.index("switched off") < words.index("do not belong together")
    assert "Check again" in words
    assert_kept_not_stored(at)


def test_another_shops_key_is_named_and_needs_a_word_of_the_merchant(
    simulator: RunningSimulator,
) -> None:
    at = desk()
    old = stored(at, simulator)
    page = at.paste(**pasted(known_pair(simulator, shop_id=OTHER_SHOP)))
    assert heading(page) == "This key belongs to another shop"
    assert f"shop{OTHER_SHOP}.webshopapp.com" in text(page)
    assert str(SHOP) in text(page)
    assert_kept_not_stored(at)

    page = at.press("shop", at.submission(), shop_id=str(OTHER_SHOP))
    assert "Tick the box" in text(page)
    page = at.press("shop", at.submission(), shop_id=str(OTHER_SHOP), agree="yes")
    assert heading(page) == "This key works"
    assert "the keys of the shop so far are paused" in text(page)
    at.press("store", at.submission())
    old.refresh_from_db()
    at.store.refresh_from_db()
    assert old.state == Credential.State.PAUSED
    assert at.store.shop_id == OTHER_SHOP


def test_a_shop_that_the_page_did_not_name_cannot_be_agreed_to(
    simulator: RunningSimulator,
) -> None:
    at = desk()
    stored(at, simulator)
    at.paste(**pasted(known_pair(simulator, shop_id=OTHER_SHOP)))
    page = at.press("shop", at.submission(), shop_id="999", agree="yes")
    assert heading(page) == "This key belongs to another shop"
    assert at.submission().accepted_shop_id is None


def test_the_same_key_twice_is_named_and_asks_the_vendor_nothing(
    simulator: RunningSimulator,
) -> None:
    at = desk()
    known = known_pair(simulator)
    at.paste(**pasted(known))
    at.press("store", at.submission())
    asked = simulator.stats()["requests"]
    page = at.paste(**pasted(known))
    assert heading(page) == "You have added this key already"
    assert "Bike App mobile" in text(page)
    assert simulator.stats()["requests"] == asked
    assert_kept_not_stored(at)


def test_a_key_in_use_elsewhere_tells_nothing_of_the_other_and_alerts_staff(
    simulator: RunningSimulator,
) -> None:
    known = known_pair(simulator)
    first = desk("first", company="Secret Rival")
    first.paste(**pasted(known))
    first.press("store", first.submission())
    at = desk("second", company="Bike Shop")
    page = at.paste(**pasted(known))
    assert heading(page) == "This key is in use elsewhere"
    assert "Rival" not in page.content.decode()
    assert str(first.store.pk) not in page.content.decode()
    alert = AuditEntry.objects.get(action="duplicate.refused")
    assert alert.keychain_id == at.store.pk
    assert_kept_not_stored(at)


def test_a_wrong_secret_does_not_tell_that_its_key_is_in_use_elsewhere(
    simulator: RunningSimulator,
) -> None:
    known = known_pair(simulator)
    first = desk("first", company="Secret Rival")
    first.paste(**pasted(known))
    first.press("store", first.submission())
    page = desk("second").paste(key=known.key.get_secret_value(), secret="0" * 32)
    assert heading(page) == "Lightspeed does not accept this key"
    assert not AuditEntry.objects.filter(action="duplicate.refused").exists()


def test_an_inactive_language_asks_for_another(simulator: RunningSimulator) -> None:
    at = desk()
    page = at.paste(**pasted(known_pair(simulator, language="nl")))
    assert heading(page) == "Your shop does not have this language"
    assert_kept_not_stored(at)
    page = at.press("language", at.submission(), language="nl")
    assert heading(page) == "This key works"
    at.press("store", at.submission())
    assert Credential.objects.get().language == "nl"
    at.store.refresh_from_db()
    assert at.store.language == "nl"


def test_a_language_that_is_not_in_the_list_changes_nothing(simulator: RunningSimulator) -> None:
    at = desk()
    at.paste(**pasted(known_pair(simulator, language="nl")))
    page = at.press("language", at.submission(), language="../..")
    assert "Choose one of the languages." in text(page)
    assert at.submission().language == "en"


def test_the_other_cluster_is_asked_when_the_merchant_agrees(
    simulator: RunningSimulator,
) -> None:
    at = desk()
    page = at.paste(**pasted(known_pair(simulator, cluster="us1")))
    assert heading(page) == "Lightspeed does not accept this key"
    assert "Ask in United States (us1)" in text(page)
    page = at.press("cluster", at.submission(), cluster="us1")
    assert heading(page) == "This key works"
    assert "Your shop lives in: United States (us1)" in text(page)
    at.press("store", at.submission())
    at.store.refresh_from_db()
    assert at.store.cluster == "us1"
    assert Credential.objects.get().endpoint == "ecom-us1"


def test_a_refusal_by_both_clusters_says_so(simulator: RunningSimulator) -> None:
    at = desk()
    at.paste(**pasted(pair()))
    page = at.press("cluster", at.submission(), cluster="us1")
    assert "neither accepts the key" in text(page)
    page = at.press("cluster", at.submission(), cluster="us1")
    assert at.submission().cluster == "us1"


@pytest.mark.parametrize("kind", ["500", "429", "truncate", "html", "redirect", "reset", "giant"])
def test_an_outage_keeps_the_pair_and_says_when_it_is_checked_again(
    simulator: RunningSimulator, kind: str
) -> None:
    at = desk()
    for path in ("account/permissions", "shop", "account"):
        simulator.add_fault(path=path, kind=kind, count=9)
    for path in ("textpages", "products", "customers", "orders", "languages", "shop/tracking"):
        simulator.add_fault(path=f"{path}/count", kind=kind, count=9)
    page = at.paste(**pasted(known_pair(simulator)))
    assert heading(page) == "Lightspeed does not answer just now"
    assert "Your key is kept safe; we try again at" in text(page)
    assert_kept_not_stored(at)
    assert at.submission().state == Submission.State.WAITING
    assert at.submission().due_at is not None
    simulator.reset()
    assert heading(at.press("check", at.submission())) == "This key works"


def test_a_gzip_bomb_is_an_outage(simulator: RunningSimulator) -> None:
    at = desk()
    simulator.add_fault(path="account/permissions", kind="gzip-bomb", count=9)
    simulator.add_fault(path="shop", kind="gzip-bomb", count=9)
    page = at.paste(**pasted(known_pair(simulator)))
    assert heading(page) == "Lightspeed does not answer just now"
    assert_kept_not_stored(at)


def test_what_could_not_be_checked_is_said_for_each_box(simulator: RunningSimulator) -> None:
    at = desk()
    simulator.add_fault(path="account/permissions", kind="html", count=1)
    page = at.paste(**pasted(known_pair(simulator)))
    assert text(page).count("Could not check") == 6
    assert text(page).count("Allowed") == 6
    assert_kept_not_stored(at)


def test_swapped_values_are_put_right(simulator: RunningSimulator) -> None:
    at = desk()
    known = known_pair(simulator)
    page = at.paste(key=known.secret.get_secret_value(), secret=known.key.get_secret_value())
    assert heading(page) == "This key works"
    assert "the wrong way round" in text(page)
    at.press("store", at.submission())
    assert Credential.objects.get().last_four == known.key.get_secret_value()[-4:]


def test_a_swapped_pair_is_in_the_draft_the_right_way_round(simulator: RunningSimulator) -> None:
    at = desk()
    known = known_pair(simulator, lacking=("orders", "read"))
    at.paste(key=known.secret.get_secret_value(), secret=known.key.get_secret_value())
    page = at.press("check", at.submission())
    assert heading(page) == "One box is not ticked"
    assert Draft.objects.get().last_four == known.key.get_secret_value()[-4:]


def test_a_value_cut_short_is_asked_about_and_named_first(simulator: RunningSimulator) -> None:
    at = desk()
    known = known_pair(simulator)
    page = at.paste(key=known.key.get_secret_value(), secret=known.secret.get_secret_value()[:28])
    assert heading(page) == "Lightspeed does not accept this key"
    words = text(page)
    assert words.index("The API secret is cut short.") < words.index("switched off")
    assert_kept_not_stored(at)


def test_an_unusual_shape_is_never_refused_on_a_guess(simulator: RunningSimulator) -> None:
    at = desk()
    known = pair()
    simulator.put_key(
        key="New-Style-Key_2031", secret="New-Style-Secret_2031", shop_id=SHOP, language="en"
    )
    page = at.paste(key="New-Style-Key_2031", secret="New-Style-Secret_2031")
    assert heading(page) == "This key works"
    assert known.key != known.secret


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"key": "", "secret": ""}, "Paste the API key."),
        ({"key": "a" * 32, "secret": "a" * 32}, "Both fields hold the same value."),
        ({"key": "owner@example.test", "secret": "b" * 32}, "This is an e-mail address, not an"),
        ({"key": "a" * 32, "secret": "owner@example.test"}, "This is an e-mail address, not an"),
        ({"key": "https://shop.webshopapp.com/admin", "secret": "b" * 32}, "This is a web address"),
        ({"key": "a" * 32, "secret": "<script>alert(1)</script>" * 20}, "Error:"),
        ({"key": "x" * 2_000_000, "secret": "b" * 32}, "too much text for an API key"),
    ],
    ids=["empty", "same", "e-mail", "e-mail-secret", "address", "markup", "two-megabytes"],
)
def test_what_cannot_be_a_key_is_said_at_its_field_and_asks_nobody(
    simulator: RunningSimulator, fields: dict[str, str], words: str
) -> None:
    at = desk()
    page = at.paste(**fields)
    assert page.status_code == 422
    assert "There is a problem" in text(page)
    assert words in text(page)
    assert "<title>Error:" in page.content.decode()
    assert "<script>alert" not in page.content.decode()
    assert simulator.stats()["requests"] == 0
    assert not Credential.objects.exists()


def test_the_good_half_of_a_bad_paste_is_kept(simulator: RunningSimulator) -> None:
    at = desk()
    known = known_pair(simulator)
    page = at.paste(key=known.key.get_secret_value(), secret="owner@example.test")
    assert page.status_code == 422
    assert "Your API key is kept" in text(page)
    assert known.key.get_secret_value() not in page.content.decode()
    submission = at.submission()
    assert submission.state == Submission.State.PARTIAL
    page = at.paste(submission=submission.pk, secret=known.secret.get_secret_value())
    assert heading(page) == "This key works"
    assert at.submission() == submission


def test_ten_megabytes_get_a_page_of_their_own(simulator: RunningSimulator) -> None:
    at = desk()
    page = at.paste(key="x" * 10_000_000, secret="b" * 32)
    assert page.status_code == 413
    assert "too" in text(page).lower()
    assert RequestDataTooBig.__name__ not in page.content.decode()
    assert not Submission.objects.exists()


def test_zero_width_characters_quotes_and_labels_are_taken_off(
    simulator: RunningSimulator,
) -> None:
    at = desk()
    known = known_pair(simulator)
    key, secret = known.key.get_secret_value(), known.secret.get_secret_value()
    page = at.paste(
        key=f"API key: \u201c{key[:9]}\u200b{key[9:]}\u201d\r\n",
        secret=f"\ufeff {secret}\x00 \n",
    )
    assert heading(page) == "This key works"


def test_both_values_in_one_field_are_taken_apart(simulator: RunningSimulator) -> None:
    at = desk()
    known = known_pair(simulator)
    both = f"API Key {known.key.get_secret_value()}\nAPI Secret {known.secret.get_secret_value()}"
    page = at.paste(key=both, secret="")
    assert heading(page) == "This key works"
    assert "Both values were in one field" in text(page)


def test_hostile_names_are_escaped_and_cut(simulator: RunningSimulator) -> None:
    at = desk()
    known = known_pair(simulator)
    page = at.paste(**{**pasted(known), "name": "<img src=x onerror=alert(1)>" * 20})
    assert "<img src=x" not in page.content.decode()
    assert len(at.submission().name) == 100


def test_delete_now_leaves_nothing(simulator: RunningSimulator) -> None:
    at = desk()
    at.paste(**pasted(known_pair(simulator, lacking=("orders", "write"))))
    submission = at.submission()
    page = at.press("delete", submission)
    assert "are deleted" in text(page)
    assert not Draft.objects.exists()
    page = at.client.get(f"{at.url}{submission.pk}/")
    assert heading(page) == "This key is no longer kept"
    page = at.press("store", submission)
    assert heading(page) == "This key is no longer kept"
    assert not Credential.objects.exists()
