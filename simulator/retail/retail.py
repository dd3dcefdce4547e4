"""Everything that both series share: their rules, clients, accounts, keys and grants."""

import secrets
import time
from dataclasses import dataclass, field

from simulator.retail.clients import Account, Client, default_accounts, default_clients
from simulator.retail.grants import Family, GrantBook, digest
from simulator.retail.jwts import Signer
from simulator.retail.rules import R_SERIES, RuleBook
from simulator.windows import Clock


@dataclass(slots=True)
class Retail:
    """The two vendors' state; `told` counts what the control told it."""

    clock: Clock = time.time
    rules: RuleBook = field(default_factory=RuleBook)
    clients: dict[tuple[str, str], Client] = field(default_factory=default_clients)
    accounts: dict[str, list[Account]] = field(default_factory=default_accounts)
    legacy_keys: dict[str, str] = field(default_factory=dict)
    are_legacy_keys_refused: bool = False
    signer: Signer = field(default_factory=Signer)
    grants: GrantBook = field(init=False)
    told: int = 0

    def __post_init__(self) -> None:
        self.grants = GrantBook(clock=self.clock)

    @property
    def changes(self) -> int:
        """Grows with every change that is kept over a restart."""
        return self.told + self.grants.changes

    def mint(self, family: Family, expires_at: float) -> str:
        """Make an access token in the series' own form."""
        if family.series == R_SERIES:
            return self.signer.sign(
                {
                    "acct": family.account.id,
                    "scope": " ".join(family.scopes),
                    "exp": int(expires_at),
                }
            )
        return f"lsxs_at_{secrets.token_urlsafe(24)}"

    def put_legacy_key(self, *, key: str, account_id: str) -> None:
        """Let an API key of before OAuth open an account; an empty account takes it away."""
        if account_id:
            self.legacy_keys[digest(key)] = account_id
        else:
            self.legacy_keys.pop(digest(key), None)

    def reset(self) -> None:
        """Take back the rules; clients, accounts, keys and grants stay."""
        self.rules.clear()
        self.are_legacy_keys_refused = False
