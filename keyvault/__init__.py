"""Custody and delivery: sealed credentials, their audit record, and the API that lends them."""
