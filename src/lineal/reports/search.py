"""What a search found, for a person: what each hit is, where the words stand in it, and the command that shows it."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lineal.questions.search import Hit, Hits, places
from lineal.redaction import harmless
from lineal.reports.terminal import moment

_STATES = {"FAIL": "failed", "ABORT": "aborted"}
_DONE = {
    "register": "registered",
    "reject": "rejected",
    "move-alias": "given",
    "keep-alias": "left without",
    "ask-approval": "sent for approval",
    "approve": "approved",
    "withdraw": "withdrawn",
    "waive": "waived",
    "recall": "recalled",
    "restore-trust": "trusted again",
}


def render(found: Hits) -> RenderableType:
    """Hits, best first."""
    if not found.hits:
        return Text(f"nothing on record has {' and '.join(found.words)}; write fewer words, or the beginning of one")
    parts: list[RenderableType] = []
    for hit in found.hits:
        head = _marked(_called(hit), found.words, "bold")
        head.append(f"  {moment(hit.at)}", style="not bold dim")
        parts += [*([Text()] if parts else []), head]
        if hit.matches:
            parts.append(Padding(_body(hit, found.words), (0, 0, 0, 2)))
        parts.append(Text(f"  {hit.command}", style="dim"))
    if found.more:
        parts += [Text(), Text(f"there are more than these {len(found.hits):,}: --limit {2 * len(found.hits)}")]
    return Group(*parts)


def _called(hit: Hit) -> str:
    """What a hit is, and of what."""
    names = [harmless(name) for name in hit.called]
    if hit.kind == "run":
        also = f" ({', '.join(names[1:])})" if names[1:] else ""
        state = _STATES.get(hit.state or "", "")
        return f"run of {names[0]}{also}{f', {state}' if state else ''}"
    if hit.kind == "job":
        return f"what {names[0]} does, shown by its newest run"
    if hit.kind == "description":
        return f"description of {harmless(hit.subject)}"
    by = f", by {harmless(hit.by)}" if hit.by else ""
    if hit.kind == "note":
        return f"note on {harmless(hit.subject)}{by}"
    return f"decision on {harmless(hit.subject)}: {_done(hit)}{by}"


def _done(hit: Hit) -> str:
    action, *about = map(harmless, hit.action)
    done = _DONE.get(action, action)
    if action in ("move-alias", "keep-alias"):
        return f"{done} @{about[0]}" if about else done
    return f"{done} {' '.join(about)}".strip()


def _body(hit: Hit, words: tuple[str, ...]) -> RenderableType:
    """The parts that have the words, each with what it is."""
    named = hit.kind == "run"
    grid = Table.grid(padding=(0, 2, 0, 0))
    for match in hit.matches:
        text = _marked(harmless(match.excerpt), words)
        grid.add_row(*([Text(match.what, style="dim")] if named else []), text)
    if hit.more:
        more = Text(f"and {hit.more:,} more with these words", style="dim")
        grid.add_row(*([Text()] if named else []), more)
    return grid


def _marked(text: str, words: tuple[str, ...], style: str = "") -> Text:
    """A text with the words in colour."""
    made = Text(text, style=style)
    for start, end, _ in places(text, words):
        made.stylize("yellow", start, end)
    return made
