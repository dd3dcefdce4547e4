"""The panel for the operator's staff."""
