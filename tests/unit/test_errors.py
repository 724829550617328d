"""The errors: one sentence, one exit status, and safe passage between processes."""

import pickle
import re
from pathlib import Path

import pytest

from lineal import errors
from lineal.errors import LinealError, PipelineFileError, SourceError, SubjectError

ALL = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, LinealError)]


@pytest.mark.parametrize("kind", ALL)
def test_each_carries_its_sentence_and_the_exit_status_of_wrong_input(kind):
    error = kind("the file x is empty; give one with rows")

    assert str(error) == error.message == "the file x is empty; give one with rows"
    assert error.exit_status == 2


@pytest.mark.parametrize(
    "error",
    [
        *(kind("it is wrong") for kind in ALL),
        PipelineFileError("is wrong", path=Path("/a/b.toml"), key="split.seed", line=3),
        SourceError("is ragged", uri="a.csv", line=4, column="x"),
        SubjectError("is unknown", subject="model:x"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_each_survives_the_way_to_another_process(error):
    error.add_note("while reading")

    back = pickle.loads(pickle.dumps(error))  # noqa: S301  # just written

    assert type(back) is type(error)
    assert str(back) == str(error)
    assert vars(back) == vars(error)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"path": Path("/a/b.toml"), "line": 3}, "/a/b.toml:3: is wrong"),
        ({"path": Path("/a/b.toml")}, "/a/b.toml: is wrong"),
        ({}, "is wrong"),
    ],
)
def test_a_pipeline_files_error_begins_with_the_place(arguments, said):
    assert PipelineFileError("is wrong", **arguments).message == said


def test_the_picture_of_the_hierarchy_is_the_hierarchy():
    drawn: dict[str, str | None] = {}
    above: list[tuple[int, str]] = []
    for line in errors.__doc__.split("::")[1].splitlines():
        if found := re.search(r"[A-Z]\w+Error", line):
            while above and above[-1][0] >= found.start():
                above.pop()
            drawn[found[0]] = above[-1][1] if above else None
            above.append((found.start(), found[0]))

    assert drawn == {kind.__name__: kind.__base__.__name__ if kind is not LinealError else None for kind in ALL}
