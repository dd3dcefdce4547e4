"""How allauth behaves here."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.utils import translation

from onboarding.models import User
from onboarding.notices.letters import send_letter
from onboarding.people.letters import account_letter


class AccountAdapter(DefaultAccountAdapter):
    """Accounts of this site."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Say whether people may make accounts by themselves."""
        return bool(settings.SIGNUP_OPEN)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send our letter instead of allauth's mail, in the person's language."""
        known = User.objects.filter(email__iexact=email).values_list("language", flat=True).first()
        language = known or translation.get_language() or settings.LANGUAGE_CODE
        with translation.override(language):
            letter = account_letter(name=template_prefix, context=context)
        send_letter(letter, to=email, language=language)

    def save_user(
        self,
        request: HttpRequest,
        user: AbstractBaseUser,
        form: Any,  # noqa: ANN401  # allauth's signature
        commit: bool = True,  # noqa: FBT001, FBT002  # allauth's signature
    ) -> AbstractBaseUser:
        """Keep the language in which somebody made their account."""
        if isinstance(user, User):
            user.language = translation.get_language() or settings.LANGUAGE_CODE
        saved: AbstractBaseUser = super().save_user(request, user, form, commit)
        return saved
