"""One self-contained page about models, dataset versions, runs or predictions, to be sent to whoever should know.

`page` is pure: what it says was gathered before, and it looks at no store, no clock and no file. It asks for nothing
either: no script, no font, no picture from elsewhere, and a Content-Security-Policy that forbids all of it.

An evidence pack makes its `index.html` by the same function, with the list of what else is in it::

    page([dossier(store, subject)], files=[Enclosed("model.skops", "The model itself.", 183_204)])
"""

from __future__ import annotations

from lineal.reports.page.making import Enclosed, Section, page

__all__ = ["Enclosed", "Section", "page"]
