"""The WSGI application that Granian serves; it does not start without a sound keyring."""

import os
import sys

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()

from keyvault.errors import KeyringError  # noqa: E402  # models need the set-up above
from keyvault.vault import harden_process, require_keyring  # noqa: E402

try:
    require_keyring()
except KeyringError as error:
    sys.exit(f"Latchkey cannot start: {error}")
harden_process()
