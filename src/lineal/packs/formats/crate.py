"""RO-Crate: the whole pack as a Workflow Run Crate, by the Provenance Run Crate profile 0.5 on RO-Crate 1.1.

The pipeline file is the workflow, each task's job a tool and a step of it, each recorded run an action; what the runs
read and wrote are its objects and results.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from lineal.errors import PackError
from lineal.packs.formats.crateparts import Entities, plain, word
from lineal.packs.formats.said import (
    as_json,
    label,
    line,
    metric_on,
    moment,
    runs,
    shaping,
    text,
)
from lineal.packs.interface import Document
from lineal.packs.zipped import Piece
from lineal.questions.audit import Run, Table
from lineal.questions.dossier import Dossier, Metric

if TYPE_CHECKING:
    from rocrate.model.entity import Entity

PATH = "ro-crate-metadata.json"
_FLOW = "code/flow.json"
_BIOSCHEMAS = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"
# The pages of what runs flows; of any other its name is known alone.
_ENGINES = {"prefect": "https://www.prefect.io/"}
_STATUS = {
    "COMPLETE": "http://schema.org/CompletedActionStatus",
    "FAIL": "http://schema.org/FailedActionStatus",
    "ABORT": "http://schema.org/FailedActionStatus",
}


def documents(dossier: Dossier, others: Sequence[Piece]) -> Iterator[Document]:
    """Give the crate around a pack, and the record of the flow where the pack has no pipeline file.

    Args:
        dossier: of the model.
        others: the pack's other files.

    Raises:
        PackError: no run is on record.
    """
    everything = runs(dossier)
    if not everything:
        raise PackError(
            f"{dossier.subject}: no run of it is on record, so that there is nothing for an RO-Crate to tell"
        )
    flow = dossier.flow or dossier.facts.fit or everything[-1]
    steps = [run for run in everything if run.root_id == flow.root_id and run.id != flow.id]
    kept = [*others]
    workflow = _pipeline_file(dossier, others)
    if workflow is None:
        record = _flow_record(flow, steps)
        kept.append(record)
        yield record
        workflow = record.path
    made = _Crate(dossier, kept, workflow, flow, steps).made()
    says = "All files of the pack and how they came to be, as an RO-Crate: workflow, steps, runs, data, people"
    yield as_json(PATH, made, "application/ld+json", says)


def _pipeline_file(dossier: Dossier, others: Sequence[Piece]) -> str | None:
    if dossier.materials is None:
        return None
    path = f"code/{dossier.materials.file.rpartition('/')[2]}"
    return path if any(piece.path == path for piece in others) else None


def _flow_record(flow: Run, steps: Sequence[Run]) -> Document:
    told = [
        {
            "job": text(run.job),
            "reads": [label(table) for table in run.inputs],
            "writes": [label(table) for table in run.outputs],
        }
        for run in (steps or [flow])
    ]
    says = "The flow as its runs recorded it: each step, with what it read and wrote"
    return as_json(_FLOW, {"flow": text(flow.job), "steps": told}, "application/json", says)


class _Crate(Entities):
    def __init__(
        self, dossier: Dossier, files: Sequence[Piece], workflow: str, flow: Run, steps: Sequence[Run]
    ) -> None:
        super().__init__(dossier)
        self.files, self.workflow = files, workflow
        self.flow, self.steps = flow, steps

    def made(self) -> dict[str, Any]:
        """The crate's metadata."""
        self.root()
        for piece in self.files:
            if piece.path != self.workflow:
                self.file(piece)
        self.data()
        workflow = self._workflow()
        action = self._action(self.flow, workflow, f"#run-{self.flow.id}")
        if read := [*self._read_by_flow(), *self._parameters(workflow)]:
            action["object"] = plain(read)
        steps = [self._step(run, place, workflow) for place, run in enumerate(self.steps or [self.flow], 1)]
        self._organized(action, steps)
        within = {run.id for run in (self.flow, *self.steps)}
        for run in runs(self.dossier):
            if run.id not in within:
                self._action(run, self._tool(run), f"#run-{run.id}")
        self._decisions()
        found: dict[str, Any] = self.crate.metadata.generate()
        # As they came, but the descriptor and the root first, where a reader looks for them.
        first = {"ro-crate-metadata.json": 0, "./": 1}
        found["@graph"] = sorted(found["@graph"], key=lambda entity: first.get(entity["@id"], 2))
        return json.loads(json.dumps(found))  # type: ignore[no-any-return]

    def _workflow(self) -> Entity:
        piece = next(each for each in self.files if each.path == self.workflow)
        toml = self.workflow != _FLOW
        language = (
            self.add("ComputerLanguage", "https://toml.io/", name="TOML", url="https://toml.io/")
            if toml
            else self.add("ComputerLanguage", "https://www.json.org/", name="JSON", url="https://www.json.org/")
        )
        profile = self.add("CreativeWork", _BIOSCHEMAS, name="Bioschemas ComputationalWorkflow", version="1.0")
        made = self.file(
            piece,
            **{
                "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
                "name": line(self.flow.job),
                "version": self._version(self.flow),
                "programmingLanguage": language,
                "conformsTo": profile,
            },
        )
        self.crate.mainEntity = made
        return made

    def _version(self, run: Run) -> str:
        """Of code: its commit."""
        place = run.job_facets.get("sourceCodeLocation") or {}
        commit = place.get("version") or self.dossier.facts.environment.get("gitCommit")
        return text(commit) if commit else "of no commit on record"

    def _tool(self, run: Run) -> Entity:
        place = run.job_facets.get("sourceCodeLocation") or {}
        documented = (run.job_facets.get("documentation") or {}).get("description")
        return self.add(
            "SoftwareSourceCode",
            f"#tool-{word(run.namespace)}-{word(run.job)}",
            name=line(run.job),
            description=text(documented) if documented else None,
            version=self._version(run),
            url=_web(place.get("url")),
            codeRepository=_web(place.get("repoUrl")),
        )

    def _action(self, run: Run, instrument: Entity, id_: str) -> Entity:
        """A run: what made nothing was started, and created nothing."""
        results = [self.entities[each.key] for each in _distinct(run.outputs)]
        results += self._metrics(run)
        error = (run.facets.get("errorMessage") or {}).get("message") if run.state in ("FAIL", "ABORT") else None
        made = self.add(
            "CreateAction" if results else "ActivateAction",
            id_,
            name=f"Run of {line(run.job)}",
            description=f"OpenLineage run {run.id}, which ended as {text(run.state)}",
            startTime=moment(run.started_at),
            endTime=moment(run.ended_at),
            actionStatus=_STATUS.get(run.state),
            error=text(error) if error else None,
            agent=self.person(self.stated.user) if self.stated.user and run.root_id == self.flow.root_id else None,
            instrument=instrument,
            object=[self.entities[each.key] for each in _distinct(run.inputs)],
            result=results,
        )
        self.crate.root_dataset.append_to("mentions", made)
        return made

    def _metrics(self, run: Run) -> Iterator[Entity]:
        for place, each in enumerate(run.metrics):
            if isinstance(each.get("value"), int | float):
                metric = Metric(str(each["name"]), str(each.get("of") or ""), float(each["value"]))
                name = f"{line(metric.name)}, {metric_on(metric)}"
                yield self.add("PropertyValue", f"#metric-{run.id}-{place}", name=name, value=metric.value)

    def _read_by_flow(self) -> list[Entity]:
        every = [self.flow, *self.steps]
        written = {table.key for run in every for table in run.outputs}
        read = _distinct(table for run in every for table in run.inputs if table.key not in written)
        return [self.entities[table.key] for table in read]

    def _parameters(self, workflow: Entity) -> Iterator[Entity]:
        for key, value in shaping(self.dossier).items():
            slot = self.add("FormalParameter", f"#parameter-{word(key)}", name=key, additionalType="Text")
            given = self.add("PropertyValue", f"#value-{word(key)}", name=key, value=value, exampleOfWork=slot)
            slot["workExample"] = given
            workflow.append_to("input", slot)
            yield given

    def _step(self, run: Run, place: int, workflow: Entity) -> Entity:
        tool = self._tool(run)
        workflow.append_to("hasPart", tool)
        step = self.add(
            "HowToStep",
            f"{workflow.id}#step-{place}",
            name=line(run.job),
            position=str(place),
            workExample=tool,
        )
        workflow.append_to("step", step)
        id_ = f"#run-{run.id}" if run.id != self.flow.id else f"#run-{run.id}-step"
        action = self._action(run, tool, id_)
        return self.add(
            "ControlAction",
            f"#control-{run.id}",
            name=f"Orchestration of {line(run.job)}",
            instrument=step,
            object=action,
            actionStatus=_STATUS.get(run.state),
        )

    def _organized(self, action: Entity, steps: list[Entity]) -> None:
        facet = self.flow.facets.get("processing_engine") or {}
        name, number = line(facet.get("name") or "unknown engine"), line(facet.get("version") or "")
        url = _ENGINES.get(name.lower())
        engine = self.add(
            "SoftwareApplication",
            url or f"#engine-{word(name)}",
            name=name,
            softwareVersion=number or "unknown",
            url=url,
        )
        organized = self.add(
            "OrganizeAction",
            f"#organize-{self.flow.id}",
            name=f"{name} runs {line(self.flow.job)}",
            instrument=engine,
            object=steps,
            result=action,
            startTime=moment(self.flow.started_at),
            endTime=moment(self.flow.ended_at),
            actionStatus=_STATUS.get(self.flow.state),
        )
        self.crate.root_dataset.append_to("mentions", organized)

    def _decisions(self) -> None:
        """What people decided on the model, and noted."""
        about = self.entities.get(self.dossier.facts.top)
        for each in reversed(self.dossier.decisions):
            decision = each.decision
            made = self.add(
                "AssessAction",
                f"#decision-{decision.run_id}",
                name=f"{line(decision.by)}: {line(decision.action)}",
                description=f"{text(decision.reason)} ({text(each.standing)})",
                agent=self.person(decision.by),
                object=about,
                endTime=moment(decision.at),
            )
            self.crate.root_dataset.append_to("mentions", made)


def _distinct(found: Iterable[Table]) -> Iterable[Table]:
    return {table.key: table for table in found}.values()


def _web(address: object) -> str | None:
    found = text(address or "")
    return found if re.match(r"https?://\S+$", found) else None
