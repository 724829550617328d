"""`lineal key`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from lineal.cli.app import OK


def key(
    what: Literal["new", "trust", "list"],
    file: Path | None = None,
    /,
    *,
    name: Annotated[str | None, Parameter(name="--name")] = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Make your own key, trust that of somebody else, or list those that are known here.

    With a key of your own, what you decide and note is signed. Once somebody's key is known here, only what is signed
    with it counts as theirs.

    Args:
        what: new, trust or list.
        file: with trust, the public key that somebody has given you.
        name: with trust, whose it is, where the file does not bear their name.
        json: print one JSON object.
    """
    from lineal import people
    from lineal.errors import SigningError
    from lineal.reports import keys as report
    from lineal.reports import terminal

    if (what == "trust") != (file is not None):
        raise SigningError("`lineal key trust FILE` takes the file of a public key; new and list take none")
    if what == "new":
        made = report.Made(
            people.make_key((me := people.myself()).name).public.id, me.name, str(people.key_file(me.name))
        )
        terminal.show(made, report.made, as_json=json)
    elif file is not None:
        known = people.trust(file, name)
        terminal.show(known, report.trusted, as_json=json)
    else:
        found = people.known_keys()
        terminal.show({"keys": found}, lambda _: report.listed(found), as_json=json)
    return OK
