"""What is asked of the pool, and what it lends."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from keyvault.pool import WindowBudget
from keyvault.pool.readings import RawHeaders
from keyvault.vault import Secret
from keyvault.windows import TrafficClass

Outcome = Literal["ok", "throttled", "unauthorized", "forbidden"]

MOST_PERMITS: Final = 100
# What a settlement can report: whoever overspends may do so by a lot.
MOST_USED: Final = 10_000
MOST_USE_WITHIN_SECONDS: Final = 30
# From use-by to the last moment to settle.
SETTLE_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class LeaseAsk:
    """What a backend asks for.

    Attributes:
        permits: 1 to `MOST_PERMITS`; fewer may be granted.
        traffic_class: batch waits while interactive use needs the key.
        use_within_seconds: 1 to `MOST_USE_WITHIN_SECONDS`; the shorter, the sooner the permits are
            free again.
    """

    permits: int
    traffic_class: TrafficClass = "interactive"
    use_within_seconds: int = 2


@dataclass(frozen=True, slots=True)
class LentCredential:
    """A credential as a backend gets it."""

    id: UUID
    type: str
    endpoint: str
    base_url: str
    language: str
    secret: Secret = field(repr=False)


@dataclass(frozen=True, slots=True)
class IssuedLease:
    """A lease as it is granted.

    Attributes:
        id: to settle it.
        permits: requests that may be sent, all with this credential.
        use_by: the last moment to send one.
        expires_at: the last moment to settle.
        credential: with its secret.
        budget: what is left of the key's windows.
        backend_id: whose lease it is.
        public_key: what the secret must be sealed to; None: it may go plain.
    """

    id: UUID
    permits: int
    use_by: datetime
    expires_at: datetime
    credential: LentCredential
    budget: list[WindowBudget]
    backend_id: UUID
    public_key: bytes | None


@dataclass(frozen=True, slots=True)
class RenewedLease:
    """A lease that is held longer; the credential stays the same.

    Attributes:
        id: which one.
        permits: as granted.
        use_by: the new last moment to send a request.
        expires_at: the new last moment to settle.
    """

    id: UUID
    permits: int
    use_by: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a backend reports of a lease.

    Attributes:
        used: requests that were sent.
        outcome: how the vendor took them.
        last_used_at: when the last one was sent, by the clock of `use_by`; None: not known.
        headers: the vendor's rate-limit headers of the last answer.
    """

    used: int
    outcome: Outcome
    last_used_at: datetime | None = None
    headers: RawHeaders | None = None


@dataclass(frozen=True, slots=True)
class SettledLease:
    """A lease as it ended.

    Attributes:
        id: which one.
        permits: as granted.
        used: as reported.
        credential_id: which key.
        credential_state: whether it goes on being lent.
        budget: what is left of the key's windows.
    """

    id: UUID
    permits: int
    used: int
    credential_id: UUID
    credential_state: str
    budget: list[WindowBudget]
