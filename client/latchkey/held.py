"""A lease in use."""

from dataclasses import dataclass, field

from latchkey.lease import Lease


@dataclass(slots=True, eq=False)
class Held:
    """A lease in use.

    Attributes:
        lease: as granted.
        until: the monotonic moment of its use-by, rather early than late.
        used: permits that were given out.
        last_used: the monotonic moment by which the last one had been used.
        open: requests that have not come back.
        is_over: no further permit of it is given out.
        outcome: the worst that the vendor answered.
        rate_limit: the vendor's headers of the last answer.
    """

    lease: Lease
    until: float
    used: int = 0
    last_used: float = 0.0
    open: int = 0
    is_over: bool = False
    outcome: str = "ok"
    rate_limit: dict[str, str] | None = field(default=None)

    @property
    def used_until(self) -> float:
        """The monotonic moment by which all that was given out has been used."""
        # Without an answer a request may be on its way still.
        return self.until if self.open else self.last_used
