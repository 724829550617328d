"""Write the reference pages from the code: `python docs/generate.py`. A test holds them up to date."""

from __future__ import annotations

import inspect
import re
import sys
import types
import typing
from pathlib import Path

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

REFERENCE = Path(__file__).parent / "reference"
NOTE = "<!-- Written by docs/generate.py; change the docstrings it is made from. -->\n"


def main() -> None:
    """Write every page."""
    REFERENCE.mkdir(exist_ok=True)
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")
        sys.stdout.write(f"{REFERENCE / name}\n")


def pages() -> dict[str, str]:
    """The pages, by file name."""
    return {"pipeline-file.md": pipeline_file(), "command.md": command(), "errors.md": errors()}


EXAMPLE = """The files in [pipelines/](../../pipelines) are examples, ready to be copied. Relative paths start from the
project: the nearest folder upwards with a `prefect.yaml`, `pyproject.toml` or `.git`, else the file's own folder. An
unknown key is an error that names the nearest known one. `lineal run FILE --set KEY=VALUE` takes any key by its dotted
name.
"""


def pipeline_file() -> str:
    """Every key of the pipeline file."""
    from lineal import pipeline as module

    sections = [
        ("", module.Pipeline),
        ("source", module.Source),
        ("[checks]", module.Check),
        ("split", module.Split),
        ("model", module.ModelSection),
        ("model.search", module.Search),
        ("evaluate", module.Evaluate),
        ("evaluate.grouping", module.Grouping),
        ("[evaluate.gates]", module.Gate),
        ("evaluate.champion", module.Champion),
        ("register", module.Register),
        ("drift", module.Drift),
        ('drift.columns."NAME"', module.DriftLimits),
        ("declared", module.Declared),
    ]
    parts = [NOTE, "# The pipeline file\n", f"{_summary(module)}\n", EXAMPLE]
    for title, section in sections:
        parts.append(f"## {f'`[{title}]`' if title else 'Top level'}\n")
        parts.append(_summary(section) + "\n")
        parts.append("| key | type | default | meaning |\n|---|---|---|---|")
        meanings = _attributes(section)
        for name, field in section.model_fields.items():
            key = field.alias or name
            if field.exclude or _is_section(field.annotation):
                continue
            default = (
                "required" if field.default is PydanticUndefined and not field.default_factory else _default(field)
            )
            meaning = meanings.get(name, _TOP.get(key, "")).replace("|", "\\|")
            parts.append(f"| `{key}` | {_type(field.annotation)} | {default} | {meaning} |")
        parts.append("")
    return "\n".join(parts)


_TOP = {
    "name": "the pipeline's name, which its datasets and its MLflow experiment take",
    "description": "one line for people; it goes to MLflow and into the lineage",
    "owner": "who answers for it",
}


def command() -> str:
    """Every command's help."""
    from lineal.cli.app import app

    parts = [NOTE, "# The command\n", "```\n" + _help(app, []) + "\n```\n"]
    names = sorted(name for name in app if not name.startswith("-"))
    parts += [f"## `lineal {name}`\n\n```\n{_help(app, [name])}\n```\n" for name in names]
    return "\n".join(parts)


def errors() -> str:
    """The hierarchy of what Lineal raises."""
    from lineal import errors as module

    return f"{NOTE}\n# Errors\n\n{inspect.getdoc(module)}\n".replace("::\n", "```").replace(
        "\n\nThe message", "\n```\n\nThe message"
    )


def _help(app: typing.Any, words: list[str]) -> str:
    from rich.console import Console

    console = Console(width=100, no_color=True, force_terminal=False, highlight=False)
    with console.capture() as captured:
        app.help_print(words, console=console)
    return "\n".join(line.rstrip() for line in captured.get().strip().splitlines())


def _summary(section: object) -> str:
    return (inspect.getdoc(section) or "").partition("\n\n")[0]


def _attributes(section: type[BaseModel]) -> dict[str, str]:
    text = (inspect.getdoc(section) or "").partition("Attributes:\n")[2]
    found = re.findall(r"^ {4}(\w+): (.+(?:\n {8}.+)*)", text, re.MULTILINE)
    return {name: " ".join(line.strip() for line in meaning.splitlines()).rstrip(".") for name, meaning in found}


def _is_section(annotation: typing.Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return True
    return any(_is_section(inner) for inner in typing.get_args(annotation))


def _default(field: typing.Any) -> str:
    value = field.get_default(call_default_factory=True)
    return "" if value in (None, (), {}) else f"`{value}`".lower() if isinstance(value, bool) else f"`{value}`"


def _type(annotation: typing.Any) -> str:
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return ", ".join(f'`"{value}"`' for value in inner)
    if origin is typing.Annotated:
        return _type(inner[0])
    if origin in (types.UnionType, typing.Union):
        return " or ".join(_type(each) for each in inner if each is not type(None))
    if origin is tuple:
        return f"list of {_type(inner[0])}"
    if origin is dict:
        return "table"
    words = {"str": "text", "int": "integer", "float": "number", "bool": "true or false", "Any": "any"}
    return words.get(getattr(annotation, "__name__", str(annotation)), getattr(annotation, "__name__", str(annotation)))


if __name__ == "__main__":
    main()
