"""What a search found, for a person: what to ask on with, and where the words stand."""

from __future__ import annotations

import re

from rich.console import Group, RenderableType
from rich.text import Text

from lineal.questions.search import Hits
from lineal.redaction import harmless
from lineal.reports.terminal import moment


def render(found: Hits) -> RenderableType:
    """Hits, best first."""
    if not found.hits:
        return Text(f"nothing on record has {' and '.join(found.words)}; write fewer words, or the beginning of one")
    parts: list[RenderableType] = []
    pattern = "|".join(re.escape(word) for word in found.words)
    for hit in found.hits:
        head = Text(hit.subject, style="bold")
        head.append(f"  {hit.kind}, {moment(hit.at)}", style="dim")
        body = Text(f"  {harmless(hit.snippet)}")
        body.highlight_regex(f"(?i)(?:{pattern})", "yellow")
        parts += [head, body]
    more = "; there are more: --limit" if found.more else ""
    return Group(*parts, Text(), Text(f"{found.hits[0].command}{more}"))
