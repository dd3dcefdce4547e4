import gzip
import re

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

pytestmark = pytest.mark.django_db
MOST_BYTES = 100 * 1024


def test_first_page_weighs_little_over_the_wire(client: Client) -> None:
    page = client.get("/accounts/login/").content
    files = set(re.findall(r'(?:href|src)="/static/([^"]+)"', page.decode()))
    assert len(files) >= 6
    sizes = {"page": len(gzip.compress(page))}
    for name in files:
        with open(finders.find(name), "rb") as file:  # noqa: PTH123  # finders give a string
            sizes[name] = len(gzip.compress(file.read()))
    assert sum(sizes.values()) <= MOST_BYTES, sizes


def test_pages_fetch_nothing_from_elsewhere(client: Client) -> None:
    page = client.get("/accounts/login/").content.decode()
    assert not re.search(r'(?:href|src)="(?:https?:)?//', page)
