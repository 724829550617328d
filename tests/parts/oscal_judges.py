"""Hand an OSCAL file to a reader that is not ours, and say what it makes of it; run in the validators' environment."""

from __future__ import annotations

import sys
from pathlib import Path


def trestle(file: Path) -> str:
    """What compliance-trestle reads: how many results, observations and findings."""
    from trestle.oscal.assessment_results import AssessmentResults

    read = AssessmentResults.oscal_read(file)
    counts = (
        len(read.results),
        *(sum(len(getattr(each, key) or ()) for each in read.results) for key in ("observations", "findings")),
    )
    return " ".join(map(str, counts))


def oscal(file: Path) -> str:
    """Whether the package `oscal` finds it valid by OSCAL's metaschema."""
    import oscal as package

    return str(package.AssessmentResults.open(str(file)).is_valid)


sys.stdout.write({"trestle": trestle, "oscal": oscal}[sys.argv[1]](Path(sys.argv[2])))
