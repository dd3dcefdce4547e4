"""Who may see which merchants and stores; the only way to fetch a store for a page."""

import hashlib
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from keyvault.audit import Actor
from onboarding.errors import InvitationClosedError, RoleError, UnknownRecordError
from onboarding.models import Invitation, Member, Merchant, Store, User


def actor_for(user: User) -> Actor:
    """The person as the audit record names them."""
    return Actor(kind="person", id=str(user.pk))


def merchants_for(user: User) -> QuerySet[Merchant]:
    """The merchants that the person acts for, by name."""
    return Merchant.objects.filter(members__user=user).order_by("name", "pk")


def stores_for(user: User) -> QuerySet[Store]:
    """The stores of the person's merchants, by name; a closed account has none."""
    if not user.is_active:
        return Store.objects.none()
    return (
        Store.objects.filter(merchant__members__user=user)
        .select_related("merchant", "keychain")
        .order_by("name", "pk")
    )


def store_for(*, user: User, store_id: UUID) -> Store:
    """One of the person's stores.

    Raises:
        UnknownRecordError: no such store, or another merchant's; pages answer both with a 404.
    """
    try:
        return stores_for(user).get(pk=store_id)
    except Store.DoesNotExist:
        raise UnknownRecordError from None


def owned_merchant(*, user: User, merchant_id: int) -> Merchant:
    """A merchant of which the person is an owner.

    Raises:
        UnknownRecordError: the person does not act for it.
        RoleError: the person acts for it, but is no owner.
    """
    member = member_of(user=user, merchant_id=merchant_id)
    if member.role != Member.Role.OWNER:
        raise RoleError
    return member.merchant


def member_of(*, user: User, merchant_id: int) -> Member:
    """The person's own membership at a merchant.

    Raises:
        UnknownRecordError: the person does not act for it.
    """
    members = Member.objects.select_related("merchant", "user")
    try:
        return members.get(user=user, merchant=merchant_id)
    except Member.DoesNotExist:
        raise UnknownRecordError from None


def colleagues_of(merchant: Merchant) -> QuerySet[Member]:
    """Who acts for the merchant, owners first."""
    return merchant.members.select_related("user").order_by("-role", "user__email")


def open_invitations_of(merchant: Merchant) -> QuerySet[Invitation]:
    """Whom the merchant waits for."""
    waiting = merchant.invitations.filter(used_at=None, expires_at__gt=timezone.now())
    return waiting.order_by("email")


def invitation_behind(token: str) -> Invitation:
    """The invitation that a link leads to.

    Raises:
        InvitationClosedError: there is none, or it was used, withdrawn or has expired; which of
            these is nobody's business.
    """
    rows = Invitation.objects.select_related("merchant", "invited_by")
    try:
        return rows.get(digest=digest_of(token), used_at=None, expires_at__gt=timezone.now())
    except Invitation.DoesNotExist:
        raise InvitationClosedError from None


def digest_of(token: str) -> str:
    """What is kept of a link's token; it holds 256 random bits, so no salt is needed."""
    return hashlib.sha256(token.encode()).hexdigest()
