"""Write a figure to the file that a user named."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lineal.datasets.newfile import new_file, require_free
from lineal.errors import StorageError
from lineal.models.drawing import any_script

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def require_png(file: Path, *, force: bool) -> None:
    """See, before anything is computed, that a figure can be written there.

    Raises:
        StorageError: as `require_free`; or the file is no PNG by its ending.
    """
    require_free(file, force=force, endings=(".png",))


def save(figure: Figure | None, file: Path, *, force: bool) -> None:
    """Write a figure, whole or not at all.

    Raises:
        StorageError: there is none, or it cannot be written.
    """
    if figure is None:
        raise StorageError(f"--plot {file}: there is nothing to draw, as the explanation is not there")
    with new_file(file, force=force) as made, any_script():
        figure.savefig(made, dpi=150)
