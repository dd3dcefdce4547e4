"""The HTTP API that a mobile backend calls."""
