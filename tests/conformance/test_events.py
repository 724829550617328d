"""What plain traced calls record, held to the official schemas and run-cycle rules."""

import pytest

from lineal import Column, Dataset, Model, current_run, traced
from lineal.tracing.statements import Origin, Outcome


def test_success_failure_interrupt_and_nesting(lineage, check_events, tmp_path):
    (tmp_path / "in.csv").write_text("a,b\n1,x\n")

    @traced
    def inner(data: Dataset) -> Dataset:
        """Do a part."""
        run = current_run()
        run.parameters({"depth": 1, "none": None})
        run.tests([Outcome("gate a", False, "gate", expected="a >= 1", actual="nan")])
        run.tag("part")
        run.owner("Ada")
        run.source("name = 'x'", "TOML")
        (tmp_path / "out.csv").write_text("c\n1\n")
        made = Dataset(tmp_path / "out.csv")
        run.output(made, columns={"c": [Origin(data, "a", "TRANSFORMATION"), Origin(data, "b", "AGGREGATION")]})
        return made

    @traced
    def outer(data: Dataset) -> Model:
        inner(data)
        return Model("demo.model", "d", "models:/m-1", columns=(Column("f", "double"),))

    @traced
    def broken(data: Dataset) -> None:
        raise ValueError("no\x00pe \ud800")

    @traced
    def stopped() -> None:
        raise KeyboardInterrupt

    table = Dataset(tmp_path / "in.csv")
    outer(table)
    with pytest.raises(ValueError, match="no"):
        broken(table)
    with pytest.raises(KeyboardInterrupt):
        stopped()
    check_events(lineage.ndjson())
    ends = [event["eventType"] for event in lineage.events() if event["eventType"] != "START"]
    assert ends == ["COMPLETE", "COMPLETE", "FAIL", "ABORT"]
