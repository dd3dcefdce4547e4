"""The site's settings as tests use them: nothing of the developer's own environment or data."""

import atexit
import os
import shutil
import tempfile

for _name in [name for name in os.environ if name.startswith("LATCHKEY_")]:
    del os.environ[_name]
os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="latchkey-tests-")
atexit.register(shutil.rmtree, os.environ["DATA_DIR"], ignore_errors=True)
# Playwright's loop runs in the test's thread while the live server uses the database in another.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

from config.settings import *  # noqa: E402, F403
from config.settings import DATABASES, STATIC_ROOT, STORAGES  # noqa: E402

# WhiteNoise warns when the folder that collectstatic fills is not there.
STATIC_ROOT.mkdir()
# Hashed names of static files need collectstatic, which tests do without.
STORAGES = {
    **STORAGES,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file: threads that share one in memory lock each other out in ways that no file does.
    DATABASES["default"]["TEST"] = {"NAME": f"{os.environ['DATA_DIR']}/tests.sqlite3"}
    # Nothing of a test must outlive a power cut.
    DATABASES["default"]["OPTIONS"]["init_command"] += "PRAGMA synchronous=OFF;"
else:
    DATABASES["default"]["OPTIONS"]["options"] = "-c synchronous_commit=off"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
