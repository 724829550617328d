"""Bring everything that made a model into one folder, ready to run."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from lineal.datasets.cache import Cache
from lineal.errors import LinealError, StorageError
from lineal.models import tracking
from lineal.models.keeping import DIFF, LEAVES, PACKAGES
from lineal.questions.materials import Materials, Version, bytes_of, checked, materials
from lineal.reproduction.pipeline_file import pointing_at
from lineal.reproduction.sandbox import code_of, throwaway
from lineal.settings import project_of
from lineal.store.log import Store
from lineal.subjects import Subject


@dataclass(frozen=True, slots=True)
class Restored:
    """What was brought back.

    Attributes:
        subject: the model, its version filled in.
        folder: where it lies now.
        pipeline: the pipeline file in it, which reads the restored data; None where the data is missing.
        commit: of the code.
        code: how the code was had; None where it was not.
        files: what is there, from the folder.
        missing: a sentence for each thing that is not to be had.
        run: the command that trains on it.
    """

    subject: str
    folder: str
    pipeline: str | None
    commit: str | None
    code: str | None
    files: tuple[str, ...]
    missing: tuple[str, ...]
    run: str


def restore_model(
    store: Store, subject: Subject, to: Path, *, force: bool = False, project: Path | None = None
) -> Restored:
    """Bring back all that made a registered model: data, code, pipeline file, lock file, and the model's own files.

    What is not to be had is named in the answer, and the rest is brought.

    Args:
        store: the lineage store.
        subject: the model.
        to: the folder, which is made.
        force: write over what is there.
        project: the folder whose repository has the code; default the working folder's project.

    Raises:
        SubjectError: it is unknown, or its record does not hold what it takes.
        StorageError: the folder holds something, or cannot be written.
    """
    found = materials(store, subject)
    to = to.absolute()
    if to.exists() and not (to.is_dir() and (force or not any(to.iterdir()))):
        what = "holds something already" if to.is_dir() else "is a file"
        remedy = ", or add --force to write over it" if to.is_dir() else ""
        raise StorageError(f"{to} {what}; choose another folder{remedy}")
    with _written(to) as folder:
        restoring = _Restoring(found, folder, to)
        restoring.data()
        code = restoring.code(project or project_of(Path.cwd()))
        restoring.kept()
        restoring.model()
        pipeline = restoring.pipeline()
        run = restoring.told(code, pipeline)
        files = tuple(sorted(str(file.relative_to(folder)) for file in _outside_code(folder)))
    return Restored(found.subject, str(to), pipeline, found.commit, code, files, tuple(restoring.missing), run)


class _Restoring:
    """Puts one part after another into a folder, and takes note of what is missing."""

    def __init__(self, found: Materials, folder: Path, to: Path) -> None:
        self.found = found
        self.folder = folder
        self.to = to
        self.missing: list[str] = []

    def data(self) -> None:
        """The snapshot, both parts of the split, and the predictions on the rows held out."""
        found, cache = self.found, Cache()
        parts: list[tuple[str, Version | None]] = [
            ("snapshot", found.snapshot),
            ("train", found.train),
            ("test", found.test),
            ("evaluation", found.evaluation),
        ]
        for name, version in parts:
            if version is None:
                continue
            with self._noted():
                shutil.copyfile(checked(cache, version.version, version.name), self._place(f"data/{name}.parquet"))

    def code(self, project: Path) -> str | None:
        """The commit's files, with what was not committed; how they were had, or None."""
        if self.found.commit is None:
            self.missing.append("the code: the record names no commit, as there was no git")
            return None
        told: str | None = None
        with self._noted(), throwaway() as place, code_of(self.found, project, place) as code:
            if code.top is not None:
                shutil.copytree(code.top, self.folder / "code", symlinks=True, ignore=shutil.ignore_patterns(".git"))
                told = code.told
        return told

    def kept(self) -> None:
        """The lock file, the list of packages, the patch, the model's leaves, and the whole record as JSON."""
        for name in self.found.files:
            with self._noted():
                content = bytes_of(self.found, name) or b""
                self._place(f"record/{name}").write_bytes(content)
        if self.found.uncommitted.get("state") not in ("clean", "kept", "no git") and DIFF not in self.found.files:
            self.missing.append(f"{DIFF}: it was not kept ({self.found.uncommitted.get('state')})")
        record = json.dumps(asdict(self.found), indent=2, ensure_ascii=False, default=str)
        self._place("record/record.json").write_text(record + "\n", encoding="utf-8")

    def model(self) -> None:
        """The model's own files, as MLflow keeps them."""
        model = self.found.model
        uri = f"models:/{self.found.model_id}" if self.found.model_id else ""
        with self._noted():
            folder = self.folder / "model"
            folder.mkdir()
            tracking.model_files(uri or f"models:/{model.name}/{model.number}" if model else uri, folder)

    def pipeline(self) -> str | None:
        """The pipeline file, reading the restored data, where the flow finds it."""
        data = self.folder / "data" / "snapshot.parquet"
        if not data.is_file():
            return None
        name = PurePosixPath(self.found.file)
        project = self.folder / "code" / str(self.found.environment.get("gitPrefix") or "")
        inside = project.is_dir() and not name.is_absolute() and ".." not in name.parts
        file = project / name if inside else self.folder / "pipeline" / name.name
        file.parent.mkdir(parents=True, exist_ok=True)
        above = project_of(file)
        movable = above.is_relative_to(self.folder)
        uri = Path(os.path.relpath(data, above)).as_posix() if movable else str(self.to / "data" / "snapshot.parquet")
        file.write_text(pointing_at(self.found.text, uri, self.found.overrides), encoding="utf-8")
        lock = str(self.found.environment.get("lockFile") or "")
        with suppress(LinealError):
            content = bytes_of(self.found, lock) if lock and inside else None
            if content is not None:
                (project / lock).write_bytes(content)
        return file.relative_to(self.folder).as_posix()

    def told(self, code: str | None, pipeline: str | None) -> str:
        """Say in a README and a script how it is run; return the command."""
        prefix = str(self.found.environment.get("gitPrefix") or "")
        inside = bool(pipeline and pipeline.startswith("code/"))
        where = f"code/{prefix}".rstrip("/") if inside else "."
        name = PurePosixPath(pipeline).relative_to(where).as_posix() if pipeline and inside else (pipeline or "")
        command = shlex.join(("lineal", "run", name))
        script = (
            f"#!/bin/sh\n# Trains {self.found.subject} again on what lies here.\n"
            f'cd "$(dirname "$0")"/{shlex.quote(where)} && exec {command} "$@"\n'
        )
        if pipeline:
            file = self._place("run.sh")
            file.write_text(script, encoding="utf-8")
            file.chmod(0o755)
        text = _readme(self.found, code, where, command if pipeline else None, self.missing)
        self._place("README.md").write_text(text, encoding="utf-8")
        return f"{self.to / 'run.sh'}" if pipeline else ""

    def _place(self, name: str) -> Path:
        """A file's path in the folder, whose own folder is there."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    @contextmanager
    def _noted(self) -> Iterator[None]:
        try:
            yield
        except LinealError as problem:
            self.missing.append(problem.message)


def _readme(found: Materials, code: str | None, where: str, command: str | None, missing: list[str]) -> str:
    environment = found.environment
    lock = environment.get("lockFile")
    lines = [
        f"# {found.subject}",
        "",
        f"All that made this model, whose digest is `{found.digest}`.",
        "",
        "| what | where |",
        "|---|---|",
        "| the rows it was made from | `data/snapshot.parquet` |",
        "| those it was fitted to, and those held out | `data/train.parquet`, `data/test.parquet` |",
        "| its predictions on the rows held out | `data/evaluation.parquet` |",
        f"| its code | {f'`code/`: {code}' if code else 'not here'} |",
        "| the model, as MLflow keeps it | `model/` |",
        f"| packages, leaves of the model, the whole record | `record/` ({PACKAGES}, {LEAVES}, record.json"
        f"{f', {lock}' if lock else ''}{f', {DIFF}' if DIFF in found.files else ''}) |",
        "",
        f"It was made with Python {environment.get('python')} on {environment.get('platform')} "
        f"({environment.get('cpu')}).",
    ]
    if command:
        lines += ["", "Train it again, from this folder:", "", "```", "./run.sh", "```", ""]
        if lock == "uv.lock" and where != ".":
            lines += [
                "With the very packages it was made with:",
                "",
                "```",
                f"cd {where}",
                "uv sync --frozen",
                f"uv run --frozen {command}",
                "```",
            ]
        elif lock:
            lines += [f"The packages it was made with are those of `record/{lock}`."]
    if missing:
        lines += ["", "Not here:", "", *(f"- {sentence}" for sentence in missing)]
    return "\n".join(lines).rstrip() + "\n"


@contextmanager
def _written(to: Path) -> Iterator[Path]:
    """Give a folder on the same disk, whose contents come to be at `to` once all is written."""
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{to.name}.", dir=to.parent))
    except OSError as problem:
        raise StorageError(f"{to} cannot be made: {problem.strerror}; choose another folder") from problem
    try:
        yield made
        made.chmod(0o755)
        if to.exists():
            shutil.copytree(made, to, symlinks=True, dirs_exist_ok=True)
        else:
            made.rename(to)
    except OSError as problem:
        raise StorageError(f"{to} cannot be written: {problem.strerror or problem}; choose another folder") from problem
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _outside_code(folder: Path) -> Iterator[Path]:
    for entry in folder.iterdir():
        if entry.name == "code":
            yield entry
        else:
            yield from (file for file in (entry.rglob("*") if entry.is_dir() else [entry]) if not file.is_dir())
