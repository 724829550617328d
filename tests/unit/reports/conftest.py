"""Models trained by a traced flow, as honest as can be or with hostile text wherever a user can put some."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lineal.questions.dossier import dossier
from lineal.subjects import Subject
from lineal.testing import Lineage, recording
from lineal.tracing.statements import Assertion, Outcome
from tests.parts import audited

HOSTILE = (
    "<script>document.title='ran';alert(1)</script><img src=https://example.org/x onerror=alert(2)>"
    "\"'><svg onload=alert(3)></style><style>body{display:none}</style>"
    "\u202egnirts\u202c\x07\x1b[31m\x00 javascript:alert(4) {{ 7 * 7 }} ]]> &lt;b&gt;"
)
PARAMETERS = {
    "description": "Will a customer leave?",
    "owner": "Customer analytics",
    "source.target": "left",
    "model.estimator": "sklearn.ensemble.RandomForestClassifier",
    "evaluate.gates.0.metric": "accuracy",
}


@pytest.fixture
def lineage(tmp_path: Path) -> Iterator[Lineage]:
    """The lineage that the test records; a page is of what was gathered, whatever database that came from."""
    with recording(tmp_path) as recorded:
        yield recorded


@pytest.fixture
def model(lineage: Lineage):
    """A dossier on a model; the plan of its training may be changed."""

    def make(number: int = 1, **plan):
        plan = {"parameters": PARAMETERS} | plan
        audited.train(audited.Plan(number=number, **plan))
        return dossier(lineage.store, Subject("model", "demo", str(number)), ())

    return make


@pytest.fixture
def hostile_plan():
    """A plan whose every text is hostile."""
    return {
        "salt": HOSTILE,
        "alias": HOSTILE,
        "columns": (HOSTILE, "z"),
        "parameters": dict.fromkeys(PARAMETERS, HOSTILE) | {f"model.params.{HOSTILE}": HOSTILE},
        "metrics": {"accuracy": 0.9, HOSTILE: 0.5},
        "spread": {HOSTILE: 0.1},
        "checks": (Assertion("min", False, HOSTILE, HOSTILE),),
        "held_to": (Outcome(HOSTILE, False, "gate", HOSTILE, HOSTILE, HOSTILE),),
    }
