"""Which endpoint serves which path and method, and the right that it needs."""

import re
from dataclasses import dataclass

from simulator.ecom.account import read_account, read_permissions, read_ratelimit, read_shop
from simulator.ecom.records import (
    Endpoint,
    bind,
    count_records,
    create_record,
    delete_record,
    list_records,
    read_record,
    update_record,
)
from simulator.ecom.resources import RESOURCES, Resource
from simulator.rights import Right

_PATH = re.compile(r"/[^/]+/([A-Za-z_/]{1,100}?)(?:/([0-9]{1,15}))?\.json")


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path; `right` is None where every key may call."""

    endpoint: Endpoint
    right: Right | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """What a path stands for: a route for each method, and the record that it names."""

    routes: dict[str, Route]
    record_id: int | None = None


def _open_route(endpoint: Endpoint) -> dict[str, Route]:
    return {"GET": Route(endpoint)}


def _collection_routes(resource: Resource) -> dict[str, Route]:
    read = Right(resource.group, "read")
    write = Right(resource.group, "write")
    return {
        "GET": Route(bind(list_records, resource), read),
        "POST": Route(bind(create_record, resource), write),
    }


def _count_routes(resource: Resource) -> dict[str, Route]:
    return {"GET": Route(bind(count_records, resource), Right(resource.group, "read"))}


def _record_routes(resource: Resource) -> dict[str, Route]:
    read = Right(resource.group, "read")
    write = Right(resource.group, "write")
    return {
        "GET": Route(bind(read_record, resource), read),
        "PUT": Route(bind(update_record, resource), write),
        "DELETE": Route(bind(delete_record, resource), write),
    }


_PLAIN = {
    "account": _open_route(read_account),
    "account/permissions": _open_route(read_permissions),
    "account/ratelimit": _open_route(read_ratelimit),
    "shop": _open_route(read_shop),
    **{resource.path: _collection_routes(resource) for resource in RESOURCES},
    **{f"{resource.path}/count": _count_routes(resource) for resource in RESOURCES},
}
_OF_RECORD = {resource.path: _record_routes(resource) for resource in RESOURCES}


def find_target(path: str) -> Target | None:
    """Give what `/{language}/{resource}.json` stands for, or None for an unknown resource."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    if match[2] is None:
        routes = _PLAIN.get(match[1])
        return None if routes is None else Target(routes)
    routes = _OF_RECORD.get(match[1])
    return None if routes is None else Target(routes, record_id=int(match[2]))
