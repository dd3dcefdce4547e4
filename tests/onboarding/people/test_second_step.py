import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import reverse
from pydantic import SecretStr

from keyvault.errors import ShreddedKeychainError, TamperedSecretError
from keyvault.models import WrappedDek
from onboarding.models import User
from onboarding.people.second_step import open_sealed, seal_for
from tests.onboarding.cast import PASSWORD, person

pytestmark = pytest.mark.django_db
CANARY = SecretStr(generate_totp_secret())


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    cache.clear()


def code_for(secret: str) -> str:
    _, now, _ = yield_hotp_counters_from_time()  # the oldest would be over in a moment
    return format_hotp_value(hotp_value(secret, now))


def signed_in_anew(user: User) -> Client:
    client = Client()
    client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    return client


def with_codes(user: User) -> tuple[Client, str]:
    """A browser of a person who has just set up one-time codes, and the secret of them."""
    client = signed_in_anew(user)
    secret = client.get(reverse("mfa_activate_totp")).context["form"].secret
    answer = client.post(reverse("mfa_activate_totp"), {"code": code_for(secret)})
    assert answer.status_code == 302
    return client, secret


def database_text() -> str:
    with connection.cursor() as cursor:
        texts = []
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608  # our own table names
            texts.append(
                repr(
                    [
                        [bytes(v) if isinstance(v, memoryview) else v for v in row]
                        for row in cursor.fetchall()
                    ]
                )
            )
        return "".join(texts)


def test_sealed_secret_opens_to_itself() -> None:
    sealed = seal_for(user=person("owner"), secret=CANARY)
    assert CANARY.get_secret_value() not in sealed
    assert open_sealed(sealed) == CANARY


def test_person_gets_one_keychain_for_all_their_secrets() -> None:
    user = person("owner")
    first, second = seal_for(user=user, secret=CANARY), seal_for(user=user, secret=CANARY)
    assert first.split(".")[1] == second.split(".")[1] == User.objects.get().keychain_id.hex
    assert first != second


def test_altered_text_does_not_open() -> None:
    parts = seal_for(user=person("owner"), secret=CANARY).split(".")
    other = seal_for(user=person("other"), secret=CANARY).split(".")
    mixed = [parts[0], other[1], parts[2], parts[3]]
    moved = [parts[0], parts[1], other[2], parts[3]]
    flipped = [*parts[:3], ("B" if parts[3][0] != "B" else "C") + parts[3][1:]]
    for altered in (mixed, moved, flipped):
        with pytest.raises(TamperedSecretError):
            open_sealed(".".join(altered))


@pytest.mark.parametrize(
    "text", ["", "JBSWY3DP", "v2.a.b.c", "v1.x.y.z", "v1." + "0" * 32 + "." + "0" * 32 + ".%"]
)
def test_text_of_another_format_is_refused(text: str) -> None:
    with pytest.raises(TamperedSecretError):
        open_sealed(text)


def test_shredded_person_has_no_second_step_left() -> None:
    sealed = seal_for(user=person("owner"), secret=CANARY)
    WrappedDek.objects.all().delete()
    with pytest.raises(ShreddedKeychainError):
        open_sealed(sealed)


def test_secret_of_the_app_is_nowhere_in_the_database() -> None:
    client, secret = with_codes(person("owner"))
    client.get(reverse("mfa_index"))
    assert len(secret) >= 16
    assert secret not in database_text()


def test_password_alone_opens_nothing_once_there_is_a_second_step() -> None:
    user = person("owner")
    with_codes(user)
    client = Client()
    answer = client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    assert answer["Location"] == reverse("mfa_authenticate")
    assert client.get(reverse("account")).status_code == 302
    page = client.post(reverse("mfa_authenticate"), {"code": "000000"})
    assert "There is a problem" in page.content.decode()
    assert "_auth_user_id" not in client.session


def test_recovery_code_lets_in_once() -> None:
    user = person("owner")
    client, _ = with_codes(user)
    client.post(reverse("mfa_generate_recovery_codes"))
    shown = client.get(reverse("mfa_view_recovery_codes")).context["unused_codes"]
    assert "****" in client.get(reverse("mfa_view_recovery_codes")).context["unused_codes"]
    for is_let_in in (True, False):
        visitor = Client()
        cache.clear()
        visitor.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
        visitor.post(reverse("mfa_authenticate"), {"code": shown[0]})
        assert ("_auth_user_id" in visitor.session) is is_let_in


def test_second_step_needs_the_password_afresh() -> None:
    user = person("owner")
    client = Client()
    client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    for name in ("mfa_activate_totp", "mfa_add_webauthn", "mfa_generate_recovery_codes"):
        assert client.get(reverse(name))["Location"].startswith(reverse("account_reauthenticate"))


def test_turning_off_takes_the_secret_away() -> None:
    client, _ = with_codes(person("owner"))
    assert client.post(reverse("mfa_deactivate_totp")).status_code == 302
    assert not Authenticator.objects.exists()


def test_pages_of_the_second_step_stand_in_our_frame() -> None:
    client, _ = with_codes(person("owner"))
    for name in (
        "mfa_index",
        "mfa_deactivate_totp",
        "mfa_list_webauthn",
        "mfa_add_webauthn",
        "mfa_generate_recovery_codes",
    ):
        page = client.get(reverse(name)).content.decode()
        assert page.count("<h1>") == 1
        assert 'class="skip-link"' in page
        assert "style=" not in page


def test_passkeys_are_listed_renamed_and_removed() -> None:
    user = person("owner")
    client = signed_in_anew(user)
    key = Authenticator.objects.create(
        user=user, type=Authenticator.Type.WEBAUTHN, data={"name": "<b>Phone</b>"}
    )
    assert "&lt;b&gt;Phone" in client.get(reverse("mfa_list_webauthn")).content.decode()
    edit = reverse("mfa_edit_webauthn", args=[key.pk])
    assert "Enter a name" in client.post(edit, {"name": ""}).content.decode()
    client.post(edit, {"name": "Laptop"})
    remove = reverse("mfa_remove_webauthn", args=[key.pk])
    assert "“Laptop”" in client.get(remove).content.decode()
    client.post(remove)
    assert not Authenticator.objects.exists()
