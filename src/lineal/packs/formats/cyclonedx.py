"""CycloneDX 1.6: the model, its data, its packages, its model card and what the audit declares, in one ML-BOM.

The library knows components, packages and dependencies; of model cards, data and declarations it does not know, so
they are put into its JSON last.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lineal.packs.formats import declarations, modelcard
from lineal.packs.formats.said import (
    Said,
    address,
    as_json,
    descent,
    digests,
    fields,
    identity,
    label,
    line,
    moment,
    owners,
    said,
    text,
)
from lineal.packs.interface import Document
from lineal.packs.zipped import Piece, measured
from lineal.questions.audit import Table
from lineal.questions.dossier import Dossier, Package

if TYPE_CHECKING:
    from cyclonedx.model.component import Component

PATH = "bom.cdx.json"
MODEL = "model"
_MEDIA_TYPE = "application/vnd.cyclonedx+json"


def documents(dossier: Dossier, others: Sequence[Piece] = ()) -> Iterator[Document]:
    """Give the ML-BOM of a model.

    Args:
        dossier: of the model.
        others: the pack's other files; the model's own are named with their hashes.
    """
    says = "The model's bill of materials as CycloneDX: packages, data, model card, metrics, and what the audit claims"
    yield as_json(PATH, bom(dossier, others), _MEDIA_TYPE, says)


def bom(dossier: Dossier, others: Sequence[Piece] = ()) -> dict[str, Any]:
    """The ML-BOM as a dict."""
    from cyclonedx.output.json import JsonV1Dot6

    stated = said(dossier)
    made: dict[str, Any] = json.loads(JsonV1Dot6(_base(dossier, stated, others)).output_as_string())
    model = made["metadata"]["component"]
    model["modelCard"] = modelcard.model_card(dossier, stated)
    tables = {_ref(table): table for table in dossier.tables}
    for component in made.get("components", ()):
        if component["bom-ref"] in tables:
            table = tables[component["bom-ref"]]
            component["data"] = [_data(table, dossier, stated)]
    made |= declarations.declared(dossier, MODEL, stated)
    notes = list(_annotations(dossier))
    return made | ({"annotations": notes} if notes else {})


def _base(dossier: Dossier, stated: Said, others: Sequence[Piece]) -> Any:
    from cyclonedx.model.bom import Bom, BomMetaData
    from cyclonedx.model.bom_ref import BomRef
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.model.dependency import Dependency

    packages = {package.name.lower(): _package(package) for package in dossier.packages}
    tables = {table.key: _dataset(table) for table in dossier.tables}
    lineal = Component(name="lineal", version=_lineal(dossier), type=ComponentType.APPLICATION, bom_ref="lineal")
    made = Bom(
        serial_number=identity("bom", dossier.subject, dossier.facts.model.digest, dossier.gathered_at),
        version=1,
        metadata=BomMetaData(
            timestamp=dossier.gathered_at,
            tools=_tools(lineal),
            component=_model(dossier, stated, others),
        ),
        components=[*packages.values(), *tables.values()],
    )
    made_of = _made_of(dossier)
    refs = {key: BomRef(component.bom_ref.value) for key, component in tables.items()}
    first = [refs[key] for key in made_of.pop("", ()) if key in refs]
    packaged = [BomRef(component.bom_ref.value) for component in packages.values()]
    made.dependencies = [
        Dependency(BomRef(MODEL), [Dependency(ref) for ref in (*first, *packaged)]),
        *(
            Dependency(ref, [Dependency(refs[below]) for below in made_of.get(key, ()) if below in refs])
            for key, ref in refs.items()
        ),
        *(Dependency(ref) for ref in packaged),
    ]
    return made


def _tools(lineal: Component) -> Any:
    from cyclonedx.model.tool import ToolRepository

    return ToolRepository(components=[lineal])


def _model(dossier: Dossier, stated: Said, others: Sequence[Piece]) -> Component:
    from cyclonedx.model import ExternalReference, ExternalReferenceType, XsUri
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.model.contact import OrganizationalContact, OrganizationalEntity
    from packageurl import PackageURL

    model, fit = dossier.facts.model, dossier.facts.fit
    name = line(model.name) or "model"
    card = ExternalReference(type=ExternalReferenceType.MODEL_CARD, url=XsUri("model-card.md"))
    known = {
        # It is of what the model is, and of no file's bytes.
        "model-digest": model.digest,
        "registered-at": moment(model.registered_at),
        "aliases": ", ".join(model.aliases),
        "run": dossier.flow.id if dossier.flow else model.run_id,
        "trained-at": moment(fit.ended_at) if fit else None,
        "code-commit": dossier.facts.environment.get("gitCommit"),
        "python": dossier.facts.environment.get("python"),
    }
    return Component(
        name=name,
        version=str(model.number),
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref=MODEL,
        purl=PackageURL(type="mlflow", name=name, version=str(model.number)),
        description=stated.description or None,
        authors=[OrganizationalContact(name=line(stated.user))] if stated.user else None,
        manufacturer=OrganizationalEntity(name=line(stated.owner)) if stated.owner else None,
        properties=_properties(known),
        external_references=[card],
        components=[_file(piece) for piece in others if piece.path.startswith("model/")],
    )


def _file(piece: Piece) -> Component:
    from cyclonedx.model import HashAlgorithm, HashType
    from cyclonedx.model.component import Component, ComponentType

    hashed, _ = measured(piece)
    return Component(
        name=piece.path,
        type=ComponentType.FILE,
        bom_ref=f"file:{piece.path}",
        description=piece.says,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=hashed)],
    )


def _package(package: Package) -> Component:
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    purl = PackageURL(type="pypi", name=package.name, version=package.version)
    return Component(
        name=text(package.name),
        version=text(package.version),
        type=ComponentType.LIBRARY,
        bom_ref=purl.to_string(),
        purl=purl,
    )


def _dataset(table: Table) -> Component:
    from cyclonedx.model import HashAlgorithm, HashType
    from cyclonedx.model.component import Component, ComponentType

    names = {"md5": HashAlgorithm.MD5, "sha256": HashAlgorithm.SHA_256}
    return Component(
        name=label(table),
        version=text(table.version) or None,
        type=ComponentType.DATA,
        bom_ref=_ref(table),
        hashes=[HashType(alg=names[name], content=value) for name, value in digests(table).items()],
    )


def _ref(table: Table) -> str:
    return f"dataset:{table.key}"


def _data(table: Table, dossier: Dossier, stated: Said) -> dict[str, Any]:
    known = {
        "rows": table.rows,
        "columns": len(fields(table)) or None,
        "format": (table.facets.get("storage") or {}).get("fileFormat"),
    }
    properties = [{"name": f"lineal:{key}", "value": str(value)} for key, value in known.items() if value is not None]
    properties += [{"name": f"lineal:column:{name}", "value": kind or "unknown"} for name, kind in fields(table)]
    contents: dict[str, Any] = {"properties": properties} if properties else {}
    url = address(table)
    if url and not set(url) & set('<>"{}|\\^`'):
        contents["url"] = url
    made: dict[str, Any] = {"type": "dataset", "name": label(table)}
    if contents:
        made["contents"] = contents
    if (documented := (table.facets.get("documentation") or {}).get("description")) is not None:
        made["description"] = text(documented)
    sensitive = list(_sensitive(table, dossier))
    if sensitive:
        made["sensitiveData"] = sensitive
    if named := owners(table, stated):
        made["governance"] = {"owners": [{"organization": {"name": name}} for name in named]}
    return made


def _sensitive(table: Table, dossier: Dossier) -> Iterator[str]:
    words = {"personal": "personal data", "special": "a special category of personal data (GDPR Art. 9)"}
    for key, word in words.items():
        for column in dossier.facts.declared.get(key) or ():
            if column in table.columns:
                yield f"{text(column)}: {word}"


def _made_of(dossier: Dossier) -> dict[str, list[str]]:
    """What each dataset version was made of, by key; what the model was made of by an empty one."""
    known = descent(dossier)
    models = {step.table.key for step in dossier.facts.steps.values() if step.table.kind == "MODEL"}
    found: dict[str, list[str]] = {}
    for key, made in known.items():
        found.setdefault("" if key in models else key, []).extend(each for each in made.of if each not in models)
    return {key: list(dict.fromkeys(below)) for key, below in found.items()}


def _annotations(dossier: Dossier) -> Iterator[dict[str, Any]]:
    """What people said of the model, in their own words."""
    for each in reversed(dossier.decisions):
        decision = each.decision
        at = moment(decision.at)
        if at is None or not decision.reason:
            continue
        about = "" if decision.action == "note" else f"{text(decision.action)}: "
        stands = "" if each.counts else f" ({text(each.standing)}: {text(each.why)})"
        yield {
            "bom-ref": f"decision:{decision.run_id}",
            "subjects": [MODEL],
            "annotator": {"individual": {"name": line(decision.by) or "unknown"}},
            "timestamp": at,
            "text": f"{about}{text(decision.reason)}{stands}",
        }


def _properties(known: Mapping[str, object]) -> Iterable[Any]:
    from cyclonedx.model import Property

    return [Property(name=f"lineal:{key}", value=text(value)) for key, value in known.items() if value]


def _lineal(dossier: Dossier) -> str:
    from importlib.metadata import version

    return version("lineal")
