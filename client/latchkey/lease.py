"""A lease, as it is read out of an answer."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from latchkey.answers import SECRET
from latchkey.errors import UnavailableError
from latchkey.hidden import Hidden, Secret
from latchkey.sealed import unseal


@dataclass(frozen=True, slots=True)
class Lease:
    """A credential with a number of permits.

    Attributes:
        id: to settle it.
        permits: requests that may be sent.
        use_by: the last moment to send one, by Latchkey's clock.
        base_url: where they go.
        language: the shop's language code.
        credential: {"key", "secret"} or {"access_token"}.
    """

    id: str
    permits: int
    use_by: datetime
    base_url: str
    language: str
    credential: Hidden = field(repr=False)


def lease_in(answer: Mapping[str, Any], *, private_key: Secret[bytes] | None) -> Lease:
    """The lease in an answer.

    Args:
        answer: as it was read.
        private_key: raw X25519 key, when leases come sealed.

    Raises:
        UnavailableError: this is no lease; whoever answers is not Latchkey.
        LatchkeyError: it is sealed and does not open here.
    """
    # A cause would hold a secret, so there is none.
    with suppress(KeyError, TypeError, ValueError, AttributeError):
        return _read(answer, private_key=private_key)
    message = "Latchkey's answer is no lease"
    raise UnavailableError(message)


def _read(answer: Mapping[str, Any], *, private_key: Secret[bytes] | None) -> Lease:
    facts, lent = answer["lease"], answer["credential"]
    lease = Lease(
        id=facts["id"],
        permits=facts["permits"],
        use_by=datetime.fromisoformat(facts["use_by"]),
        base_url=lent["base_url"],
        language=lent["language"],
        credential=_secret(lent, lease_id=facts["id"], private_key=private_key),
    )
    if not _is_sound(lease):
        message = "not a lease"
        raise ValueError(message)
    return lease


def _secret(lent: Mapping[str, Any], *, lease_id: str, private_key: Secret[bytes] | None) -> Hidden:
    if lent.get("sealed") is not None:
        place = f"{lease_id}|{lent['id']}|{lent['backend_id']}"
        return unseal(private_key=private_key, sealed=lent["sealed"], place=place)
    return Hidden({name: lent[name] for name in SECRET if lent.get(name) is not None})


def _is_sound(lease: Lease) -> bool:
    secret = lease.credential
    texts = (lease.id, lease.base_url, lease.language, *secret.values())
    return (
        all(isinstance(each, str) for each in texts)
        and type(lease.permits) is int
        and lease.permits > 0
        and lease.use_by.tzinfo is not None
        and ("access_token" in secret or {"key", "secret"} <= secret.keys())
    )
