"""`lineal rebuild`."""

from __future__ import annotations

import json
import sys

from lineal.store.log import Store


def rebuild(*, json_: bool = False) -> int:
    """Remake the index from the event log, and show that nothing changed.

    Args:
        json_: print one JSON object.
    """
    store = Store(create=False)
    differing = {name.removeprefix("lineal_"): count for name, count in store.rebuild().items()}
    wrong = {name: count for name, count in differing.items() if count}
    if json_:
        sys.stdout.write(json.dumps({"store": str(store), "differing": differing}) + "\n")
    elif wrong:
        listed = ", ".join(f"{count} in {name}" for name, count in wrong.items())
        sys.stdout.write(f"{store}: the index was remade; rows that differed: {listed}\n")
    else:
        sys.stdout.write(f"{store}: the index was remade from the log; nothing differed\n")
    return 1 if wrong else 0
