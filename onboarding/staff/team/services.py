"""Giving and taking roles; each change is on record, and told to whom it concerns."""

from django.contrib.auth.models import Group
from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from keyvault.audit import Action, record
from onboarding.models import User
from onboarding.notices.letters import Letter, absolute_url, send_letter
from onboarding.people.selectors import actor_for
from onboarding.people.services import create_person
from onboarding.staff.roles import Role
from onboarding.staff.team.errors import LastSecurityError, OwnRoleError, SuperuserError
from onboarding.staff.team.selectors import role_of, security_people


@transaction.atomic
def give_role(*, user: User, role: Role | None, by: User) -> User:
    """Puts an account into one role, or out of the staff.

    Locks the accounts of the security role, so that two of them cannot put each other out at once.

    Args:
        user: whose role; another person than `by`.
        role: the new one; None: of the staff no more, from the next request on.
        by: somebody of the security role.

    Returns:
        The account as it is now.

    Raises:
        OwnRoleError: nobody changes their own role.
        SuperuserError: the account was made by a command and may do everything; so is it changed.
        LastSecurityError: nobody would be left who may give roles and approve.
    """
    if user.pk == by.pk:
        raise OwnRoleError
    guards = User.objects.filter(groups__name=Role.SECURITY, is_active=True, is_staff=True)
    locked = guards.order_by("pk").select_for_update(of=("self",), no_key=True)
    others = {guard.pk for guard in locked} - {user.pk}
    row = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if row.is_superuser:
        raise SuperuserError
    before = role_of(row)
    if before == role:
        return row
    has_superuser = User.objects.filter(is_superuser=True, is_active=True).exists()
    if before == Role.SECURITY and not others and not has_superuser:
        raise LastSecurityError
    row.is_staff = role is not None
    row.save(update_fields=["is_staff"])
    row.groups.set(Group.objects.filter(name=role.value) if role else ())
    record(
        action=Action.STAFF_CHANGED,
        actor=actor_for(by),
        subject=f"person:{row.pk}",
        facts={"from": before.value if before else "", "to": role.value if role else ""},
    )
    _tell(row, role=role)
    if role == Role.SECURITY:
        _tell_guards(row, by=by)
    return row


@transaction.atomic
def add_to_staff(*, email: str, role: Role, by: User) -> User:
    """Gives a role to whoever has the address; makes the account when there is none.

    A new account has no password: its owner asks for a link on the sign-in page.

    Raises:
        OwnRoleError, SuperuserError, LastSecurityError: as for `give_role`.
    """
    user = User.objects.filter(email__iexact=email).first()
    return give_role(user=user or create_person(email=email), role=role, by=by)


def _tell(user: User, *, role: Role | None) -> None:
    with translation.override(user.language):
        letter = role_letter(user, role=role)
    send_letter(letter, to=user.email, language=user.language)


def _tell_guards(user: User, *, by: User) -> None:
    """Write to all others of the security role: an officer whom nobody knows is an alarm."""
    for guard in security_people().exclude(pk__in=(user.pk, by.pk)):
        with translation.override(guard.language):
            letter = Letter(
                subject=_("%(who)s may break glass from now on") % {"who": user.email},
                paragraphs=(
                    _("%(by)s gave %(who)s the security role.")
                    % {"by": by.email, "who": user.email},
                    _("If you do not know why, ask, and take the role back."),
                ),
                action_label=_("Staff and roles"),
                action_url=absolute_url(reverse("staff-team")),
            )
        send_letter(letter, to=guard.email, language=guard.language)


def role_letter(user: User, *, role: Role | None) -> Letter:
    """Tells somebody which role they have now, and what they need for it."""
    if role is None:
        return Letter(
            subject=_("You are no longer of the staff"),
            paragraphs=(_("A colleague has taken your role. Your account stays as it is."),),
        )
    paragraphs = [
        _("A colleague has given you a role on the staff panel: %s.") % role.label,
        _("Staff sign in with a second step. If you have none yet, you are asked to set one up."),
    ]
    path = reverse("admin:index")
    if not user.has_usable_password():
        paragraphs.append(_("You have no password yet: ask for a link, and choose one."))
        path = reverse("account_reset_password")
    return Letter(
        subject=_("Your role on the staff panel"),
        paragraphs=tuple(paragraphs),
        action_label=_("Go on"),
        action_url=absolute_url(path),
    )
