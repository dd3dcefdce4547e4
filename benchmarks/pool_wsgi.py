"""The site with the settings of the pool's measurements."""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.pool_settings"

from config.wsgi import application

__all__ = ["application"]
