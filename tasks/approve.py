"""Ask for an approval where the run is watched, and let the alias move when another person gives it."""

from __future__ import annotations

import time

from prefect.input import RunInput
from pydantic import Field

from lineal import people, settings
from lineal.deciding import say
from lineal.errors import DecisionError, LinealError
from lineal.models.registration import Decision, Registration
from lineal.orchestration import context
from lineal.orchestration.asking import ask
from lineal.orchestration.events import emit
from lineal.orchestration.log import run_logger
from lineal.pipeline import Pipeline
from lineal.questions import decisions
from lineal.redaction import harmless
from lineal.store.log import Store
from lineal.subjects import Subject


class Approval(RunInput):
    """What the form in Prefect's UI asks for."""

    approve: bool = Field(description="Whether the model is approved; otherwise it is rejected.")
    by: str = Field(description="Your name.", min_length=1, max_length=100)
    reason: str = Field(description="Why, for whoever asks about the model.", min_length=1, max_length=10_000)


def ask_for_approval(plan: Pipeline, registration: Registration, minutes: float) -> None:
    """Pause a deployed run whose model waits for approval, and carry out what another person decides.

    An answer that is refused (by whoever started the training, or by somebody who signs with a key) is told, and asked
    for again. Where the time is over the run goes on, and `lineal decide` gives the approval later.

    Args:
        plan: the pipeline.
        registration: what became of the model.
        minutes: how long to wait; 0: not at all.
    """
    asked = next((each for each in registration.decisions if each.action == "ask-approval"), None)
    flow = context.enclosing_flow()
    if asked is None or flow is None or flow.deployment_id is None or flow.nested:
        return
    try:
        _ask(plan, asked, 60 * minutes)
    except LinealError as problem:
        # Lineage that cannot be had never stops the work, unless it is to; the alias has not moved.
        if settings.strict():
            raise
        run_logger().warning("the approval cannot be asked for: %s", problem)


def _ask(plan: Pipeline, asked: Decision, seconds: float) -> None:
    end, refusal = time.monotonic() + seconds, None
    while (left := end - time.monotonic()) > 0 and not _settled(asked):
        answer = ask(Approval.with_initial_data(description=_question(asked, refusal)), left, lambda: _settled(asked))
        if answer is None:
            continue
        try:
            _carry_out(plan, asked, answer)
        except LinealError as problem:
            refusal = problem.message
            run_logger().warning("not taken: %s", refusal)
    if not _settled(asked):
        run_logger().info("nobody has decided yet: lineal decide %s approve --reason WHY", _subject(asked))


def _settled(asked: Decision) -> bool:
    """Whether somebody has decided meanwhile, here or from a terminal."""
    store = Store()
    what = decisions.about(store, Subject.parse(_subject(asked)))
    return any(
        each.decision.action == "reject" or not each.own
        for each in decisions.decided(store, what)
        if each.counts and each.decision.action in ("approve", "reject")
    )


def _question(asked: Decision, refusal: str | None) -> str:
    text = f"""**{_subject(asked)} waits for another person's approval to hold @{asked.alias}**: {asked.reason}.

What it was made from: `lineal trace {_subject(asked)}`. Whoever started the training cannot approve it."""
    return f"{text}\n\nNot taken: {refusal}" if refusal else text


def _subject(asked: Decision) -> str:
    return f"model:{asked.name}@{asked.number}"


def _carry_out(plan: Pipeline, asked: Decision, answer: Approval) -> None:
    by, reason = " ".join(harmless(answer.by).split()), harmless(answer.reason).strip()
    if not by or not reason:
        raise DecisionError("your name or the reason is empty; say who decides, and why")
    if any(people.same(known.name, by) for known in people.known_keys()):
        raise DecisionError(f"{by} signs with a key, which this form cannot; use lineal decide {_subject(asked)}")
    action = "approve" if answer.approve else "reject"
    done = say(Store(), Subject.parse(_subject(asked)), action, reason, people.Person(by))
    for stays in (*done.recorded.done.left, *done.recorded.done.failed, *([done.stays] if done.stays else [])):
        run_logger().warning("%s", stays)
    run_logger().info("%s %s: %s", by, "approves" if answer.approve else "rejects", reason)
    for move in done.recorded.done.moved:
        resource = {
            "prefect.resource.id": f"lineal.model.{move.name}.{move.to}",
            "prefect.resource.name": move.name,
            "lineal.pipeline": plan.name,
        }
        payload = {"action": "move-alias", "name": move.name, "alias": move.alias, "number": move.to, "reason": reason}
        emit("lineal.alias.moved", resource, payload={**payload, "by": by})
