"""Who may see which merchants and stores; the only way to fetch a store for a page."""

from uuid import UUID

from django.db.models import QuerySet

from keyvault.audit import Actor
from onboarding.errors import UnknownRecordError
from onboarding.models import Member, Merchant, Store, User


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


def membership_for(*, user: User, merchant: Merchant) -> Member:
    """The person's role at a merchant.

    Raises:
        UnknownRecordError: the person does not act for this merchant.
    """
    try:
        return Member.objects.select_related("merchant").get(user=user, merchant=merchant)
    except Member.DoesNotExist:
        raise UnknownRecordError from None
