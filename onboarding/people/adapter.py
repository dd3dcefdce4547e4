"""How allauth behaves here."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.utils import translation

from onboarding.models import User
from onboarding.notices.bounces import forget_bounce
from onboarding.notices.letters import send_letter
from onboarding.people.letters import VERIFICATIONS, account_letter


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
        is_verification = template_prefix in VERIFICATIONS
        send_letter(letter, to=email, language=language, is_verification=is_verification)

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """Write to an address again once its reader has followed a link that went there."""
        is_confirmed = bool(super().confirm_email(request, email_address))
        if is_confirmed:
            forget_bounce(email_address.email)
        return is_confirmed

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
