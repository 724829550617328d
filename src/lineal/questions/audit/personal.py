"""Checks of whether data may be used so: recalls, personal data, and special categories of it."""

from __future__ import annotations

from lineal.questions.audit.checks import check
from lineal.questions.audit.facts import Facts, Run
from lineal.questions.audit.findings import Found, counted, found, some


@check("recalls-handled")
def recalls_handled(facts: Facts) -> Found:
    """Nothing that it was made of is recalled; or the model is out of use since it is."""
    if not facts.recalls and all(step.table.kind == "MODEL" for step in facts.steps.values()):
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


_PURPOSE = ["intended_purpose", "retention"]


@check("personal-data")
def personal_data(facts: Facts, *, fields: list[str] = _PURPOSE) -> Found:
    """Where there is personal data, its purpose and how long it is kept are declared.

    Args:
        facts: about the model.
        fields: keys of `[declared]` that must be there.
    """
    declared = facts.declared.get("personal")
    if declared is None:
        return found("open", "[declared] personal is not in its pipeline file: list the columns, or an empty list")
    if not declared:
        return found("n/a", "[declared] personal says that there is none", runs=[facts.fit])
    missing = [key for key in fields if not facts.declared.get(key)]
    columns = counted(len(declared), "column")
    if missing:
        return found(
            "fail",
            f"{columns} of personal data, and no {' and no '.join(missing)}",
            runs=[facts.fit],
            numbers={"columns": len(declared)},
        )
    said = "; ".join(f"{key}: {facts.declared[key]}" for key in fields)
    return found("pass", f"{columns} of personal data; {said}", runs=[facts.fit], numbers={"columns": len(declared)})


# GDPR Art. 30(1)(a) to (g), with what says that there is none where that may be so.
_PROCESSING = {
    "controller": "(a)",
    "intended_purpose": "(b)",
    "data_subjects": "(c)",
    "recipients": "(d)",
    "transfers": "(e)",
    "retention": "(f)",
    "safeguards": "(g)",
}
_MAY_BE_NONE = ("recipients", "transfers")


@check("processing-recorded", wants=["consumers"])
def processing_recorded(facts: Facts) -> Found:
    """Where there is personal data, the record of processing is declared, and nobody else reads that data on record.

    Recipients are those who are declared, and the jobs on record that read what the model was made of beside those that
    made it and use it: each such job must be named among the declared ones, by its own name or its namespace.
    """
    personal = facts.declared.get("personal")
    if personal is None:
        return found("open", "[declared] personal is not in its pipeline file: list the columns, or an empty list")
    if not personal:
        return found("n/a", "[declared] personal says that there is none", runs=[facts.fit])
    missing = [
        f"{key} {letter}"
        for key, letter in _PROCESSING.items()
        if (facts.declared.get(key) is None if key in _MAY_BE_NONE else not facts.declared.get(key))
    ]
    recipients = facts.declared.get("recipients") or ()
    named = {each.casefold() for each in recipients}
    others = [each for each in facts.consumers if not {each.job.casefold(), each.namespace.casefold()} & named]
    readers = [each.newest for each in facts.consumers]
    numbers = {"columns": len(personal), "consumers": len(facts.consumers), "missing": len(missing)}
    if others:
        names = some(f"{each.job} reads {some(each.reads, most=1)}" for each in others)
        return found(
            "fail",
            f"{names}, and no such recipient is declared",
            runs=[each.newest for each in others],
            numbers=numbers,
        )
    if missing:
        return found(
            "fail", f"personal data, and not declared: {', '.join(missing)}", runs=[facts.fit], numbers=numbers
        )
    given = some(recipients) or "nobody"
    jobs = f", {counted(len(readers), 'job')} of them on record" if readers else ""
    return found(
        "pass",
        f"{facts.declared['controller']} keeps {counted(len(personal), 'column')} of "
        f"{some(facts.declared['data_subjects'])} for {facts.declared['retention']}; given to {given}{jobs}",
        runs=[facts.fit, *readers],
        numbers=numbers,
    )
