"""Measurements; each prints ratios of one interleaved run. Never part of the tests."""
