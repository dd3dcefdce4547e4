"""Traces for an OpenTelemetry collector; off unless OTEL_EXPORTER_OTLP_ENDPOINT names one.

spans.py       what a span is, which one is the present one, and where ended ones go
exporter.py    sends ended spans by OTLP/HTTP in JSON, from a thread of its own
middleware.py  a span for each request
startup.py     reads the standard variables and puts the observers in place

The whole is small because it does one thing; an SDK would bring a dozen packages. A span bears the
attributes that are named in this package and no other: methods, routes, statuses, host names,
counts and ids. No address, no header, no body and no text of an error, so no secret.
"""
