"""Time-limited loans of a credential with a number of permits."""
