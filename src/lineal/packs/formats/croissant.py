"""Croissant 1.0: each dataset version as those who train on data describe it to one another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from lineal.errors import PackError
from lineal.packs.formats.said import (
    Said,
    address,
    as_json,
    data_path,
    descent,
    digests,
    fields,
    file_stem,
    label,
    line,
    moment,
    owners,
    said,
    text,
)
from lineal.packs.interface import Document
from lineal.questions.audit import Run, Table
from lineal.questions.dossier import Dossier

FOLDER = "croissant"
_MEDIA_TYPE = "application/ld+json"
# Croissant's names for what its readers read; of all else only bytes are known.
_FORMATS = {
    "parquet": "application/x-parquet",
    "csv": "text/csv",
    "tsv": "text/tsv",
    "jsonl": "application/jsonlines",
    "json": "application/json",
}
_BYTES = "application/octet-stream"
_REQUIRED = ("name", "description", "url", "conformsTo", "@context")


def documents(dossier: Dossier) -> Iterator[Document]:
    """Give a Croissant for each dataset version that the model was made of and judged on.

    Raises:
        PackError: one would go without what Croissant asks for.
    """
    made, stated = descent(dossier), said(dossier)
    for table in dossier.tables:
        if table.version:
            by = made[table.key].run if table.key in made else None
            name = f"{label(table)}@{text(table.version)[:12]}"
            says = f"The dataset version {name} as Croissant, for tools of machine learning"
            yield as_json(f"{FOLDER}/{file_stem(table)}.json", croissant(table, by, dossier, stated), _MEDIA_TYPE, says)


def croissant(table: Table, by: Run | None, dossier: Dossier, stated: Said) -> dict[str, Any]:
    """The Croissant of a dataset version.

    Args:
        table: the version.
        by: the run that wrote it; None for a source.
        dossier: of the model.
        stated: what the model's record says in words.

    Raises:
        PackError: it goes without what Croissant asks for.
    """
    import mlcroissant as mlc

    at = moment(by.ended_at) if by else None
    file = _file(table)
    made = mlc.Metadata(
        name=label(table),
        description=_description(table, by, stated),
        url=address(table) or f"urn:lineal:dataset:{table.key}",
        # The versions of a dataset have no order on record: each has its content's hash.
        version=f"1.0.0+{re.sub('[^0-9A-Za-z-]', '-', text(table.version))}",
        date_published=datetime.fromisoformat(at).replace(tzinfo=None, microsecond=0) if at else None,
        creators=[mlc.Organization(name=name) for name in owners(table, stated)] or None,
        personal_sensitive_information=_personal(table, dossier),
        distribution=[file] if file else [],
        record_sets=[_records(table)] if file and fields(table) else [],
    )
    found: dict[str, Any] = made.to_json()
    # The library leaves out what is empty, and is content without it.
    lacking = [key for key in _REQUIRED if not found.get(key)]
    if lacking:
        raise PackError(f"the Croissant of {label(table)} has no {lacking[0]}; report this, it is a fault of Lineal")
    return found


def _description(table: Table, by: Run | None, stated: Said) -> str:
    documented = (table.facets.get("documentation") or {}).get("description")
    parts = [text(documented)] if documented else []
    rows = f"{table.rows:,} rows" if table.rows is not None else "an unknown number of rows"
    parts.append(f"One version of the dataset {label(table)}: {rows}, {len(fields(table))} columns.")
    if by is not None:
        parts.append(f"Written by {line(by.job)} (run {by.id}).")
    else:
        parts.append("A source: no run on record wrote it.")
    if stated.description:
        parts.append(f"It is part of the pipeline that says of itself: {stated.description}")
    return " ".join(parts)


def _file(table: Table) -> Any | None:
    """The version's file; None where its bytes are not known."""
    import mlcroissant as mlc

    known = digests(table)
    if not known:
        return None
    kind = str((table.facets.get("storage") or {}).get("fileFormat") or _suffix(table)).lower()
    statistics = table.facets.get("outputStatistics") or table.facets.get("inputStatistics") or {}
    pointed = table.facets.get("lineal_dvc") or {}
    size = pointed.get("size") if pointed.get("md5") == table.version else statistics.get("size")
    # Where a pack has rows, they lie beside this folder; a source's file is known by its name and hash alone.
    within = f"../{data_path(table)}" if table.kind == "TABLE" else label(table)
    return mlc.FileObject(
        id="file",
        name=within.rpartition("/")[2],
        content_url=address(table) or within,
        content_size=f"{size} B" if isinstance(size, int) else None,
        encoding_formats=[_FORMATS.get(kind, _BYTES)],
        sha256=known.get("sha256"),
        md5=known.get("md5"),
    )


def _suffix(table: Table) -> str:
    return label(table).rpartition(".")[2] if table.kind == "FILE" else "parquet"


def _records(table: Table) -> Any:
    import mlcroissant as mlc

    made, met = [], set[str]()
    for name, kind in fields(table):
        stem = re.sub(r"[^\w.-]+", "_", name, flags=re.ASCII).strip("_") or "column"
        id_, count = stem, 1
        while id_ in met:
            id_, count = f"{stem}_{count + 1}", count + 1
        met.add(id_)
        source = mlc.Source(file_object="file", extract=mlc.Extract(column=name))
        made.append(mlc.Field(id=f"rows/{id_}", name=name, data_types=[_type(kind)], source=source))
    return mlc.RecordSet(id="rows", name="rows", description=f"The rows of {label(table)}", fields=made)


def _type(kind: str) -> Any:
    """Croissant's type for one of Arrow's, or of a database's."""
    import mlcroissant as mlc

    known = kind.lower()
    if known.startswith(("int", "uint", "bigint", "smallint", "tinyint")):
        return mlc.DataType.INTEGER
    if known.startswith(("double", "float", "halffloat", "real", "decimal", "numeric")):
        return mlc.DataType.FLOAT
    if known.startswith("bool"):
        return mlc.DataType.BOOL
    if known.startswith(("date", "timestamp")):
        return mlc.DataType.DATE
    return mlc.DataType.TEXT


def _personal(table: Table, dossier: Dossier) -> list[str] | None:
    """What a person declared of its columns; None where nobody has declared anything."""
    words = {"personal": "personal data", "special": "special categories of personal data (GDPR Art. 9)"}
    found = []
    for key, word in words.items():
        columns = [text(each) for each in dossier.facts.declared.get(key) or () if each in table.columns]
        if columns:
            found.append(f"Declared as {word}: {', '.join(columns)}")
    return found or None
