import logging
import re
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.utils import timezone

from onboarding.models import GlassRequest
from onboarding.models.glass import ASKED_FOR, OPEN_FOR
from onboarding.staff.glass import services
from tests.onboarding.cast import confirmed, officer, person, signed_in, staff_in
from tests.onboarding.people.test_second_step import database_text
from tests.onboarding.staff.glass.scene import Scene, later

pytestmark = pytest.mark.django_db
AGAIN = "/accounts/reauthenticate/"


@pytest.fixture
def scene() -> Scene:
    return Scene()


def page_of(request: GlassRequest, *, user: object) -> str:
    return signed_in(user).get(f"/staff/glass/{request.pk}/").content.decode()


def test_from_the_key_to_the_sealed_secret(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    asker, approver = confirmed(scene.anna), confirmed(scene.ben)
    ask = f"/staff/glass/keys/{scene.key.pk}/"
    assert "What happens" in asker.get(ask).content.decode()
    asked = asker.post(ask, scene.form())
    request = GlassRequest.objects.get()
    assert asked["Location"] == f"/staff/glass/{request.pk}/"
    assert "Everybody who may approve has a mail" in asker.get(asked["Location"]).content.decode()
    assert "You are the second person" in page_of(request, user=scene.ben)
    approver.post(f"/staff/glass/{request.pk}/decide/", {"do": "approve"})
    assert "You may open it now" in page_of(request, user=scene.anna)

    answer = asker.post(f"/staff/glass/{request.pk}/open/")

    page = answer.content.decode()
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    sealed = re.search(r'id="sealed">([^<]+)<', page)[1]
    info = re.search(r'id="info">([^<]+)<', page)[1]
    opened = scene.unsealed(sealed, info=info)
    secret = scene.secret.secret.get_secret_value()
    assert opened == {"key": scene.secret.key.get_secret_value(), "secret": secret}
    for hidden in (secret, scene.secret.key.get_secret_value()):
        assert hidden not in page
    for hidden in (secret, sealed):
        assert hidden not in caplog.text
        assert hidden not in str(dict(asker.session))
        assert hidden not in database_text()


def test_the_way_to_open_it_that_the_page_tells_works(
    scene: Scene,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from cryptography.hazmat.primitives import serialization as as_  # noqa: PLC0415

    page = scene.post(scene.approved(), "open", by=scene.anna).content.decode()
    values = [re.search(rf'id="{name}">([^<]+)<', page)[1] for name in ("sealed", "info")]
    pem = scene.private_key.private_bytes(
        as_.Encoding.PEM, as_.PrivateFormat.PKCS8, as_.NoEncryption()
    )
    (tmp_path / "glass.pem").write_bytes(pem)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("builtins.input", lambda _: values.pop(0))
    script = re.search(r"<pre class=\"letter\">(import base64.*?)</pre>", page, re.DOTALL)[1]
    exec(script.replace("&quot;", '"'))  # noqa: S102  # it is what people are told to run
    assert scene.secret.secret.get_secret_value() in capsys.readouterr().out


def test_opening_it_again_shows_nothing_and_says_so(scene: Scene) -> None:
    request = scene.approved()
    first = scene.post(request, "open", by=scene.anna)
    assert "This is shown once" in first.content.decode()
    second = scene.post(request, "open", by=scene.anna).content.decode()
    assert "Nothing was opened" in second
    assert "cannot be opened again" in second
    assert 'id="sealed"' not in second


@pytest.mark.parametrize(
    ("times", "state", "words"),
    [
        ({}, "asked", "A second person of the security role must decide"),
        ({"asked_at": ASKED_FOR}, "asked", "Lapsed: nobody answered within a day"),
        ({"decided_at": OPEN_FOR}, "approved", "Expired: not opened within 15 minutes"),
        ({}, "denied", "Denied"),
        ({}, "withdrawn", "Withdrawn"),
    ],
)
def test_each_end_has_words_of_its_own(
    scene: Scene, times: dict[str, timedelta], state: str, words: str
) -> None:
    request = scene.ask()
    now = timezone.now()
    if state in ("approved", "denied"):
        later(request, state=state, decided_by=scene.ben, decided_at=now)
    later(request, state=state, **{name: now - ago for name, ago in times.items()})
    page = page_of(request, user=scene.anna)
    assert words in page
    assert "Break the glass</button>" not in page
    assert "Approve for" not in page


def test_own_request_is_refused_even_when_it_is_forged(scene: Scene) -> None:
    request = scene.ask()
    assert "Approve for" not in page_of(request, user=scene.anna)
    page = scene.post(request, "decide", by=scene.anna, do="approve").content.decode()
    assert "You cannot decide here" in page
    assert GlassRequest.objects.get().state == "asked"


def test_anothers_approval_cannot_be_used(scene: Scene) -> None:
    request = scene.approved()
    page = scene.post(request, "open", by=officer("carl")).content.decode()
    assert "Nothing was opened" in page
    assert "Only the person who asked can open it" in page
    assert GlassRequest.objects.get().state == "approved"


def test_what_people_send_twice_has_one_effect(scene: Scene) -> None:
    client, form = confirmed(scene.anna), scene.form()
    for _ in range(2):
        client.post(f"/staff/glass/keys/{scene.key.pk}/", form)
    request = GlassRequest.objects.get()
    for words in ("Noted.", "Too late"):
        page = scene.post(request, "decide", by=scene.ben, do="approve").content.decode()
        assert words in page
    for words in ("Withdrawn. Nothing was opened", "Too late"):
        page = scene.post(request, "withdraw", by=scene.anna).content.decode()
        assert words in page


@pytest.mark.parametrize("role", ["support", "operator", None])
def test_other_roles_have_no_part_in_it(scene: Scene, role: str | None) -> None:
    request = scene.approved()
    client = confirmed(staff_in(role))
    base = f"/staff/glass/{request.pk}/"
    for path in ("/staff/glass/", base, f"/staff/glass/keys/{scene.key.pk}/"):
        assert client.get(path).status_code == 403
    for path in ("decide/", "withdraw/", "open/"):
        assert client.post(base + path, {"do": "deny"}).status_code == 403
    assert client.post(f"/staff/glass/keys/{scene.key.pk}/", scene.form()).status_code == 403
    assert GlassRequest.objects.get().state == "approved"


def test_a_stolen_cookie_alone_neither_asks_approves_nor_opens(scene: Scene) -> None:
    request, waiting = scene.approved(), scene.ask(by=scene.ben)
    thief = signed_in(scene.anna)
    ask = f"/staff/glass/keys/{scene.key.pk}/"
    for answer in (
        thief.get(ask),
        thief.post(ask, scene.form()),
        thief.post(f"/staff/glass/{request.pk}/open/"),
        thief.post(f"/staff/glass/{waiting.pk}/decide/", {"do": "approve"}),
    ):
        assert answer["Location"].startswith(AGAIN)
    assert set(GlassRequest.objects.values_list("state", flat=True)) == {"approved", "asked"}


def test_a_confirmation_of_long_ago_does_not_open(scene: Scene) -> None:
    client = confirmed(scene.anna)
    with time_machine.travel(timezone.now() + timedelta(minutes=6), tick=False):
        request = scene.approved()
        answer = client.post(f"/staff/glass/{request.pk}/open/")
        assert answer["Location"].startswith(AGAIN)
        assert GlassRequest.objects.get().state == "approved"


def test_glass_is_not_broken_by_another_sites_form(scene: Scene) -> None:
    request = scene.approved()
    client = Client(enforce_csrf_checks=True)
    client.force_login(scene.anna)
    for path in ("open", "decide", "withdraw"):
        assert client.post(f"/staff/glass/{request.pk}/{path}/").status_code == 403
    assert GlassRequest.objects.get().state == "approved"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"reason": ""}, "Say why the secret is needed."),
        ({"reason": "short"}, "at least 20 characters"),
        ({"reason": "x " * 300}, "Use at most 500 characters"),
        ({"reason": "It is 0123456789abcdef0123456789abcdef"}, "looks like an API key"),
        ({"public_key": ""}, "Enter your public key."),
        ({"public_key": "nonsense"}, "44 characters of base64"),
        ({"public_key": "A" * 43 + "="}, "44 characters of base64"),
    ],
)
def test_each_mistake_is_named_and_nothing_is_asked(
    scene: Scene, change: dict[str, str], error: str
) -> None:
    client = confirmed(scene.anna)
    answer = client.post(f"/staff/glass/keys/{scene.key.pk}/", scene.form(**change))
    assert answer.status_code == 422
    assert error in answer.content.decode()
    assert "There is a problem" in answer.content.decode()
    assert not GlassRequest.objects.exists()


def test_a_removed_key_cannot_be_asked_for(scene: Scene) -> None:
    client = confirmed(scene.anna)
    scene.key.__class__.objects.update(state="revoked", sealed=b"")
    page = client.post(f"/staff/glass/keys/{scene.key.pk}/", scene.form(), follow=True)
    assert "This key was removed" in page.content.decode()


def test_a_secret_that_cannot_be_read_is_said_and_nothing_is_used_up(scene: Scene) -> None:
    request = scene.approved()
    scene.key.__class__.objects.update(sealed=b"\x01\x01" + b"nonsense" * 6)
    assert "cannot be read" in scene.post(request, "open", by=scene.anna).content.decode()
    later(request, public_key=bytes(32))
    scene.key.__class__.objects.update(sealed=scene.key.sealed, state="active")
    assert "nothing can be sealed" in scene.post(request, "open", by=scene.anna).content.decode()
    assert GlassRequest.objects.get().state == "approved"


def test_the_list_says_what_is_to_be_replaced(scene: Scene) -> None:
    client = signed_in(scene.anna)
    assert "No glass was ever broken" in client.get("/staff/glass/").content.decode()
    services.break_glass(request_id=scene.approved().pk, user=scene.anna)
    page = client.get("/staff/glass/").content.decode()
    assert "To be replaced" in page
    assert "Opened, once and for all" in page


def test_a_hostile_reason_is_escaped(scene: Scene) -> None:
    request = scene.ask()
    later(request, reason="<script>alert(1)</script>")
    assert "<script>alert" not in page_of(request, user=scene.ben)


def test_unknown_requests_and_keys_are_not_found(scene: Scene) -> None:
    client = confirmed(scene.anna)
    nowhere = "00000000-0000-4000-8000-000000000000"
    assert client.get(f"/staff/glass/{nowhere}/").status_code == 404
    assert client.get(f"/staff/glass/keys/{nowhere}/").status_code == 404
    for path in ("open", "decide", "withdraw"):
        assert client.post(f"/staff/glass/{nowhere}/{path}/").status_code == 404


def test_merchants_are_refused(scene: Scene) -> None:
    request = scene.approved()
    client = signed_in(person("stranger"))
    assert client.get(f"/staff/glass/{request.pk}/").status_code == 403
    assert client.post(f"/staff/glass/{request.pk}/open/").status_code == 403


def test_lists_take_the_same_number_of_queries_for_many(scene: Scene) -> None:
    client, counts = signed_in(scene.anna), []
    client.get("/staff/glass/")
    for _ in range(2):
        services.break_glass(request_id=scene.approved().pk, user=scene.anna)
        with connection.execute_wrapper(_counter(counts)):
            client.get("/staff/glass/")
        counts.append("|")
    first, second = "".join(counts).strip("|").split("|")
    assert len(first) == len(second)


def _counter(counts: list[str]) -> object:
    def count(execute: object, *args: object) -> object:
        counts.append(".")
        return execute(*args)

    return count
