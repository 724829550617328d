"""The store's tables: the event log, and the index that can be remade from it.

Keys of the index are hashes of what they name, so that every process, and every rebuild, gives the same rows.
A change here is a migration as well: see `lineal.store.migrations`.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy.event import listens_for

from lineal.store import fulltext

metadata = MetaData()
_KEY = String(32)
_SEQUENCE = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only in an INTEGER key

meta = Table(
    "lineal_meta", metadata, Column("key", String(50), primary_key=True), Column("value", Text, nullable=False)
)


def _partial(index: Index, where: str) -> Index:
    """An index of those rows alone, said when it is made: to say it here would load the other database's dialect."""

    @listens_for(index, "before_create")
    def say(index: Index, connection: Connection, **_: object) -> None:
        index.dialect_options[connection.dialect.name]["where"] = text(where)

    return index


events = Table(
    "lineal_events",
    metadata,
    Column("seq", _SEQUENCE, primary_key=True, autoincrement=True),
    Column("run_id", String(36)),
    Column("event_type", String(10)),
    Column("event_time", String(40), nullable=False),
    Column("body", Text, nullable=False),
    Index("lineal_events_run", "run_id", "seq"),
    # Events of jobs and datasets alone are few, and found by their time.
    _partial(Index("lineal_events_time", "event_time"), "run_id IS NULL"),
)

jobs = Table(
    "lineal_jobs",
    metadata,
    Column("key", _KEY, primary_key=True),
    Column("namespace", Text, nullable=False),
    Column("name", Text, nullable=False),
    Index("lineal_jobs_name", "name"),
)

runs = Table(
    "lineal_runs",
    metadata,
    Column("run_id", String(36), primary_key=True),
    Column("job", _KEY, nullable=False),
    Column("parent_id", String(36)),
    Column("root_id", String(36)),
    Column("state", String(10), nullable=False),
    Column("started_at", String(40)),
    Column("ended_at", String(40)),
    Column("engine_id", String(36), comment="the orchestrator's own id of the run, such as Prefect's"),
    Column("mlflow_id", String(64)),
    Column("first_seq", BigInteger, nullable=False),
    Column("last_seq", BigInteger, nullable=False, comment="of the newest event with datasets and facets"),
    Index("lineal_runs_engine", "engine_id"),
    Index("lineal_runs_root", "root_id"),
    Index("lineal_runs_parent", "parent_id"),
    Index("lineal_runs_job", "job", "first_seq"),
    Index("lineal_runs_mlflow", "mlflow_id"),
)
# What a sweep looks at: few of many.
_partial(Index("lineal_runs_open", runs.c.first_seq), "ended_at IS NULL")

datasets = Table(
    "lineal_datasets",
    metadata,
    Column("key", _KEY, primary_key=True),
    Column("namespace", Text, nullable=False),
    Column("name", Text, nullable=False),
    Index("lineal_datasets_name", "name"),
)

versions = Table(
    "lineal_versions",
    metadata,
    Column("key", _KEY, primary_key=True),
    Column("dataset", _KEY, nullable=False),
    Column("version", Text, nullable=False, comment="content hash; empty where the producer gave none"),
    Column("kind", String(20), nullable=False, comment="the datasetType facet's word, such as TABLE, FILE, MODEL"),
    Column("first_seq", BigInteger, nullable=False),
    Column("rows", BigInteger, comment="how many records, where an event told"),
    Index("lineal_versions_dataset", "dataset", "first_seq"),
    Index("lineal_versions_version", "version"),
)

edges = Table(
    "lineal_edges",
    metadata,
    Column("run_id", String(36), primary_key=True),
    Column("role", String(1), primary_key=True, comment="i: the run read it, o: the run wrote it"),
    Column("version", _KEY, primary_key=True),
    Index("lineal_edges_version", "version", "role"),
)

models = Table(
    "lineal_models",
    metadata,
    Column("namespace", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("version", _KEY, nullable=False),
    Column("run_id", String(36), nullable=False),
    Column("registered_at", String(40), nullable=False),
    Index("lineal_models_digest", "digest"),
    Index("lineal_models_name", "name", "number"),
)

aliases = Table(
    "lineal_aliases",
    metadata,
    Column("seq", BigInteger, primary_key=True),
    Column("namespace", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("alias", String(255), primary_key=True),
    Column("number", Integer, comment="the version that holds it from then on; NULL where it was taken away"),
    Column("previous", Integer),
    Column("moved_at", String(40), nullable=False),
    Column("moved_by", Text),
    Column("reason", Text),
    Column("run_id", String(36), nullable=False),
    Index("lineal_aliases_name", "name", "alias", "seq"),
)

# What was found to be bad, and what was trusted again.
recalls = Table(
    "lineal_recalls",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("version", _KEY, primary_key=True, comment="key of the version that the decision is about"),
    Column("content", Text, nullable=False, comment="its content hash: the same bytes under any name are meant"),
    Column("subject", Text, nullable=False, comment="as it was named"),
    Column("action", String(20), nullable=False, comment="recall, or restore-trust where an earlier one is undone"),
    Column("decided_at", String(40), nullable=False),
    Column("decided_by", Text),
    Column("reason", Text, nullable=False),
    Column("run_id", String(36), nullable=False),
)

facts = Table(
    "lineal_facts",
    metadata,
    Column("run_id", String(36), primary_key=True),
    Column("root_id", String(36), nullable=False),
    Column("seq", BigInteger, nullable=False, comment="of the event that ended the run"),
    Column("body", Text, nullable=False, comment="parameters, metrics, environment and data, as JSON"),
    Index("lineal_facts_seq", "seq"),
)

texts = Table(
    "lineal_texts",
    metadata,
    Column("id", _SEQUENCE, primary_key=True, autoincrement=False),
    Column("key", _KEY, nullable=False, unique=True),
    Column("kind", String(20), nullable=False, comment="run, job, decision, note or description"),
    Column("subject", Text, nullable=False, comment="what to ask about"),
    Column("at", String(40), nullable=False),
    Column("text", Text, nullable=False),
)
fulltext.attach(texts)

# How far each consumer has the log. No part of the index: it cannot be remade from the log.
consumers = Table(
    "lineal_consumers",
    metadata,
    Column("name", String(500), primary_key=True),
    Column("position", BigInteger, nullable=False, comment="every event up to this seq is delivered or set aside"),
    Column("failures", Integer, nullable=False, comment="attempts in a row that came to nothing"),
    Column("problem", Text, comment="what kept the last attempt from it"),
    Column("retry_at", Float, comment="not to be asked before, in seconds since 1970"),
    Column("delivered_at", Float, comment="when it last took an event"),
    Column("holder", Text, comment="the process that delivers now, as JSON"),
    Column("held_until", Float, comment="when that is over at the latest"),
)

refusals = Table(
    "lineal_refusals",
    metadata,
    Column("consumer", String(500), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("status", Integer, comment="of the consumer's HTTP answer"),
    Column("answer", Text, nullable=False),
    Column("refused_at", Float, nullable=False),
)

# What makes tampering with the log show; see lineal.store.checkpoints. No part of the index either.
checkpoints = Table(
    "lineal_checkpoints",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("first_seq", BigInteger, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("count", Integer, nullable=False),
    Column("root", String(64), nullable=False, comment="Merkle root over the events from first_seq to last_seq"),
    Column("previous", String(64), nullable=False, comment="hash of the checkpoint before"),
    Column("made_at", String(40), nullable=False),
    Column("key", String(64), nullable=False, comment="id of the key that it is signed with"),
    Column("signature", String(128), nullable=False, comment="Ed25519 over all of the above, in base64"),
    Column("leaves", LargeBinary, nullable=False, comment="seq and leaf hash of each event, so that one can be named"),
    Index("lineal_checkpoints_last", "last_seq"),
)

INDEX_TABLES = (jobs, runs, datasets, versions, edges, models, aliases, recalls, facts, texts)


@lru_cache(maxsize=65_536)
def key_of(*parts: str) -> str:
    """The key of what is named by `parts`, the same in every process."""
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()
