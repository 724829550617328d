"""DVC: the one place of the library that imports it.

`repository` finds the DVC repository that a folder is in and reads its configuration, or sets one up; `remote` sends
versions to its default remote and brings them back; `pointer` is what a `.dvc` file says.
"""

from __future__ import annotations

from lineal.datasets.versioning.pointer import Pointer, pointer_of, tracked
from lineal.datasets.versioning.remote import fetch, push
from lineal.datasets.versioning.repository import Repository, find, set_up

__all__ = ["Pointer", "Repository", "fetch", "find", "pointer_of", "push", "set_up", "tracked"]
