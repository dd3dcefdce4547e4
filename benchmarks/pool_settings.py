"""The site's settings for the pool's measurements."""

import os

from config.settings import *  # noqa: F403

# The operator's word that the vendor's windows stand still.
KEYVAULT_FIXED_WINDOWS = os.environ.get("BENCHMARK_WINDOWS") == "fixed"
KEYVAULT_RATE_LIMIT_READER = "benchmarks.headers.read"
