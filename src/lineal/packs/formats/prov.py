"""W3C PROV: what was made of what, by which run, and on whose behalf, as PROV-JSON and as PROV-N to read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lineal.packs.formats.said import (
    Made,
    Said,
    address,
    descent,
    digests,
    identity,
    label,
    line,
    moment,
    runs,
    said,
    shaping,
    tables,
    text,
)
from lineal.packs.interface import Document
from lineal.questions.audit import Run, Table
from lineal.questions.dossier import Dossier

if TYPE_CHECKING:
    from prov.model import ProvDocument

_KINDS = {"FILE": "File", "TABLE": "DatasetVersion", "MODEL": "Model"}


def documents(dossier: Dossier) -> Iterator[Document]:
    """Give the provenance of a model in W3C PROV."""
    made = provenance(dossier)
    says = "Where the model came from, as W3C PROV in JSON: data and models, runs, people and software"
    yield Document("provenance/prov.json", f"{made.serialize(indent=1)}\n".encode(), "application/json", says)
    says = "The same as PROV-N, W3C's notation for people"
    yield Document("provenance/prov.provn", f"{made.get_provn()}\n".encode(), "text/provenance-notation", says)


def provenance(dossier: Dossier) -> ProvDocument:
    """The provenance of a model as a PROV document."""
    from prov.model import ProvDocument

    made = ProvDocument()
    for prefix in ("lineal", "dataset", "run", "agent", "plan", "decision"):
        made.add_namespace(prefix, f"urn:lineal:{'term' if prefix == 'lineal' else prefix}:")
    return _Writing(made, dossier, said(dossier)).document()


class _Writing:
    def __init__(self, made: ProvDocument, dossier: Dossier, stated: Said) -> None:
        self.made, self.dossier, self.stated = made, dossier, stated
        self.known = tables(dossier)
        self.descent: Mapping[str, Made] = descent(dossier)
        self.agents: dict[tuple[str, str], str] = {}

    def document(self) -> ProvDocument:
        """Write all down."""
        for table in self.known.values():
            self.made.entity(f"dataset:{table.key}", self._entity(table))
        everything = runs(self.dossier)
        ids = {run.id for run in everything}
        plan = self._plan()
        for run in everything:
            self._activity(run, ids, plan)
        for key, made in self.descent.items():
            for below in made.of:
                if below in self.known and key in self.known:
                    by = f"run:{made.run.id}" if made.run is not None and made.run.id in ids else None
                    self.made.wasDerivedFrom(f"dataset:{key}", f"dataset:{below}", by)
        if self.stated.user and self.dossier.facts.top in self.known:
            self.made.wasAttributedTo(f"dataset:{self.dossier.facts.top}", self._agent(self.stated.user, "prov:Person"))
        self._decisions()
        return self.made

    def _entity(self, table: Table) -> list[tuple[str, Any]]:
        model, top = self.dossier.facts.model, self.dossier.facts.top
        known: dict[str, object] = {"version": table.version, "rows": table.rows, **digests(table)}
        if table.key == top:
            known |= {"number": model.number, "modelDigest": model.digest}
        told: list[tuple[str, Any]] = [("prov:label", label(table))]
        told.append(("prov:type", self._term(_KINDS.get(table.kind, "DatasetVersion"))))
        if place := address(table):
            told.append(("prov:location", place))
        return [*told, *((f"lineal:{key}", _value(value)) for key, value in known.items() if value not in (None, ""))]

    def _plan(self) -> str | None:
        """The pipeline file that the model was made by."""
        made = self.dossier.materials
        if made is None:
            return None
        plan = f"plan:{identity('plan', made.text)}"
        kept = [("prov:type", self._qualified("prov:Plan")), ("prov:label", line(made.file))]
        kept += [(f"lineal:parameter.{_word(key)}", value) for key, value in shaping(self.dossier).items()]
        self.made.entity(plan, kept)
        return plan

    def _activity(self, run: Run, ids: Iterable[str], plan: str | None) -> None:
        told: list[tuple[str, Any]] = [("prov:label", line(run.job)), ("lineal:state", text(run.state))]
        if run.parent_id and run.parent_id in ids:
            told.append(("lineal:partOf", self._qualified(f"run:{run.parent_id}")))
        told += [(f"lineal:metric.{_word(str(each['of']))}.{_word(str(each['name']))}", float(each["value"]))
                 for each in run.metrics if isinstance(each.get("value"), int | float)]  # fmt: skip
        activity = f"run:{run.id}"
        self.made.activity(activity, _time(run.started_at), _time(run.ended_at), told)
        for table in _distinct(run.inputs):
            self.made.used(activity, f"dataset:{table.key}")
        for table in _distinct(run.outputs):
            made = self.descent.get(table.key)
            # What a flow's task has made, its flow names as well: it was made once.
            if made is not None and made.run is not None and made.run.id != run.id:
                continue
            self.made.wasGeneratedBy(f"dataset:{table.key}", activity, _time(run.ended_at))
        whole = plan if self.dossier.flow is not None and run.id == self.dossier.flow.id else None
        if self.stated.user and run.root_id == (self.dossier.flow.id if self.dossier.flow else None):
            self.made.wasAssociatedWith(activity, self._agent(self.stated.user, "prov:Person"), whole)
        engine = run.facets.get("processing_engine") or {}
        if engine.get("name"):
            name = line(f"{engine['name']} {engine.get('version') or ''}")
            self.made.wasAssociatedWith(activity, self._agent(name, "prov:SoftwareAgent"))

    def _decisions(self) -> None:
        """What people decided on the model, each as what they did with it."""
        top = self.dossier.facts.top
        for each in reversed(self.dossier.decisions):
            decision = each.decision
            activity = f"decision:{decision.run_id}"
            told = [
                ("prov:label", line(decision.action)),
                ("prov:type", self._term("Decision")),
                ("lineal:reason", text(decision.reason)),
                ("lineal:standing", text(each.standing)),
                ("lineal:signed", each.signed),
            ]
            self.made.activity(activity, _time(decision.at), _time(decision.at), told)
            if top in self.known:
                self.made.used(activity, f"dataset:{top}")
            self.made.wasAssociatedWith(activity, self._agent(decision.by, "prov:Person"))

    def _agent(self, name: str, kind: str) -> str:
        found = self.agents.get((name, kind))
        if found is None:
            found = self.agents[name, kind] = f"agent:{identity('agent', kind, name)}"
            told = [("prov:type", self._qualified(kind)), ("prov:label", line(name) or "unknown")]
            self.made.agent(found, told)
        return found

    def _term(self, name: str) -> Any:
        return self._qualified(f"lineal:{name}")

    def _qualified(self, name: str) -> Any:
        return self.made.valid_qualified_name(name)


def _distinct(found: Iterable[Table]) -> Iterable[Table]:
    return {table.key: table for table in found}.values()


def _time(time: str | None) -> datetime | None:
    told = moment(time)
    return datetime.fromisoformat(told) if told else None


def _value(value: object) -> Any:
    return value if isinstance(value, int) else text(value)


def _word(name: str) -> str:
    """A name as PROV-N can write it."""
    kept = "".join(char if char.isascii() and (char.isalnum() or char in "_.-") else "_" for char in name)
    return kept.strip(".-") or "_"
