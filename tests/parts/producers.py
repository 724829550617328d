"""Event logs as other producers write them: the shapes of dbt, Spark and Airflow, their facets cut short."""

from __future__ import annotations

import itertools
import json
from typing import Any
from uuid import NAMESPACE_URL, uuid5

Event = dict[str, Any]
_SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/{}"


def ndjson(*events: Event) -> str:
    return "".join(json.dumps(event) + "\n" for event in events)


def run_id(job: str, time: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"{job} {time}"))


def dbt(
    model: str, start: str, end: str, *, reads: tuple[str, ...] = (), of: str = "postgres://dwh:5432"
) -> list[Event]:
    """One model of one `dbt-ol run`: tables of a warehouse, without versions; times in UTC with a Z."""
    job = f"shop.models.{model}"
    producer = "https://github.com/OpenLineage/OpenLineage/tree/1.26.0/integration/dbt"

    def table(name: str) -> Event:
        return {
            "namespace": of,
            "name": f"shop.public.{name}",
            "facets": {
                "schema": {
                    "_producer": producer,
                    "_schemaURL": "https://openlineage.io/spec/facets/1-0-0/SchemaDatasetFacet.json",
                    "fields": [{"name": "id", "type": "integer"}],
                },
                "dataSource": {
                    "_producer": producer,
                    "_schemaURL": "https://openlineage.io/spec/facets/1-0-0/DatasourceDatasetFacet.json",
                    "name": of,
                    "uri": of,
                },
            },
        }

    def event(kind: str, time: str) -> Event:
        return {
            "eventTime": time,
            "eventType": kind,
            "producer": producer,
            "schemaURL": _SCHEMA.format("RunEvent"),
            "run": {
                "runId": run_id(job, start),
                "facets": {
                    "parent": {
                        "_producer": producer,
                        "_schemaURL": "https://openlineage.io/spec/facets/1-0-0/ParentRunFacet.json",
                        "run": {"runId": run_id("dbt run", start[:10])},
                        "job": {"namespace": "dbt", "name": "dbt-run-shop"},
                    },
                    "dbt_version": {"_producer": producer, "_schemaURL": producer, "version": "1.9.1"},
                },
            },
            "job": {"namespace": "dbt", "name": job, "facets": {}},
            "inputs": [table(name) for name in reads],
            "outputs": [table(model)] if kind == "COMPLETE" else [],
        }

    return [event("START", start), event("COMPLETE", end)]


def spark(
    job: str, start: str, end: str, *, reads: tuple[str, ...], writes: str, version: str | None = None
) -> list[Event]:
    """One Spark job over a lake, with a facet of Spark's own; a version where it writes Iceberg."""
    producer = "https://github.com/OpenLineage/OpenLineage/tree/1.26.0/integration/spark"

    def table(name: str, of: str | None = None) -> Event:
        facets = (
            {} if of is None else {"version": {"_producer": producer, "_schemaURL": producer, "datasetVersion": of}}
        )
        return {"namespace": "s3://lake", "name": name, "facets": facets}

    def event(kind: str, time: str) -> Event:
        return {
            "eventTime": time,
            "producer": producer,
            "schemaURL": _SCHEMA.format("RunEvent"),
            "eventType": kind,
            "run": {
                "runId": run_id(job, start),
                "facets": {
                    "spark_properties": {
                        "_producer": producer,
                        "_schemaURL": producer,
                        "properties": {"spark.master": "yarn"},
                    }
                },
            },
            "job": {"namespace": "spark", "name": job},
            "inputs": [table(name) for name in reads],
            "outputs": [table(writes, version) | {"outputFacets": {}}],
        }

    return [event("START", start), event("RUNNING", start), event("COMPLETE", end)]


def within(*logs: list[Event]) -> tuple[list[Event], ...]:
    """The same logs, each run started by that of the log before; none names its root, which is optional."""
    for above, log in itertools.pairwise(logs):
        facet = {"run": {"runId": above[0]["run"]["runId"]}, "job": above[0]["job"]}
        for event in log:
            event["run"]["facets"]["parent"] = {"_producer": "urn:test", "_schemaURL": "urn:test", **facet}
    return logs


def dataset_event(name: str, time: str) -> Event:
    """What a catalogue says of a table, without any run."""
    return {
        "eventTime": time,
        "producer": "urn:catalogue",
        "schemaURL": _SCHEMA.format("DatasetEvent"),
        "dataset": {"namespace": "s3://lake", "name": name, "facets": {}},
    }


def job_event(name: str, time: str) -> Event:
    """What a scheduler says of a job, without any run."""
    return {
        "eventTime": time,
        "producer": "urn:scheduler",
        "schemaURL": _SCHEMA.format("JobEvent"),
        "job": {"namespace": "airflow", "name": name},
        "inputs": [{"namespace": "s3://lake", "name": "orders"}],
    }
