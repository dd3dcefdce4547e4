"""Providers that wrap DEKs under a key-encryption key."""
