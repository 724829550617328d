"""OpenLineage facets: the specification's own where it has them, `lineal_…` where it has not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any

from openlineage.client.event_v2 import InputDataset, OutputDataset
from openlineage.client.facet_v2 import (
    DatasetFacet,
    InputDatasetFacet,
    OutputDatasetFacet,
    catalog_dataset,
    dataset_type_dataset,
    dataset_version_dataset,
    datasource_dataset,
    documentation_dataset,
    input_statistics_input_dataset,
    output_statistics_output_dataset,
    schema_dataset,
    storage_dataset,
    symlinks_dataset,
)

from lineal.datasets import versioning
from lineal.datasets.dataset import Column, Dataset
from lineal.datasets.versioning import pointer_of, tracked
from lineal.models.model import Model
from lineal.redaction import redact
from lineal.subjects import name_of_file
from lineal.tracing.clean import Verbatim
from lineal.tracing.naming import Name, is_database, name_of, physical_name

FACET_VERSION = "1-0-0"
_FORMATS = {"csv", "tsv", "parquet", "json", "jsonl", "jsonlines", "ndjson", "arrow", "feather", "orc", "avro", "xlsx"}
_COMPRESSED = {"gz", "bz2", "xz", "zst", "zip", "lz4", "br"}


@cache
def producer() -> str:
    """The URI that names this version of Lineal as an event's producer."""
    return f"urn:lineal:{version('lineal')}"


def custom(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """A facet of Lineal's own.

    Args:
        name: the schema's, a file in `tracing/schemas/`.
        values: what it holds, by the schema's keys.
    """
    url = f"urn:lineal:facets:{FACET_VERSION}:{name}#/$defs/{name}"
    return {**values, "_producer": producer(), "_schemaURL": url}


def input_of(thing: Dataset | Model) -> InputDataset:
    """The input dataset that a handle stands for, with all facets that it bears."""
    name = name_of(thing)
    facets: dict[str, InputDatasetFacet] = {}
    if isinstance(thing, Dataset) and (thing.rows is not None or thing.size is not None):
        facets["inputStatistics"] = input_statistics_input_dataset.InputStatisticsInputDatasetFacet(
            rowCount=thing.rows, size=thing.size, fileCount=1
        )
    return InputDataset(
        Verbatim(name.namespace), Verbatim(name.name), inputFacets=facets, facets=dict(_dataset_facets(thing, name))
    )


def output_of(thing: Dataset | Model) -> OutputDataset:
    """The output dataset that a handle stands for, with all facets that it bears."""
    name = name_of(thing)
    facets: dict[str, OutputDatasetFacet] = {}
    if isinstance(thing, Dataset) and (thing.rows is not None or thing.size is not None):
        facets["outputStatistics"] = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
            rowCount=thing.rows, size=thing.size, fileCount=1
        )
    return OutputDataset(
        Verbatim(name.namespace), Verbatim(name.name), outputFacets=facets, facets=dict(_dataset_facets(thing, name))
    )


# A table goes through many tasks, and most of them have the same to say of it.
@lru_cache(maxsize=256)
def _dataset_facets(thing: Dataset | Model, name: Name) -> dict[str, DatasetFacet]:
    facets: dict[str, DatasetFacet] = {
        "dataSource": datasource_dataset.DatasourceDatasetFacet(name=Verbatim(name.namespace), uri=_source_uri(thing)),
        "datasetType": dataset_type_dataset.DatasetTypeDatasetFacet(
            datasetType="MODEL" if isinstance(thing, Model) else "TABLE" if thing.name or is_database(name) else "FILE"
        ),
    }
    if thing.columns:
        facets["schema"] = schema_of(thing.columns)
    stamp = thing.digest if isinstance(thing, Model) else thing.version
    if stamp:
        facets["version"] = dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=stamp)
    if thing.description:
        facets["documentation"] = documentation_dataset.DocumentationDatasetFacet(description=thing.description)
    facets.update(_model_facets(thing) if isinstance(thing, Model) else _table_facets(thing))
    return facets


def _table_facets(dataset: Dataset) -> dict[str, Any]:
    pointed = _dvc_facet(dataset)
    if dataset.name is None:
        return pointed
    # A logical name says nothing of where the bytes lie.
    bytes_at = physical_name(dataset.location)
    kind = "file" if bytes_at.namespace == "file" else bytes_at.namespace.partition(":")[0]
    # What lies in the cache, under a name without suffix, is a table that was made here.
    format_ = "parquet" if pointed else None if is_database(bytes_at) else _format_of(bytes_at.name)
    facets: dict[str, Any] = {
        "storage": storage_dataset.StorageDatasetFacet(storageLayer=kind, fileFormat=format_),
        **pointed,
    }
    # A symlink is another name of the table. A place that is named after its content is one version's alone, and
    # another table's as well where the content is the same: consumers would gather names, and mix tables up.
    if not dataset.version or dataset.version not in bytes_at.name.replace("/", ""):
        facets["symlinks"] = symlinks_dataset.SymlinksDatasetFacet(
            identifiers=[symlinks_dataset.Identifier(Verbatim(bytes_at.namespace), Verbatim(bytes_at.name), "LOCATION")]
        )
    return facets


def _format_of(name: str) -> str | None:
    """The format that a file's name tells, compressed or not; what else stands behind a dot tells none."""
    suffixes = [suffix[1:].lower() for suffix in PurePosixPath(name).suffixes]
    told = [suffix for suffix in suffixes if suffix not in _COMPRESSED]
    return told[-1] if told and told[-1] in _FORMATS else None


def _dvc_facet(dataset: Dataset) -> dict[str, Any]:
    """How DVC points to a version: Lineal's own in DVC's cache, or a file that the user tracks."""
    pointer, remote = pointer_of(dataset), None
    if pointer is not None:
        repository = versioning.find()
        remote = repository.remote if repository is not None else None
    elif dataset.path is not None and dataset.name is None:
        pointer = tracked(dataset.path)
    if pointer is None:
        return {}
    values = {
        "md5": pointer.md5,
        "hash": "md5",
        "size": pointer.size,
        "path": pointer.path,
        "sha256": dataset.sha256 if pointer.md5 == dataset.version else None,
        "pointer": str(pointer.file) if pointer.file else None,
        "remote": remote,
    }
    return {"lineal_dvc": custom("LinealDvcDatasetFacet", values)}


def _model_facets(model: Model) -> dict[str, DatasetFacet]:
    if model.tracked is None:
        return {}
    properties = {"uri": model.uri}
    if model.number is not None:
        properties["version"] = str(model.number)
    return {
        "catalog": catalog_dataset.CatalogDatasetFacet(
            framework="mlflow",
            type="mlflow",
            name=model.name,
            source="mlflow",
            metadataUri=redact(model.tracked.tracking_uri),
            catalogProperties=properties,
        )
    }


def _source_uri(thing: Dataset | Model) -> str:
    uri = str(thing.uri)
    return Verbatim(uri if "://" in uri or isinstance(thing, Model) else Path(name_of_file(uri)).as_uri())


def schema_of(columns: Iterable[Column]) -> schema_dataset.SchemaDatasetFacet:
    """The schema facet of columns, in order."""
    return schema_dataset.SchemaDatasetFacet(
        fields=[
            schema_dataset.SchemaDatasetFacetFields(
                name=column.name, type=column.type, description=column.description, ordinal_position=place
            )
            for place, column in enumerate(columns, 1)
        ]
    )
