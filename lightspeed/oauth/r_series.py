"""Lightspeed Retail (R-Series). Facts and how sure they are: LIGHTSPEED.md section 5.

The old refresh token dies when the new access token is first used, so a pair that was stored
before use is never lost to a crash. The bucket (90, drained by 1 a second) never overflows when
any 90 seconds hold at most 90 requests.
"""

from lightspeed.oauth.provider import Body, Provider, Rotation, Scope, ScopeSource

R_SERIES = Provider(
    name="retail-r",
    title="Lightspeed Retail (R-Series)",
    authorize_url="https://cloud.lightspeedapp.com/auth/oauth/authorize",
    token_url="https://cloud.lightspeedapp.com/auth/oauth/token",  # noqa: S106  # an address
    revoke_url="https://cloud.lightspeedapp.com/auth/oauth/revoke",
    account_url="https://api.lightspeedapp.com/API/V3/Account.json",
    api_url="https://api.lightspeedapp.com/",
    issuer="https://cloud.lightspeedapp.com",
    scopes=(
        Scope("employee:inventory", "Products and stock"),
        Scope("employee:register", "Sales"),
        Scope("employee:customers", "Customers"),
    ),
    rotation=Rotation.FIRST_USE,
    limits=((90, 90),),
    body=Body.JSON,
    scope_source=ScopeSource.ACCESS_TOKEN,
    account_path=("Account", "accountID"),
    name_path=("Account", "name"),
    code_seconds=60,
    access_seconds=1800,
)
