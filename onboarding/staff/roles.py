"""What staff may do: support sees, operator acts, security holds what is dangerous.

The roles are groups, made and kept true by `migrate`; accounts are put into them, never given
single rights. Rights are Django's own: `add_verification` is to check a key, `add_merchant` to
invite, `change_credential` to pause and resume, `change_alert` to mark alerts as handled,
`change_bouncedaddress` to write to an address again, `delete_credential` to break glass,
`add_backend` to make tokens and to revoke them, `add_credential` to import keys of before OAuth,
`change_dutyrun` to try failed work again, `add_storenote` to write on a store, `change_user` to
give these roles.
"""

from django.apps import AppConfig
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """The groups; each may do what those before it may."""

    SUPPORT = "support", _("Support: sees, changes nothing")
    OPERATOR = "operator", _("Operator: invites, checks, pauses")
    SECURITY = "security", _("Security: breaks glass, rotates, plans")


# What each role may do besides looking at every table of the panel.
ADDED = {
    Role.SUPPORT: frozenset(
        {
            "view_campaign",
            "view_case",
            "view_dutyrun",
            "view_plan",
            "view_providerclient",
            "view_storenote",
            "view_waitingmerchant",
        }
    ),
    Role.OPERATOR: frozenset(
        {
            "add_merchant",
            "add_storenote",
            "add_verification",
            "change_alert",
            "change_bouncedaddress",
            "change_campaign",
            "change_case",
            "change_credential",
            "change_dutyrun",
            "change_trafficfactors",
            "change_waitingmerchant",
            "change_webhookendpoint",
        }
    ),
    Role.SECURITY: frozenset(
        {
            "add_backend",
            "add_credential",
            "change_plan",
            "change_providerclient",
            "change_user",
            "delete_credential",
        }
    ),
}


def sync_roles(sender: AppConfig, **_options: object) -> None:  # noqa: ARG001  # a signal's handler
    """Make the groups, and give them their rights; run after every `migrate`."""
    names = {f"view_{model._meta.model_name}" for model in admin.site._registry}  # noqa: SLF001  # the panel's own tables
    for role in Role:
        names |= ADDED[role]
        group, _is_new = Group.objects.get_or_create(name=role.value)
        group.permissions.set(
            Permission.objects.filter(
                codename__in=names, content_type__app_label__in=("onboarding", "keyvault")
            )
        )
