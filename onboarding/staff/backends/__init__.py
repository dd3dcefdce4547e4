"""Backends and their tokens, in the hands of two people of the security role."""
