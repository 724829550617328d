"""Register a judged model, and decide who holds the alias."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lineal.models import tracking
from lineal.models.judgement import Judgement
from lineal.models.model import Model
from lineal.pipeline import Pipeline, Register

Action = Literal["register", "reject", "move-alias", "keep-alias", "ask-approval"]


@dataclass(frozen=True)
class Decision:
    """One thing that was decided about a model, and why.

    Attributes:
        action: what was decided.
        namespace: of the model in lineage.
        name: of the registered model.
        reason: one sentence.
        digest: of the model that was judged.
        number: the version it is about; for a moved alias, the new holder.
        alias: the alias it is about, if any.
        previous: who held the alias before.
        compared: of an alias that waits for approval, whether its holder was beaten for it.
    """

    action: Action
    namespace: str
    name: str
    reason: str
    digest: str
    number: int | None = None
    alias: str | None = None
    previous: int | None = None
    compared: bool | None = None


@dataclass(frozen=True)
class Registration:
    """What became of a model: the registered version, or None where a gate failed or nothing was to be registered."""

    model: Model | None
    decisions: tuple[Decision, ...]


def settle(pipeline: Pipeline, model: Model, judgement: Judgement) -> Registration:
    """Register the model if its gates hold, and give it the alias if it beats the holder.

    Where the pipeline asks for another person's approval, the alias waits for that.

    Raises:
        TrackingError: MLflow refuses.
    """
    register = pipeline.register_
    if register is None:
        return Registration(None, ())
    about = (tracking.namespace(), register.name)
    if not judgement.passed:
        failed = "; ".join(gate.sentence for gate in judgement.gates if not gate.passed)
        return Registration(None, (Decision("reject", *about, f"a gate failed: {failed}", model.digest),))
    if model.tracked is None:
        raise ValueError(f"{model.name} is in no MLflow run, so it cannot be registered")
    number = tracking.register(
        model.tracked,
        register.name,
        tags={"lineal.digest": model.digest, "lineal.pipeline": pipeline.name},
        description=pipeline.description,
    )
    held = "; ".join(gate.sentence for gate in judgement.gates) or "the pipeline has no gates"
    decisions = [Decision("register", *about, held, model.digest, number)]
    if register.alias is not None:
        decisions.append(_settle_alias(pipeline, about, register, model, number, judgement))
    registered = model.but(
        name=f"models/{register.name}", namespace=about[0], number=number, uri=f"models:/{register.name}/{number}"
    )
    return Registration(registered, tuple(decisions))


def _settle_alias(
    pipeline: Pipeline, about: tuple[str, str], register: Register, model: Model, number: int, judgement: Judgement
) -> Decision:
    alias = register.alias or ""
    holder = tracking.holder(about[1], alias)
    now = holder.number if holder else None
    wins, reason = judgement.comparison.wins, judgement.comparison.sentence
    if pipeline.evaluate.champion is not None and now != judgement.champion:
        wins, reason = (
            False,
            f"@{alias} went to version {now} while this model was judged; run again to compare with it",
        )
    if holder is not None and holder.digest == model.digest:
        wins, reason = False, f"it is the very model that version {now} is: the digests are the same"
    if not wins:
        return Decision("keep-alias", *about, reason, model.digest, number, alias, now)
    if register.approval is not None:
        compared = pipeline.evaluate.champion is not None
        return Decision("ask-approval", *about, reason, model.digest, number, alias, now, compared)
    tracking.set_alias(about[1], alias, number)
    return Decision("move-alias", *about, reason, model.digest, number, alias, now)
