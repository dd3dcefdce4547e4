"""allauth's forms in our words: no placeholders, hints beneath the labels."""

from typing import Any

from allauth.account import forms as account_forms
from django import forms
from django.utils.translation import gettext_lazy as _

# What is said beneath an empty field, by the field's name.
MISSING = {
    "login": _("Enter your email address"),
    "email": _("Enter an email address"),
    "password": _("Enter your password"),
    "password1": _("Enter a new password"),
    "password2": _("Enter the new password again"),
    "oldpassword": _("Enter your present password"),
}


LABELS = {
    "oldpassword": _("Present password"),
    "password1": _("New password"),
    "password2": _("New password again"),
}
PASSWORD_HINT = _(
    "At least 10 characters. Three or four words that nobody else would put together are good."
)


class Plain(forms.Form):
    """Leaves out what allauth writes into the fields, and says what is missing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            field.label = LABELS.get(name, field.label)
            if name == "password1":
                field.help_text = PASSWORD_HINT
            if name in MISSING:
                field.error_messages["required"] = MISSING[name]
            if isinstance(field, forms.EmailField):
                field.error_messages["invalid"] = _("Enter an email address like name@example.com")


class LoginForm(Plain, account_forms.LoginForm):
    """Email and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = ""


class SignupForm(Plain, account_forms.SignupForm):  # type: ignore[misc]  # its clean() is untyped
    """A new account; its address is verified before anything else."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].label = _("Password")
        self.fields["email"].help_text = _("We send a link to this address to confirm it.")


class ResetPasswordForm(Plain, account_forms.ResetPasswordForm):
    """Asks for a link to choose a new password."""


class ResetPasswordKeyForm(Plain, account_forms.ResetPasswordKeyForm):
    """Chooses a new password by the link of the mail."""


class ChangePasswordForm(Plain, account_forms.ChangePasswordForm):
    """Chooses a new password by the present one."""


class SetPasswordForm(Plain, account_forms.SetPasswordForm):
    """Chooses a first password."""


class AddEmailForm(Plain, account_forms.AddEmailForm):
    """Changes the address that one signs in with."""


class ReauthenticateForm(Plain, account_forms.ReauthenticateForm):
    """Asks for the password once more before something that matters."""
