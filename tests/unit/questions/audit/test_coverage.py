"""No check is shipped that real runs do not bring to pass, fail and open (`tests/flows/test_controls.py`)."""

from pathlib import Path

from lineal.questions.audit.checks import ours
from tests.parts.control_cases import CASES, ELSEWHERE, UNREACHED


def test_each_shipped_check_is_brought_to_pass_fail_and_open_by_real_runs():
    brought = {(case.check, case.verdict) for case in CASES}
    wanted = {(name, verdict) for name in ours() for verdict in ("pass", "fail", "open")}
    assert brought | ELSEWHERE.keys() | UNREACHED.keys() == wanted
    assert not brought & (ELSEWHERE.keys() | UNREACHED.keys())
    for place in set(ELSEWHERE.values()):
        file, _, name = place.partition("::")
        assert f"def {name}(" in (Path(__file__).parents[4] / file).read_text()
