"""What an RO-Crate consists of: its files, and what is known of what is no file of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from lineal.packs.formats.said import (
    NOT_STATED,
    Said,
    address,
    data_path,
    fields,
    label,
    line,
    moment,
    said,
    tables,
    text,
)
from lineal.packs.interface import Document
from lineal.packs.zipped import Piece
from lineal.questions.audit import Table
from lineal.questions.dossier import Dossier

if TYPE_CHECKING:
    from rocrate.model.entity import Entity
    from rocrate.rocrate import ROCrate

_MODEL = "model/"
_PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/provenance/0.5": ("Provenance Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}


class Entities:
    """The entities of a crate, each once, as they are added."""

    def __init__(self, dossier: Dossier) -> None:
        from rocrate.rocrate import ROCrate

        self.crate: ROCrate = ROCrate(version="1.1")
        self.dossier = dossier
        self.stated: Said = said(dossier)
        self.known = tables(dossier)
        # By their ids, and what stands for a version by its key.
        self.entities: dict[str, Entity] = {}

    def root(self) -> None:
        """Say what the crate is."""
        root, model = self.crate.root_dataset, self.dossier.facts.model
        root["name"] = f"Evidence on {line(self.dossier.subject)}"
        about = f" {self.stated.description}" if self.stated.description else ""
        root["description"] = f"The record of the model {line(model.name)}, version {model.number}.{about}"
        root["datePublished"] = moment(self.dossier.gathered_at)
        # The profile asks for one, and nobody has said.
        asks = f"Nobody has stated a licence; ask {line(self.stated.owner) or 'whoever sent the pack'}"
        root["license"] = self.add("CreativeWork", "#licence", name=NOT_STATED, description=asks)
        if self.stated.owner:
            root["publisher"] = self.add(
                "Organization", f"#organization-{word(self.stated.owner)}", name=line(self.stated.owner)
            )
        if self.stated.user:
            root["author"] = self.person(self.stated.user)
        root["conformsTo"] = [
            self.add("CreativeWork", id_, name=name, version=number) for id_, (name, number) in _PROFILES.items()
        ]
        self.crate.metadata["conformsTo"] = [
            {"@id": "https://w3id.org/ro/crate/1.1"},
            {"@id": "https://w3id.org/workflowhub/workflow-ro-crate/1.0"},
        ]

    def add(self, type_: str | list[str], id_: str, **known: Any) -> Entity:
        """Give the entity of an id that is no file; what is not known of it is left out."""
        from rocrate.model.contextentity import ContextEntity

        if id_ not in self.entities:
            told = {"@type": type_} | {key: plain(value) for key, value in known.items() if value not in (None, "", [])}
            self.entities[id_] = self.crate.add(ContextEntity(self.crate, id_, properties=told))
        return self.entities[id_]

    def file(self, piece: Piece, **known: Any) -> Entity:
        """Add a file of the pack."""
        from rocrate.model.file import File

        size = len(piece.content) if isinstance(piece, Document) else piece.file.stat().st_size
        told = {
            "name": piece.path.rpartition("/")[2],
            "description": text(piece.says),
            "encodingFormat": piece.media_type,
            "contentSize": str(size),
        }
        if piece.path == "README.md":
            told["about"] = self.crate.root_dataset
        found = self.crate.add(File(self.crate, None, piece.path, properties=told | known))
        self.entities[piece.path] = found
        if piece.path.startswith(_MODEL):
            folder = self._model_folder()
            folder.append_to("hasPart", found)
        return found

    def _model_folder(self) -> Entity:
        from rocrate.model.dataset import Dataset

        if _MODEL not in self.entities:
            model = self.dossier.facts.model
            told = {
                "name": f"{line(model.name)}, version {model.number}",
                "description": f"The registered model's files; its digest is {text(model.digest)}",
                "version": str(model.number),
            }
            self.entities[_MODEL] = self.crate.add(Dataset(self.crate, None, _MODEL, properties=told))
        return self.entities[_MODEL]

    def data(self) -> None:
        """Add the versions that runs read and wrote: a file where the pack has it, else what is known of them."""
        for table in self.known.values():
            path = data_path(table)
            if table.key == self.dossier.facts.top and _MODEL in self.entities:
                self.entities[table.key] = self.entities[_MODEL]
            elif path in self.entities and table.kind != "MODEL":
                self.entities[table.key] = self.entities[path]
            else:
                self.add(
                    "CreativeWork",
                    f"#version-{table.key}",
                    name=label(table),
                    version=text(table.version),
                    additionalType={"FILE": "File", "MODEL": "Model"}.get(table.kind, "Dataset version"),
                    description=_shape(table),
                    url=address(table),
                )
                self.entities[table.key] = self.entities[f"#version-{table.key}"]

    def person(self, name: str) -> Entity:
        """Give somebody by name."""
        return self.add("Person", f"#person-{word(name)}", name=line(name) or "unknown")


def plain(value: Any) -> Any:
    """Of a list of one its only value, as RO-Crate has it."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _shape(table: Table) -> str:
    if table.kind == "MODEL":
        return "A model"
    rows = f"{table.rows:,} rows" if table.rows is not None else "an unknown number of rows"
    columns = fields(table)
    return f"{rows}, {len(columns)} columns" if columns else rows


def word(name: str) -> str:
    """A name as a part of an id."""
    return quote(line(name), safe="") or "unnamed"
