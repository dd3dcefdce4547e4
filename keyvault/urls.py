"""Addresses of the vault: the backend API and the probes."""

from django.urls import URLPattern, URLResolver, path

from keyvault.api.app import api_urls
from keyvault.api.docs import docs
from keyvault.api.probes import healthz, metrics, readyz

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("api/v1/docs", docs, name="api-docs"),
    *api_urls(),
]
