"""What discovery finds in stores with known effects, and what it costs: `python benchmarks/discover.py`.

Simulated: runs of a metric that a learning rate (V-shaped, 47 % of the variance), a data version (45 %) and a depth
(8 %) move; a number of trees, a criterion and the seed do not; noise of a standard deviation of 0.01. Each run draws
all of them anew. Beside it optuna's importances on the same runs, where optuna is installed. Then the whole command on
a store of many runs, a search over many notes, and what the index of both adds to an event.
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
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from main_job import machine
from store import facet

BIN = Path(sys.executable).parent
REAL = {"lr", "data made-up.csv", "depth"}
SPREAD, NOISE = 0.05, 0.01
Event = dict[str, Any]


def main() -> None:
    """Measure what is found, then what it costs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--stores", type=int, default=200)
    parser.add_argument("--runs", type=int, nargs="*", default=[12, 30, 60, 100])
    parser.add_argument("--optuna-stores", type=int, default=20, help="fANOVA is slow")
    parser.add_argument("--size", type=int, default=100_000, help="runs of the large store, and notes in it")
    arguments = parser.parse_args()
    print(machine())
    for runs in arguments.runs:
        found(arguments.stores, runs)
    for runs in arguments.runs:
        optuna_finds(arguments.optuna_stores, runs)
    if arguments.size:
        costs(arguments.size)


def simulated(count: int, seed: int) -> list[tuple[dict[str, Any], str, float]]:
    """Parameters, data version and metric of so many independent runs."""
    random = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        lr = 10 ** random.uniform(-4, -1)
        version, depth = int(random.integers(3)), int(random.integers(2, 11))
        given = {
            "lr": float(lr),
            "depth": depth,
            "n_estimators": int(random.integers(50, 500)),
            "criterion": str(random.choice(["gini", "entropy"])),
            "seed": int(random.integers(10_000)),
        }
        # Each effect in units of its own standard deviation.
        of_lr, of_data, of_depth = -abs(np.log10(lr) + 2.5) / 0.433, (version - 1) / 0.816, (depth - 6) / 2.582
        effects = 0.47**0.5 * of_lr + 0.45**0.5 * of_data + 0.08**0.5 * of_depth
        made.append((given, f"v{version}", float(0.8 + SPREAD * effects + random.normal(0, NOISE))))
    return made


def event_of(number: int, given: dict[str, Any], version: str, metrics: dict[str, float]) -> Event:
    """The event of a run that has ended."""

    def dataset(name: str, of: str) -> Event:
        facets = {"version": facet(datasetVersion=of), "datasetType": facet(datasetType="TABLE")}
        return {"namespace": "lineal", "name": name, "facets": facets}

    parameters = [{"key": name, "name": name, "value": str(value)} for name, value in given.items()]
    listed = [{"name": name, "value": value, "of": "held-out"} for name, value in metrics.items()]
    return {
        "eventType": "COMPLETE",
        "eventTime": f"2026-01-01T00:00:00.{number % 1_000_000:06}+00:00",
        "producer": "urn:benchmark",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {
            "runId": str(UUID(int=number + (1 << 100))),
            "facets": {
                "executionParameters": facet(parameters=parameters),
                "lineal_metrics": facet(metrics=listed),
            },
        },
        "job": {"namespace": "lineal", "name": "simulated", "facets": {}},
        "inputs": [dataset("made-up.csv", version)],
        "outputs": [],
    }


def filled(url: str, events: list[Event]) -> Any:
    """A store with some events."""
    from lineal.store.importing import import_events
    from lineal.store.log import Store

    store = Store(url)
    import_events(store, io.BytesIO("".join(f"{json.dumps(event)}\n" for event in events).encode()), "made up")
    return store


def found(stores: int, runs: int) -> None:
    """In how many stores each factor is found, and in how many anything that is not so."""
    from lineal.questions.discovery import discover

    hits: Counter[str] = Counter()
    false = silent = 0
    seconds = []
    for seed in range(stores):
        with tempfile.TemporaryDirectory() as folder:
            events = [
                event_of(n, given, data, {"accuracy": y}) for n, (given, data, y) in enumerate(simulated(runs, seed))
            ]
            store = filled(f"sqlite:///{folder}/lineal.db", events)
            start = time.perf_counter()
            (lesson,) = discover(store).lessons
            seconds.append(time.perf_counter() - start)
            store.engine.dispose()
        moved = {factor.name for factor in lesson.factors.moved}
        hits.update(moved)
        neutral = {factor.name for factor in lesson.factors.neutral}
        changed = {change.name for change in lesson.changes}
        false += bool((moved | changed) - REAL or neutral & REAL or lesson.breaks)
        silent += not (moved or neutral or changed or lesson.breaks) and lesson.factors.more_runs > 0
    shares = "  ".join(f"{name} {hits[name] / stores:.0%}" for name in sorted(REAL))
    others = {name: f"{count / stores:.1%}" for name, count in hits.items() if name not in REAL}
    print(
        f"{runs:>4} runs x {stores} stores: {shares}; anything false {false / stores:.1%} {others or ''}; "
        f"says it cannot tell {silent / stores:.0%}; {statistics.median(seconds) * 1000:.0f} ms"
    )


def optuna_finds(stores: int, runs: int) -> None:
    """How often optuna ranks a factor that moves nothing above one that does."""
    try:
        import optuna
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
    except ImportError:
        print("optuna is not installed: not compared")
        return
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    spaces = {
        "lr": FloatDistribution(1e-4, 1e-1, log=True),
        "data made-up.csv": CategoricalDistribution(["v0", "v1", "v2"]),
        "depth": IntDistribution(2, 10),
        "n_estimators": IntDistribution(50, 500),
        "criterion": CategoricalDistribution(["gini", "entropy"]),
        "seed": IntDistribution(0, 10_000),
    }
    evaluators = {
        "fANOVA": optuna.importance.FanovaImportanceEvaluator,
        "MDI": optuna.importance.MeanDecreaseImpurityImportanceEvaluator,
        "PED-ANOVA": optuna.importance.PedAnovaImportanceEvaluator,
    }
    for name, evaluator in evaluators.items():
        large = all_three = 0
        for seed in range(stores):
            study = optuna.create_study(direction="maximize")
            for given, data, y in simulated(runs, seed):
                params = {**given, "data made-up.csv": data}
                study.add_trial(optuna.trial.create_trial(params=params, distributions=spaces, value=y))
            ranked = list(optuna.importance.get_param_importances(study, evaluator=evaluator()))
            large += set(ranked[:2]) == {"lr", "data made-up.csv"}
            all_three += set(ranked[:3]) == REAL
        print(
            f"{runs:>4} runs x {stores} stores, optuna's {name}: the two large first {large / stores:.0%}, "
            f"all three above the others {all_three / stores:.0%}"
        )


def costs(size: int) -> None:
    """The commands on a store of many runs and notes, as whole processes; and what the index adds to an event."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/lineal.db"
        os.environ["LINEAL_STORE"] = url
        start = time.perf_counter()
        for first in range(0, size, 20_000):
            filled(url, [large(number) for number in range(first, min(size, first + 20_000))])
        print(f"{size} runs of 10 parameters imported in {time.perf_counter() - start:.0f} s")
        print(f"lineal discover: {timed('discover'):.2f} s as a whole process")
        start = time.perf_counter()
        for first in range(0, size, 20_000):
            filled(url, [note(number) for number in range(first, min(size, first + 20_000))])
        print(f"{size} notes imported in {time.perf_counter() - start:.0f} s")
        searches(url)
        appends(url)


def large(number: int) -> Event:
    """One run of ten parameters."""
    random = np.random.default_rng(number)
    given: dict[str, Any] = {f"p{place}": int(random.integers(2 + 3 * place)) for place in range(8)}
    given |= {"lr": float(10 ** random.uniform(-4, -1)), "seed": int(random.integers(100))}
    value = 0.8 + 0.01 * given["p3"] + float(random.normal(0, 0.01))
    return event_of(number, given, f"v{number // 10_000}", {"accuracy": value, "f1": value - 0.01})


WORDS = [f"{start}{middle}{end}" for start in "bdfgklmnprst" for middle in "aeiou" for end in ("r", "n", "st", "ck")]


def note(number: int) -> Event:
    """A run that notes some thirty words."""
    random = np.random.default_rng(number)
    # Some words are in most notes, as everywhere.
    words = [WORDS[int(place)] for place in np.minimum(random.zipf(1.3, 30), len(WORDS)) - 1]
    event = event_of(number + 10_000_000, {}, "v0", {})
    decided = {"action": "note", "subject": f"model:m@{number}", "reason": " ".join(words)}
    event["run"]["facets"] = {"lineal_decision": facet(by="someone", decisions=[decided])}
    return event


def timed(*words: str) -> float:
    """Seconds of a command as a whole process: the median of three."""
    spans = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run([str(BIN / "lineal"), *words], check=True, stdout=subprocess.DEVNULL)
        spans.append(time.perf_counter() - start)
    return statistics.median(spans)


def searches(url: str) -> None:
    """A search for the commonest words, for a rare one, and as a whole process."""
    from lineal.questions.search import search
    from lineal.store.log import Store

    store = Store(url)
    for text in (WORDS[0], f"{WORDS[0]} {WORDS[1]} {WORDS[2]}", "someone", WORDS[-2]):
        spans = []
        for _ in range(5):
            start = time.perf_counter()
            hits = search(store, text).hits
            spans.append(time.perf_counter() - start)
        assert hits
        print(f"search {text!r}: {statistics.median(spans) * 1000:.0f} ms")
    print(f"lineal search {WORDS[0]}: {timed('search', WORDS[0]):.2f} s as a whole process")


def appends(url: str) -> None:
    """What an event costs with the index of facts and texts, and without."""
    from lineal.store import index
    from lineal.store.log import Store

    store = Store(url)
    real = index.fact_of, index.texts_of
    spans: dict[bool, list[float]] = {True: [], False: []}
    number = 50_000_000
    for _ in range(20):
        for indexed in (True, False):
            index.fact_of, index.texts_of = real if indexed else (lambda *_: None, lambda *_: [])
            for _ in range(25):
                number += 1
                event = large(number)
                start = time.perf_counter()
                store.append(event)
                spans[indexed].append(time.perf_counter() - start)
    with_index, without = statistics.median(spans[True]), statistics.median(spans[False])
    print(
        f"append, an ended run of 10 parameters: {with_index * 1000:.2f} ms, without the index of facts and texts "
        f"{without * 1000:.2f} ms: {1000 * (with_index - without):+.2f} ms"
    )


if __name__ == "__main__":
    main()
