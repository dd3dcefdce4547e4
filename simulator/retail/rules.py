"""How the two vendors behave, and how a control request changes that for a test."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from simulator.control_input import MAX_SECONDS, ControlError

MAX_LIFE_SECONDS = 366 * 86_400


class Rotation(StrEnum):
    """When the refresh token that was used dies."""

    FIRST_USE = "first-use"
    AT_ONCE = "at-once"
    NEVER = "never"


class Reuse(StrEnum):
    """What happens to a grant when a dead refresh token of it is shown again."""

    REFUSE = "refuse"
    REVOKE_FAMILY = "revoke-family"


@dataclass(frozen=True, slots=True)
class Rules:
    """The behaviour of one series.

    Attributes:
        code_seconds: How long an authorisation code lives.
        access_seconds: How long an access token lives.
        refresh_seconds: How long a refresh token lives unused.
        token_seconds: How long a token call takes to be answered; what it does is done at once.
        rotation: When the used refresh token dies.
        reuse: What showing a dead one does.
        issuer: Sent as `iss` with the code (RFC 9207); empty: not sent.
    """

    code_seconds: float = 60
    access_seconds: int = 3600
    refresh_seconds: float = 30 * 86_400
    token_seconds: float = 0.0
    rotation: Rotation = Rotation.FIRST_USE
    reuse: Reuse = Reuse.REFUSE
    issuer: str = ""


R_SERIES = "r"
X_SERIES = "x"


def vendor_rules() -> dict[str, Rules]:
    """Give each series as its vendor describes it."""
    return {
        R_SERIES: Rules(),
        X_SERIES: Rules(
            code_seconds=600,
            access_seconds=86_400,
            rotation=Rotation.AT_ONCE,
            reuse=Reuse.REVOKE_FAMILY,
        ),
    }


@dataclass(slots=True)
class RuleBook:
    """The rules in force."""

    of: dict[str, Rules] = field(default_factory=vendor_rules)

    def change(self, *, series: str, fields: Mapping[str, Any]) -> Rules:
        """Change the fields that are given.

        Raises:
            ControlError: One of them cannot be.
        """
        changes = {name: _read(name, value) for name, value in fields.items()}
        self.of[series] = replace(self.of[series], **changes)
        return self.of[series]

    def clear(self) -> None:
        """Go back to the vendor's own."""
        self.of = vendor_rules()


def _read(name: str, value: Any) -> Any:  # noqa: ANN401  # whatever JSON holds
    if name in ("code_seconds", "access_seconds", "refresh_seconds", "token_seconds"):
        return _seconds(name, value)
    if name == "rotation" and value in set(Rotation):
        return Rotation(value)
    if name == "reuse" and value in set(Reuse):
        return Reuse(value)
    if name == "issuer" and isinstance(value, str):
        return value
    known = name in ("rotation", "reuse", "issuer")
    raise ControlError(message="cannot be this" if known else "is not known", field=name)


def _seconds(name: str, value: Any) -> float | int:  # noqa: ANN401  # whatever JSON holds
    most = MAX_SECONDS if name == "token_seconds" else MAX_LIFE_SECONDS
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise ControlError(message=f"must be a number from 0 to {most}", field=name)
    return int(value) if name == "access_seconds" else float(value)
