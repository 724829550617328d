"""`lineal trace`: how a descent is drawn."""

from tests.parts.made_up import step, table


def test_what_was_made_of_a_copy_of_itself_is_led_back_to_where_it_first_came_from(run, lineage):
    step(table("raw"), makes=[("snapshot", "a")])
    step(table("snapshot", "a"), makes=[("copy", "a")])
    step(table("copy", "a"), makes=[("snapshot", "a")])
    step(table("snapshot", "a"), makes=[("train", "1")])
    status, out, _ = run("trace", "dataset:train@1")
    assert status == 0
    drawn = [line.strip("│├└─ ").split("@")[0].removeprefix("s3://lake/") for line in out.splitlines() if "@" in line]
    assert drawn[1:6] == ["train", "snapshot", "copy", "snapshot", "raw"]
