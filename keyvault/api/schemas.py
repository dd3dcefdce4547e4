"""What the API takes and gives; unknown names and wrong types are refused, never bent."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from keyvault.api.problems import KINDS
from keyvault.leases.values import MOST_PERMITS, MOST_USE_WITHIN_SECONDS, MOST_USED

HEADER_CHARACTERS = 200


def _text_only(value: Any) -> Any:  # noqa: ANN401  # whatever the body holds
    if not isinstance(value, str):
        message = "a date and time in quotes, with its offset"
        raise ValueError(message)  # noqa: TRY004  # pydantic reports ValueErrors
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_text_only), Field(strict=False)]


class Body(BaseModel):
    """What is sent to us; ninja's own base would check a body twice, attribute by attribute."""

    model_config = ConfigDict(strict=True, extra="forbid", populate_by_name=False)


class LeaseBody(Body):
    """How many requests, for whom, within which time."""

    permits: int = Field(ge=1, le=MOST_PERMITS, description="Fewer may be granted.")
    traffic_class: Literal["interactive", "batch"] = Field(
        "interactive", alias="class", description="batch yields to interactive."
    )
    use_within_seconds: int = Field(
        2, ge=1, le=MOST_USE_WITHIN_SECONDS, description="The shorter, the sooner free again."
    )


class RenewBody(Body):
    """How much longer."""

    use_within_seconds: int = Field(2, ge=1, le=MOST_USE_WITHIN_SECONDS)


class RateLimitBody(Body):
    """The vendor's headers as they came."""

    limit: str = Field(max_length=HEADER_CHARACTERS)
    remaining: str = Field(max_length=HEADER_CHARACTERS)
    reset: str = Field(max_length=HEADER_CHARACTERS)


class SettleBody(Body):
    """What was used, and how the vendor took it."""

    used: int = Field(
        ge=0,
        le=MOST_USED,
        # The contract; what goes beyond it is read all the same, so that it can be counted.
        json_schema_extra={"maximum": MOST_PERMITS},
        description="All that was sent. More than was granted is 422, and counted.",
    )
    outcome: Literal["ok", "throttled", "unauthorized", "forbidden"]
    last_used_at: Moment | None = Field(
        None, description="When the last request was sent, by the clock of use_by."
    )
    rate_limit: RateLimitBody | None = None


class WindowOut(Schema):
    """What is left of one of the vendor's windows."""

    seconds: int
    limit: int
    remaining: int


class LeaseOut(Schema):
    """A lease."""

    id: UUID
    permits: int
    use_by: datetime = Field(description="The last moment to send a request with it.")
    expires_at: datetime = Field(description="The last moment to settle.")


class RenewedOut(Schema):
    """A lease that is held longer."""

    lease: LeaseOut


class CredentialOut(Schema):
    """A credential with its secret: key and secret, an access token, or sealed.

    `sealed` stands for the plain names when the backend has registered a public key: base64 of an
    HPKE encapsulated key and ciphertext (docs/reference/api.md).
    """

    id: UUID
    type: Literal["basic", "bearer"]
    base_url: str
    language: str
    key: str | None = None
    secret: str | None = None
    access_token: str | None = None
    sealed: str | None = None
    backend_id: UUID | None = None


class IssuedOut(Schema):
    """What is lent."""

    lease: LeaseOut
    credential: CredentialOut
    budget: list[WindowOut]


class SettledLeaseOut(Schema):
    """A lease that is over."""

    id: UUID
    permits: int
    used: int
    returned: int


class KeyStateOut(Schema):
    """Whether the lent key goes on."""

    id: UUID
    state: Literal["active", "paused", "suspended", "replaced", "revoked"]


class SettledOut(Schema):
    """How the lease ended."""

    lease: SettledLeaseOut
    credential: KeyStateOut
    budget: list[WindowOut]


class CredentialsOut(Schema):
    """How many credentials of one kind a store has."""

    type: Literal["basic", "bearer"]
    active: int
    paused: int
    suspended: int


class StoreOut(Schema):
    """A store, never with a secret."""

    id: UUID
    name: str
    state: Literal["ok", "degraded", "no-credential"]
    credentials: list[CredentialsOut]
    windows: list[WindowOut] = Field(description="Of all active keys together.")


class StoresOut(Schema):
    """Stores in the order of their ids."""

    stores: list[StoreOut]
    next: UUID | None = Field(None, description="Pass it as `after` to get the ones that follow.")


class ProblemOut(Schema):
    """RFC 9457."""

    type: str = Field(description=f"One of {', '.join(KINDS)}; more may come.")
    title: str
    status: int
    detail: str
    request_id: str


class InvalidOut(ProblemOut):
    """A value is missing or does not fit."""

    errors: list[dict[str, Any]] | None = None


class PoolEmptyOut(ProblemOut):
    """When to come back."""

    retry_at: datetime | None = None
    retry_after_seconds: float | None = None
