"""The page on which a merchant approves, and where the answer goes.

GET shows it; POST takes the decision and redirects. Fields: `decision` (approve or deny),
`account`, `scope` once for each box that is ticked.
"""

from dataclasses import dataclass
from html import escape
from urllib.parse import parse_qs, urlencode

from simulator.retail.clients import Account, Client
from simulator.retail.grants import Code
from simulator.retail.retail import Retail
from simulator.retail.rules import R_SERIES, X_SERIES
from simulator.wire import Request, Response

HTML = "text/html; charset=UTF-8"
MIN_STATE_CHARACTERS = {R_SERIES: 0, X_SERIES: 8}
NAMES = {R_SERIES: "Lightspeed Retail (R-Series)", X_SERIES: "Lightspeed Retail (X-Series)"}

_STYLE = "body{font:16px/1.5 system-ui;max-width:34rem;margin:3rem auto}label{display:block}"


@dataclass(frozen=True, slots=True)
class Asked:
    """A client's request for consent."""

    client: Client
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str
    challenge: str


def answer_consent(*, retail: Retail, series: str, request: Request) -> Response:
    """Show the page, or take the decision."""
    parameters = request.parameters()
    client = retail.clients.get((series, parameters.get("client_id", "")))
    redirect_uri = parameters.get("redirect_uri", client.redirect_uri if client else "")
    if client is None or not client.takes(redirect_uri):
        return _page(status=400, title="This application is not known", body="")
    asked = Asked(
        client=client,
        redirect_uri=redirect_uri,
        scopes=tuple(parameters.get("scope", "").split()),
        state=parameters.get("state", ""),
        challenge=parameters.get("code_challenge", ""),
    )
    fault = _fault(series=series, asked=asked, parameters=parameters)
    if fault:
        return _back(retail=retail, series=series, asked=asked, answer={"error": fault})
    if request.method == "POST":
        return _decide(retail=retail, series=series, asked=asked, body=request.body)
    return _page(
        status=200,
        title=f"{NAMES[series]}: approve {client.client_id}?",
        body=_form(accounts=retail.accounts[series], scopes=asked.scopes),
    )


def _fault(*, series: str, asked: Asked, parameters: dict[str, str]) -> str:
    if parameters.get("response_type") != "code":
        return "unsupported_response_type"
    if len(asked.state) < MIN_STATE_CHARACTERS[series]:
        return "invalid_request"
    if not asked.scopes:
        return "access_denied" if series == X_SERIES else "invalid_scope"
    needs_challenge = series == R_SERIES or asked.challenge
    if needs_challenge and parameters.get("code_challenge_method") != "S256":
        return "invalid_request"
    return ""


def _decide(*, retail: Retail, series: str, asked: Asked, body: bytes) -> Response:
    fields = parse_qs(body.decode("latin-1"))
    chosen = fields.get("account", [""])[0]
    account = next((each for each in retail.accounts[series] if each.id == chosen), None)
    if fields.get("decision") != ["approve"] or account is None:
        return _back(retail=retail, series=series, asked=asked, answer={"error": "access_denied"})
    rules = retail.rules.of[series]
    code = retail.grants.add_code(
        Code(
            series=series,
            client_id=asked.client.client_id,
            redirect_uri=asked.redirect_uri,
            account=account,
            scopes=tuple(each for each in asked.scopes if each in fields.get("scope", [])),
            challenge=asked.challenge,
            expires_at=retail.clock() + rules.code_seconds,
        )
    )
    answer = {"code": code}
    if series == X_SERIES:
        answer["domain_prefix"] = account.id
    return _back(retail=retail, series=series, asked=asked, answer=answer)


def _back(*, retail: Retail, series: str, asked: Asked, answer: dict[str, str]) -> Response:
    issuer = retail.rules.of[series].issuer
    extra = {"iss": issuer} if issuer else {}
    query = urlencode({**answer, "state": asked.state, **extra})
    joint = "&" if "?" in asked.redirect_uri else "?"
    location = ("Location", f"{asked.redirect_uri}{joint}{query}")
    return Response(status=302, content_type=HTML, headers=(location,))


def _form(*, accounts: list[Account], scopes: tuple[str, ...]) -> str:
    choices = "".join(
        f'<label><input type="radio" name="account" value="{escape(each.id)}"'
        f"{' checked' if not number else ''}> {escape(each.name)} ({escape(each.id)})</label>"
        for number, each in enumerate(accounts)
    )
    boxes = "".join(
        f'<label><input type="checkbox" name="scope" value="{escape(each)}" checked>'
        f" {escape(each)}</label>"
        for each in scopes
    )
    return (
        f'<form method="post"><fieldset><legend>Account</legend>{choices}</fieldset>'
        f"<fieldset><legend>Permissions</legend>{boxes}</fieldset>"
        '<p><button name="decision" value="approve">Approve</button> '
        '<button name="decision" value="deny">Deny</button></p></form>'
    )


def _page(*, status: int, title: str, body: str) -> Response:
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style><h1>{escape(title)}</h1><p>A simulated vendor.</p>{body}</html>"
    )
    return Response(status=status, body=text.encode(), content_type=HTML)
