"""Every address that a browser's cookies open refuses a form that did not come from us."""

import pytest
from django.test import Client
from django.urls import Resolver404, resolve

from tests.config.test_headers import ADDRESSES
from tests.onboarding.cast import staff_member

pytestmark = pytest.mark.django_db
# The API's bearer token; the signed link by which a mail program stops mails (RFC 8058).
OPENED_BY_TOKEN = ("/api", "/mails/stop/")


def test_no_form_without_its_token_is_taken() -> None:
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(staff_member())

    taken = {
        address: status
        for address in ADDRESSES
        for method in (client.post, client.put, client.patch, client.delete)
        if _opens_by_cookie(address) and (status := method(address).status_code) != 403
    }

    assert taken == {}


def test_what_is_exempt_is_opened_by_a_token_never_by_a_cookie() -> None:
    exempt = {
        address
        for address in ADDRESSES
        if _is_there(address) and getattr(resolve(address).func, "csrf_exempt", False)
    }

    assert exempt
    assert all(address.startswith(OPENED_BY_TOKEN) for address in exempt)


def _is_there(address: str) -> bool:
    try:
        resolve(address)
    except Resolver404:
        return False
    return True


def _opens_by_cookie(address: str) -> bool:
    return _is_there(address) and not address.startswith(OPENED_BY_TOKEN)
