"""Retail by OAuth 2.0: each provider as data, and the few calls that all of them share.

`provider.py` says what a provider is; `r_series.py` and `x_series.py` are two of them, and a new
one is a module like these and a row in `registry.py`. `consent.py` makes the address that a
merchant is sent to and reads what comes back, `tokens.py` calls the token endpoint, `account.py`
asks whose account a token opens. `install.py` and `legacy.py` hold the two ways without OAuth:
the C-Series partner app and the R-Series key of before 2017. `errors.py` draws what can go wrong.
"""
