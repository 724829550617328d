"""An answer that fits on one screen."""

import pytest
from rich.console import Console
from rich.text import Text

from lineal.reports.screen import Screen, Section

MORE = "shortened; --json has all of it"


def shown(sections, *, height, terminal=True, width=60):
    console = Console(width=width, height=height, force_terminal=terminal, color_system=None)
    with console.capture() as said:
        console.print(Screen([Text("head")], sections, [Text("foot")], MORE))
    return [line.rstrip() for line in said.get().splitlines()]


def section(name, lines):
    return Section(Text(name), [Text(f"  {name} {number}") for number in range(lines)], f"{name} in short")


def test_what_fits_is_shown_whole():
    said = shown([section("one", 2), section("two", 2)], height=12)
    assert said == ["head", "", "one", "  one 0", "  one 1", "", "two", "  two 0", "  two 1", "", "foot"]


def test_the_last_sections_are_shortened_first():
    said = shown([section("one", 2), section("two", 2)], height=11)
    assert said == ["head", "", "one", "  one 0", "  one 1", "", "two  two in short", "", "foot", MORE]


@pytest.mark.parametrize("height", range(14, 48, 3))
def test_the_prompt_still_fits_below(height):
    said = shown([section(f"s{number}", number) for number in range(8)], height=height)
    assert len(said) < height
    assert said[-1] == MORE


def test_a_line_that_is_too_long_is_cut_and_not_wrapped():
    long = Section(Text("one"), [Text("x")] * 40, "word " * 40)
    said = shown([long], height=20, width=40)
    assert said[2].startswith("one  word word")
    assert said[2].endswith("…")
    assert len(said) == 6


def test_where_there_is_no_terminal_a_screen_has_fifty_lines():
    assert len(shown([section("one", 45)], height=10, terminal=False)) == 50
    assert shown([section("one", 46)], height=10, terminal=False)[2] == "one  one in short"


def test_a_heading_alone_is_not_called_shortened():
    assert shown([Section(Text("one")), Section(Text("two"))], height=7) == ["head", "", "one", "two", "", "foot"]
