"""The C-Series eCom API."""
