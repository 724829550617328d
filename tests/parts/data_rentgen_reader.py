"""Read OpenLineage events as data-rentgen does, in the environment that it is installed in.

Events from standard input, one a line; to standard output one JSON object: `refused` has each line's number and what is
wrong with it, the rest is what was extracted of the others.
"""

import json
import sys

from data_rentgen.consumer.extractors import BatchExtractor
from data_rentgen.openlineage.run_event import OpenLineageRunEvent


def read(lines):
    """Validate events one by one, and extract what they say together."""
    accepted, refused = [], []
    for number, line in enumerate(lines, 1):
        try:
            accepted.append(OpenLineageRunEvent.model_validate_json(line))
        except ValueError as problem:
            refused.append([number, str(problem)])
    found = BatchExtractor().add_events(accepted)
    return {
        "refused": refused,
        "jobs": {
            job.name: {"type": job.type.type, "parent": job.parent_job and job.parent_job.name} for job in found.jobs()
        },
        "runs": {
            str(run.id): {
                "job": run.job.name,
                "status": run.status.name,
                "parent": run.parent_run and str(run.parent_run.id),
                "started": run.started_at and run.started_at.isoformat(),
                "ended": run.ended_at and run.ended_at.isoformat(),
            }
            for run in found.runs()
        },
        "inputs": [_flow(entry) for entry in found.inputs()],
        "outputs": [_flow(entry) for entry in found.outputs()],
        "columns": [
            [entry.source_dataset.name, relation.source_column, entry.target_dataset.name, relation.target_column]
            for entry in found.column_lineage()
            for relation in entry.column_relations
        ],
    }


def _flow(entry):
    return {
        "job": entry.operation.run.job.name,
        "dataset": entry.dataset.name,
        "rows": entry.num_rows,
        "columns": entry.schema and [field["name"] for field in entry.schema.fields],
    }


if __name__ == "__main__":
    json.dump(read(sys.stdin), sys.stdout)
