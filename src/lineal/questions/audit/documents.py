"""Checks of documents: what is said about the model, and what no record can say."""

from __future__ import annotations

from lineal.questions.audit.checks import check
from lineal.questions.audit.facts import Facts
from lineal.questions.audit.findings import Found, found

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
