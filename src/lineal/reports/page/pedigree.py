"""A pedigree as a graph to be drawn: dataset versions, files and models, and between them the runs that made them."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from lineal.questions.trace import Node, RunDetail, Trace
from lineal.reports.below import Below, below
from lineal.reports.page.words import counted
from lineal.store.graph import version_key

Kind = Literal["file", "table", "model", "run", "more"]
# More than these are too many to be told apart in a picture.
MOST_MARKS = 60
# Of what one run read and nobody on record made, such as a folder's files, so many are drawn.
_MOST_ALIKE = 5
# So many lines has the table beside the picture.
MOST_STEPS = 200


@dataclass(frozen=True, slots=True)
class Mark:
    """A node of the picture.

    Attributes:
        kind: file, table, model, run, or more: several that are not drawn one by one.
        label: short.
        details: below the label, a line each.
        title: in full, for whoever points at it.
        step: the number of its line in the table; None for a run, and for what is not in it.
        recalled: whether it was found to be bad.
        subject: whether the page is about it.
    """

    id: str
    kind: Kind
    label: str
    details: tuple[str, ...] = ()
    title: str = ""
    step: int | None = None
    recalled: bool = False
    subject: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """A line of the table beside the picture: a version, and the run that made it.

    Attributes:
        name: in full; of a file from the project's folder where it lies below that.
        made_from: the numbers of the lines that it was made of.
        run: that made it; None for a source.
        job: that run's.
        ended_at: when that run did.
        compared: whether it is a model that another was only compared with; its descent is not followed.
    """

    number: int
    kind: Kind
    name: str
    version: str
    rows: int | None
    made_from: tuple[int, ...] = ()
    run: str | None = None
    job: str | None = None
    ended_at: str | None = None
    recalled: bool = False
    compared: bool = False


@dataclass(frozen=True, slots=True)
class Pedigree:
    """A pedigree, ready to be laid out.

    Attributes:
        marks: sources first.
        edges: from what was there first to what came of it.
        steps: every version, sources first.
        sentence: how far it goes back.
        left_out: a sentence each on what is not drawn or not in the table.
    """

    marks: tuple[Mark, ...]
    edges: tuple[tuple[str, str], ...]
    steps: tuple[Step, ...]
    sentence: str
    left_out: tuple[str, ...] = ()


@dataclass(slots=True)
class _Graph:
    """Versions and runs by id, and who is linked to whom."""

    nodes: dict[str, Node] = field(default_factory=dict)
    runs: dict[str, str] = field(default_factory=dict)
    edges: dict[tuple[str, str], None] = field(default_factory=dict)
    compared: set[str] = field(default_factory=set)
    top: str = ""

    def before(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for source, target in self.edges:
            found[target].append(source)
        return found

    def after(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for source, target in self.edges:
            found[source].append(target)
        return found


def pedigree(found: Trace, name_of: Callable[[Node], str], *, most: int = MOST_MARKS) -> Pedigree:
    """Make of a trace what is to be drawn.

    Args:
        found: the trace.
        name_of: how a version is called in full.
        most: nodes are drawn; of more, those nearest to the subject.
    """
    if found.node is None:
        return Pedigree((), (), (), "")
    details = {run.run_id: run for run in found.runs}
    graph = _graph(found.node)
    steps = _steps(graph, found, name_of, details)
    numbers = {key: step.number for key, step in steps.items()}
    said: list[str] = []
    folded = _folded(graph, name_of)
    kept = _nearest(graph, folded, most)
    total, drawn = len(graph.nodes), sum(1 for key in kept if key in graph.nodes)
    apart = sum(len(keys) for keys in folded.values())
    if drawn + apart < total:
        said.append(
            f"Drawn are the {drawn} versions nearest to {found.subject}; {total - drawn - apart} further back are not."
        )
    if any(node.cut for node in graph.nodes.values()):
        said.append("The descent goes on further back than was asked for.")
    prefix = _common(graph)
    marks = [
        _mark(key, graph, found, name_of, details, prefix, numbers)
        for key in _in_order(graph)
        if key in kept and not any(key in keys for keys in folded.values())
    ]
    edges = [(a, b) for a, b in graph.edges if a in kept and b in kept]
    for run, keys in folded.items():
        if run in kept:
            more = f"more-{run}"
            what = "file" if all(_kind(graph.nodes[key]) == "file" for key in keys) else "source"
            label = counted(len(keys), f"more {what}", f"more {what}s")
            names = ", ".join(name_of(graph.nodes[key]) for key in keys[:20]) + (" …" if len(keys) > 20 else "")
            marks.insert(0, Mark(more, "more", label, (), names))
            edges.append((more, run))
    hidden = {key for keys in folded.values() for key in keys}
    edges = [edge for edge in edges if not hidden.intersection(edge)]
    listed = list(steps.values())
    sentence = _sentence(listed, of_run=found.node.kind == "RUN")
    if len(listed) > MOST_STEPS:
        said.append(f"The table has the {MOST_STEPS} nearest of {len(listed):,} versions; lineal trace --json has all.")
        listed = listed[-MOST_STEPS:]
    shown = {step.number for step in listed}
    listed = [replace(step, made_from=tuple(n for n in step.made_from if n in shown)) for step in listed]
    marks = [replace(mark, step=mark.step if mark.step in shown else None) for mark in marks]
    return Pedigree(tuple(marks), tuple(edges), tuple(listed), sentence, tuple(said))


def _graph(top: Node) -> _Graph:
    """The descent as a graph: each version once for each run that made it, and each run once.

    What leads round to a version that it came from is a version of its own there: a picture has a left and a right.
    So is what a model was only compared with, of which nothing further is told.
    """
    graph = _Graph()
    graph.top = _key(top)
    # A descent shares what it reaches twice, and may be deep: walked once each, without recursion.
    walked: set[str] = set()
    stack: list[tuple[Node, int, Node | None]] = [(top, 0, None)]
    path: list[str] = []
    while stack:
        node, depth, judged = stack.pop()
        del path[depth:]
        key = _key(node)
        path.append(key)
        if key in walked:
            continue
        walked.add(key)
        graph.nodes[key] = node
        maker = _run_key(node)
        if maker is not None:
            graph.runs[maker] = node.run_id or ""
            graph.edges[(maker, key)] = None
        inputs = below(node, judged)
        for each in inputs:
            _link(graph, each, maker or key, path)
        stack += [
            (each.node, depth + 1, each.judged)
            for each in reversed(inputs)
            if not each.compared and _key(each.node) not in path
        ]
    return graph


def _link(graph: _Graph, child: Below, to: str, path: Sequence[str]) -> None:
    key = _key(child.node)
    if child.compared or key in path:
        key = f"{key} again {to}"
        graph.nodes[key] = replace(child.node, inputs=(), run_id=None)
        if child.compared:
            graph.compared.add(key)
    graph.edges[(key, to)] = None


def _key(node: Node) -> str:
    return "\n".join((node.namespace, node.name, node.version, node.run_id or ""))


def _run_key(node: Node) -> str | None:
    return f"run {node.run_id}" if node.run_id and node.kind != "RUN" else None


def _folded(graph: _Graph, name_of: Callable[[Node], str]) -> dict[str, list[str]]:
    """By run, the sources that only it read and that are not drawn one by one."""
    before, after = graph.before(), graph.after()
    found = {}
    for run in graph.runs:
        alike = [key for key in before[run] if not before[key] and after[key] == [run] and key not in graph.compared]
        if len(alike) > _MOST_ALIKE + 1:
            alike.sort(key=lambda key: name_of(graph.nodes[key]))
            found[run] = alike[_MOST_ALIKE:]
    return found


def _nearest(graph: _Graph, folded: Mapping[str, Sequence[str]], most: int) -> set[str]:
    """Of all nodes those nearest to the subject."""
    before = graph.before()
    hidden = {key for keys in folded.values() for key in keys}
    kept: dict[str, None] = {}
    waiting = deque([graph.top])
    while waiting and len(kept) < most:
        key = waiting.popleft()
        if key not in kept and key not in hidden:
            kept[key] = None
            waiting += before[key]
    return set(kept)


def _in_order(graph: _Graph) -> list[str]:
    """All nodes, what was there first in front."""
    before, after = graph.before(), graph.after()
    keys = [*graph.nodes, *graph.runs]
    waiting = {key: len(before[key]) for key in keys}
    ready = deque(key for key in keys if not waiting[key])
    ordered = []
    while ready:
        key = ready.popleft()
        ordered.append(key)
        for target in after[key]:
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    return ordered


def _steps(
    graph: _Graph, found: Trace, name_of: Callable[[Node], str], details: Mapping[str, RunDetail]
) -> dict[str, Step]:
    before = graph.before()
    ordered = [key for key in _in_order(graph) if key in graph.nodes and graph.nodes[key].kind != "RUN"]
    numbers = {key: place for place, key in enumerate(ordered, 1)}
    steps = {}
    for key in ordered:
        node = graph.nodes[key]
        run = details.get(node.run_id or "")
        above = before[_run_key(node) or ""] if node.run_id else before[key]
        steps[key] = Step(
            number=numbers[key],
            kind=_kind(node),
            name=name_of(node),
            version=node.version,
            rows=node.rows,
            made_from=tuple(sorted(numbers[each] for each in above if each in numbers and each not in graph.compared)),
            run=node.run_id,
            job=run.job if run else None,
            ended_at=run.ended_at if run else None,
            recalled=_recalled(node, found),
            compared=key in graph.compared,
        )
    return steps


def _sentence(steps: Sequence[Step], *, of_run: bool) -> str:
    made = [step for step in steps if step.run is not None]
    compared = sum(step.compared for step in steps)
    sources = counted(len(steps) - len(made) - compared, "source")
    if not made:
        return f"It read {sources}." if of_run else "Nothing on record made it: it is a source itself."
    between = counted(len(made) - (not of_run), "version")
    runs = counted(len({step.run for step in made}), "run")
    apart = f" What it was compared with, {counted(compared, 'model')}, is not followed." if compared else ""
    return f"It goes back to {sources}, by way of {between} in between, made by {runs}.{apart}"


def _mark(
    key: str,
    graph: _Graph,
    found: Trace,
    name_of: Callable[[Node], str],
    details: Mapping[str, RunDetail],
    prefix: str,
    numbers: Mapping[str, int],
) -> Mark:
    if key in graph.runs:
        run = details.get(graph.runs[key])
        job = run.job if run else "run"
        title = f"run {graph.runs[key]} of {job}" + (f", {run.state}" if run else "")
        return Mark(key, "run", job.rpartition(".")[2] or job, (), title)
    node = graph.nodes[key]
    full = name_of(node)
    kind = _kind(node)
    label = full.replace("\\", "/").rstrip("/").rpartition("/")[2] if kind != "run" else node.name
    label = label.removeprefix(prefix) or full
    lines = [counted(node.rows, "row")] if node.rows is not None else []
    lines += ["compared with"] if key in graph.compared else []
    if key == graph.top and found.model is not None:
        lines = [f"version {found.model.number}", *(f"@{alias}" for alias in found.model.aliases)]
    if node.version:
        lines.append(node.version[:10])
    version = f"@{node.version}" if node.version else ""
    return Mark(
        key,
        kind,
        label,
        tuple(lines),
        f"{kind} {full}{version}",
        numbers.get(key),
        _recalled(node, found),
        key == graph.top,
    )


def _common(graph: _Graph) -> str:
    """What the names of a pipeline's own tables all begin with, such as `churn.`."""
    own = (node for node in graph.nodes.values() if node.kind != "FILE" and "/" not in node.name)
    names = {node.name for node in own if "." in node.name}
    counts = Counter(name.partition(".")[0] for name in sorted(names))
    prefix, count = counts.most_common(1)[0] if counts else ("", 0)
    return f"{prefix}." if count > 1 else ""


def _recalled(node: Node, found: Trace) -> bool:
    key = version_key(node.namespace, node.name, node.version)
    return any(recall.version == key or _same(recall.content, node.version) for recall in found.recalls)


def _same(content: str, version: str) -> bool:
    return bool(content) and len(content) >= 32 and content == version


def _kind(node: Node) -> Kind:
    known: Mapping[str, Kind] = {"FILE": "file", "MODEL": "model", "RUN": "run"}
    return known.get(node.kind, "table")
