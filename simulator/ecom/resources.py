"""The C-Series resources and the few records that each of them answers with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CREATED_AT = "2024-03-05T10:15:00+01:00"

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Resource:
    """A collection of records below one path.

    Attributes:
        path: Between the language and `.json`.
        plural: Root object of a list.
        singular: Root object of one record.
        group: Permission group that guards it.
        records: What it holds, in order of id; never changed.
    """

    path: str
    plural: str
    singular: str
    group: str
    records: tuple[Record, ...]


def _records(*, first_id: int, rows: tuple[Record, ...]) -> tuple[Record, ...]:
    return tuple(
        {"id": first_id + index, "createdAt": CREATED_AT, "updatedAt": CREATED_AT, **row}
        for index, row in enumerate(rows)
    )


def _page(title: str) -> Record:
    slug = title.lower().replace(" ", "-")
    return {"isVisible": True, "url": slug, "title": title, "content": f"<p>{title}</p>"}


def _product(title: str, *, price: float, stock: int) -> Record:
    return {
        "isVisible": True,
        "visibility": "visible",
        "url": title.lower().replace(" ", "-"),
        "title": title,
        "fulltitle": title,
        "image": False,
        "brand": False,
        "priceIncl": price,
        "stockLevel": stock,
    }


def _customer(firstname: str, lastname: str) -> Record:
    return {
        "isConfirmed": True,
        "type": "private",
        "firstname": firstname,
        "lastname": lastname,
        "email": f"{firstname}.{lastname}@example.com".lower().replace(" ", ""),
        "company": False,
    }


def _order(number: int, *, status: str, price: float) -> Record:
    return {
        "number": f"ORD{number:05d}",
        "status": status,
        "priceIncl": price,
        "paymentStatus": "paid",
        "shipmentStatus": "not_shipped",
        "invoice": False,
    }


def _language(code: str, title: str, *, is_default: bool) -> Record:
    return {"isActive": True, "isDefault": is_default, "code": code, "locale": code, "title": title}


RESOURCES = (
    Resource(
        path="textpages",
        plural="textpages",
        singular="textpage",
        group="content",
        records=_records(
            first_id=1_001,
            rows=(_page("About us"), _page("Shipping and returns"), _page("Privacy policy")),
        ),
    ),
    Resource(
        path="products",
        plural="products",
        singular="product",
        group="products",
        records=_records(
            first_id=20_001,
            rows=(
                _product("Rain jacket", price=89.95, stock=14),
                _product("Wool socks", price=12.5, stock=120),
                _product("Canvas backpack", price=64.0, stock=8),
                _product("Steel water bottle", price=24.95, stock=57),
                _product("Head torch", price=34.95, stock=0),
            ),
        ),
    ),
    Resource(
        path="customers",
        plural="customers",
        singular="customer",
        group="customers",
        records=_records(
            first_id=30_001,
            rows=(
                _customer("Sanne", "de Vries"),
                _customer("Marco", "Rossi"),
                _customer("Amy", "Lindqvist"),
            ),
        ),
    ),
    Resource(
        path="orders",
        plural="orders",
        singular="order",
        group="orders",
        records=_records(
            first_id=40_001,
            rows=(
                _order(1, status="processing_awaiting_shipment", price=102.45),
                _order(2, status="completed_shipped", price=64.0),
                _order(3, status="processing_awaiting_shipment", price=37.45),
                _order(4, status="cancelled", price=24.95),
            ),
        ),
    ),
    Resource(
        path="languages",
        plural="languages",
        singular="language",
        group="settings",
        records=_records(
            first_id=51,
            rows=(
                _language("en", "English", is_default=True),
                _language("nl", "Nederlands", is_default=False),
            ),
        ),
    ),
    Resource(
        path="shop/tracking",
        plural="shopTracking",
        singular="shopTracking",
        group="tracking",
        records=_records(
            first_id=61,
            rows=({"type": "other", "title": "Campaign pixel", "body": "<!-- pixel -->"},),
        ),
    ),
)
