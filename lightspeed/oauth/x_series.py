"""Lightspeed Retail (X-Series). Facts and how sure they are: LIGHTSPEED.md section 6.

The used refresh token is revoked at once, so a lost answer may mean a lost grant. The limit is 300
a register, plus 50, in 5 minutes; one register is what every shop has. PKCE and revocation are not
documented; both are sent, and what comes of them is not relied upon.
"""

from lightspeed.oauth.provider import Provider, Rotation, Scope

X_SERIES = Provider(
    name="retail-x",
    title="Lightspeed Retail (X-Series)",
    authorize_url="https://secure.retail.lightspeed.app/connect",
    token_url="https://{shop}.retail.lightspeed.app/api/1.0/token",  # noqa: S106  # an address
    revoke_url="https://{shop}.retail.lightspeed.app/api/1.0/revoke",
    account_url="https://{shop}.retail.lightspeed.app/api/2.0/retailer",
    api_url="https://{shop}.retail.lightspeed.app/",
    issuer="https://secure.retail.lightspeed.app",
    scopes=(
        Scope("products:read", "Products and stock"),
        Scope("sales:read", "Sales"),
        Scope("sales:write", "Orders from the app"),
        Scope("customers:read", "Customers"),
    ),
    rotation=Rotation.AT_ONCE,
    limits=((300, 350),),
    shop_parameter="domain_prefix",
    account_path=("data", "domain_prefix"),
    name_path=("data", "name"),
    code_seconds=600,
    access_seconds=86_400,
)
