"""`lineal rebuild`."""

from __future__ import annotations

import json
import sys
from typing import Annotated

from cyclopts import Parameter

from lineal.store.log import Store


def rebuild(*, as_json: Annotated[bool, Parameter(name="--json", negative=())] = False) -> int:
    """Remake the index from the event log, and show that nothing changed.

    It is made beside the store, and what differs is put right: whoever records meanwhile need not wait.

    Args:
        as_json: print one JSON object.
    """
    store = Store(create=False)
    differing = {name.removeprefix("lineal_"): count for name, count in store.rebuild().items()}
    wrong = {name: count for name, count in differing.items() if count}
    if as_json:
        sys.stdout.write(json.dumps({"store": str(store), "differing": differing}) + "\n")
    elif wrong:
        listed = ", ".join(f"{count} in {name}" for name, count in wrong.items())
        sys.stdout.write(f"{store}: the index was remade; rows that differed: {listed}\n")
    else:
        sys.stdout.write(f"{store}: the index was remade from the log; nothing differed\n")
    return 1 if wrong else 0
