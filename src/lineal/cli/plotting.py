"""Write a figure to the file that a user named."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lineal.errors import StorageError
from lineal.models.drawing import any_script

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def require_png(file: Path) -> None:
    """See, before anything is computed, that a figure can be written there.

    Raises:
        StorageError: the file is no PNG by its ending, or its folder is not there.
    """
    if file.suffix.lower() != ".png":
        raise StorageError(f"--plot {file}: a plot is written as PNG; end the name with .png")
    if file.is_dir() or not file.absolute().parent.is_dir():
        raise StorageError(f"--plot {file}: there is no folder {file.absolute().parent} to write the plot in; make it")


def save(figure: Figure | None, file: Path) -> None:
    """Write a figure, whole or not at all.

    Raises:
        StorageError: there is none, or it cannot be written.
    """
    if figure is None:
        raise StorageError(f"--plot {file}: there is nothing to draw, as the explanation is not there")
    try:
        with tempfile.TemporaryDirectory(dir=file.absolute().parent, prefix=f".{file.name}.") as folder:
            temporary = Path(folder) / file.name
            with any_script():
                figure.savefig(temporary, dpi=150)
            temporary.replace(file)
    except OSError as problem:
        raise StorageError(f"the plot cannot be written to {file}: {problem.strerror or problem}") from problem
