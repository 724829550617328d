"""What the formats say alike: names, hashes and places of what is on record, in words that no reader acts on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath
from uuid import UUID, uuid5

from lineal.packs.interface import Document
from lineal.questions.audit import Run, Table
from lineal.questions.dossier import Dossier, Metric
from lineal.questions.groups import Grouping
from lineal.redaction import harmless, redact

NOT_STATED = "not stated"
# Ids of the same dossier are the same, whoever writes it down.
_SPACE = UUID("3a0c5f0e-8f0b-5d5e-9c55-5b0d6a8c7a21")
_HALF = re.compile(r"[\ud800-\udfff]")
_HASHES = {"md5": re.compile(r"[0-9a-f]{32}"), "sha256": re.compile(r"[0-9a-f]{64}")}
_TASKS = {"binary": "binary classification", "multiclass": "multi-class classification", "regression": "regression"}
# What a metric is taken on, as people say it.
_ON = {"held-out": "held-out rows", "train": "training rows", "cross-validation": "cross-validation"}


@dataclass(frozen=True, slots=True)
class Slice:
    """A metric of one group of the held-out rows.

    Attributes:
        metric: its name.
        group: such as `sex = female & age = 30 to 40`.
        value: None where it cannot be told.
        low: the lower end of its interval; None where there is none.
        high: the upper end.
        rows: held-out rows that are of the group.
        why: there is no value; empty where there is one.
    """

    metric: str
    group: str
    value: float | None
    low: float | None
    high: float | None
    rows: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """What a model's record says of it in so many words; empty where it does not.

    Attributes:
        estimator: its class, with its module.
        task: such as `binary classification`.
        target: the column that it predicts.
        user: who started its training.
    """

    description: str
    owner: str
    estimator: str
    task: str
    target: str
    user: str


def said(dossier: Dossier) -> Said:
    """Read what a model's record says of it in words."""
    top, flow = dossier.facts.steps.get(dossier.facts.top), dossier.flow
    documented = (top.table.facets.get("documentation") or {}).get("description") if top else None
    owned = (flow.job_facets.get("ownership") or {}).get("owners") or () if flow else ()
    return Said(
        description=asked(dossier, "description") or line(documented or ""),
        owner=asked(dossier, "owner") or ", ".join(line(each["name"]) for each in owned if each.get("name")),
        estimator=asked(dossier, "model.estimator"),
        task=_TASKS.get(asked(dossier, "model.kind"), ""),
        target=asked(dossier, "source.target"),
        user=text(dossier.facts.environment.get("user") or ""),
    )


def asked(dossier: Dossier, key: str) -> str:
    """A parameter of the training; empty where it gave none."""
    entry = dossier.facts.asked.get(key)
    return text(entry.value).strip() if entry else ""


def parameters(dossier: Dossier) -> dict[str, str]:
    """The parameters of the training that mean the same on any machine, by name."""
    told = {text(key): text(entry.value) for key, entry in sorted(dossier.facts.asked.items())}
    return {key: value for key, value in told.items() if key and key != "pipeline.file"}


def shaping(dossier: Dossier) -> dict[str, str]:
    """Of the parameters those that shape the model; a pipeline file has them all."""
    return {key: value for key, value in parameters(dossier).items() if key.startswith(("model.", "split."))}


def text(value: object) -> str:
    """A text of the record that no program acts on, without secrets."""
    return _HALF.sub("\ufffd", harmless(redact(str(value))))


def line(value: object) -> str:
    """The same on one line."""
    return " ".join(text(value).split())


def identity(*parts: object) -> UUID:
    """The id of a thing in a dossier."""
    return uuid5(_SPACE, json.dumps([str(part) for part in parts]))


def label(table: Table) -> str:
    """What people call a dataset version, file or model: a path of one machine by its last part alone."""
    if table.kind == "FILE" or table.namespace == "file":
        name = PurePosixPath(table.name.replace("\\", "/")).name or table.name
    elif "://" in table.namespace and table.kind != "MODEL":
        name = f"{table.namespace}/{table.name}"
    else:
        name = table.name
    return line(name) or "unnamed"


def file_stem(table: Table) -> str:
    """A file's name for a dataset version, without suffix, that no other version has."""
    name = re.sub(r"[^\w.-]+", "_", label(table)).strip("._-")[:60] or "table"
    version = re.sub(r"[^0-9A-Za-z]+", "", table.version)[:12]
    # Names may differ in what no file's name can say, and the same rows may have two names: the key tells them apart.
    return f"{name}@{version}-{table.key[:8]}"


def data_path(table: Table) -> str:
    """Where a dataset version's rows are in a pack that has them."""
    return f"data/{file_stem(table)}.parquet"


def digests(table: Table) -> dict[str, str]:
    """The hashes of a dataset version's file, by algorithm; none of a model, whose digest is of no file's bytes."""
    if table.kind == "MODEL":
        return {}
    # A pointer of DVC's may be to the folder that the file lies in, or to what was in the file before.
    known = {"md5": table.version, "sha256": (table.facets.get("lineal_dvc") or {}).get("sha256") or table.version}
    return {name: str(value) for name, value in known.items() if _HASHES[name].fullmatch(str(value))}


def address(table: Table) -> str | None:
    """Where a dataset version can be had from any machine."""
    uri = text((table.facets.get("dataSource") or {}).get("uri") or "")
    if re.match(r"[a-z][a-z0-9+.-]+://\S+$", uri) and not uri.startswith(("file:", "mlflow:")):
        return uri
    return None


def owners(table: Table, stated: Said) -> list[str]:
    """Who owns a dataset: whom its producer names, else the owner of the pipeline that made it."""
    named = (table.facets.get("ownership") or {}).get("owners") or ()
    found = [line(each["name"]) for each in named if each.get("name")]
    return found or ([line(stated.owner)] if stated.owner and table.kind == "TABLE" else [])


def fields(table: Table) -> list[tuple[str, str]]:
    """The columns of a table, each with its type."""
    listed = (table.facets.get("schema") or {}).get("fields") or ()
    return [(text(each["name"]), text(each.get("type") or "")) for each in listed if each.get("name")]


def runs(dossier: Dossier) -> list[Run]:
    """The runs that made the model, and those that judged it, in the order of the log."""
    known = {run.id: run for run in (*dossier.facts.runs, *dossier.facts.evaluations)}
    return sorted(known.values(), key=lambda run: run.begun_seq)


def tables(dossier: Dossier) -> dict[str, Table]:
    """All versions that these runs read or wrote, with all that any of them says of each, by key; sources first."""
    found: dict[str, Table] = {table.key: table for table in dossier.tables}
    told = [table for run in runs(dossier) for table in (*run.inputs, *run.outputs)]
    for table in (*told, *(step.table for step in dossier.facts.steps.values())):
        known = found.get(table.key, table)
        rows = known.rows if known.rows is not None else table.rows
        kind = known.kind or table.kind
        found[table.key] = replace(known, facets={**table.facets, **known.facets}, rows=rows, kind=kind)
    return found


@dataclass(frozen=True, slots=True)
class Made:
    """How a version came to be.

    Attributes:
        run: that wrote it; None for what nobody on record wrote.
        of: keys of what that run made it of.
    """

    run: Run | None
    of: tuple[str, ...]


def descent(dossier: Dossier) -> dict[str, Made]:
    """How each version that `tables` gives came to be, by key."""
    known = {key: Made(step.run, step.made_of) for key, step in dossier.facts.steps.items()}
    everything = runs(dossier)
    above = {run.parent_id for run in everything}
    for run in everything:
        # A flow names what its tasks wrote: the task is nearer to the work.
        if run.id in above or run.state != "COMPLETE":
            continue
        read = tuple(table.key for table in run.inputs)
        for table in run.outputs:
            if table.key not in known and table.key not in read:
                known[table.key] = Made(run, read)
    return known | {key: Made(None, ()) for key in tables(dossier) if key not in known}


def metric_on(metric: Metric) -> str:
    """What a metric was taken on."""
    return _ON.get(metric.of, line(metric.of) or "not said what on")


def slices(dossier: Dossier) -> list[Slice]:
    """The metrics of groups, where a run recorded them."""
    groups = dossier.groups
    return [each for grouping in groups.groupings for each in _slices(grouping)] if groups else []


def _slices(grouping: Grouping) -> Iterator[Slice]:
    for group in grouping.groups:
        pairs = zip(grouping.by, group.labels, strict=False)
        name = " & ".join(f"{line(column)} = {line(label)}" for column, label in pairs)
        for each in group.figures:
            yield Slice(line(each.name), name, each.value, each.low, each.high, group.rows, line(each.reason))


def number(value: float) -> str:
    """A figure as its shortest text."""
    return repr(float(value))


def moment(time: str | datetime | None) -> str | None:
    """A recorded time in UTC, to the millisecond, with its offset; None where there is none, or it is no time."""
    if time is None:
        return None
    try:
        found = datetime.fromisoformat(time) if isinstance(time, str) else time
    except ValueError:
        return None
    aware = found if found.tzinfo else found.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="milliseconds")


def as_json(path: str, value: object, media_type: str, says: str) -> Document:
    """A document of JSON."""
    return Document(path, f"{json.dumps(value, indent=1, ensure_ascii=False)}\n".encode(), media_type, says)
