"""From a URI to the files it means, in order, their bytes on this machine."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from lineal.datasets.cache import Cache
from lineal.datasets.hashing import HashingWriter
from lineal.datasets.patience import within
from lineal.datasets.sources.base import SourceFile, near
from lineal.datasets.sources.opening import COMPRESSIONS
from lineal.errors import SourceError, StorageError, UnreachableError
from lineal.progress import Progress
from lineal.redaction import redact, redact_urls

FORMATS = {
    ".csv": "CSV",
    ".tsv": "TSV",
    ".parquet": "Parquet",
    ".pq": "Parquet",
    ".jsonl": "JSON lines",
    ".ndjson": "JSON lines",
    ".jsonlines": "JSON lines",
    ".json": "JSON lines",
}
_WILD = re.compile(r"[*?\[]")
_CHUNK = 8 << 20

N = TypeVar("N", str, Path)


def expanded(uri: str) -> str:
    """Return `uri` with each `${NAME}` replaced from the environment.

    Raises:
        SourceError: a variable is not set.
    """

    def value(found: re.Match[str]) -> str:
        name = found.group(1)
        if name not in os.environ:
            raise SourceError(
                f"source.uri speaks of ${{{name}}}, which is not set; set the environment variable {name}",
                uri=redact(uri),
            )
        return os.environ[name]

    return re.sub(r"\$\{(\w+)\}", value, uri)


@contextmanager
def resolved(uri: str, folder: Path, cache: Cache, on_progress: Progress) -> Iterator[list[SourceFile]]:
    """Give the files that `uri` means, sorted by name; what lies elsewhere is fetched, and gone again afterwards.

    A folder means every file in it and in its subfolders that is of a known format and whose name (and whose
    subfolder's name) does not begin with `.` or `_`; `**` in a glob crosses folders.

    Args:
        uri: a file, folder or glob, or any fsspec URI of such.
        folder: where a relative path starts.
        cache: on whose disk fetched files lie meanwhile.
        on_progress: told the bytes that are fetched.

    Raises:
        SourceError: nothing is there, it is of no known format, or of several.
        UnreachableError: it lies elsewhere and does not answer.
    """
    scheme = urlsplit(uri).scheme if "://" in uri else ""
    if scheme in ("", "file", "local"):
        path = Path(unquote(urlsplit(uri).path)) if scheme else folder / uri
        path = Path(os.path.normpath(path))
        yield [_described(str(file), file) for file in _one_format(str(path), _local(path))]
        return
    with ExitStack() as stack:
        yield [
            stack.enter_context(_fetched(system, name, shown, cache, on_progress))
            for system, name, shown in _remote(uri)
        ]


def require_there(uri: str, folder: Path) -> None:
    """See that a source on this machine's disk is there, before anything is started for it.

    Args:
        uri: as for `resolved`; what lies elsewhere is not asked for.
        folder: where a relative path starts.

    Raises:
        SourceError: there is no such file, no file that a glob means, or none of a known format in a folder.
    """
    if "://" not in uri:
        _local(Path(os.path.normpath(folder / expanded(uri))))


def _local(path: Path) -> list[Path]:
    if path.is_dir():
        inside = [(file.relative_to(path).as_posix(), file) for file in path.rglob("*") if file.is_file()]
        return _of_folder(str(path), sorted(inside))
    if path.exists():
        return [path]
    wild = next((up for up in (path, *path.parents) if _WILD.search(up.name) and not up.exists()), None)
    if wild is not None:
        first = min((number for number, part in enumerate(path.parts) if _WILD.search(part)), default=0)
        base = Path(*path.parts[:first])
        found = sorted(file for file in base.glob(str(Path(*path.parts[first:]))) if file.is_file())
        if not found:
            raise SourceError(f"no file matches {path}; correct the pattern", uri=str(path))
        return found
    raise _missing(path)


def _missing(path: Path) -> SourceError:
    if not path.parent.is_dir():
        return SourceError(
            f"there is no {path}, nor the folder {path.parent}; correct source.uri "
            "or --data (a relative path starts at the project)",
            uri=str(path),
        )
    hint = near(path.name, [file.name for file in path.parent.iterdir()])
    return SourceError(f"there is no {path}{hint or '; correct source.uri or --data'}", uri=str(path))


def _of_folder(shown: str, inside: Sequence[tuple[str, Any]]) -> list[Any]:
    """The files of a folder that are data, from their paths within it."""
    data = [
        file
        for name, file in inside
        if _format(name) and not any(part.startswith((".", "_")) for part in PurePosixPath(name).parts)
    ]
    if not data:
        raise SourceError(f"no data file lies in {shown}; it needs files named {_known()}", uri=shown)
    return data


def _suffixes(name: str) -> tuple[str, str | None]:
    path = PurePosixPath(name.lower())
    compression = COMPRESSIONS.get(path.suffix)
    return (PurePosixPath(path.stem).suffix if compression else path.suffix), compression


def _format(name: str) -> str | None:
    suffix, compression = _suffixes(name)
    found = FORMATS.get(suffix)
    return None if compression and found == "Parquet" else found


def _known() -> str:
    return ", ".join(f"*{suffix}" for suffix in FORMATS)


def _described(uri: str, path: Path, name: str | None = None, **more: Any) -> SourceFile:
    name = name or path.name
    return SourceFile(uri, path, str(_format(name)), _suffixes(name)[1], **more)


def _one_format(uri: str, files: Sequence[N]) -> Sequence[N]:
    formats: dict[str, N] = {}
    for file in files:
        found = _format(str(file))
        if found is None:
            raise SourceError(
                f"the format of {file} cannot be told from its name; name it {_known()}, "
                f"text also compressed ({', '.join(COMPRESSIONS)})",
                uri=str(file),
            )
        formats.setdefault(found, file)
    if len(formats) > 1:
        (one, first), (other, second), *_ = formats.items()
        raise SourceError(
            f"{redact(uri)} mixes formats: {first} is {one}, {second} is {other}; "
            "keep one, or name the files by a glob such as *.csv",
            uri=redact(uri),
        )
    return files


def _remote(uri: str) -> list[tuple[Any, str, str]]:
    """The files elsewhere that `uri` means: their file system, their name in it, and their URI for a person."""
    shown = redact(uri)
    system, path = _file_system(uri, shown)
    with _asking(shown):
        names = within(lambda: _names(system, path, uri, shown), shown)
    http = urlsplit(uri).scheme in ("http", "https")
    # A folder may be called as a secret is, such as `token=17`: that is which file it is.
    named = {name: redact_urls(str(system.unstrip_protocol(name))) for name in names}
    # A query string is no part of a file's name.
    files = {urlsplit(text).path if http else text: name for name, text in named.items()}
    _one_format(uri, list(files))
    return [(system, name, named[name]) for name in files.values()]


def _names(system: Any, path: str, uri: str, shown: str) -> list[str]:
    http = urlsplit(uri).scheme in ("http", "https")
    if _WILD.search(path) and not http:
        found = sorted(str(name) for name in system.glob(path) if not system.isdir(name))
        if not found:
            raise SourceError(f"no file matches {shown}; correct the pattern", uri=shown)
        return found
    if not http and system.isdir(path):
        root = str(path).rstrip("/") + "/"
        return _of_folder(shown, sorted((str(name).removeprefix(root), str(name)) for name in system.find(path)))
    system.info(path)
    return [path]


def _file_system(uri: str, shown: str) -> tuple[Any, str]:
    import fsspec

    scheme = urlsplit(uri).scheme
    try:
        system, path = within(lambda: fsspec.core.url_to_fs(uri), shown)
    except ImportError as problem:
        said = " ".join(str(problem).split()) or f"a package for {scheme}:// is missing"
        raise SourceError(
            f"{shown} cannot be read without another package: {said}; pip install 'fsspec[{scheme}]' has it", uri=shown
        ) from problem
    except ValueError as problem:
        raise SourceError(
            f"{shown}: {scheme}:// is no kind of address that fsspec knows; correct it "
            "(a database URL needs source.query)",
            uri=shown,
        ) from problem
    return system, str(path)


@contextmanager
def _asking(shown: str) -> Iterator[None]:
    try:
        yield
    except (SourceError, StorageError):
        raise
    except FileNotFoundError as problem:
        if _no_answer(problem.__cause__):
            raise _unreachable(shown, problem.__cause__ or problem) from problem
        raise SourceError(f"there is no {shown}; correct source.uri or --data", uri=shown) from problem
    except PermissionError as problem:
        raise SourceError(f"{shown} may not be read with the credentials given; check them", uri=shown) from problem
    except Exception as problem:
        # Each file system has errors of its own (aiohttp's, botocore's, paramiko's): all mean that it did not answer.
        raise _unreachable(shown, problem) from problem


def _no_answer(cause: BaseException | None) -> bool:
    """Say whether what fsspec calls a missing file is, beneath, a server that did not answer, or answered otherwise."""
    status = getattr(cause, "status", None)
    if isinstance(status, int):
        return status not in (404, 410)
    return isinstance(cause, OSError) and not isinstance(cause, FileNotFoundError)


def _unreachable(shown: str, problem: BaseException) -> UnreachableError:
    said = redact(" ".join(str(problem).split()))[:200].rstrip(".")
    return UnreachableError(
        f"{shown} cannot be reached: {said or type(problem).__name__}; check address, credentials and network",
        uri=shown,
    )


@contextmanager
def _fetched(system: Any, name: str, shown: str, cache: Cache, on_progress: Progress) -> Iterator[SourceFile]:
    """Bring a file here, hashed on its way, so that what is parsed is what was hashed however often it is read."""
    with cache.temporary() as path:
        with HashingWriter(path) as sink, _asking(shown):
            source = within(lambda: system.open(name, "rb"), shown)
            total = getattr(source, "size", None)
            while data := within(lambda: source.read(_CHUNK), shown):
                sink.write(data)
                on_progress(sink.tell(), total)
            source.close()
            found = sink.finish()
        file_name = urlsplit(shown).path if "://" in shown else shown
        yield _described(shown, path, file_name, fingerprint=found)
