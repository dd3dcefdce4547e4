"""Consent, tokens and control of R- and X-Series, past the sockets."""

import base64
import json
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from simulator.control_input import ControlError
from simulator.retail.clients import DEFAULT_SECRET
from simulator.site import Site
from simulator.wire import Request, Response
from tests.simulator.stand_in import HandClock, make_site

REDIRECT = "http://localhost:8000/back"
ASKED = {
    "response_type": "code",
    "client_id": "latchkey-r",
    "redirect_uri": REDIRECT,
    "scope": "employee:all",
    "state": "12345678",
    "code_challenge": "",
    "code_challenge_method": "S256",
}


def send(
    site: Site, path: str, *, fields: dict[str, str] | None = None, kind: str = "", **more: Any
) -> Response:
    body = more.pop("body", None)
    headers = {
        "content-type": kind or "application/x-www-form-urlencoded",
        **more.pop("headers", {}),
    }
    target, _, query = path.partition("?")
    reply = site.reply(
        Request(
            method=more.pop("method", "POST"),
            path=target,
            query=query,
            headers={"host": "127.0.0.1", **headers},
            body=urlencode(fields or {}).encode() if body is None else body,
        )
    )
    assert isinstance(reply, Response)
    return reply


def consent(site: Site, *, path: str = "/auth/oauth/authorize", **changes: str) -> Response:
    return send(site, f"{path}?{urlencode({**ASKED, **changes})}", method="GET")


def back(response: Response) -> dict[str, str]:
    location = dict(response.headers)["Location"]
    return dict(parse_qsl(urlsplit(location).query))


def tokens(site: Site, path: str = "/auth/oauth/token", **fields: str) -> Response:
    client = {"client_id": "latchkey-r", "client_secret": DEFAULT_SECRET}
    return send(site, path, fields={**client, **fields})


def pair_of(site: Site, series: str = "r", **fields: str) -> dict[str, Any]:
    return site.control.retail.consent({"series": series, **fields})


def test_the_page_shows_accounts_and_scopes_escaped() -> None:
    page = consent(make_site(), scope="employee:all <b>")
    assert page.status == 200
    assert b"Corner Shop" in page.body
    assert b"<b>" not in page.body


@pytest.mark.parametrize(
    "changes", [{"client_id": "nobody"}, {"redirect_uri": "https://evil.test/back"}]
)
def test_a_stranger_is_never_redirected(changes: dict[str, str]) -> None:
    page = consent(make_site(), **changes)
    assert page.status == 400
    assert "Location" not in dict(page.headers)


@pytest.mark.parametrize(
    ("path", "changes", "error"),
    [
        ("/auth/oauth/authorize", {"response_type": "token"}, "unsupported_response_type"),
        ("/auth/oauth/authorize", {"scope": ""}, "invalid_scope"),
        ("/auth/oauth/authorize", {"code_challenge_method": "plain"}, "invalid_request"),
        ("/connect", {"client_id": "latchkey-x", "scope": ""}, "access_denied"),
        ("/connect", {"client_id": "latchkey-x", "state": "short"}, "invalid_request"),
    ],
)
def test_a_faulty_request_goes_back_with_its_error(
    path: str, changes: dict[str, str], error: str
) -> None:
    answer = back(consent(make_site(), path=path, **changes))
    assert answer["error"] == error


def test_a_registered_address_is_exact() -> None:
    site = make_site()
    fields = {
        "series": "r",
        "client_id": "latchkey-r",
        "client_secret": "s",
        "redirect_uri": REDIRECT,
    }
    site.control.retail.put_client(fields)
    assert consent(site).status == 200
    assert consent(site, redirect_uri=f"{REDIRECT}/").status == 400


def test_the_issuer_is_sent_where_the_rules_say_so() -> None:
    site = make_site()
    site.control.retail.set_rules({"series": "r", "issuer": "https://issuer.test"})
    assert back(consent(site, scope=""))["iss"] == "https://issuer.test"


@pytest.mark.parametrize("form", ["form", "json", "multipart", "basic"])
def test_the_token_endpoint_takes_every_form_that_clients_send(form: str) -> None:
    site = make_site()
    pair = pair_of(site)
    fields = {
        "grant_type": "refresh_token",
        "refresh_token": pair["refresh_token"],
        "client_id": "latchkey-r",
        "client_secret": DEFAULT_SECRET,
    }
    match form:
        case "json":
            more: dict[str, Any] = {"kind": "application/json", "body": json.dumps(fields).encode()}
        case "multipart":
            parts = "".join(
                f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
                for name, value in fields.items()
            )
            more = {"kind": "multipart/form-data; boundary=b", "body": f"{parts}--b--\r\n".encode()}
        case "basic":
            basic = base64.b64encode(f"latchkey-r:{DEFAULT_SECRET}".encode()).decode()
            del fields["client_id"], fields["client_secret"]
            more = {"fields": fields, "headers": {"authorization": f"Basic {basic}"}}
        case _:
            more = {"fields": fields}
    assert send(site, "/auth/oauth/token", **more).status == 200


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"client_secret": "wrong"}, 401),
        ({"grant_type": "password"}, 400),
        ({"grant_type": "refresh_token", "refresh_token": "unknown"}, 400),
        ({"grant_type": "authorization_code", "code": "unknown"}, 400),
    ],
)
def test_bad_token_calls_are_refused(fields: dict[str, str], status: int) -> None:
    assert tokens(make_site(), **fields).status == status


def test_no_json_is_refused() -> None:
    for path in ("/auth/oauth/token", "/auth/oauth/revoke"):
        answer = send(make_site(), path, kind="application/json", body=b"[]")
        assert json.loads(answer.body)["error"] == "invalid_request"
    answer = send(make_site(), "/auth/oauth/token", kind="application/json", body=b"{")
    assert answer.status == 400


def test_a_code_belongs_to_one_client_and_address() -> None:
    site = make_site()
    query = urlencode({**ASKED, "code_challenge": "c"})
    approved = send(
        site,
        f"/auth/oauth/authorize?{query}",
        fields={"decision": "approve", "account": "100001", "scope": "employee:all"},
    )
    answer = tokens(
        site,
        grant_type="authorization_code",
        code=back(approved)["code"],
        redirect_uri=f"{REDIRECT}/",
    )
    assert json.loads(answer.body)["hint"] == "Wrong client or redirect"


def test_an_unused_refresh_token_dies_after_thirty_days() -> None:
    clock = HandClock()
    site = make_site(clock=clock)
    pair = pair_of(site)
    clock.now += 30 * 86_400
    fields = {"grant_type": "refresh_token", "refresh_token": pair["refresh_token"]}
    assert json.loads(tokens(site, **fields).body)["hint"] == "Token has expired"


def test_an_access_token_dies_with_its_time() -> None:
    clock = HandClock()
    site = make_site(clock=clock)
    headers = {"authorization": f"Bearer {pair_of(site)['access_token']}"}
    assert send(site, "/API/V3/Account.json", method="GET", headers=headers).status == 200
    clock.now += 3600
    assert send(site, "/API/V3/Account.json", method="GET", headers=headers).status == 401


def test_a_token_of_one_series_does_not_open_the_other() -> None:
    site = make_site()
    headers = {"authorization": f"Bearer {pair_of(site)['access_token']}"}
    assert send(site, "/api/2.0/retailer", method="GET", headers=headers).status == 401


def test_a_rotation_rule_can_be_changed_and_is_reset() -> None:
    site = make_site()
    site.control.retail.set_rules({"series": "r", "rotation": "never", "reuse": "refuse"})
    token = pair_of(site)["refresh_token"]
    for _ in range(2):
        answer = tokens(site, grant_type="refresh_token", refresh_token=token)
        assert answer.status == 200
    site.state.reset()
    assert str(site.state.retail.rules.of["r"].rotation) == "first-use"


def test_token_calls_are_counted() -> None:
    site = make_site()
    tokens(site)
    assert site.state.stats.as_json()["token_calls"] == 1


def test_a_token_call_can_be_told_to_wait() -> None:
    site = make_site()
    site.control.retail.set_rules({"series": "r", "token_seconds": 12})
    reply = site.reply(Request(method="POST", path="/auth/oauth/token"))
    assert not isinstance(reply, Response)
    assert reply.fault.seconds == 12


def test_consents_alive_are_counted() -> None:
    site = make_site()
    pair = pair_of(site, series="x", scopes="sales:read")
    pair_of(site)
    client = {"client_id": "latchkey-x", "client_secret": DEFAULT_SECRET}
    send(site, "/api/1.0/revoke", fields={**client, "token": pair["access_token"]})
    assert site.control.retail.grants() == {"families": 2, "alive": 1}


@pytest.mark.parametrize(
    ("path", "document", "status"),
    [
        ("rules", {"series": "r", "access_seconds": 60}, 200),
        ("rules", {"series": "q"}, 422),
        ("rules", {"series": "r", "access_seconds": -1}, 422),
        ("rules", {"series": "r", "rotation": "sometimes"}, 422),
        ("rules", {"series": "r", "colour": "red"}, 422),
        ("clients", {"series": "r", "client_id": "c", "client_secret": ""}, 422),
        ("clients", {"series": "r", "client_id": "c", "client_secret": "s"}, 201),
        ("accounts", {"series": "x", "id": "Not A Host", "name": "n"}, 422),
        ("accounts", {"series": "x", "id": "third-shop", "name": "n"}, 201),
        ("keys", {"key": "legacy-key", "account_id": "100001"}, 200),
        ("keys", {"key": "legacy-key"}, 200),
        ("keys", {"refused": True}, 200),
        ("consent", {"series": "r", "account": "nobody"}, 422),
        ("consent", {"series": "r"}, 201),
    ],
)
def test_every_control_answers(path: str, document: dict[str, Any], status: int) -> None:
    body = json.dumps(document).encode()
    assert send(make_site(), f"/_sim/retail/{path}", body=body).status == status


def test_control_is_for_this_machine_and_says_what_it_knows() -> None:
    answer = send(make_site(), "/_sim/retail/grants", method="GET")
    assert json.loads(answer.body) == {"families": 0, "alive": 0}
    with pytest.raises(ControlError):
        make_site().control.retail.put_client({"series": "r"})


def test_unknown_paths_and_faults_answer_in_the_vendors_form() -> None:
    site = make_site()
    assert send(site, "/auth/oauth/nothing").status == 404
    for kind, status in (("401", 401), ("429", 429)):
        site.control.add_fault({"path": "API/V3/Account.json", "kind": kind})
        assert send(site, "/API/V3/Account.json", method="GET").status == status
