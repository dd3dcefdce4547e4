"""What the eCom API tells about a key's shop and account, and how it is read off the wire.

Each reader takes the object under the answer's root name and returns None when that is not the
documented thing. Shapes: LIGHTSPEED.md section 3.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from lightspeed import wire


@dataclass(frozen=True, slots=True)
class Shop:
    """The shop that a key belongs to; what the vendor left out is None.

    Attributes:
        id: the same for every key of one shop.
        status: the vendor's word for its state, such as `trial`.
        subdomain: its name in the Back Office address.
        main_domain: the host that customers visit.
        country: two-letter code.
        currency: three-letter code.
    """

    id: int
    status: str | None
    subdomain: str | None
    main_domain: str | None
    country: str | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class Account:
    """The API account behind a key; `id` is not the shop's."""

    id: int
    app_id: int | None


def shop_from_wire(fields: Mapping[str, object]) -> Shop | None:
    """Read `shop`: an `id`, and names, country and currency as far as they are there."""
    number = wire.whole_number(fields.get("id"))
    if number is None:
        return None
    country = wire.child(fields, "country") or {}
    currency = wire.child(fields, "currency") or {}
    return Shop(
        id=number,
        status=wire.text(fields.get("status")),
        subdomain=wire.text(fields.get("subDomain")),
        main_domain=wire.text(fields.get("mainDomain")),
        country=wire.text(country.get("code")),
        currency=wire.text(currency.get("shortcode") or currency.get("code")),
    )


def account_from_wire(fields: Mapping[str, object]) -> Account | None:
    """Read `account`. Its `apiKey` is a secret's half and is left where it is."""
    number = wire.whole_number(fields.get("id"))
    if number is None:
        return None
    return Account(id=number, app_id=wire.whole_number(fields.get("appId")))


def count_from_wire(fields: Mapping[str, object]) -> int | None:
    """Read `{"count": 206}`."""
    return wire.whole_number(fields.get("count"))
