"""How long `lineal impact` takes: `python benchmarks/impact.py`.

A file with a thousand models and ten thousand batches of predictions below it, in a store that holds as much again of
another file; then a file with one model and ten batches in the same store.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

sys.path.insert(0, str(Path(__file__).parent))
from main_job import machine
from store import facet

BIN = Path(sys.executable).parent
COLUMNS = [{"name": f"column {column}", "type": "double"} for column in range(20)]
MLFLOW = "mlflow://local"


def main() -> None:
    """Fill a store, then ask."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--batches", type=int, default=10, help="of each model")
    parser.add_argument("--store", help="a database's URL; default a new SQLite file")
    arguments = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LINEAL_STORE"] = arguments.store or f"sqlite:///{folder}/lineal.db"
        for source, models in (("asked", arguments.models), ("other", arguments.models), ("small", 1)):
            fill(source, models, arguments.batches)
        for source in ("asked", "small"):
            query, whole, counts = ask(source)
            print(f"{source}: {counts}: query {query * 1000:.0f} ms, lineal impact {whole:.2f} s")


def fill(source: str, models: int, batches: int) -> None:
    """Import what training and predicting that many times leaves."""
    from lineal.store.importing import import_events
    from lineal.store.log import Store

    store = Store()
    for start in range(0, models, 100):
        lines = (
            json.dumps(event) + "\n"
            for number in range(start, min(start + 100, models))
            for event in pipeline(source, number, batches)
        )
        import_events(store, io.BytesIO("".join(lines).encode()), "made up")


def pipeline(source: str, number: int, batches: int) -> Iterator[dict[str, Any]]:
    """One training run of a pipeline on the file, and the batches that its model predicted."""
    seed = f"{source}{number}".encode().hex()
    runs = Runs(int.from_bytes(f"{source[:2]}{number:06}".encode()))

    def version(name: str, text: str = "", rows: int | None = None, kind: str = "TABLE", of: str = "lineal") -> Any:
        facets = {
            "version": facet(datasetVersion=(name.encode().hex() + text)[-32:].rjust(32, "0")),
            "schema": facet(fields=COLUMNS),
            "datasetType": facet(datasetType=kind),
        }
        statistics = {"outputFacets": {"outputStatistics": facet(rowCount=rows)}} if rows else {}
        return {"namespace": of, "name": name, "facets": facets, **statistics}

    file = version(f"/data/{source}.csv", rows=1000, kind="FILE", of="file")
    snapshot = version(f"{source}.snapshot", rows=1000)
    train, test = version(f"{source}.train", seed, 750), version(f"{source}.test", seed, 250)
    model = version(f"{source}.model", seed, kind="MODEL")
    digest = model["facets"]["version"]["datasetVersion"]
    registered = {**version(f"models/{source}", kind="MODEL", of=MLFLOW)}
    registered["facets"] = {**registered["facets"], "version": facet(datasetVersion=digest)}
    evaluation = version(f"{source}.evaluation", seed, 250)
    about = {"namespace": MLFLOW, "name": source, "number": number + 1, "digest": digest, "reason": "it held"}
    decided = [{**about, "action": "register"}, {**about, "action": "move-alias", "alias": "champion"}]
    flow = runs.new("train", None)
    yield flow.start()
    for job, reads, writes in (
        ("ingest", [file], [snapshot]),
        ("check", [snapshot], []),
        ("split", [snapshot], [train, test]),
        ("train", [train], [model]),
        ("evaluate", [model, test], [evaluation]),
        ("explain", [model, test], [version(f"{source}.importances", seed, 20)]),
    ):
        yield from runs.new(f"train.{job}", flow).both(reads, writes)
    yield from runs.new("train.register", flow).both([model, evaluation], [registered], decided)
    yield flow.end()
    for batch in range(batches):
        flow = runs.new("predict", None)
        yield flow.start()
        raw = version(f"{source}.batch", f"{batch:04}", 1000)
        yield from runs.new("predict.read", flow).both([version(f"/new/{batch}.csv", kind="FILE", of="file")], [raw])
        yield from runs.new("predict.check", flow).both([raw, registered], [])
        made = version(f"{source}.predictions", f"{seed}{batch:04}", 1000)
        yield from runs.new("predict.score", flow).both([raw, registered], [made])
        yield from runs.new("predict.drift", flow).both([raw, registered], [])
        yield flow.end()


class Runs:
    """Numbers the runs of one pipeline, and gives their events."""

    def __init__(self, base: int) -> None:
        self._next = base << 32

    def new(self, job: str, parent: MadeUpRun | None) -> MadeUpRun:
        """A new run of a job."""
        self._next += 1
        return MadeUpRun(str(UUID(int=self._next)), job, parent)


class MadeUpRun:
    """One run."""

    def __init__(self, run_id: str, job: str, parent: MadeUpRun | None) -> None:
        self.run_id, self.job, self.parent = run_id, job, parent

    def start(self) -> dict[str, Any]:
        """Its first event, where it reads nothing."""
        return self._event("START", [], [])

    def end(self) -> dict[str, Any]:
        """Its last event, where it wrote nothing."""
        return self._event("COMPLETE", [], [])

    def both(self, reads: list[Any], writes: list[Any], decisions: list[Any] | None = None) -> list[dict[str, Any]]:
        """Both of its events."""
        return [self._event("START", reads, []), self._event("COMPLETE", reads, writes, decisions)]

    def _event(self, kind: str, reads: list[Any], writes: list[Any], decisions: list[Any] | None = None) -> Any:
        facets: dict[str, Any] = {}
        if self.parent is not None:
            run = {"run": {"runId": self.parent.run_id}, "job": {"namespace": "lineal", "name": self.parent.job}}
            facets["parent"] = facet(**run, root=run)
        if decisions:
            facets["lineal_decision"] = facet(by="a rule", decisions=decisions)
        return {
            "eventType": kind,
            "eventTime": f"2026-01-01T00:00:0{kind == 'COMPLETE':d}+00:00",
            "producer": "urn:benchmark",
            "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
            "run": {"runId": self.run_id, "facets": facets},
            "job": {"namespace": "lineal", "name": self.job, "facets": {}},
            "inputs": reads,
            "outputs": writes,
        }


def ask(source: str) -> tuple[float, float, str]:
    """Seconds of the query and of `lineal impact` as a whole process (medians), and the closing line."""
    from lineal.questions.impact import impact
    from lineal.reports.impact import sentence
    from lineal.store.log import Store
    from lineal.subjects import Subject

    store, queries, wholes = Store(), [], []
    subject = f"file:/data/{source}.csv"
    for _ in range(5):
        start = time.perf_counter()
        found = impact(store, Subject.parse(subject))
        queries.append(time.perf_counter() - start)
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([str(BIN / "lineal"), "impact", subject], check=True, stdout=subprocess.DEVNULL)
        wholes.append(time.perf_counter() - start)
    return statistics.median(queries), statistics.median(wholes), sentence(found.counts, found.models)


if __name__ == "__main__":
    main()
