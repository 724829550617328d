"""No check is shipped that real runs do not bring to pass, fail and open (`tests/flows/test_controls.py`)."""

from lineal.questions.audit.checks import ours
from tests.parts.control_cases import CASES, UNREACHED


def test_each_shipped_check_is_brought_to_pass_fail_and_open_by_real_runs():
    brought = {(case.check, case.verdict) for case in CASES}
    wanted = {(name, verdict) for name in ours() for verdict in ("pass", "fail", "open")}
    assert brought | UNREACHED.keys() == wanted
    assert not brought & UNREACHED.keys()
