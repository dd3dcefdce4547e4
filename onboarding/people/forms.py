"""allauth's forms in our words: no placeholders, hints beneath the labels."""

from typing import Any

from allauth.account import forms as account_forms
from allauth.mfa.base import forms as mfa_forms
from allauth.mfa.totp import forms as totp_forms
from allauth.mfa.webauthn import forms as webauthn_forms
from django import forms
from django.contrib.auth.password_validation import validate_password
from django.utils.translation import gettext_lazy as _

from onboarding.models import Member, User

# What is said beneath an empty field, by the field's name.
MISSING = {
    "login": _("Enter your email address"),
    "email": _("Enter an email address"),
    "password": _("Enter your password"),
    "password1": _("Enter a new password"),
    "password2": _("Enter the new password again"),
    "oldpassword": _("Enter your present password"),
    "code": _("Enter the code"),
    "name": _("Enter a name"),
}


LABELS = {
    "oldpassword": _("Present password"),
    "code": _("Code"),
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


class AuthenticateForm(Plain, mfa_forms.AuthenticateForm):
    """The second step at the door."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].help_text = _("From your app, or one of your recovery codes.")


class ReauthenticateCodeForm(Plain, mfa_forms.ReauthenticateForm):
    """A code once more before something that matters."""


class ActivateTOTPForm(Plain, totp_forms.ActivateTOTPForm):
    """The first code of a new app."""


class AddWebAuthnForm(Plain, webauthn_forms.AddWebAuthnForm):
    """A new passkey; it may take the place of the password unless people say otherwise."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("Name")
        self.fields["name"].help_text = _("Tells it from others, for example: my phone.")
        passwordless = self.fields["passwordless"]
        passwordless.initial = True
        passwordless.label = _("Sign in with it instead of the password")
        passwordless.help_text = ""


class EditWebAuthnForm(Plain, webauthn_forms.EditWebAuthnForm):
    """Another name for a passkey."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("Name")


class InviteForm(forms.Form):
    """Whom to invite, and what they may do."""

    email = forms.EmailField(
        label=_("Email"),
        error_messages={
            "required": _("Enter an email address"),
            "invalid": _("Enter an email address like name@example.com"),
        },
    )
    role = forms.ChoiceField(
        label=_("What may they do?"),
        choices=[
            (Member.Role.MEMBER, _("See and look after the keys")),
            (Member.Role.OWNER, _("The same, and decide who else may")),
        ],
        initial=Member.Role.MEMBER,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what they may do")},
    )


class NewPersonForm(forms.Form):
    """The password of an invited person's account."""

    password1 = forms.CharField(
        label=_("Password"),
        help_text=PASSWORD_HINT,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": MISSING["password1"]},
        strip=False,
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._email = email

    def clean_password1(self) -> str:
        """Refuse a password that is easy to guess."""
        password: str = self.cleaned_data["password1"]
        validate_password(password, user=User(email=self._email))
        return password
