"""What is told of a Prefect run: its page only where it will still be there."""

from uuid import UUID

from lineal.orchestration import context
from lineal.orchestration.configured import EMBEDDED

RUN = UUID("01890c1c-7b1b-7c1e-8b1b-1c1e8b1b1c1e")


def test_the_page_of_a_run_is_that_of_the_users_server(monkeypatch):
    from prefect.settings import PREFECT_UI_URL, temporary_settings

    with temporary_settings({PREFECT_UI_URL: "http://prefect.example:4200/"}):
        assert context.page_of("flow-run", RUN) == f"http://prefect.example:4200/runs/flow-run/{RUN}"
        monkeypatch.setenv(EMBEDDED, "1")
        assert context.page_of("flow-run", RUN) is None


def test_outside_prefect_there_is_no_run():
    assert context.execution_of(print) is None
    assert context.enclosing_flow() is None
