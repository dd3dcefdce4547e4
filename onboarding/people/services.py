"""Writes of accounts, merchants and who acts for them."""

from uuid import UUID

from allauth.account.models import EmailAddress
from django.db import transaction
from pydantic import SecretStr

from keyvault.audit import Action, Actor, record
from onboarding.errors import AlreadyMemberError, LastOwnerError, UnknownRecordError
from onboarding.models import Member, Merchant, User


@transaction.atomic
def create_person(
    *,
    email: str,
    password: SecretStr | None = None,
    language: str = "en",
    is_staff: bool = False,
    is_superuser: bool = False,
) -> User:
    """Makes an account whose address counts as verified, for people that the operator knows.

    Args:
        email: the address; stored in lower case.
        password: None makes an account that needs a reset link or a passkey first.
        language: a code of settings.LANGUAGES.
        is_staff: may enter the staff panel.
        is_superuser: may do everything there.

    Returns:
        The account.

    Raises:
        django.db.IntegrityError: the address has an account; tell nobody who cannot know that.
    """
    user = User.objects.create_user(
        email,
        password.get_secret_value() if password else None,
        language=language,
        is_staff=is_staff,
        is_superuser=is_superuser,
    )
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


@transaction.atomic
def create_merchant(*, name: str, owner: User | None = None, actor: Actor) -> Merchant:
    """Makes a merchant, with its first owner when there is one already.

    Args:
        name: the company's, as people know it.
        owner: becomes an owner of it.
        actor: who makes it.

    Returns:
        The merchant.
    """
    merchant = Merchant.objects.create(name=name)
    record(action=Action.MERCHANT_CREATED, actor=actor, subject=f"merchant:{merchant.pk}")
    if owner is not None:
        add_member(merchant=merchant, user=owner, role=Member.Role.OWNER, actor=actor)
    return merchant


@transaction.atomic
def add_member(
    *, merchant: Merchant, user: User, role: str = Member.Role.MEMBER, actor: Actor
) -> Member:
    """Lets a person act for a merchant.

    Args:
        merchant: whose stores the person may see from now on.
        user: the person.
        role: a value of Member.Role.
        actor: who lets them; recorded for each store of the merchant.

    Returns:
        The membership.

    Raises:
        AlreadyMemberError: the person acts for this merchant already.
    """
    member, is_new = Member.objects.get_or_create(
        merchant=merchant, user=user, defaults={"role": role}
    )
    if not is_new:
        raise AlreadyMemberError
    _record_member(action=Action.MEMBER_ADDED, member=member, actor=actor)
    return member


@transaction.atomic
def change_role(*, member: Member, role: str, actor: Actor) -> Member:
    """Gives a member another role.

    Locks the merchant's members, so that two owners cannot step down at once.

    Args:
        member: whose role.
        role: a value of Member.Role.
        actor: who changes it; recorded for each store of the merchant.

    Returns:
        The membership as it is now.

    Raises:
        LastOwnerError: the merchant would be without an owner.
        UnknownRecordError: somebody removed the member meanwhile.
    """
    member = _locked(member)
    if role != Member.Role.OWNER:
        _refuse_last_owner(member)
    member.role = role
    member.save(update_fields=["role"])
    _record_member(action=Action.MEMBER_CHANGED, member=member, actor=actor)
    return member


@transaction.atomic
def remove_member(*, member: Member, actor: Actor) -> None:
    """Ends a membership; the person sees nothing of the merchant from the next request on.

    Args:
        member: the membership; one's own when a person leaves.
        actor: who ends it; recorded for each store of the merchant.

    Raises:
        LastOwnerError: the merchant would be without an owner.
        UnknownRecordError: somebody removed the member meanwhile.
    """
    member = _locked(member)
    _refuse_last_owner(member)
    _record_member(action=Action.MEMBER_REMOVED, member=member, actor=actor)
    member.delete()


def _locked(member: Member) -> Member:
    members = Member.objects.select_for_update().filter(merchant=member.merchant_id)
    for row in members.order_by("pk"):
        if row.pk == member.pk:
            return row
    raise UnknownRecordError


def _refuse_last_owner(member: Member) -> None:
    owners = Member.objects.filter(merchant=member.merchant_id, role=Member.Role.OWNER)
    if not owners.exclude(pk=member.pk).exists():
        raise LastOwnerError


def _record_member(*, action: Action, member: Member, actor: Actor) -> None:
    record_for_stores(
        action=action,
        merchant=member.merchant,
        actor=actor,
        subject=f"person:{member.user_id}",
        facts={"role": member.role},
    )


def record_for_stores(
    *, action: Action, merchant: Merchant, actor: Actor, subject: str, facts: dict[str, str]
) -> None:
    """Records what concerns all stores of a merchant on the record of each.

    One INSERT a store, in the caller's transaction; a merchant without a store gets one entry that
    belongs to no store.

    Args:
        action: what happened.
        merchant: whose stores.
        actor: who did it.
        subject: what was acted upon, an id and never an address.
        facts: what an auditor needs besides.
    """
    stores: list[UUID | None] = [*merchant.stores.values_list("pk", flat=True)]
    for keychain_id in stores or [None]:
        record(action=action, actor=actor, keychain_id=keychain_id, subject=subject, facts=facts)
