"""What the vendor has proved about a store."""

from keyvault.audit import Action, Actor, record
from onboarding.models import Store


def keep_proved(
    *, store: Store, shop_id: int | None, cluster: str, language: str, actor: Actor
) -> None:
    """Keeps which shop a store is and how to ask it; nothing when all of it was known.

    Args:
        store: as read; it is not brought up to date.
        shop_id: the vendor's number of the shop.
        cluster: where it lives.
        language: the vendor's language that it has.
        actor: whose key or app proved it.
    """
    proved = {"shop_id": shop_id, "cluster": cluster, "language": language}
    if all(getattr(store, name) == value for name, value in proved.items()):
        return
    Store.objects.filter(pk=store.pk).update(**proved)
    record(
        action=Action.STORE_CHANGED,
        actor=actor,
        keychain_id=store.pk,
        subject=f"store:{store.pk}",
        facts=proved,
    )
