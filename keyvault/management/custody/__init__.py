"""The parts of `manage.py keyvault`, one module a subject."""
