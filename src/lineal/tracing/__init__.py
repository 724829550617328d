"""Tracing: a call becomes an OpenLineage run."""
