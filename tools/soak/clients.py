"""Who works with the application during a soak, and what they have seen."""

from __future__ import annotations

import base64
import random  # noqa: TID251  # a load, not a secret
import re
import threading
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.faults.browser import Browser, merchant_of

if TYPE_CHECKING:
    from tests.faults.installation import Answer, Installation

FOUND = 200
CREATED = 201
GONE = 404
EMPTY = 429
MOST_KEYS = 12
# The page's link to remove a key: where it leads, and the last four characters in its name.
REMOVE_LINK = re.compile(r'href="(/stores/[^"]+/remove/)">[^<]*<span[^>]*>[^<]*…(\w{4})<')


@dataclass
class Tally:
    """What the clients have seen."""

    stop: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    counts: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    secrets: set[str] = field(default_factory=set)

    def add(self, what: str, *, count: int = 1) -> None:
        """Count something that was answered as done."""
        with self.lock:
            self.counts[what] += count

    def check(self, answer: Answer, *, expected: tuple[int, ...], what: str) -> bool:
        """Count an answer; whether it is one of the expected."""
        self.add("requests")
        if answer.status in expected:
            return True
        with self.lock:
            self.errors[f"{what}: {answer.status}"] += 1
        return False


class Client(ABC):
    """Does its turn again and again; what breaks is an error of the run, not its end."""

    pause_seconds = 0.0

    def __init__(self, site: Installation, tally: Tally) -> None:
        self.site, self.tally = site, tally

    def run(self) -> None:
        """Work until it is told to stop."""
        while not self.tally.stop.is_set():
            try:
                self.turn()
            except (OSError, AssertionError, LookupError) as error:
                with self.tally.lock:
                    self.tally.errors[f"{type(self).__name__}: {type(error).__name__}"] += 1
                self.tally.stop.wait(0.2)
            self.tally.stop.wait(self.pause_seconds)

    @abstractmethod
    def turn(self) -> None:
        """One thing that such a client does."""


class Backend(Client):
    """Leases permits, sends so many requests to the vendor, and reports them."""

    pause_seconds = 0.02

    def __init__(self, site: Installation, tally: Tally, stores: list[str]) -> None:
        super().__init__(site, tally)
        self._stores = stores

    def turn(self) -> None:
        """One lease and its settlement."""
        wanted = random.choice((1, 1, 5, 20))  # noqa: S311  # a load, not a secret
        store = random.choice(self._stores)  # noqa: S311  # as above
        answer = self.site.lease(store, permits=wanted)
        if not self.tally.check(answer, expected=(CREATED, EMPTY), what="lease"):
            return
        if answer.status == EMPTY:
            self.tally.add("empty")
            return
        self.tally.add("leases")
        given = answer.json()
        credential = given["credential"]
        self.tally.secrets.add(credential["secret"])
        used = min(given["lease"]["permits"], 2)
        for _ in range(used):
            self._ask_vendor(credential)
        settled = self.site.request(
            "POST",
            f"/api/v1/leases/{given['lease']['id']}/settle",
            body={"used": used, "outcome": "ok"},
            token=self.site.facts["backend_token"],
        )
        if self.tally.check(settled, expected=(FOUND,), what="settle"):
            self.tally.add("settled")

    def _ask_vendor(self, credential: dict[str, Any]) -> None:
        pair = f"{credential['key']}:{credential['secret']}".encode()
        answer = self.site.request(
            "GET",
            f"/{credential['language']}/products/count.json",
            port=self.site.simulator_port,
            headers={"Authorization": f"Basic {base64.b64encode(pair).decode()}"},
        )
        self.tally.add("vendor")
        if answer.status not in {FOUND, EMPTY}:
            with self.tally.lock:
                self.tally.errors[f"vendor: {answer.status}"] += 1


class Merchant(Client):
    """Looks at the store and brings a new key."""

    pause_seconds = 0.5
    _browser: Browser | None = None

    def turn(self) -> None:
        """One key from its paste to the store."""
        browser = self._browser = self._browser or merchant_of(self.site)
        store = f"/stores/{self.site.facts['merchant']['store_id']}/"
        self.tally.check(browser.get(store), expected=(FOUND,), what="store page")
        pair = self.site.new_pair()
        self.tally.secrets.add(pair["secret"])
        path = f"{store}keys/new/"
        pasted = browser.post(path, {**browser.form(path), **pair})
        if not self.tally.check(pasted, expected=(FOUND,), what="paste"):
            return
        result = pasted.headers["url"].split(str(self.site.port), 1)[1]
        stored = browser.post(f"{result}store/", browser.form(result))
        if self.tally.check(stored, expected=(FOUND,), what="store a key"):
            self.tally.add("stored")
            self._remove_oldest(browser, page=stored.body.decode())

    def _remove_oldest(self, browser: Browser, *, page: str) -> None:
        """Keep the store at some keys, or its page and the memory for it grow with the run."""
        keys = REMOVE_LINK.findall(page)
        if len(keys) <= MOST_KEYS:
            return
        path, last_four = keys[0]
        removed = browser.post(path, {**browser.form(path), "typed": last_four})
        # The other merchant may have been faster.
        if self.tally.check(removed, expected=(FOUND, GONE), what="remove a key"):
            self.tally.add("removed")


class Staff(Client):
    """Walks through the panel."""

    pause_seconds = 1.0
    _browser: Browser | None = None

    def turn(self) -> None:
        """Three pages."""
        if self._browser is None:
            browser = Browser(self.site)
            staff = self.site.facts["staff"]
            browser.sign_in(**staff)
            self._browser = browser
        for path in ("/staff/", "/staff/keyvault/credential/", "/staff/keyvault/auditentry/"):
            self.tally.check(self._browser.get(path), expected=(FOUND,), what=path)
