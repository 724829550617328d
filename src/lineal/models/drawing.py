"""Write figures whose labels are a user's own words, in whatever script."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def any_script() -> Iterator[None]:
    """Let matplotlib draw a box for a letter that its font lacks, without a word of it on the user's terminal."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph .* missing from", UserWarning)
        yield
