"""A merchant's store and everything below it is a 404 to everybody else."""

import re
import uuid

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from simulator.running import RunningSimulator
from tests.onboarding.cast import credential, merchant, person, signed_in
from tests.onboarding.submission.desk import desk
from tests.onboarding.vendor import known_pair, pasted

pytestmark = pytest.mark.django_db


def addresses_of_a_store() -> list[str]:
    """Every address with a store in it, from the site's own list."""

    def below(patterns: list[URLPattern | URLResolver], prefix: str) -> list[str]:
        found: list[str] = []
        for each in patterns:
            path = prefix + str(each.pattern)
            if isinstance(each, URLResolver):
                found += below(each.url_patterns, path)
            elif path.startswith("stores/<uuid:store_id>/"):
                found.append(f"/{path}")
        return found

    return below(get_resolver().url_patterns, "")


ADDRESSES = addresses_of_a_store()


def filled(address: str, *, store: object, submission: object, credential: object) -> str:
    values = {"store_id": store, "submission_id": submission, "credential_id": credential}
    with_ids = re.sub(
        r"<uuid:(\w+)>", lambda found: str(values.get(found[1], uuid.uuid4())), address
    )
    return re.sub(r"<\w+:\w+>", "1", with_ids)


def test_the_list_of_addresses_is_not_empty() -> None:
    assert len(ADDRESSES) > 15


def test_an_outsider_never_learns_that_a_store_exists(simulator: RunningSimulator) -> None:
    at = desk()
    at.paste(**pasted(known_pair(simulator, lacking=("orders", "write"))))
    ids = {"submission": at.submission().pk, "credential": credential(at.store).pk}
    outsider = person("outsider")
    merchant("Elsewhere", owner=outsider)
    client = signed_in(outsider)
    for address in ADDRESSES:
        theirs = filled(address, store=at.store.pk, **ids)
        nobodys = filled(address, store=uuid.uuid4(), **ids)
        for method in ("get", "post", "put", "delete"):
            answer = getattr(client, method)(theirs)
            assert answer.status_code in {404, 405}, (method, address)
            assert getattr(client, method)(nobodys).status_code == answer.status_code


@pytest.mark.parametrize("address", ADDRESSES)
def test_nobody_gets_in_without_signing_in(address: str) -> None:
    url = filled(address, store=uuid.uuid4(), submission=uuid.uuid4(), credential=uuid.uuid4())
    for method in ("get", "post"):
        answer = getattr(Client(), method)(url)
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/accounts/login/")


def test_another_stores_submission_and_key_are_unknown_below_ones_own(
    simulator: RunningSimulator,
) -> None:
    first, at = desk("first"), desk("second")
    first.paste(**pasted(known_pair(simulator)))
    theirs, key = first.submission(), credential(first.store)
    for path in (f"keys/new/{theirs.pk}/", f"keys/{key.pk}/remove/"):
        assert at.client.get(f"/stores/{at.store.pk}/{path}").status_code == 404
    for path in (f"keys/new/{theirs.pk}/store/", f"keys/{key.pk}/pause/", f"keys/{key.pk}/check/"):
        assert at.client.post(f"/stores/{at.store.pk}/{path}").status_code == 404
