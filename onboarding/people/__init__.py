"""Accounts: signing in, merchants and their members."""
