"""Compare what was made with what is on record, step by step, in the order of the work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from lineal.datasets.cache import Cache
from lineal.errors import VersionError
from lineal.models.digest import Leaf, from_csv
from lineal.models.keeping import LEAVES
from lineal.questions.materials import Materials, Version, bytes_of, checked

if TYPE_CHECKING:
    import pyarrow as pa

Verdict = Literal["identical", "equivalent", "different"]
RELATIVE, ABSOLUTE = 1e-6, 1e-9
TOLERANCE = f"{RELATIVE:g} of the figure and {ABSOLUTE:g}; labels must be the same"
_SHOWN = 5
_FOLDS = "cross-validation"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the work, compared.

    Attributes:
        name: `snapshot`, `split`, `features`, `model`, `metrics` or `predictions`.
        same: bit for bit; None where it could not be compared.
        near: whether it is the same within the tolerance.
        detail: what is the same, or what differs, for a person.
    """

    name: str
    same: bool | None
    near: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Side:
    """What one run came to, and where its bytes are."""

    materials: Materials
    cache: Cache


def compare(recorded: Side, made: Side) -> tuple[Step, ...]:
    """Compare two runs of one pipeline; what differed first stands first among what differs."""
    before, after = recorded.materials, made.materials
    return (
        _versions("snapshot", ("all rows", before.snapshot, after.snapshot)),
        _versions("split", ("to train", before.train, after.train), ("held out", before.test, after.test)),
        _features(before, after),
        _model(recorded, made),
        _metrics(before, after),
        _predictions(recorded, made),
    )


def verdict_on(steps: tuple[Step, ...]) -> Verdict:
    """What the steps come to.

    The same digest is the same model; the figures may then differ in their last bits, as another CPU computes them.
    """
    by_name = {step.name: step for step in steps}
    if by_name["model"].same and all(step.same is not False or step.near for step in steps):
        return "identical"
    return "equivalent" if by_name["predictions"].near else "different"


def _versions(name: str, *pairs: tuple[str, Version, Version]) -> Step:
    differing = [
        f"{what}: {after.version[:12]} ({after.rows} rows), recorded {before.version[:12]} ({before.rows} rows)"
        for what, before, after in pairs
        if before.version != after.version
    ]
    if differing:
        return Step(name, False, False, "; ".join(differing))
    return Step(name, True, True, ", ".join(f"{before.version[:12]} ({before.rows} rows)" for _, before, _ in pairs))


def _features(before: Materials, after: Materials) -> Step:
    if before.features is None or after.features is None:
        return Step("features", None, False, "not on record")
    if before.features == after.features:
        return Step("features", True, True, before.features[:12])
    return Step("features", False, False, f"{after.features[:12]}, recorded {before.features[:12]}")


def _model(recorded: Side, made: Side) -> Step:
    before, after = recorded.materials, made.materials
    if before.digest == after.digest:
        return Step("model", True, True, f"digest {before.digest[:12]}")
    said = f"digest {after.digest[:12]}, recorded {before.digest[:12]}"
    try:
        tables = [bytes_of(side.materials, LEAVES, side.cache) for side in (recorded, made)]
    except VersionError as problem:
        return Step("model", False, False, f"{said}; in what they differ cannot be said: {problem}")
    if tables[0] is None or tables[1] is None:
        return Step("model", False, False, said)
    return Step("model", False, False, f"{said}; {_leaves(from_csv(tables[0]), from_csv(tables[1]))}")


def _leaves(before: tuple[Leaf, ...], after: tuple[Leaf, ...]) -> str:
    """Which leaves of two models differ, the first of them by name."""
    known, new = ({leaf.path: leaf for leaf in table} for table in (before, after))
    differing = [path for path in known | new if known.get(path) != new.get(path)]
    first = ", ".join(_leaf(path, known.get(path), new.get(path)) for path in differing[:_SHOWN])
    rest = f", and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
    return f"{len(differing)} of {len(known | new)} parts differ: {first}{rest}"


def _leaf(path: str, before: Leaf | None, after: Leaf | None) -> str:
    name = path or "the model itself"
    if before is None or after is None:
        return f"{name} (only in {'the record' if after is None else 'what was made'})"
    kind = (before.tag, before.dtype, before.shape)
    if kind != (after.tag, after.dtype, after.shape):
        return f"{name} ({_kind(after)}, recorded {_kind(before)})"
    return f"{name} ({_kind(before)})" if before.dtype else name


def _kind(leaf: Leaf) -> str:
    shape = f" {'x'.join(map(str, leaf.shape))}" if leaf.shape else ""
    return f"{leaf.dtype or leaf.tag}{shape}"


def _metrics(before: Materials, after: Materials) -> Step:
    known, new = ({(each.of, each.name): each.value for each in side.metrics} for side in (before, after))
    # Whether there is time to cross-validate depends on how busy the machine is, and so on no part of the record.
    folds = [{key for key in figures if key[0] == _FOLDS} for figures in (known, new)]
    once = ""
    if bool(folds[0]) != bool(folds[1]):
        known, new = ({key: value for key, value in each.items() if key[0] != _FOLDS} for each in (known, new))
        once = f"; cross-validated in {'the record' if folds[0] else 'what was made'} only"
    differing = [key for key in known | new if known.get(key) != new.get(key)]
    if not differing:
        return Step("metrics", True, True, f"{len(known)} figures{once}")
    near = all(key in known and key in new and _near(known[key], new[key]) for key in differing)
    listed = ", ".join(
        f"{of} {name} {new.get((of, name), 'missing')}, recorded {known.get((of, name), 'missing')}"
        for of, name in differing[:_SHOWN]
    )
    rest = f", and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
    return Step("metrics", False, near, f"{len(differing)} of {len(known | new)} differ: {listed}{rest}{once}")


def _predictions(recorded: Side, made: Side) -> Step:
    before, after = recorded.materials.evaluation, made.materials.evaluation
    if before is None or after is None:
        return Step("predictions", None, False, "not on record")
    if before.version == after.version:
        return Step("predictions", True, True, f"{before.rows} held-out rows")
    try:
        tables = [_table(side.cache, version) for side, version in ((recorded, before), (made, after))]
    except VersionError as problem:
        return Step("predictions", False, False, f"they differ; by how much cannot be said: {problem}")
    old, new = tables
    if old.column_names != new.column_names or old.num_rows != new.num_rows:
        return Step("predictions", False, False, f"{new.num_rows} rows, recorded {old.num_rows}, or other classes")
    far = _far(old, new)
    if far == 0:
        return Step("predictions", False, True, f"{old.num_rows} held-out rows, within {TOLERANCE}")
    return Step("predictions", False, False, f"{far} of {old.num_rows} held-out rows differ by more than {TOLERANCE}")


def _table(cache: Cache, version: Version) -> pa.Table:
    import pyarrow.parquet as pq

    return pq.read_table(checked(cache, version.version, version.name))


def _far(old: Any, new: Any) -> int:
    """How many rows differ by more than the tolerance."""
    import numpy as np
    import pyarrow as pa

    far = np.zeros(old.num_rows, dtype=bool)
    for name in old.column_names:
        one, other = old[name], new[name]
        if pa.types.is_floating(one.type) and pa.types.is_floating(other.type):
            a, b = one.to_numpy(zero_copy_only=False), other.to_numpy(zero_copy_only=False)
            far |= ~np.isclose(b, a, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True)
        else:
            far |= np.array([a != b for a, b in zip(one.to_pylist(), other.to_pylist(), strict=True)], dtype=bool)
    return int(far.sum())


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= ABSOLUTE + RELATIVE * abs(one)


def surroundings(recorded: Materials, made: Materials, packages: tuple[bytes | None, bytes | None]) -> tuple[str, ...]:
    """Say what differs in Python, CPU, libraries, threads and packages; a sentence each."""
    before, after = map(_versions_in, packages)
    return (*_facts(recorded.environment, made.environment), *_packages(before, after))


def _facts(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for key, name in (
        ("python", "Python"),
        ("implementation", "the interpreter"),
        ("platform", "the system"),
        ("cpu", "the CPU"),
    ):
        if before.get(key) != after.get(key):
            yield f"{name} is {after.get(key)}, recorded {before.get(key)}"
    known, new = (
        {(each["api"], each["name"]): each for each in side.get("libraries") or ()} for side in (before, after)
    )
    for place in sorted(known.keys() & new.keys()):
        for key, name in (("version", "version"), ("architecture", "kernels")):
            if known[place].get(key) != new[place].get(key):
                yield f"{place[1]} has the {name} {new[place].get(key)}, recorded {known[place].get(key)}"


def _packages(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    if not before or not after:
        return
    for name in sorted(before.keys() & after.keys()):
        if before[name] != after[name]:
            yield f"{name} is {after[name]}, recorded {before[name]}"
    for what, one, other in (("not here", before, after), ("here and not on record", after, before)):
        alone = sorted(one.keys() - other.keys())
        if alone:
            listed = ", ".join(f"{name} {one[name]}" for name in alone[:_SHOWN])
            count = f"{len(alone)} packages are" if len(alone) > 1 else "1 package is"
            yield f"{count} {what}: {listed}{', …' if len(alone) > _SHOWN else ''}"


def _versions_in(text: bytes | None) -> dict[str, str]:
    lines = (text or b"").decode().splitlines()
    return {name: version for name, _, version in (line.partition("==") for line in lines)}
