"""The WSGI application that Granian serves; it does not start without a sound keyring."""

import os
import sys

import django
from django.core.exceptions import ImproperlyConfigured

from config.handler import Handler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

try:
    django.setup(set_prefix=False)
    application = Handler()
except ImproperlyConfigured as error:
    sys.exit(str(error))

from keyvault.errors import KeyringError  # models need the set-up above
from keyvault.vault import harden_process, require_keyring

try:
    require_keyring()
except KeyringError as error:
    sys.exit(f"Latchkey cannot start: {error}")
harden_process()
