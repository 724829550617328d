"""Checks of documents: what is said about the model, and what no record can say."""

from __future__ import annotations

from datetime import date

from lineal.questions.audit.checks import check
from lineal.questions.audit.facts import Facts
from lineal.questions.audit.findings import Found, Number, found

_FIELDS = ["owner", "description", "intended_purpose", "role", "risk_class"]


@check("documented")
def documented(facts: Facts, *, fields: list[str] = _FIELDS) -> Found:
    """Owner, description, purpose and scope are stated in the pipeline file.

    Args:
        facts: about the model.
        fields: keys of the pipeline file, those of `[declared]` by their own names.
    """
    said = {name: _stated(facts, name) for name in fields}
    stated = {name: text for name, text in said.items() if text}
    missing = [name for name, text in said.items() if not text]
    if not stated:
        return found("open", f"not stated: {', '.join(missing)}", runs=[facts.fit])
    if missing:
        return found(
            "fail",
            f"not stated: {', '.join(missing)}",
            runs=[facts.fit],
            numbers={"stated": len(stated), "missing": len(missing)},
        )
    words = "; ".join(f"{name}: {text}" for name, text in stated.items())
    return found("pass", words, runs=[facts.fit], numbers={"stated": len(stated), "missing": 0})


def _stated(facts: Facts, name: str) -> str:
    if name in facts.declared:
        value = facts.declared[name]
        return ", ".join(value) or "none" if isinstance(value, tuple) else str(value).strip()
    entry = facts.asked.get(name)
    return entry.value.strip() if entry else ""


@check("review-due")
def review_due(facts: Facts) -> Found:
    """The day is declared by which its entry in the inventory is to be looked at again, and is not past."""
    said = facts.declared.get("review_by")
    if not said:
        return found("open", "[declared] review_by is not in its pipeline file", runs=[facts.fit])
    day = date.fromisoformat(said)
    left = (day - facts.now.date()).days
    if left < 0:
        return found("fail", f"it was to be reviewed by {day}", runs=[facts.fit], numbers={"days_left": left})
    return found("pass", f"it is to be reviewed by {day}", runs=[facts.fit], numbers={"days_left": left})


@check("packs-kept", wants=["packs"])
def packs_kept(facts: Facts) -> Found:
    """An evidence pack of it is on record with its digest, and its file is as it was written."""
    if not facts.packs:
        return found("open", "no evidence pack of it is on record")
    newest = facts.packs[0]
    said = f"the pack {newest.sha256[:12]} of {newest.at[:10]}, {newest.to}"
    runs = [newest.run_id]
    numbers: dict[str, Number] = {"packs": len(facts.packs), "sha256": newest.sha256}
    if newest.kept == "changed":
        return found("fail", f"{said}, is not as it was written", runs=runs, numbers=numbers)
    if newest.kept == "gone":
        return found(
            "review", f"{said}, cannot be looked at from here: show that it is kept", runs=runs, numbers=numbers
        )
    return found("pass", f"{said}, is as it was written", runs=runs, numbers=numbers)


@check("not-on-record")
def not_on_record(facts: Facts, *, what: str) -> Found:
    """What no run of Lineal records yet, and a person must show.

    Args:
        facts: about the model.
        what: is not on record.
    """
    return found(
        "open", f"{what} is not on record, so that a person must show it", command=f"lineal trace {facts.subject}"
    )
