"""Audit: what the record supports, contradicts or does not show of a policy's controls. Never whether a law is met.

A check is a function that takes `Facts` and returns `found(verdict, sentence, …)`; whoever writes one of their own has
the same facts as ours.
"""

from __future__ import annotations

from lineal.questions.audit.asking import (
    KINDS,
    Applied,
    Audit,
    Mapped,
    ModelAudit,
    Result,
    audit,
    audit_model,
    fails,
    serving,
)
from lineal.questions.audit.facts import Asked, Consumer, Decision, Facts, Pack, Run, Sealed, Signature, Step, Table
from lineal.questions.audit.findings import SAID, VERDICTS, Found, Verdict, found
from lineal.questions.audit.policy import Control, Policy, chosen, load, own, shipped

__all__ = [
    "KINDS",
    "SAID",
    "VERDICTS",
    "Applied",
    "Asked",
    "Audit",
    "Consumer",
    "Control",
    "Decision",
    "Facts",
    "Found",
    "Mapped",
    "ModelAudit",
    "Pack",
    "Policy",
    "Result",
    "Run",
    "Sealed",
    "Signature",
    "Step",
    "Table",
    "Verdict",
    "audit",
    "audit_model",
    "chosen",
    "fails",
    "found",
    "load",
    "own",
    "serving",
    "shipped",
]
