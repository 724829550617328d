"""The nine sections of a model card (Mitchell et al., Model Cards for Model Reporting, 2019), as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from lineal.datasets.types import ROW
from lineal.packs.formats.markdown import code, inline, quoted, table
from lineal.packs.formats.prose import FIELDS, Stated, field_of
from lineal.packs.formats.said import Said, digests, fields, label, line, metric_on, parameters, runs, slices
from lineal.questions.audit import Run, Table
from lineal.questions.dossier import Dossier, Metric
from lineal.questions.gates import found as gate_found
from lineal.reports.terminal import figure, moment, span

Prose = Mapping[str, Stated]
_FIELDS = {field.name: field for field in FIELDS}
_HASHES = {"sha256": "SHA-256", "md5": "MD5"}
_MOST_COLUMNS, _MOST_FEATURES, _MOST_CHECKS = 60, 15, 40
_PICTURES = {
    "confusion_matrix": "Which classes it takes for which",
    "roc_curve": "True against false positives",
    "precision_recall_curve": "Precision against recall",
    "residuals": "How far off its predictions are",
    "predicted_against_actual": "Predicted against actual values",
}


def details(dossier: Dossier, stated: Said, told: Prose) -> Iterator[str]:
    """What it is, and how it was made."""
    model, fit, environment = dossier.facts.model, dossier.facts.fit, dossier.facts.environment
    held = ", ".join(f"@{inline(alias)}" for alias in model.aliases)
    kind = inline(stated.estimator) + (f", for {stated.task}" if stated.task else "") if stated.estimator else ""
    signed = dossier.facts.signature
    rows = {
        "Registered": f"as {inline(dossier.subject)} on {moment(model.registered_at)}",
        "Holds": held or "no alias",
        "Owner": inline(stated.owner) or _nobody("1(a)"),
        "Trained by": inline(stated.user),
        "Trained": _when(fit),
        "Kind": kind or "not on record",
        "Predicts": inline(stated.target),
        "Digest": f"{code(model.digest)} (of what the model is, whatever file it lies in)",
        "Signed": f"with the key {code(signed.key[:12])}" if signed and signed.signed else "",
        "Code": _code(dossier),
        "Software": _software(dossier),
        "Machine": inline(", ".join(str(environment[key]) for key in ("cpu", "platform") if environment.get(key))),
        "Packages": f"{len(dossier.packages)}, all named in [bom.cdx.json](bom.cdx.json)"
        if dossier.packages
        else "not on record",
    }
    yield "## Model details"
    yield table(("", ""), [(head, cell) for head, cell in rows.items() if cell])
    yield from _prose(told, "licence", "contact")
    given = {
        key.removeprefix("model."): value for key, value in parameters(dossier).items() if key.startswith("model.")
    }
    if given:
        yield "### Parameters"
        yield table(("parameter", "value"), [(inline(key), inline(value)) for key, value in given.items()])


def use(dossier: Dossier, told: Prose) -> Iterator[str]:
    """What it is for, and for whom."""
    yield "## Intended use"
    yield from _prose(told, "intended use", "users", "out of scope")
    declared = dossier.facts.declared
    scope = {"Role under the EU AI Act": "role", "Risk class of the system": "risk_class"}
    yield table(
        ("declared in the pipeline file", ""),
        [(title, inline(declared[key]) if declared.get(key) else "not declared") for title, key in scope.items()],
    )


def factors(dossier: Dossier, told: Prose) -> Iterator[str]:
    """What may make it do better or worse."""
    yield "## Factors"
    watched = dossier.facts.declared.get("groups")
    if watched is None:
        yield f"Groups to watch: {_nobody('3')}"
    else:
        yield f"Groups to watch, as declared: {', '.join(map(inline, watched)) or 'none'}"
    if not slices(dossier):
        yield "No run on record has measured how it does on groups."
    yield from _prose(told, "factors")


def metrics(dossier: Dossier, told: Prose) -> Iterator[str]:
    """What it is judged by, and what it had to reach."""
    yield "## Metrics"
    names = dict.fromkeys(line(each.name) for each in dossier.metrics)
    yield f"Recorded: {', '.join(map(inline, names)) or 'none'}."
    gates = [test for run in dossier.facts.evaluations for test in run.tests if test.get("type") == "gate"]
    if gates:
        yield "What it had to reach:"
        yield table(
            ("asked", "found", ""),
            [
                (inline(each.get("expected") or each["name"]), inline(gate_found(each) or "-"), _held(each))
                for each in gates
            ],
        )
    else:
        yield "No threshold that it had to reach is on record."
    yield from _prose(told, "why these metrics")


def evaluation(dossier: Dossier, told: Prose) -> Iterator[str]:
    """What it was judged on."""
    yield "## Evaluation data"
    held_out = dossier.facts.held_out
    yield _tables(held_out) or "No data that it was judged on is on record."
    splits = [test for run in runs(dossier) for test in run.tests if test.get("type") == "split"]
    known = parameters(dossier)
    how = [f"{key.removeprefix('split.')} {known[key]}" for key in known if key.startswith("split.")]
    if how:
        yield f"Held out by: {inline(', '.join(how))}"
    yield table(
        ("what was looked for", "found", ""),
        [(inline(each["name"]), inline(each.get("actual") or "-"), _held(each)) for each in splits],
    )
    read = [
        (inline(each.name), f"by {count} flows")
        for each in held_out
        if (count := dossier.facts.judged_on.get(each.key, 0)) > 1
    ]
    if read:
        yield "Held-out data that was used again says less each time:"
        yield table(("dataset", "was read"), read)
    yield from _prose(told, "evaluation data")


def training(dossier: Dossier, told: Prose) -> Iterator[str]:
    """What it was made of, step by step."""
    yield "## Training data"
    fit = dossier.facts.fit
    yield _tables(fit.tables_read if fit else ()) or "No data that it was fitted to is on record."
    sources = [step.table for step in dossier.facts.sources()]
    if sources:
        yield "It was made from:"
        yield _tables(sources)
    makers = dossier.facts.makers().values()
    if makers:
        yield "### From the source to the model"
        yield table(
            ("step", "reads", "writes", "ended", "took"),
            [
                (
                    inline(run.job),
                    ", ".join(inline(label(each)) for each in run.inputs),
                    ", ".join(inline(label(each)) for each in run.outputs),
                    moment(run.ended_at),
                    span(run.started_at, run.ended_at),
                )
                for run in makers
            ],
        )
    checks = list(_checks(dossier))
    if checks:
        yield "### Checks of the data"
        yield table(("check", "asked", "found", ""), checks[:_MOST_CHECKS])
        if len(checks) > _MOST_CHECKS:
            yield f"and {len(checks) - _MOST_CHECKS} more."
    yield from _columns(dossier)
    yield from _prose(told, "training data", "labelling")


def analyses(dossier: Dossier) -> Iterator[str]:
    """How it did."""
    yield "## Quantitative analyses"
    if not dossier.metrics:
        yield "No figure is on record."
    kinds = list(dict.fromkeys(metric_on(each) for each in dossier.metrics))
    cells: dict[str, dict[str, str]] = {}
    for each in dossier.metrics:
        cells.setdefault(line(each.name), {})[metric_on(each)] = _figure(each)
    yield table(
        ("metric", *map(inline, kinds)),
        [(inline(name), *(found.get(kind, "-") for kind in kinds)) for name, found in cells.items()],
    )
    if any(each.spread is not None for each in dossier.metrics):
        yield "± is the standard deviation over the folds."
    if any(each.low is not None for each in dossier.metrics):
        yield "In brackets: the interval of 95 %, by a bootstrap of the held-out rows."
    groups = slices(dossier)
    if groups:
        yield "### On groups of the held-out rows"
        yield table(
            ("group", "rows", "metric", "value", "interval"),
            [
                (
                    inline(each.group),
                    f"{each.rows:,}",
                    inline(each.metric),
                    figure(each.value)
                    if each.value is not None
                    else f"not known: {inline(each.why or 'no reason given')}",
                    f"{figure(each.low)} to {figure(each.high)}"
                    if each.low is not None and each.high is not None
                    else "-",
                )
                for each in groups
            ],
        )
    yield from _rests_on(dossier)
    for path in sorted(dossier.files):
        place = PurePosixPath(path)
        if place.suffix == ".png" and place.stem in _PICTURES:
            yield f"![{_PICTURES[place.stem]}](pictures/{place.name})"


def ethics(dossier: Dossier, told: Prose) -> Iterator[str]:
    """What it may do to people."""
    yield "## Ethical considerations"
    declared = dossier.facts.declared
    words = {
        "Columns with personal data": ("personal", "2(d)"),
        "Columns with special categories of it (GDPR Art. 9)": ("special", "2(d)"),
    }
    rows = []
    for title, (key, asks) in words.items():
        columns = declared.get(key)
        rows.append(
            (title, _nobody(asks) if columns is None else ", ".join(map(inline, columns)) or "none, as declared")
        )
    if declared.get("retention"):
        rows.append(("Personal data is kept for", inline(declared["retention"])))
    yield table(("declared in the pipeline file", ""), rows)
    yield from _prose(told, "ethical considerations")


def caveats(dossier: Dossier, told: Prose) -> Iterator[str]:
    """What to mind, what is known to be wrong, and what people said."""
    yield "## Caveats and recommendations"
    yield from _prose(told, "limitations", "recommendations", "human oversight")
    for each in dossier.facts.recalls:
        by = f" by {inline(each.decided_by)}" if each.decided_by else ""
        yield f"**Recalled**{by} on {moment(each.decided_at)}: {inline(each.subject)}\n\n{quoted(each.reason)}"
    results = [each for audit in dossier.audit.models for each in audit.results]
    failed = [each for each in results if each.verdict == "fail"]
    if failed:
        yield "### What the record contradicts"
        yield table(
            ("control", "found", "waived"),
            [
                (inline(f"{each.title} ({each.policy})"), inline(each.sentence), inline(each.waived or ""))
                for each in failed
            ],
        )
    unknown = [each for each in results if each.verdict in ("open", "review")]
    if unknown:
        how_many = f"Of {len(results)} controls {len(unknown)} are open or for a person to judge"
        yield f"{how_many}: [audit/audit.json](audit/audit.json) has each."
    yield from _people(dossier)


def _people(dossier: Dossier) -> Iterator[str]:
    if not dossier.decisions:
        return
    yield "### What people decided and noted, newest first"
    for each in dossier.decisions:
        decision = each.decision
        about = f" {inline(decision.control)}" if decision.control else ""
        until = f", until {inline(decision.until)}" if decision.until else ""
        counts = "" if each.counts else f", {each.standing}: {inline(each.why)}"
        signed = ", signed" if each.signed else ""
        name, _ = field_of(decision.reason) if decision.action == "note" else (None, "")
        of = f" on *{_FIELDS[name].title.lower()}*" if name else ""
        yield (
            f"**{inline(decision.by)}**, {moment(decision.at)}, "
            f"{inline(decision.action)}{about}{of}{until}{counts}{signed}:"
            f"\n\n{quoted(decision.reason)}"
        )


def _prose(told: Prose, *names: str) -> Iterator[str]:
    for name in names:
        field, said_ = _FIELDS[name], told.get(name)
        if said_ is None:
            yield f"**{field.title}**: {_nobody(field.asks)}"
        else:
            who = f"{inline(said_.by)} stated on {moment(said_.at)}" if said_.by else "the pipeline file states"
            yield f"**{field.title}**, as {who}:\n\n{quoted(said_.text)}"


def _nobody(asks: str) -> str:
    return f"not stated (Annex IV {asks})"


def _held(test: Mapping[str, object]) -> str:
    return {"pass": "held", "fail": "did not hold", "skip": "looked at"}.get(str(test.get("status")), "not known")


def _when(fit: Run | None) -> str:
    if fit is None:
        return "by no run on record"
    took = span(fit.started_at, fit.ended_at)
    return f"{moment(fit.ended_at)} by {inline(fit.job)}, run {code(fit.id)}" + (f", in {took}" if took else "")


def _code(dossier: Dossier) -> str:
    commit, dirty = (dossier.facts.environment.get(key) for key in ("gitCommit", "gitDirty"))
    if not commit:
        return "of no commit on record"
    return f"commit {code(commit)}" + (", with changes that are not in it" if dirty else "")


def _software(dossier: Dossier) -> str:
    environment = dossier.facts.environment
    packages = environment.get("packages") or {}
    names = [
        f"{name} {packages[name]}"
        for name in ("scikit-learn", "skops", "numpy", "pandas", "lineal")
        if name in packages
    ]
    python = [f"Python {environment['python']}"] if environment.get("python") else []
    return inline(", ".join([*python, *names]))


def _tables(found: Iterable[Table]) -> str:
    rows = []
    for each in found:
        hashes = digests(each)
        kind = next((kind for kind in ("sha256", "md5") if kind in hashes), None)
        known = f"{code(hashes[kind])} ({_HASHES[kind]})" if kind else code(each.version) if each.version else "-"
        count = f"{each.rows:,}" if each.rows is not None else "-"
        columns = str(len(_own(each))) if fields(each) else "-"
        rows.append((inline(label(each)), code(each.version[:12]) if each.version else "-", count, columns, known))
    return table(("dataset", "version", "rows", "columns", "hash"), rows)


def _figure(metric: Metric) -> str:
    spread = f" ± {figure(metric.spread)}" if metric.spread is not None else ""
    low, high = metric.low, metric.high
    interval = f" ({figure(low)} to {figure(high)})" if low is not None and high is not None else ""
    return f"{figure(metric.value)}{spread}{interval}"


def _own(table: Table) -> list[tuple[str, str]]:
    """The columns of the data itself."""
    return [(name, kind) for name, kind in fields(table) if name != ROW]


def _checks(dossier: Dossier) -> Iterator[tuple[str, str, str, str]]:
    met = set[tuple[str, str, str, str]]()
    for run in runs(dossier):
        for each in run.inputs:
            for told in (each.facets.get("dataQualityAssertions") or {}).get("assertions") or ():
                column = f"{told['column']}: " if told.get("column") else ""
                asked, found = str(told.get("expected") or "-"), str(told.get("actual") or "-")
                held = "held" if told.get("success") else "did not hold"
                row = (inline(f"{column}{told.get('assertion')}"), inline(asked), inline(found), held)
                if row not in met:
                    met.add(row)
                    yield row


def _columns(dossier: Dossier) -> Iterator[str]:
    fit = dossier.facts.fit
    read = fit.tables_read[0] if fit and fit.tables_read else None
    columns = _own(read) if read else []
    if not columns:
        return
    counts: dict[str, object] = {}
    for step in dossier.facts.steps.values():
        found = (step.table.facets.get("dataQualityMetrics") or {}).get("columnMetrics") or {}
        counts |= {name: told.get("nullCount") for name, told in found.items()}
    yield "### Columns"
    yield table(
        ("column", "type", "missing in the snapshot"),
        [
            (inline(name), inline(kind), f"{count:,}" if isinstance(count := counts.get(name), int) else "-")
            for name, kind in columns[:_MOST_COLUMNS]
        ],
    )
    if len(columns) > _MOST_COLUMNS:
        yield f"and {len(columns) - _MOST_COLUMNS} more."


def _rests_on(dossier: Dossier) -> Iterator[str]:
    explained = dossier.explanation
    if explained is None:
        return
    shown = [each for each in explained.columns if each.permutation is not None][:_MOST_FEATURES]
    if not shown:
        return
    yield "### What its predictions rest on"
    yield f"How much {inline(explained.metric or 'the metric')} falls on the held-out rows when a column is shuffled."
    yield table(
        ("column", "falls by", "± over repeats"),
        [(inline(each.column), figure(each.permutation), figure(each.permutation_std)) for each in shown],
    )
