"""What staff set up: merchants, their stores, and who looks after them."""

from django.db import transaction

from onboarding.errors import SameNameError
from onboarding.models import Invitation, Member, Merchant, Store, User
from onboarding.people.invitations import invite_person
from onboarding.people.selectors import actor_for
from onboarding.people.services import create_merchant
from onboarding.stores.services import create_store


@transaction.atomic
def invite_merchant(
    *,
    name: str,
    store_name: str,
    app_name: str,
    cluster: str = Store.Cluster.EU1,
    platform: str = Store.Platform.ECOM,
    email: str,
    language: str,
    invited_by: User,
) -> Invitation:
    """Makes a merchant with a store, and invites its owner.

    Args:
        name: the company's.
        store_name: the shop's, as its owner calls it.
        app_name: of the app that the shop feeds; it names the keys.
        cluster: a value of Store.Cluster; the walkthrough corrects it from the Back Office address.
        platform: what the web shop runs on, a value of Store.Platform.
        email: the owner's.
        language: of the mail, the account and the store; a code of settings.LANGUAGES.
        invited_by: somebody of the staff.

    Returns:
        The invitation; its mail goes when the transaction commits.

    Raises:
        SameNameError: nothing was made.
    """
    if Merchant.objects.filter(name__iexact=name).exists():
        raise SameNameError
    actor = actor_for(invited_by)
    merchant = create_merchant(name=name, actor=actor)
    create_store(
        merchant=merchant,
        name=store_name,
        app_name=app_name,
        cluster=cluster,
        language=language,
        platform=platform,
        actor=actor,
    )
    return invite_person(
        merchant=merchant,
        email=email,
        role=Member.Role.OWNER,
        language=language,
        invited_by=invited_by,
    )
