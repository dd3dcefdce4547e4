import pytest
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import override

from onboarding.models import User

TRANSLATED = [code for code, _ in settings.LANGUAGES if code != "en"]
SHOPPER = User(email="katharina@example.test")


def complaints(password: str, *, language: str) -> list[str]:
    with override(language), pytest.raises(ValidationError) as caught:
        validate_password(password, SHOPPER)
    return caught.value.messages


@pytest.mark.parametrize(
    ("password", "complaint"),
    [
        ("ninechars", "This password is too short. It needs at least 10 characters."),
        ("Katharina12", "This password is too much like your email address."),
        ("qwertyuiop", "This password is too common."),
        ("73910462857", "This password is entirely numeric."),
    ],
)
def test_a_weak_password_is_refused_in_the_words_of_the_page(password: str, complaint: str) -> None:
    assert complaints(password, language="en") == [complaint]
    for language in TRANSLATED:
        [translated] = complaints(password, language=language)
        assert translated != complaint
        assert "password" not in translated
        assert "address" not in translated


def test_three_words_are_good() -> None:
    validate_password("correct horse battery", SHOPPER)
