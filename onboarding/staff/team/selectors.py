"""Who is of the staff."""

from dataclasses import dataclass
from datetime import timedelta

from allauth.mfa.models import Authenticator
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from keyvault.audit import Action
from keyvault.models import AuditEntry
from onboarding.models import User
from onboarding.people.second_step import SECOND_STEPS
from onboarding.staff.roles import Role

# Whom one has made an officer is no second person to one until this long afterwards.
TRUSTED_AFTER = timedelta(days=7)
PERSON = "person:"


@dataclass(frozen=True, slots=True)
class TeamMember:
    """One of the staff.

    Attributes:
        user: the account.
        role: its role; None for one that has none, or may do everything.
        has_second_step: whether it can enter the panel at all.
        is_self: whether it is the reader's own.
    """

    user: User
    role: Role | None
    has_second_step: bool
    is_self: bool

    @property
    def may_be_changed(self) -> bool:
        """Whether the reader may give it another role."""
        return not (self.is_self or self.user.is_superuser)


def staff_accounts() -> QuerySet[User]:
    """Every open account of the staff, by address."""
    return User.objects.filter(is_staff=True, is_active=True).order_by("email")


def security_people() -> QuerySet[User]:
    """Who may break glass and give roles: the security role, and who may do everything."""
    may = Q(groups__name=Role.SECURITY) | Q(is_superuser=True)
    return staff_accounts().filter(may).distinct()


def team(*, reader: User) -> list[TeamMember]:
    """The staff as a list. Two queries."""
    steps = Authenticator.objects.filter(user=OuterRef("pk"), type__in=SECOND_STEPS)
    rows = staff_accounts().annotate(has_step=Exists(steps)).prefetch_related("groups")
    return [
        TeamMember(
            user=user,
            role=role_of(user),
            has_second_step=bool(user.has_step),
            is_self=user.pk == reader.pk,
        )
        for user in rows
    ]


def role_of(user: User) -> Role | None:
    """The role of an account; of several the one that may do most."""
    names = {group.name for group in user.groups.all()}
    held = [role for role in Role if role.value in names]
    return held[-1] if held and user.is_staff else None


def hang_together(one: User, other: User) -> bool:
    """Whether roles that were given of late lead from one person to the other.

    Then one person may be both: somebody who made the other's account, was made by it, or made
    both. A few rows of the record, by an index.
    """
    given = AuditEntry.objects.filter(
        action=Action.STAFF_CHANGED,
        actor__startswith=PERSON,
        at__gt=timezone.now() - TRUSTED_AFTER,
    )
    links = [
        {actor.removeprefix(PERSON), subject.removeprefix(PERSON)}
        for actor, subject, facts in given.values_list("actor", "subject", "facts")
        if facts["to"] == Role.SECURITY
    ]
    reached = {str(one.pk)}
    while found := {pk for link in links if link & reached for pk in link} - reached:
        reached |= found
    return str(other.pk) in reached
