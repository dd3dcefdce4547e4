"""A person's browser without JavaScript: cookies, forms, redirects."""

import base64
import hmac
import re
import struct
import time
import urllib.error
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar

from tests.faults.installation import Answer, Installation

HIDDEN = re.compile(r'<input type="hidden" name="([\w-]+)" value="([^"]*)"')


class Browser:
    """One person at one installation."""

    def __init__(self, site: Installation) -> None:
        self._base = f"http://127.0.0.1:{site.port}"
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def get(self, path: str) -> Answer:
        return self._open(urllib.request.Request(self._base + path))

    def form(self, path: str) -> dict[str, str]:
        """The hidden fields of a page's first form of its own."""
        return dict(HIDDEN.findall(self.get(path).body.decode()))

    def post(self, path: str, fields: dict[str, str]) -> Answer:
        content = urllib.parse.urlencode(fields).encode()
        return self._open(
            urllib.request.Request(self._base + path, content, {"Referer": self._base + path})
        )

    def sign_in(self, *, email: str, password: str, totp_secret: str = "") -> None:
        path = "/accounts/login/"
        answer = self.post(path, {**self.form(path), "login": email, "password": password})
        if totp_secret:
            path = "/accounts/2fa/authenticate/"
            answer = self.post(path, {**self.form(path), "code": one_time_code(totp_secret)})
        assert answer.status == 200, answer.status
        assert "Sign out" in answer.body.decode()

    def _open(self, request: urllib.request.Request) -> Answer:
        try:
            with self._opener.open(request, timeout=40) as response:
                return Answer(
                    response.status, {**response.headers, "url": response.url}, response.read()
                )
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read())


def one_time_code(secret: str) -> str:
    """What an app on a phone shows now (RFC 6238)."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, struct.pack(">Q", int(time.time()) // 30), "sha1")
    start = digest[-1] & 15
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


def merchant_of(site: Installation) -> Browser:
    browser = Browser(site)
    facts = site.facts["merchant"]
    browser.sign_in(email=facts["email"], password=facts["password"])
    return browser
