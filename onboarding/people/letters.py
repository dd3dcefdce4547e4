"""What allauth has to say, as letters of ours."""

from collections.abc import Callable
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from onboarding.notices.letters import Letter, absolute_url


def _password_reset(context: dict[str, Any]) -> Letter:
    return Letter(
        subject=_("Choose a new password"),
        paragraphs=(
            _("Somebody asked for a new password for your account. If it was you, choose it here."),
            _("If it was not, do nothing: your password stays as it is."),
        ),
        action_label=_("Choose a new password"),
        action_url=context["password_reset_url"],
        note=_("The link works once, for three days."),
    )


def _unknown_account(context: dict[str, Any]) -> Letter:  # noqa: ARG001  # called like the others
    return Letter(
        subject=_("There is no account with this address"),
        paragraphs=(_("Somebody asked for a new password, but this address has no account here."),),
    )


def _confirm_address(context: dict[str, Any]) -> Letter:
    return Letter(
        subject=_("Confirm your email address"),
        paragraphs=(_("Is this address yours? Then confirm it, and go on."),),
        action_label=_("Confirm the address"),
        action_url=context["activate_url"],
        note=_("If you did not ask for this, do nothing."),
    )


def _account_exists(context: dict[str, Any]) -> Letter:
    return Letter(
        subject=_("You have an account already"),
        paragraphs=(
            _("Somebody tried to make an account with this address. It has one already."),
            _("If it was you, sign in, or choose a new password if you forgot yours."),
        ),
        action_label=_("Choose a new password"),
        action_url=context["password_reset_url"],
    )


# What happened to an account: subject and sentence, by the name that allauth gives its mail.
EVENTS = {
    "account/email/password_changed": (
        gettext_noop("Your password was changed"),
        gettext_noop("The password of your account was changed just now."),
    ),
    "account/email/password_set": (
        gettext_noop("Your account has a password"),
        gettext_noop("A password was set for your account just now."),
    ),
    "account/email/password_reset": (
        gettext_noop("Your password was changed"),
        gettext_noop("A new password was chosen by the link that we sent you."),
    ),
    "account/email/email_changed": (
        gettext_noop("Your email address was changed"),
        gettext_noop("Your account has another address from now on."),
    ),
    "account/email/email_confirm": (
        gettext_noop("Your email address is confirmed"),
        gettext_noop("The address of your account was confirmed just now."),
    ),
    "account/email/email_deleted": (
        gettext_noop("An email address was removed"),
        gettext_noop("This address does not belong to your account any more."),
    ),
    "mfa/email/totp_activated": (
        gettext_noop("One-time codes are on"),
        gettext_noop("From now on your account asks for a code from your app."),
    ),
    "mfa/email/totp_deactivated": (
        gettext_noop("One-time codes are off"),
        gettext_noop("Your account does not ask for a code from your app any more."),
    ),
    "mfa/email/webauthn_added": (
        gettext_noop("A passkey was added"),
        gettext_noop("There is a new passkey that opens your account."),
    ),
    "mfa/email/webauthn_removed": (
        gettext_noop("A passkey was removed"),
        gettext_noop("A passkey does not open your account any more."),
    ),
    "mfa/email/recovery_codes_generated": (
        gettext_noop("You have new recovery codes"),
        gettext_noop("Recovery codes were made for your account; older ones stopped working."),
    ),
}
REQUESTS: dict[str, Callable[[dict[str, Any]], Letter]] = {
    "account/email/password_reset_key": _password_reset,
    "account/email/unknown_account": _unknown_account,
    "account/email/email_confirmation": _confirm_address,
    "account/email/email_confirmation_signup": _confirm_address,
    "account/email/account_already_exists": _account_exists,
}
# These ask whether an address works, so they go to one that bounced as well.
VERIFICATIONS = ("account/email/email_confirmation", "account/email/email_confirmation_signup")


def account_letter(*, name: str, context: dict[str, Any]) -> Letter:
    """The letter behind one of allauth's mails, in the language that is active.

    Args:
        name: as allauth calls it, "account/email/password_changed".
        context: as allauth gives it; the links stand in it.

    Returns:
        The letter.
    """
    if name in REQUESTS:
        return REQUESTS[name](context)
    subject, sentence = EVENTS[name]
    return Letter(
        subject=_(subject),
        paragraphs=(
            _(sentence),
            _("If it was not you, choose a new password at once and write to us."),
        ),
        action_label=_("See your account"),
        action_url=absolute_url(reverse("account")),
    )
