"""Dataset names by the OpenLineage naming specification, https://openlineage.io/docs/spec/naming."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from lineal import settings
from lineal.datasets.dataset import Dataset
from lineal.models.model import Model
from lineal.redaction import redact_urls
from lineal.subjects import name_of_file

_PORTS = {"postgres": 5432, "mysql": 3306, "mssql": 1433, "oracle": 1521, "redshift": 5439, "trino": 8080}
_SCHEMES = {
    **{"postgresql": "postgres", "mariadb": "mysql"},
    **{"gcs": "gs", "s3a": "s3", "s3n": "s3", "abfs": "abfss", "wasb": "wasbs"},
}
_OBJECT_STORES = ("s3", "gs", "abfss", "wasbs")


class Name(NamedTuple):
    """What identifies a dataset: namespace and name."""

    namespace: str
    name: str


def name_of(thing: Dataset | Model) -> Name:
    """The name a handle has in lineage: its own, or the one that follows from where its bytes lie."""
    if thing.name is not None:
        return Name(thing.namespace or settings.namespace(), thing.name)
    physical = physical_name(str(thing.uri))
    return Name(thing.namespace or physical.namespace, physical.name)


def physical_name(uri: str) -> Name:
    """The name of what lies at a path, URI or database URL, without user, password and parameters."""
    if "://" not in uri:
        return Name("file", name_of_file(uri))
    parts = urlsplit(redact_urls(uri))
    scheme = parts.scheme.partition("+")[0].lower()
    scheme = _SCHEMES.get(scheme, scheme)
    if scheme in _OBJECT_STORES:
        return _object_name(scheme, uri)
    path = unquote(parts.path)
    if scheme == "file":
        return Name("file", name_of_file(path))
    if scheme == "sqlite":
        # A namespace of its own: what a query gives is not the bytes of the database's file.
        return Name("sqlite", name_of_file(path[1:]) if path[1:] else "in-memory")
    host = parts.hostname or ""
    port = parts.port or _PORTS.get(scheme)
    if scheme in _PORTS:
        # A table's name is `db.schema.table`; of a query only the database is known.
        return Name(f"{scheme}://{host}:{port}", path.strip("/") or host)
    authority = f"{host}:{port}" if port else parts.netloc.rpartition("@")[2]
    return Name(f"{scheme}://{authority}", path.strip("/") or "/")


def _object_name(scheme: str, uri: str) -> Name:
    """The name of an object, all of whose key is told apart: `#`, `?` and `%` are letters like others there."""
    authority, _, key = redact_urls(uri).partition("://")[2].partition("/")
    return Name(f"{scheme}://{authority}", key.strip("/") or "/")


def is_database(name: Name) -> bool:
    """Whether a name is of what lies in a database."""
    return name.namespace == "sqlite" or name.namespace.partition(":")[0] in _PORTS
