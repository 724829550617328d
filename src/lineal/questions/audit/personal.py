"""Checks of whether data may be used so: recalls, personal data, and special categories of it."""

from __future__ import annotations

from lineal.questions.audit.checks import check
from lineal.questions.audit.facts import Facts, Run
from lineal.questions.audit.findings import Found, counted, found, some


@check("recalls-handled")
def recalls_handled(facts: Facts) -> Found:
    """Nothing that it was made of is recalled; or the model is out of use since it is."""
    if not facts.steps:
        return found("open", "nothing is on record of what it was made of")
    if not facts.recalls:
        count = len(facts.steps)
        return found(
            "pass",
            f"no recall stands against the {count} versions that it was made of",
            command=f"lineal trace {facts.subject}",
            numbers={"versions": count},
        )
    since = min(recall.decided_at for recall in facts.recalls)
    said = some(f"{recall.subject} ({recall.reason})" for recall in facts.recalls)
    runs: list[Run | str | None] = [recall.run_id for recall in facts.recalls]
    subjects = [recall.subject for recall in facts.recalls]
    used = [run for run in facts.scorings if (run.started_at or "") > since]
    command = f"lineal impact {subjects[0]}"
    if facts.model.aliases:
        holds = ", ".join(f"@{alias}" for alias in facts.model.aliases)
        return found("fail", f"recalled: {said}; and it holds {holds}", runs=runs, datasets=subjects, command=command)
    if used:
        return found(
            "fail",
            f"recalled: {said}; and it predicted {counted(len(used), 'batch', 'batches')} since",
            runs=[*runs, *used],
            datasets=subjects,
            command=command,
            numbers={"predictions_since": len(used)},
        )
    return found(
        "pass",
        f"recalled: {said}; since then it holds no alias and predicted nothing",
        runs=runs,
        datasets=subjects,
        command=command,
    )


@check("special-columns")
def special_columns(facts: Facts) -> Found:
    """No column that is declared a special category of personal data is among what the model learns from."""
    declared = facts.declared.get("special")
    if declared is None:
        return found("open", "[declared] special is not in its pipeline file: list the columns, or an empty list")
    if not declared:
        return found("n/a", "[declared] special says that there are none", runs=[facts.fit])
    taken = _learnt_from(facts)
    if not taken:
        return found("open", "the columns that it learns from are not on record")
    used = [name for name in declared if name in taken]
    if used:
        return found(
            "fail",
            f"it learns from {some(used)}",
            runs=[facts.fit],
            numbers={"special": len(declared), "used": len(used)},
        )
    return found(
        "pass",
        f"it learns from none of {some(declared)}",
        runs=[facts.fit],
        numbers={"special": len(declared), "used": 0},
    )


def _learnt_from(facts: Facts) -> set[str]:
    """The model's own columns, and those of the tables that these come from."""
    top = next((step.table for step in facts.steps.values() if step.table.kind == "MODEL" and step.table.columns), None)
    if top is None:
        return set()
    taken, wanted = (
        set[str](),
        {
            (step.table.namespace, step.table.name, name)
            for step in facts.steps.values()
            if step.table.kind == "MODEL"
            for name in step.table.columns
        },
    )
    lineage = {
        (step.table.namespace, step.table.name): (step.table.facets.get("columnLineage") or {}).get("fields") or {}
        for step in facts.steps.values()
    }
    waiting, met = list(wanted), set(wanted)
    while waiting:
        namespace, name, column = waiting.pop()
        taken.add(column)
        for origin in (lineage.get((namespace, name), {}).get(column) or {}).get("inputFields") or ():
            place = (str(origin.get("namespace")), str(origin.get("name")), str(origin.get("field")))
            if place not in met:
                met.add(place)
                waiting.append(place)
    return taken


@check("personal-data")
def personal_data(facts: Facts) -> Found:
    """Where there is personal data, its purpose and how long it is kept are declared."""
    declared = facts.declared.get("personal")
    if declared is None:
        return found("open", "[declared] personal is not in its pipeline file: list the columns, or an empty list")
    if not declared:
        return found("n/a", "[declared] personal says that there is none", runs=[facts.fit])
    missing = [key for key in ("intended_purpose", "retention") if not facts.declared.get(key)]
    columns = counted(len(declared), "column")
    if missing:
        return found(
            "fail",
            f"{columns} of personal data, and no {' and no '.join(missing)}",
            runs=[facts.fit],
            numbers={"columns": len(declared)},
        )
    kept, purpose = facts.declared["retention"], facts.declared["intended_purpose"]
    return found(
        "pass",
        f"{columns} of personal data, kept {kept}, to this purpose: {purpose}",
        runs=[facts.fit],
        numbers={"columns": len(declared)},
    )
