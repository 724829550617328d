"""Where a column came from and what uses it, for a person: a tree of columns, and what it comes to in a sentence."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from lineal.questions.columnlineage import Transformation
from lineal.questions.columns import ColumnEdge, ColumnFound, ColumnImpact, ColumnTrace
from lineal.questions.impact import PREDICTIONS
from lineal.reports.impact import hold
from lineal.reports.terminal import command, moment, short

# How many columns of a version are drawn side by side, and how many lines a tree may have; the rest is counted.
_MOST_SIBLINGS = 5
_MOST_LINES = 36
_KINDS = ("models", "prediction batches", "other tables")
_MOST_NAMED = 12
_ENDS = {
    "source": "source",
    "made": "made by the run, of no other column",
    "untold": "the run does not tell of which columns",
}


def render_trace(trace: ColumnTrace) -> RenderableType:
    """What a column was made of, on one screen."""
    drawn = _Drawing(trace.columns, [(edge.target, edge.source, edge) for edge in trace.edges])
    parts: list[RenderableType] = [_heading(trace.subject, trace.column), drawn.tree(0), *drawn.rest()]
    parts += [Text(), *(Text(line, style="bold") for line in _origins(trace)), *_short(trace.short)]
    return Group(*parts, Text(command("trace", trace.subject), style="dim"))


def render_impact(impact: ColumnImpact) -> RenderableType:
    """What uses a column, on one screen."""
    drawn = _Drawing(impact.columns, [(edge.source, edge.target, edge) for edge in impact.edges])
    roots = [place for place, each in enumerate(impact.columns) if not each.steps]
    parts: list[RenderableType] = [_heading(impact.subject, impact.column), *map(drawn.tree, roots), *drawn.rest()]
    parts += [Text(), Text(_uses(impact), style="bold")]
    for model in impact.models:
        text = Text(f"model:{model.name}@{model.number}" if model.number is not None else f"model {model.name}")
        hold(text, model)
        parts.append(text)
    if impact.untold:
        parts.append(Text(f"not told: which columns these were made of: {_listed(impact.untold)}", style="yellow"))
    parts += _short(impact.short)
    return Group(*parts, Text(command("impact", impact.subject), style="dim"))


def _short(versions: Sequence[str]) -> list[Text]:
    if not versions:
        return []
    return [Text(f"not all told, for an event has no room for it: the columns of {_listed(versions)}", style="yellow")]


def _heading(subject: str, column: str) -> Text:
    return Text(f"{column}", style="bold").append(f"  column of {subject}", style="dim")


def _origins(trace: ColumnTrace) -> Iterable[str]:
    """The source columns, a line for each source."""
    of_source: dict[str, list[str]] = defaultdict(list)
    for each in trace.sources:
        if each.steps:
            of_source[_dataset(each)].append(each.column)
    for dataset, columns in of_source.items():
        distinct = list(dict.fromkeys(columns))
        yield f"rests on {_count(len(distinct), 'column')} of {dataset}: {_listed(distinct)}"
    if not of_source and trace.columns[0].end is not None:
        yield (
            "a source: nothing on record wrote it" if trace.columns[0].end == "source" else "rests on no source column"
        )


def _uses(impact: ColumnImpact) -> str:
    below = [each for each in impact.columns if each.steps]
    if not below:
        return "nothing on record uses it"
    models = {(model.name, model.number) for model in impact.models if model.number is not None}
    tables = [each for each in below if each.kind != "MODEL"]
    batches = [each for each in tables if each.name.endswith(".predictions")]
    versions = {(each.namespace, each.name, each.version) for each in batches}
    parts = [
        _count(len(tables) - len(batches), "column of datasets", "columns of datasets"),
        _count(len(models), "model"),
        _count(len(batches), "prediction column")
        + (f" of {_count(len(versions), 'batch', 'batches')}" if batches else ""),
    ]
    return f"used by {', '.join(parts)}"


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{f'{number:,}' if number else 'no'} {one if number in (0, 1) else many or one + 's'}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


class _Drawing:
    """Draws a graph of columns as a tree, as far as it fits on a screen; what was drawn once is not drawn again."""

    def __init__(self, columns: Sequence[ColumnFound], steps: Iterable[tuple[int, int, ColumnEdge]]) -> None:
        self.columns = columns
        self.left = False
        self._lines = 0
        self._drawn: set[int] = set()
        self._counted: set[int] = set()
        self._next: dict[int, list[tuple[int, ColumnEdge]]] = defaultdict(list)
        for above, below, edge in steps:
            self._next[above].append((below, edge))

    def tree(self, place: int) -> Tree:
        tree = Tree(self._label(place, None), guide_style="dim")
        self._grow(tree, place)
        return tree

    def rest(self) -> list[Text]:
        """A line of how much had no room, by what the columns are of."""
        kinds = Counter(
            _kind(each)
            for place, each in enumerate(self.columns)
            if place not in self._drawn and place not in self._counted
        )
        if not self.left or not kinds:
            return []
        told = ", ".join(f"{kinds[kind]:,} of {kind}" for kind in _KINDS if kinds[kind])
        count = sum(kinds.values())
        said = f"… {count:,} more column{'' if count == 1 else 's'}: {told}; --json names them all"
        return [Text(said, style="dim")]

    def _grow(self, tree: Tree, place: int) -> None:
        self._drawn.add(place)
        groups: dict[tuple[str, ...], list[tuple[int, ColumnEdge]]] = defaultdict(list)
        for child, edge in self._next[place]:
            of = self.columns[child]
            groups[of.namespace, of.name, of.version].append((child, edge))
        for children in groups.values():
            shown = children if len(children) <= _MOST_SIBLINGS + 1 else children[:_MOST_SIBLINGS]
            for child, edge in shown:
                if self._lines >= _MOST_LINES:
                    self.left = True
                    return
                self._lines += 1
                branch = tree.add(self._label(child, edge))
                if child in self._drawn and self._next[child]:
                    self._lines += 1
                    branch.add(Text("as above", style="dim"))
                else:
                    self._grow(branch, child)
            if len(shown) < len(children):
                self._lines += 1
                self._counted |= {child for child, _ in children[len(shown) :]}
                more = f"… {len(children) - len(shown)} more columns of {_dataset(self.columns[children[0][0]])}"
                tree.add(Text(f"{more}; --json names them all", style="dim"))
        if self.columns[place].cut:
            tree.add(Text("… goes on; raise --depth", style="dim"))

    def _label(self, place: int, edge: ColumnEdge | None) -> Text:
        each = self.columns[place]
        text = Text(each.column, style="bold")
        text.append(f"  {_dataset(each)}", style="not bold")
        if each.version:
            text.append(f"@{each.version[:12]}", style="not bold cyan")
        if edge is not None and edge.transformations:
            text.append(f"  {', '.join(map(_word, edge.transformations))}", style="not bold green")
        if each.job:
            text.append(f"  ← {each.job} {moment(each.made_at)}", style="not bold dim")
        if each.end:
            text.append(f"  {_ENDS[each.end]}", style="not bold dim")
        return text


def _kind(each: ColumnFound) -> str:
    if each.kind == "MODEL":
        return _KINDS[0]
    return _KINDS[1] if each.name.endswith(PREDICTIONS) else _KINDS[2]


def _dataset(each: ColumnFound) -> str:
    if each.namespace == "file":
        return short(each.name)
    if each.kind != "MODEL" and ("://" in each.namespace or each.namespace == "sqlite"):
        return f"{each.namespace}/{short(each.name).lstrip('/')}"
    return each.name


def _word(how: Transformation) -> str:
    word = how.subtype or how.type
    if how.type == "INDIRECT" and how.subtype:
        word = f"INDIRECT {word}"
    return f"{word} (masked)" if how.masking else word
