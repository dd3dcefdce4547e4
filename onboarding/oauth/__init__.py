"""Connecting a store by OAuth: to the vendor and back, reconnecting in place, disconnecting."""
