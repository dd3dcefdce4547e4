"""What can come of asking for consent or for tokens.

    VendorError
    └── OAuthError
        ├── GrantRefusedError     invalid_grant: the code or the refresh token is dead
        ├── ClientRefusedError    invalid_client: the operator's own client id or secret is wrong
        ├── ConsentDeniedError    the merchant said no, or the vendor did in their place
        ├── ScopeRefusedError     invalid_scope: the vendor does not know a scope that we ask for
        └── CallbackError         the answer does not belong to what was asked
            └── CallTooOldError   it is signed, but its time is over

Besides, the errors of `lightspeed.errors` for outages, throttling and unreadable answers. No
message, attribute or cause holds a token, a code or the vendor's own words.
"""

from lightspeed.errors import VendorError


class OAuthError(VendorError):
    """The vendor's authorisation server did not give what was asked."""

    code = "oauth_error"
    message = "The vendor did not authorise this."


class GrantRefusedError(OAuthError):
    """The code or refresh token is expired, used, revoked or another client's: ask for consent."""

    code = "grant_refused"
    message = "The vendor no longer knows this authorisation."


class ClientRefusedError(OAuthError):
    """The operator's client id or secret was refused: tell staff; no merchant can mend it."""

    code = "client_refused"
    message = "The vendor does not know this application."


class ConsentDeniedError(OAuthError):
    """The merchant or the vendor said no."""

    code = "consent_denied"
    message = "Access was not approved."


class ScopeRefusedError(OAuthError):
    """The vendor does not know a scope that we ask for: tell staff."""

    code = "scope_refused"
    message = "The vendor does not offer the permissions that were asked for."


class CallbackError(OAuthError):
    """The answer lacks a part, or names another sender or a host that cannot be."""

    code = "callback_unusable"
    message = "The vendor's answer cannot be used."


class CallTooOldError(CallbackError):
    """A signed call whose time is over: it may be a copy; ask the merchant to install again."""

    code = "call_too_old"
    message = "The vendor's call is too old to be used."
