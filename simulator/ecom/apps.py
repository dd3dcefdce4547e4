"""Partner apps: a page on which a shop's owner installs one, and the vendor's signed calls.

    signature = md5("language=…shop_id=…timestamp=…token=…" + the app's secret)
    a shop's key is the app's, its secret md5(token + the app's secret)

GET /apps/install?app=KEY shows the page; POST takes `decision` (install, cancel or uninstall),
`shop_id`, `language` and `without` (permissions to leave out, "orders.write content.read"), and
sends the browser to the app's success, cancel or uninstall address.
Apps are registered by the control and kept in memory only: their secrets cannot be hashed. What is
installed is kept with the keys.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any
from urllib.parse import parse_qs, urlencode

from simulator.control_input import ControlError
from simulator.keys import KeyBook
from simulator.rights import Permissions, all_rights, merge_rights
from simulator.windows import Clock
from simulator.wire import Request, Response

PREFIX = "/apps/"
HTML = "text/html; charset=UTF-8"
_FIELDS = ("key", "secret", "success_url", "cancel_url", "uninstall_url")
_STYLE = "body{font:16px/1.5 system-ui;max-width:34rem;margin:3rem auto}label{display:block}"
_MOST_DIGITS = 18


@dataclass(frozen=True, slots=True)
class App:
    """A partner app as its developer registered it."""

    key: str
    secret: str = field(repr=False)
    success_url: str
    cancel_url: str
    uninstall_url: str


class AppBook:
    """The apps that can be installed."""

    def __init__(self) -> None:
        self._apps: dict[str, App] = {}

    def put(self, fields: Mapping[str, Any]) -> App:
        """Register an app.

        Raises:
            ControlError: A field is wrong.
        """
        for name in _FIELDS:
            if not isinstance(fields.get(name), str) or not fields[name]:
                raise ControlError(message="must be a text", field=name)
        app = App(**{name: fields[name] for name in _FIELDS})
        self._apps[app.key] = app
        return app

    def find(self, key: str) -> App | None:
        """Give an app by its key."""
        return self._apps.get(key)


class AppArea:
    """Answers the pages of the app store."""

    def __init__(self, *, apps: AppBook, keys: KeyBook, clock: Clock) -> None:
        self._apps = apps
        self._keys = keys
        self._clock = clock

    def answer(self, request: Request) -> Response:
        """Answer one request."""
        app = self._apps.find(request.parameters().get("app", ""))
        if app is None or request.path != f"{PREFIX}install":
            return _page(status=404, title="There is no such app", body="")
        if request.method == "POST":
            return self._decide(app=app, request=request)
        return _page(status=200, title="Install this app?", body=_FORM)

    def unauthorized(self, request: Request) -> Response:  # an area's shape
        """Refuse the caller, whoever it is."""
        return _page(status=401, title="Sign in first", body="")

    def throttled(self, request: Request) -> Response:  # an area's shape
        """Refuse for lack of room."""
        return _page(status=429, title="Too many requests", body="")

    def _decide(self, *, app: App, request: Request) -> Response:
        fields = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        shop_id, language = fields.get("shop_id", ""), fields.get("language", "")
        if not (shop_id.isdecimal() and len(shop_id) <= _MOST_DIGITS and language.isalpha()):
            return _page(status=422, title="Which shop, and which language?", body=_FORM)
        call = {
            "language": language,
            "shop_id": shop_id,
            "timestamp": str(int(self._clock())),
        }
        match fields.get("decision"):
            case "install":
                call["token"] = secrets.token_hex(16)
                self._keys.install(
                    app_key=app.key,
                    secret=_md5(call["token"] + app.secret),
                    shop_id=int(shop_id),
                    cluster=request.cluster,
                    language=language,
                    permissions=_rights(without=fields.get("without", "")),
                )
                return _send(app.success_url, call=call, app=app, cluster=request.cluster)
            case "uninstall":
                self._keys.uninstall(app_key=app.key, shop_id=int(shop_id), cluster=request.cluster)
                return _send(app.uninstall_url, call=call, app=app, cluster=request.cluster)
        return _send(app.cancel_url, call=call, app=app, cluster=request.cluster)


def _rights(*, without: str) -> Permissions:
    rights = all_rights()
    for each in without.split():
        group, _, access = each.partition(".")
        rights = merge_rights(base=rights, changes={group: {access: False}})
    return rights


def _send(url: str, *, call: dict[str, str], app: App, cluster: str) -> Response:
    text = "".join(f"{name}={call[name]}" for name in sorted(call))
    signed = {**call, "signature": _md5(text + app.secret), "cluster_id": cluster}
    location = ("Location", f"{url}?{urlencode(signed)}")
    return Response(status=302, content_type=HTML, headers=(location,))


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


_FORM = (
    '<form method="post"><label>Shop number <input name="shop_id" value="300001"></label>'
    '<label>Language <input name="language" value="en"></label>'
    '<label>Leave out <input name="without" placeholder="orders.write"></label>'
    '<p><button name="decision" value="install">Install</button> '
    '<button name="decision" value="cancel">Cancel</button> '
    '<button name="decision" value="uninstall">Uninstall</button></p></form>'
)


def _page(*, status: int, title: str, body: str) -> Response:
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style><h1>{escape(title)}</h1><p>A simulated vendor.</p>{body}</html>"
    )
    return Response(status=status, body=text.encode(), content_type=HTML)
