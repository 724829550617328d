"""How the store bears many writers and many events: `python benchmarks/store.py`.

Eight processes that write events at a time, and how long asking for a model's ancestors takes in a store of ten
thousand, a hundred thousand and a million events: the query, and `lineal trace` as a whole process.
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
from pathlib import Path
from typing import Any
from uuid import UUID

sys.path.insert(0, str(Path(__file__).parent))
from main_job import machine

BIN = Path(sys.executable).parent
ANCESTORS = 10


def main() -> None:
    """Measure writers, then readers; or be one of the writers."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--runs", type=int, default=250, help="of each writer; two events a run")
    parser.add_argument("--sizes", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--writer", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.writer is not None:
        write(arguments.writer, arguments.runs)
        return
    print(machine())
    writers(arguments.writers, arguments.runs)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LINEAL_STORE"] = f"sqlite:///{folder}/lineal.db"
        made = 0
        for size in arguments.sizes:
            fill(made, size)
            made = size
            query, whole = ask(made)
            print(f"{size:>9} events: query {query * 1000:.1f} ms, lineal trace {whole:.2f} s")


def writers(count: int, runs: int) -> None:
    """Events a second that so many processes write together."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "LINEAL_STORE": f"sqlite:///{folder}/lineal.db"}
        from lineal.store.log import Store

        Store(environment["LINEAL_STORE"])
        command = [sys.executable, __file__, "--runs", str(runs), "--writer"]
        start = time.perf_counter()
        processes = [
            subprocess.Popen([*command, str(number)], env=environment, stdout=subprocess.PIPE, text=True)
            for number in range(count)
        ]
        spans = [json.loads(process.communicate()[0]) for process in processes]
        errors = sum(process.returncode != 0 for process in processes) + sum(span["errors"] for span in spans)
        seconds = max(span["end"] for span in spans) - min(span["start"] for span in spans)
        kept = sum(1 for _ in Store(environment["LINEAL_STORE"]).events())
        print(
            f"{count} processes: {kept / seconds:.0f} events/s together, {errors} errors, {kept} events of "
            f"{count * runs * 2} kept ({time.perf_counter() - start:.1f} s with their starts)"
        )


def write(number: int, runs: int) -> None:
    """Write runs, and print when that began and ended."""
    from lineal.store.log import Store

    store, errors, start = Store(), 0, time.time()
    for run in range(runs):
        for event in chain_events(number * 1_000_000 + run, f"table{number}"):
            try:
                store.append(event)
            except Exception:  # noqa: BLE001 - they are counted
                errors += 1
    print(json.dumps({"start": start, "end": time.time(), "errors": errors}))


def chain_events(number: int, table: str, *, registered: bool = True) -> list[dict[str, Any]]:
    """The two events of a run that reads a version of a table and writes the next one; a tenth register a model."""
    place = number % ANCESTORS
    chain = number // ANCESTORS
    columns = [{"name": f"column {column}", "type": "double"} for column in range(10)]

    def dataset(step: int) -> dict[str, Any]:
        return {
            "namespace": "lineal",
            "name": f"{table}.{step}",
            "facets": {
                "version": facet(datasetVersion=f"{chain:032x}"),
                "schema": facet(fields=columns),
                "datasetType": facet(datasetType="TABLE"),
            },
        }

    common: dict[str, Any] = {
        "producer": "urn:benchmark",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": str(UUID(int=number + (hash_of(table) << 64))), "facets": {}},
        "job": {"namespace": "lineal", "name": f"{table}.job{place}", "facets": {}},
        "inputs": [dataset(place)],
    }
    start = {**common, "eventType": "START", "eventTime": "2026-01-01T00:00:00+00:00", "outputs": []}
    end: dict[str, Any] = {
        **common,
        "eventType": "COMPLETE",
        "eventTime": "2026-01-01T00:00:01+00:00",
        "outputs": [dataset(place + 1)],
    }
    if registered and place == ANCESTORS - 1:
        model = {"namespace": "mlflow://local", "name": f"models/{table}", "facets": {}}
        model["facets"] = {"version": facet(datasetVersion=f"{chain:032x}"), "datasetType": facet(datasetType="MODEL")}
        end["outputs"] = [model]
        decision = {"namespace": "mlflow://local", "name": table, "number": chain + 1, "digest": f"{chain:032x}"}
        decided = facet(by="a rule", decisions=[{**decision, "action": "register", "reason": "held"}])
        end["run"] = {**common["run"], "facets": {"lineal_decision": decided}}
    return [start, end]


def facet(**values: Any) -> dict[str, Any]:
    """A facet's values with what every facet has."""
    return {"_producer": "urn:benchmark", "_schemaURL": "https://openlineage.io/spec/facets/1-0-0/X.json", **values}


def hash_of(table: str) -> int:
    """A number of a table's name, the same in every process."""
    return sum(ord(letter) << (index % 4 * 8) for index, letter in enumerate(table)) & 0xFFFFFFFF


def fill(before: int, size: int, *, registered: bool = True) -> None:
    """Fill the store up to so many events, by importing them; with registered models, which no MLflow has, or none."""
    from lineal.store.importing import import_events
    from lineal.store.log import Store

    store = Store()
    for first in range(before // 2, size // 2, 50_000):
        numbers = range(first, min(first + 50_000, size // 2))
        lines = (
            json.dumps(event) + "\n"
            for number in numbers
            for event in chain_events(number, "chain", registered=registered)
        )
        import_events(store, io.BytesIO("".join(lines).encode()), "made up")


def depth(node: Any) -> int:
    """How many runs lie behind a node of a descent."""
    return max((1 + depth(each) for each in node.inputs), default=0)


def ask(size: int) -> tuple[float, float]:
    """Seconds of the query for ten ancestors, and of `lineal trace` as a whole process (medians)."""
    from lineal.questions.trace import trace
    from lineal.store.log import Store
    from lineal.subjects import Subject

    chain = size // 2 // ANCESTORS - 1
    subject = f"model:chain@{chain + 1}"
    store = Store()
    queries, wholes = [], []
    for _ in range(20):
        start = time.perf_counter()
        found = trace(store, Subject.parse(subject))
        queries.append(time.perf_counter() - start)
    assert found is not None
    assert depth(found.node) == ANCESTORS
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([str(BIN / "lineal"), "trace", subject], check=True, stdout=subprocess.DEVNULL)
        wholes.append(time.perf_counter() - start)
    return statistics.median(queries), statistics.median(wholes)


if __name__ == "__main__":
    main()
