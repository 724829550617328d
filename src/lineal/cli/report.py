"""`lineal report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lineal.store.log import Store
from lineal.subjects import Subject


def report(
    subject: Annotated[tuple[str, ...], Parameter(negative=())],
    /,
    *,
    to: Path,
    policy: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    title: str | None = None,
    force: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Write one page about a model, dataset version, run or prediction, to be sent to whoever should know.

    The page needs nothing but a browser: no network, no script, no other file. It draws the pedigree, and shows figures
    with their spread, what the predictions rest on, who decided what, what the record supports, contradicts and does
    not show, and the commands that check it. Several models are compared at the top.

    Args:
        subject: model:NAME@VERSION_OR_ALIAS, dataset:NAME@VERSION, run:ID or prediction:ID; several make one page.
        to: the HTML file to write.
        policy: of models: a policy to hold them to, by name or file; may be given several times. All where it is left
            out.
        title: of the page; the subjects' names where it is left out.
        force: write over a file that is there.
        json: print one JSON object about what was written.
    """
    from lineal import settings
    from lineal.datasets.newfile import new_file, require_free
    from lineal.questions.audit import chosen
    from lineal.questions.dossier import KINDS, account, dossier
    from lineal.reports import report as done
    from lineal.reports import terminal
    from lineal.reports.page import page

    asked = [Subject.parse(each, allowed=KINDS) for each in subject]
    require_free(to, force=force, endings=(".html", ".htm"))
    policies = chosen(policy)
    store = Store(create=False)
    found = {
        each.subject: each
        for each in (dossier(store, one, policies) if one.kind == "model" else account(store, one) for one in asked)
    }
    text = page(list(found.values()), title=title, base=settings.project_of(Path.cwd()))
    with new_file(to, force=force) as made:
        size = made.write_bytes(text.encode())
    answer = done.Written(str(to), size, tuple(found))
    terminal.show(answer, done.render, as_json=json)
