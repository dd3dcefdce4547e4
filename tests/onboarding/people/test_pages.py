import re

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core import mail
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django import Settings

from onboarding.models import User
from onboarding.people.requests import person_of
from tests.onboarding.cast import PASSWORD, merchant, person, signed_in, staff_member, store

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"
# Every page of allauth that somebody may reach, by its name.
SIGNED_OUT = ["account_login", "account_signup", "account_reset_password", "account_inactive"]
SIGNED_IN = [
    "account",
    "account_logout",
    "account_change_password",
    "account_reauthenticate",
    "help",
]


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    cache.clear()


def sign_in(client: Client, email: str, password: str = PASSWORD) -> HttpResponse:
    return client.post(LOGIN, {"login": email, "password": password})


def test_sign_in_page_has_the_words_that_others_rely_on(client: Client) -> None:
    page = client.get(LOGIN).content.decode()
    assert re.findall(r'<label class="form-label" for="\w+">(.*?)</label>', page) == [
        "Email",
        "Password",
    ]
    assert re.search(r"<button[^>]*>Sign in</button>", page)
    assert "placeholder" not in page
    assert "*" not in re.sub(r"<[^>]+>|\s", "", page)


@pytest.mark.parametrize("name", SIGNED_OUT)
def test_pages_before_signing_in_stand_in_our_frame(client: Client, name: str) -> None:
    response = client.get(reverse(name))
    assert response.status_code == 200
    assert_framed(response)


@pytest.mark.parametrize("name", SIGNED_IN)
def test_pages_of_the_account_stand_in_our_frame(name: str) -> None:
    client = signed_in(person("owner"))
    response = client.get(reverse(name), follow=True)
    assert response.status_code == 200
    assert_framed(response)


def assert_framed(response: HttpResponse) -> None:
    page = response.content.decode()
    assert '<html lang="en">' in page
    assert page.count("<main") == page.count("<h1>") == 1
    assert 'class="skip-link"' in page
    assert re.search(r"<title>\S.*.{3}Latchkey</title>", page)
    assert "style=" not in page
    assert not re.search(r"<script(?![^>]*(?:src=|application/json))", page)
    policy = response["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def test_wrong_password_is_said_in_summary_and_title(client: Client) -> None:
    person("owner")
    page = sign_in(client, "owner@example.test", "wrong-password").content.decode()
    assert "<title>Error: Sign in" in page
    assert "There is a problem" in page


def test_empty_form_links_each_error_to_its_field(client: Client) -> None:
    page = sign_in(client, "", "").content.decode()
    assert '<a href="#id_login">Enter your email address</a>' in page
    assert '<a href="#id_password">Enter your password</a>' in page
    assert 'aria-describedby="id_login_error"' in page


def test_unknown_address_and_wrong_password_look_alike(client: Client) -> None:
    person("owner")
    pages = [
        sign_in(client, email, "wrong-password").content.decode()
        for email in ("owner@example.test", "nobody@example.test")
    ]
    blank = [re.sub(r'value="[^"]*"|\w+@example.test|csrf\w+', "", page) for page in pages]
    assert blank[0] == blank[1]


def test_guessing_is_stopped_even_for_the_right_password(client: Client) -> None:
    person("owner")
    for _ in range(5):
        sign_in(client, "owner@example.test", "wrong-password")
    response = sign_in(client, "owner@example.test")
    assert response.status_code in (200, 429)
    assert "_auth_user_id" not in client.session


def test_password_never_comes_back(client: Client) -> None:
    assert (
        "wrong-password" not in sign_in(client, "a@example.test", "wrong-password").content.decode()
    )


def test_session_key_changes_at_sign_in(client: Client) -> None:
    person("owner")
    client.get(LOGIN)
    session = client.session
    session["before"] = True
    session.save()
    before = session.session_key
    sign_in(client, "owner@example.test")
    assert client.session.session_key != before


def test_sign_out_ends_the_session_on_the_server() -> None:
    client = signed_in(person("owner"))
    key = client.session.session_key
    assert client.post(reverse("account_logout")).status_code == 302
    assert not client.session.exists(key)


def test_reset_mail_goes_to_accounts_only_and_the_page_tells_nothing(client: Client) -> None:
    person("owner")
    answers = [
        client.post(reverse("account_reset_password"), {"email": email})
        for email in ("nobody@example.test", "owner@example.test")
    ]
    assert {answer["Location"] for answer in answers} == {reverse("account_reset_password_done")}
    assert [message.to for message in mail.outbox] == [["owner@example.test"]]


def test_reset_link_changes_the_password_once(client: Client) -> None:
    user = person("owner")
    client.post(reverse("account_reset_password"), {"email": user.email})
    link = re.search(r"/accounts/password/reset/key/\S+", str(mail.outbox[0].body))[0]
    form = client.get(link, follow=True)
    assert_framed(form)
    address = form.redirect_chain[-1][0]
    new = {"password1": "another-lantern-43", "password2": "another-lantern-43"}
    assert client.post(address, new, follow=True).status_code == 200
    assert User.objects.get(pk=user.pk).check_password("another-lantern-43")
    again = Client().get(link, follow=True)
    assert "This link does not work any more" in again.content.decode()


def test_sign_up_is_closed_unless_the_operator_opens_it(client: Client, settings: Settings) -> None:
    assert "Accounts are by invitation" in client.get(reverse("account_signup")).content.decode()
    settings.SIGNUP_OPEN = True
    page = client.get(reverse("account_signup"))
    assert_framed(page)
    assert "Make an account" in page.content.decode()


def test_new_account_gets_in_after_its_address_is_confirmed(
    client: Client, settings: Settings
) -> None:
    settings.SIGNUP_OPEN = True
    form = {"email": "new@example.test", "password1": "harbour-lantern-42"}
    client.post(reverse("account_signup"), form)
    assert "_auth_user_id" not in client.session
    link = re.search(r"/accounts/confirm-email/\S+", str(mail.outbox[0].body))[0]
    assert_framed(client.get(link))
    client.post(link)
    assert sign_in(client, "new@example.test").status_code == 302
    assert "_auth_user_id" in client.session


def test_start_leads_everybody_to_their_own_page(client: Client) -> None:
    assert client.get("/")["Location"] == LOGIN
    assert signed_in(staff_member()).get("/")["Location"] == "/staff/"


def test_merchants_come_to_their_store_or_to_the_list_of_them() -> None:
    owner = person("owner")
    company = merchant(owner=owner)
    client = signed_in(owner)
    assert client.get("/")["Location"] == reverse("stores")
    shop = store(company)
    assert client.get("/")["Location"] == reverse("store", args=[shop.pk])
    store(company, "Second")
    assert client.get("/")["Location"] == reverse("stores")


def test_language_that_somebody_chose_is_theirs_in_every_browser() -> None:
    owner = person("owner")
    signed_in(owner).post(reverse("set_language"), {"language": "nl"})
    signed_in(owner).post(reverse("set_language"), {"language": "xx"})
    assert '<html lang="nl">' in signed_in(owner).get(reverse("account")).content.decode()


def test_page_that_forgot_to_ask_who_it_is_shows_nothing(rf: RequestFactory) -> None:
    request = rf.get("/")
    request.user = AnonymousUser()
    with pytest.raises(PermissionDenied):
        person_of(request)


def test_account_page_names_the_merchants(client: Client) -> None:
    owner = person("owner")
    merchant("Bike <b>Shop</b>", owner=owner)
    page = signed_in(owner).get(reverse("account")).content.decode()
    assert "Bike &lt;b&gt;Shop&lt;/b&gt;" in page


def test_language_is_switched_without_script(client: Client) -> None:
    client.post(reverse("set_language"), {"language": "nl", "next": LOGIN})
    assert '<html lang="nl">' in client.get(LOGIN).content.decode()


def test_language_switch_leads_to_no_other_site(client: Client) -> None:
    answer = client.post(reverse("set_language"), {"language": "nl", "next": "https://evil.test/"})
    assert "evil" not in answer["Location"]


def test_operator_is_named_and_escaped(client: Client, settings: Settings) -> None:
    settings.OPERATOR = {"name": "Acme <b>", "support_email": "help@acme.test"}
    page = client.get(LOGIN).content.decode()
    assert "Acme &lt;b&gt;" in page
    assert "help@acme.test" in page


def test_unknown_page_stands_in_our_frame(client: Client) -> None:
    response = client.get("/nowhere/")
    assert response.status_code == 404
    assert_framed(response)


def test_form_without_token_is_refused_in_our_frame() -> None:
    response = Client(enforce_csrf_checks=True).post(LOGIN, {"login": "a", "password": "b"})
    assert response.status_code == 403
    assert "Please send it again" in response.content.decode()
