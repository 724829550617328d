"""Pointers: what a `.dvc` file says of one version of a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineal.datasets.dataset import Dataset


@dataclass(frozen=True, slots=True)
class Pointer:
    """One version of a file, as DVC points to it.

    Attributes:
        md5: DVC's hash; ends in `.dir` for a folder.
        path: of the file or folder, from where the pointer lies.
        size: in bytes.
        file: the `.dvc` file that says so, absolute; None for one that stands in no workspace.
    """

    md5: str
    path: str
    size: int | None = None
    file: Path | None = None

    @property
    def text(self) -> str:
        """The `.dvc` file, as `dvc add` writes it."""
        import yaml

        size = {} if self.size is None else {"size": self.size}
        out = {"md5": self.md5, **size, "hash": "md5", "path": self.path}
        return str(yaml.safe_dump({"outs": [out]}, sort_keys=False, allow_unicode=True))


def pointer_of(dataset: Dataset) -> Pointer | None:
    """The pointer to a version that lies in a cache of DVC's layout; None for one that does not."""
    path, version = dataset.path, dataset.version
    if path is None or not version or len(version) != 32:
        return None
    if path.parts[-4:] != ("files", "md5", version[:2], version[2:]):
        return None
    return Pointer(version, file_name(dataset.name or version), dataset.size)


def file_name(name: str) -> str:
    """The name that a version's file is given in a workspace."""
    return f"{name.replace('/', '-')}.parquet"


def tracked(path: Path) -> Pointer | None:
    """The pointer to a file that the user tracks with DVC, by itself or with its folder; None where it is not."""
    path = path.absolute()
    for each in (path, *path.parents):
        file = each.with_name(f"{each.name}.dvc") if each.name else None
        if file is not None and file.is_file():
            for out in _outs(file):
                # `wdir` moves where the path starts; then this is some other file's pointer.
                if (file.parent / str(out.get("path"))).absolute() == each and out.get("md5"):
                    return Pointer(str(out["md5"]), str(out["path"]), out.get("size"), file)
        if (each / ".dvc").is_dir():
            break
    return None


def _outs(file: Path) -> list[dict[str, Any]]:
    import yaml

    try:
        tree = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return []
    outs = tree.get("outs") if isinstance(tree, dict) and not tree.get("wdir") else None
    return [out for out in outs if isinstance(out, dict)] if isinstance(outs, list) else []
