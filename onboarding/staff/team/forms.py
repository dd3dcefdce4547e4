"""What somebody fills in who gives roles."""

from django import forms
from django.utils.translation import gettext_lazy as _

from onboarding.staff.roles import Role

NO_ROLE = "none"


class RoleForm(forms.Form):
    """The role of an account that is there."""

    role = forms.ChoiceField(
        label=_("Role"),
        choices=[*Role.choices, (NO_ROLE, _("None: of the staff no more"))],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose a role.")},
    )

    def role_or_none(self) -> Role | None:
        """What was chosen."""
        chosen = self.cleaned_data["role"]
        return None if chosen == NO_ROLE else Role(chosen)


class AddForm(forms.Form):
    """Somebody new."""

    email = forms.EmailField(
        label=_("Email"),
        help_text=_("An account is made when there is none."),
        error_messages={
            "required": _("Enter an email address"),
            "invalid": _("Enter an email address like name@example.com"),
        },
    )
    role = forms.ChoiceField(
        label=_("Role"),
        choices=Role.choices,
        initial=Role.SUPPORT,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose a role.")},
    )
