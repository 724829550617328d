"""Draw the README's picture, the terminal after `lineal trace`: `python docs/picture.py MODEL` in a project."""

from __future__ import annotations

import io
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME

from lineal.questions.trace import trace
from lineal.reports.trace import render
from lineal.store.log import Store
from lineal.subjects import Subject

PLACE = Path(__file__).parent / "images" / "trace.svg"
# Rich's own frame, less the fonts that it would have a browser fetch.
FRAME = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, monospace; font-size: {char_height}px;
  line-height: {line_height}px; font-variant-east-asian: full-width; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}<g class="{unique_id}-matrix" xml:space="preserve">{matrix}</g>
</g>
</svg>
"""


def main() -> None:
    """Draw the trace of a model."""
    subject = sys.argv[1]
    console = Console(record=True, width=118, file=io.StringIO(), highlight=False, force_terminal=True)
    console.print(f"[bold]$[/bold] lineal trace {subject}")
    console.print(render(trace(Store(create=False), Subject.parse(subject))))
    PLACE.parent.mkdir(exist_ok=True)
    svg = console.export_svg(title="lineal trace", theme=SVG_EXPORT_THEME, code_format=FRAME, unique_id="lineal")
    PLACE.write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
