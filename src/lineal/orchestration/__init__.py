"""Prefect: run context, embedded server, deployments, events. The one place that imports it."""
