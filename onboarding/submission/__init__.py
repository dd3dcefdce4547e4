"""Paste and check: a pair of key and secret on its way into the vault."""
