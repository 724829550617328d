"""A model card in Markdown: Mitchell's nine sections, with Hugging Face's metadata before them.

What the record knows is filled in. Prose is what people stated, in the pipeline file and in their notes; where nobody
has, the card says so, and which point of the EU AI Act's Annex IV asks for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from lineal.packs.formats import cardsections as sections
from lineal.packs.formats.markdown import inline
from lineal.packs.formats.prose import prose
from lineal.packs.formats.said import Said, asked, label, line, metric_on, said
from lineal.packs.interface import Document
from lineal.questions.dossier import Dossier
from lineal.reports.terminal import moment

PATH = "model-card.md"
_INTRODUCTION = (
    "What stands here is read from the record of the work. Prose is what people stated, in their own words; where "
    'it says "not stated", nobody has, and the point of Annex IV to the EU AI Act is named that asks for it where that '
    "applies. It says what is on record, and not whether a law is met."
)
_PIPELINES = {
    "binary classification": "tabular-classification",
    "multi-class classification": "tabular-classification",
    "regression": "tabular-regression",
}
_SPLITS = {"held-out": "test", "train": "train", "cross-validation": "cross-validation"}


def documents(dossier: Dossier) -> Iterator[Document]:
    """Give the card of a model."""
    says = "The model card, for people, with metadata as Hugging Face reads it"
    yield Document(PATH, card(dossier).encode(), "text/markdown", says)


def card(dossier: Dossier) -> str:
    """The card of a model."""
    stated, told = said(dossier), prose(dossier)
    model = dossier.facts.model
    opening = [f"# {inline(model.name)}, version {model.number}"]
    if stated.description:
        opening.append(inline(stated.description))
    made = f"Made on {moment(dossier.gathered_at.isoformat())}."
    opening.append(f"*{_INTRODUCTION} {made}*")
    parts = (
        *opening,
        *sections.details(dossier, stated, told),
        *sections.use(dossier, told),
        *sections.factors(dossier, told),
        *sections.metrics(dossier, told),
        *sections.evaluation(dossier, told),
        *sections.training(dossier, told),
        *sections.analyses(dossier),
        *sections.ethics(dossier, told),
        *sections.caveats(dossier, told),
    )
    front = yaml.safe_dump(metadata(dossier, stated), sort_keys=False, allow_unicode=True, width=100)
    body = "\n\n".join(part for part in parts if part)
    return f"---\n{front}---\n\n{body}\n"


def metadata(dossier: Dossier, stated: Said) -> dict[str, object]:
    """What Hugging Face reads before a card."""
    model, told = dossier.facts.model, prose(dossier)
    pipeline = _PIPELINES.get(stated.task)
    found: dict[str, object] = {"model_name": f"{line(model.name)} {model.number}"}
    licence = told["licence"].text.strip().lower() if "licence" in told else ""
    if re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,40}", licence):
        found["license"] = licence
    if stated.estimator.startswith("sklearn."):
        found["library_name"] = "sklearn"
    if pipeline:
        found |= {"pipeline_tag": pipeline, "tags": ["tabular", pipeline]}
    names = list(dict.fromkeys(line(each.name) for each in dossier.metrics))
    if names:
        found["metrics"] = names
    results = list(_results(dossier, stated, pipeline or "other"))
    return found | ({"model-index": [{"name": line(model.name), "results": results}]} if results else {})


def _results(dossier: Dossier, stated: Said, task: str) -> Iterator[dict[str, object]]:
    read = dossier.facts.fit.tables_read if dossier.facts.fit else ()
    on = {"held-out": dossier.facts.held_out, "train": read, "cross-validation": read}
    for of in dict.fromkeys(each.of for each in dossier.metrics):
        table = next(iter(on.get(of, ())), None)
        dataset: dict[str, object] = {
            "type": label(table) if table else asked(dossier, "name") or "unknown",
            "name": f"{label(table)}, {_on(of)}" if table else _on(of),
        }
        if table and table.version:
            dataset["revision"] = line(table.version)
        if of in _SPLITS:
            dataset["split"] = _SPLITS[of]
        yield {
            "task": {"type": task, **({"name": stated.task} if stated.task else {})},
            "dataset": dataset,
            "metrics": [
                {"type": line(each.name), "value": each.value, "name": f"{line(each.name)}, {metric_on(each)}"}
                for each in dossier.metrics
                if each.of == of
            ],
        }


def _on(of: str) -> str:
    return {"held-out": "held-out rows", "train": "training rows"}.get(of, line(of) or "not said what on")
