"""The tamper-evident record of everything that happens to a secret."""
