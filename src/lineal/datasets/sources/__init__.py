"""Reading sources: one module a format, one that finds the files, one that makes the snapshot."""

from lineal.datasets.snapshot import Snapshot, locate
from lineal.datasets.sources.reading import ingest, read

__all__ = ["Snapshot", "ingest", "locate", "read"]
