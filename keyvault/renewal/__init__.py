"""Keeping OAuth grants alive: exactly one call of the vendor for any number of callers.

    claims.py     a grant is claimed by a conditional UPDATE that also writes down the intent to ask
    renewing.py   asks the vendor outside any transaction, commits the pair before it is used
    waiting.py    everybody else waits for that, and reads the row again
    breaker.py    stops asking a vendor that is down
    grants.py     beginning and ending a grant
    duty.py       renews ahead of time
    contract.py   what a renewer must do: the vault itself knows no vendor

What is not known is never guessed. Between the intent and the commit a crash or a lost answer
leaves "outcome unknown"; the old refresh token is then shown once more, where the vendor ends a
grant for that only after the access token has expired, and a refusal means that consent is needed.
"""

from keyvault.renewal.contract import AccountRef, Renewer, TokenPair
from keyvault.renewal.duty import RENEWALS, renew_due
from keyvault.renewal.grants import end_grant, store_grant
from keyvault.renewal.renewing import renew
from keyvault.renewal.waiting import freshen

__all__ = [
    "RENEWALS",
    "AccountRef",
    "Renewer",
    "TokenPair",
    "end_grant",
    "freshen",
    "renew",
    "renew_due",
    "store_grant",
]
