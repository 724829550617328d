"""Audit models: each control of each policy gets a verdict from the facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from lineal.errors import SubjectError
from lineal.questions import lookup
from lineal.questions.audit.checks import Check
from lineal.questions.audit.facts import Decision, Facts
from lineal.questions.audit.findings import VERDICTS, Found, Verdict, found
from lineal.questions.audit.gather import gather
from lineal.questions.audit.human import waiver
from lineal.questions.audit.policy import Control, Policy
from lineal.questions.lookup import ModelRow
from lineal.store.log import Store
from lineal.subjects import Kind, Subject

KINDS: tuple[Kind, ...] = ("model",)


@dataclass(frozen=True, slots=True)
class Mapped:
    """A clause that a control serves."""

    framework: str
    version: str
    clause: str


@dataclass(frozen=True, slots=True)
class Result:
    """The verdict on one control.

    Attributes:
        policy: its id.
        control: its id.
        check: that gave the verdict.
        verdict: pass, fail, review, open or n/a.
        sentence: what was found.
        runs: ids of the runs that it rests on.
        datasets: the versions that it rests on, as subjects.
        numbers: by name.
        command: shows them.
        severity: error or warn.
        maps: the clauses that it serves.
        person: what stays with a person.
        waived: who waived it, until when and why; None where nobody did.
        file: the policy's file.
        line: of the control in it.
    """

    policy: str
    control: str
    title: str
    statement: str
    check: str
    verdict: Verdict
    sentence: str
    runs: tuple[str, ...]
    datasets: tuple[str, ...]
    numbers: Mapping[str, int | float | str]
    command: str
    severity: str
    maps: tuple[Mapped, ...]
    person: str | None
    waived: str | None
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Applied:
    """A policy as it was applied to one model.

    Attributes:
        scope: what it is about.
        declared: how that stands to what was declared: in scope, out of it, or not declared.
        counts: how many controls have each verdict.
    """

    id: str
    title: str
    text_version: str
    applies_from: str | None
    in_force: bool
    scope: str
    declared: str
    note: str | None
    shipped: bool
    file: str
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ModelAudit:
    """The audit of one model version.

    Attributes:
        subject: the version.
        aliases: that it holds.
        digest: of the model.
        run_id: of the flow that made it.
        policies: in the order that they were asked for.
        results: a control each, policy by policy.
        cut: what was left out of the facts, a sentence each.
    """

    subject: str
    name: str
    number: int
    aliases: tuple[str, ...]
    digest: str
    run_id: str | None
    policies: tuple[Applied, ...]
    results: tuple[Result, ...]
    cut: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Audit:
    """The answer to `audit`.

    Attributes:
        asked_at: when.
        strict: whether open counts as fail.
        models: those that were audited.
    """

    asked_at: str
    strict: bool
    models: tuple[ModelAudit, ...]

    @property
    def failed(self) -> tuple[Result, ...]:
        """What makes the audit fail: error controls that fail, or are open where that counts, and are not waived."""
        return tuple(result for model in self.models for result in model.results if fails(result, self.strict))

    @property
    def holds(self) -> bool:
        """Whether nothing makes it fail."""
        return not self.failed


def fails(result: Result, strict: bool) -> bool:
    """Whether a result makes the audit fail."""
    counts = ("fail", "open") if strict else ("fail",)
    return result.verdict in counts and result.severity == "error" and result.waived is None


def audit(
    store: Store,
    policies: Sequence[Policy],
    subject: Subject | None = None,
    *,
    strict: bool = False,
    now: datetime | None = None,
) -> Audit:
    """Hold a model to policies; all models that hold an alias where none is named.

    Args:
        store: the lineage store.
        policies: to hold it to.
        subject: a model.
        strict: count open as fail.
        now: the time that is asked for.

    Raises:
        SubjectError: unknown or ambiguous, or no model holds an alias.
    """
    moment = now or datetime.now(UTC)
    if subject is not None:
        models = [lookup.find_model(store, subject)]
    else:
        models = serving(store)
        if not models:
            raise SubjectError("no model holds an alias; name one: see `lineal list models`")
    done = tuple(audit_model(store, model, policies, now=moment) for model in models)
    return Audit(moment.isoformat(timespec="seconds"), strict, done)


def serving(store: Store) -> list[ModelRow]:
    """The models that hold an alias, by name and number."""
    held = [model for model in lookup.models(store) if model.aliases]
    return sorted(held, key=lambda model: (model.name, model.number))


def audit_model(store: Store, model: ModelRow, policies: Sequence[Policy], *, now: datetime) -> ModelAudit:
    """Hold one model version to policies.

    Args:
        store: the lineage store.
        model: the version.
        policies: to hold it to.
        now: the time that is asked for.
    """
    asked = [(policy, control, policy.found_check(control)) for policy in policies for control in policy.controls]
    facts = gather(store, model, wants={want for _, _, check in asked for want in check.wants}, now=now)
    known: dict[str, Found] = {}
    results = tuple(_result(facts, policy, control, check, known) for policy, control, check in asked)
    return ModelAudit(
        subject=facts.subject,
        name=model.name,
        number=model.number,
        aliases=model.aliases,
        digest=model.digest,
        run_id=facts.fit.root_id if facts.fit else model.run_id,
        policies=tuple(_applied(policy, facts, results) for policy in policies),
        results=results,
        cut=facts.cut,
    )


def _result(facts: Facts, policy: Policy, control: Control, check: Check, known: dict[str, Found]) -> Result:
    scope = _scope(policy, facts)
    if scope.startswith("out of scope"):
        answer = found("n/a", scope, runs=[facts.fit])
    else:
        # Policies ask for the same: it is looked at once.
        same = f"{control.check} {sorted(control.parameters.items())!r}"
        answer = known.get(same) or known.setdefault(same, _ask(check, control, facts))
    names = (control.id, f"{policy.id}.{control.id}")
    waived = next((each for name in names if (each := waiver(facts.decisions, name, facts.now))), None)
    return Result(
        policy=policy.id,
        control=control.id,
        title=control.title,
        statement=control.statement,
        check=control.check,
        verdict=answer.verdict,
        sentence=answer.sentence,
        runs=answer.runs,
        datasets=answer.datasets,
        numbers=answer.numbers,
        command=answer.command or f"lineal trace {facts.subject}",
        severity=control.severity,
        maps=tuple(Mapped(each.framework, each.version or policy.text_version, each.clause) for each in control.maps),
        person=control.person,
        waived=_said(waived) if waived and answer.verdict in ("fail", "open", "review") else None,
        file=str(policy.path),
        line=policy.line(control),
    )


def _ask(check: Check, control: Control, facts: Facts) -> Found:
    try:
        answer = check.function(facts, **control.parameters)
        if not isinstance(answer, Found) or answer.verdict not in VERDICTS:
            raise TypeError(f"it should return Found with one of {', '.join(VERDICTS)}, not {type(answer).__name__}")
    except Exception as problem:  # noqa: BLE001 - a check that goes wrong must not end the audit of the others
        why = f"{type(problem).__name__}: {problem}".splitlines()[0]
        return found("open", f"the check {check.name} went wrong ({why})")
    return answer


def _said(waiver: Decision) -> str:
    until = f" until {waiver.until}" if waiver.until else ""
    return f"waived by {waiver.by} on {waiver.at[:10]}{until}: {waiver.reason}"


def _scope(policy: Policy, facts: Facts) -> str:
    asked = {"role": policy.scope.roles, "risk_class": policy.scope.risk_classes}
    for key, allowed in asked.items():
        value = facts.declared.get(key)
        if allowed and value is not None and value not in allowed:
            return f"out of scope: {key} is declared as {value}, and the policy is about {' and '.join(allowed)}"
    missing = [key for key, allowed in asked.items() if allowed and facts.declared.get(key) is None]
    if missing:
        return f"[declared] {' and '.join(missing)} is not in the pipeline file: a person must say whether it applies"
    said = [f"{key} {facts.declared[key]}" for key, allowed in asked.items() if allowed]
    return f"in scope by what is declared: {', '.join(said)}" if said else "not bound to what is declared"


def _applied(policy: Policy, facts: Facts, results: Iterable[Result]) -> Applied:
    counts = Counter(result.verdict for result in results if result.policy == policy.id)
    since = policy.applies_from
    return Applied(
        id=policy.id,
        title=policy.title,
        text_version=policy.text_version,
        applies_from=since.isoformat() if since else None,
        in_force=since is None or since <= facts.now.date(),
        scope=policy.scope.statement,
        declared=_scope(policy, facts),
        note=policy.note,
        shipped=policy.shipped,
        file=str(policy.path),
        counts={verdict: counts[verdict] for verdict in VERDICTS},
    )
