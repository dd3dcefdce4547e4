"""The vendor in plain Python: clients, permissions, limits. Knows no Django and no database.

Start reading at `check.py` (one whole live check of a key), then `ecom.py` (the client that it
drives). `errors.py` draws what can come of a request, `outbound/` is the only way out of the house.
"""
