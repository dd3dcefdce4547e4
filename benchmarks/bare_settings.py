"""The site's settings with one bare view instead of the site: what Django itself costs here."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.bare_urls"
