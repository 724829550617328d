"""The answer to `impact`, for a person: what came of it as a tree, and a closing line of counts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence

from rich.console import Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from lineal.questions.impact import Counts, Impact, ModelReached, Tenure, Version
from lineal.questions.lookup import called
from lineal.reports.terminal import command, moment, short
from lineal.subjects import Subject

# How many of one kind are named side by side, and how many lines the tree may have, before the rest is counted.
_MOST_SIBLINGS = 6
_MOST_LINES = 36


def render(impact: Impact, shared: Collection[str] = ()) -> RenderableType:
    """An impact on one screen.

    Args:
        impact: the answer.
        shared: the name of the model or dataset that `further` gives, where several namespaces have it.
    """
    drawn = _Drawing(impact)
    parts: list[RenderableType] = [Text(impact.subject, style="bold")]
    parts += [drawn.tree(place) for place, version in enumerate(impact.versions) if version.above is None]
    count, kinds = drawn.by_kind(drawn.left)
    if count:
        more = f"{count:,} more: {kinds}" if ", " in kinds else kinds.replace(" ", " more ", 1)
        parts.append(Text(f"… {more}; --json names them all", style="dim"))
    for model in impact.judged:
        text = Text(f"model:{model.name}@{model.number}")
        hold(text, model)
        text.append("  was held against something of this when it was registered, and was not made of it", style="dim")
        parts.append(text)
    return Group(*parts, Text(), Text(sentence(impact.counts, impact.counted), style="bold"), _next(impact, shared))


def sentence(counts: Counts, models: Sequence[ModelReached]) -> str:
    """The counts in words: `3 dataset versions, 2 models (1 holds @champion), 4 batches of 900 predictions in all`."""
    if not (counts.datasets or counts.models or counts.batches):
        return "nothing on record came of it"
    holders = Counter(alias for model in models for alias in model.holds)
    held = ", ".join(f"{count} {'holds' if count == 1 else 'hold'} @{alias}" for alias, count in holders.items())
    parts = [
        _count(counts.datasets, "dataset version"),
        _count(counts.models, "model") + (f" ({held})" if held else ""),
    ]
    batches = _count(counts.batches, "batch", "batches")
    if counts.batches:
        batches += f" of {_count(counts.predictions, 'prediction')}{' in all' if counts.batches > 1 else ''}"
    return ", ".join([*parts, batches])


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


class _Drawing:
    """Draws what fits on a screen, and counts the rest."""

    def __init__(self, impact: Impact) -> None:
        self.versions = impact.versions
        self.left: list[int] = []
        self._lines = 0
        self._below: dict[int, list[int]] = defaultdict(list)
        for place, version in enumerate(impact.versions):
            if version.above is not None:
                self._below[version.above].append(place)
        self._models: dict[int, list[ModelReached]] = defaultdict(list)
        for model in impact.models:
            self._models[model.place].append(model)
        self._told = {model.digest for model in impact.models}

    def by_kind(self, places: Sequence[int]) -> tuple[int, str]:
        """How much lies at some places, counted as in the closing line: `3`, and `1 model, 2 prediction batches`."""
        versions = [self.versions[place] for place in places]
        # What a training hands on is the model that was registered of it, and no second one.
        handed_on = {version.version for version in versions if version.kind == "MODEL"} - self._told
        models = len(handed_on) + sum(len(self._models.get(place, ())) for place in places)
        batches = sum(version.is_batch for version in versions)
        tables = sum(version.kind != "MODEL" for version in versions) - batches
        kinds = [
            *([_count(models, "model")] if models else []),
            *([_count(batches, "prediction batch", "prediction batches")] if batches else []),
            *([_count(tables, "dataset version")] if tables else []),
        ]
        return models + batches + tables, ", ".join(kinds)

    def tree(self, place: int) -> Tree:
        tree = Tree(self._label(self.versions[place], place), guide_style="dim")
        self._grow(tree, place)
        return tree

    def _grow(self, tree: Tree, place: int) -> None:
        groups: dict[str, list[int]] = defaultdict(list)
        for child in self._below[place]:
            groups[self.versions[child].name].append(child)
        for name, children in groups.items():
            newest = sorted(children, key=lambda child: self.versions[child].made_at or "", reverse=True)
            shown = newest if len(newest) <= _MOST_SIBLINGS + 1 else newest[:_MOST_SIBLINGS]
            for child in shown:
                if self._lines >= _MOST_LINES:
                    self.left += [child, *self._all_below(child)]
                    continue
                self._lines += 1
                self._grow(tree.add(self._label(self.versions[child], child)), child)
            rest = newest[len(shown) :]
            if rest and self._lines < _MOST_LINES:
                self._lines += 1
                rows = sum(self.versions[child].rows or 0 for child in rest)
                what = "prediction" if self.versions[rest[0]].is_batch else "row"
                more = f"… {len(rest):,} older of {name}{f' with {_count(rows, what)}' if rows else ''}"
                count, kinds = self.by_kind([each for child in rest for each in self._all_below(child)])
                tree.add(Text(f"{more}{f', and below them {kinds}' if count else ''}", style="dim"))
            else:
                self.left += [each for child in rest for each in (child, *self._all_below(child))]
        if self.versions[place].cut:
            tree.add(Text("… further on; raise --depth", style="dim"))

    def _all_below(self, place: int) -> list[int]:
        found, waiting = [], list(self._below[place])
        while waiting:
            found.append(waiting.pop())
            waiting += self._below[found[-1]]
        return found

    def _label(self, version: Version, place: int) -> Text:
        name = short(version.name) if version.namespace == "file" else version.name
        if version.kind != "MODEL" and ("://" in version.namespace or version.namespace == "sqlite"):
            name = f"{version.namespace}/{short(version.name).lstrip('/')}"
        text = Text(name, style="bold" if version.kind == "MODEL" else "")
        if version.version:
            text.append(f"@{version.version[:12]}", style="cyan")
        if version.rows is not None:
            text.append(
                f"  {version.rows:,} {'prediction' if version.is_batch else 'row'}{'' if version.rows == 1 else 's'}"
            )
        for model in self._models.get(place, ()):
            if model.number is not None:
                text.append(f"  version {model.number}", style="bold")
                hold(text, model)
        if version.job:
            text.append(f"  ← {version.job} {moment(version.made_at)}", style="dim")
        return text


def hold(text: Text, model: ModelReached) -> None:
    """Add which aliases a model holds and held."""
    for alias in model.holds:
        since = next(each.since for each in model.aliases if each.alias == alias and each.until is None)
        text.append(f" @{alias}", style="bold green").append(f" since {moment(since)}", style="dim")
    for each in _past(model.aliases):
        text.append(f" held @{each.alias} {moment(each.since)} to {moment(each.until)}", style="dim")


def _past(aliases: Iterable[Tenure]) -> list[Tenure]:
    return [each for each in aliases if each.until is not None]


def further(impact: Impact) -> ModelReached | Version | None:
    """What came of it that can be asked about in turn: a model before a dataset."""
    first = next((model for model in impact.models if model.holds), None) or next(iter(impact.models), None)
    if first is not None and first.number is not None:
        return first
    # A file is asked about by where it lies, which is not known of one that was moved since.
    tables = [each for each in impact.versions if each.steps and each.kind != "MODEL" and each.namespace != "file"]
    return tables[-1] if tables else None


def _next(impact: Impact, shared: Collection[str]) -> Text:
    last = further(impact)
    asked = impact.subject
    if isinstance(last, ModelReached):
        asked = str(Subject("model", called(last.namespace, last.name, shared), str(last.number)))
    elif last is not None:
        asked = str(Subject("dataset", called(last.namespace, last.name, shared), last.version[:12]))
    return Text(command("trace", asked), style="dim")
