"""A merchant at the desk: pastes, presses buttons, reads pages."""

import re
import uuid
from dataclasses import dataclass
from html import unescape

from django.http import HttpResponse
from django.test import Client

from onboarding.models import Store, Submission
from tests.onboarding.cast import merchant, person, signed_in, store


@dataclass(frozen=True)
class Desk:
    """A signed-in owner with one store."""

    client: Client
    store: Store

    @property
    def url(self) -> str:
        return f"/stores/{self.store.pk}/keys/new/"

    def paste(self, *, submission: uuid.UUID | None = None, **fields: str) -> HttpResponse:
        """Send the form as a browser does, and follow to the page that answers."""
        data = {"submission": str(submission or uuid.uuid4()), "name": "Bike App mobile", **fields}
        return self.client.post(self.url, data, follow=True)

    def press(self, button: str, submission: Submission, **fields: str) -> HttpResponse:
        """Send one of the result page's buttons."""
        return self.client.post(f"{self.url}{submission.pk}/{button}/", fields, follow=True)

    def submission(self) -> Submission:
        """The newest pair."""
        return Submission.objects.filter(store=self.store).latest("created_at")


def desk(name: str = "owner", *, company: str = "Bike Shop") -> Desk:
    owner = person(name)
    shop = store(merchant(company, owner=owner), name=f"{company} Amsterdam")
    return Desk(client=signed_in(owner), store=shop)


def heading(response: HttpResponse) -> str:
    """The words of the page's h1."""
    found = re.search(r"<h1[^>]*>(.*?)</h1>", response.content.decode(), re.DOTALL)
    return unescape(re.sub(r"<[^>]+>", "", found[1])).strip() if found else ""


def text(response: HttpResponse) -> str:
    """The page's words without its tags."""
    words = re.sub(
        r"<(script|style|svg)\b.*?</\1>", " ", response.content.decode(), flags=re.DOTALL
    )
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", words)))
