"""The `lineal` command: parse, call, print, and turn errors into one sentence and an exit status."""

from __future__ import annotations

import atexit
import gc
import io
import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError

from lineal.errors import LinealError

OK, NOT_HELD, WRONG = 0, 1, 2
INTERRUPTED = 130  # 128 + SIGINT, as shells have it
_RARELY = 200_000


def _version() -> str:
    # Only `--version` asks, and `--help` needs nothing else of it.
    from importlib.metadata import version

    return version("lineal")


app = App(
    name="lineal",
    help=(
        "ML pipelines whose every model can say what it was made from.\n\n"
        "Exit status: 0 done, and what was asked holds; 1 what was asked does not hold; 2 wrong usage or input.\n\n"
        "`--debug` after any command shows Prefect's log and the traceback of an error."
    ),
    version=_version,
    help_format="markdown",
)
# Named, not imported: `lineal --help` loads none of them.
for name, place, summary in (
    ("run", "run", "Run a pipeline: ingest, check, split, train, evaluate, explain, register."),
    ("predict", "predict", "Score a batch with a registered model; each row gets an id that leads back."),
    ("reproduce", "reproduce", "Make a model again from its record, and compare."),
    ("trace", "trace", "Show where a model, prediction, dataset, file or run came from."),
    ("impact", "impact", "Show what came of a file, dataset, model, run or record."),
    ("diff", "diff", "Show what differs between two models, dataset versions or runs."),
    ("history", "history", "Show all versions of a model, dataset or alias, and what changed."),
    ("stale", "stale", "Show which models and predictions rest on what is no longer the newest."),
    ("explain", "explain", "Show what a model's predictions rest on, led back to source columns."),
    ("recall", "recall", "Mark a dataset version, file or model as bad; move aliases away from what rests on it."),
    ("decide", "decide", "Approve, reject or waive, or take that back: a decision with your name, on this evidence."),
    ("note", "note", "Note something about a model, dataset, file, run or prediction, for whoever asks."),
    ("key", "key", "Make the key that your decisions are signed with, or trust somebody else's."),
    ("list", "listing", "Show what there is: pipelines, datasets, models, runs, predictions or decisions."),
    ("verify", "verify", "Check that all on record is there and as it was recorded."),
    ("audit", "audit", "Hold a model to policies: what the record supports, contradicts or does not show."),
    ("export", "export", "Write a model's evidence pack, which outsiders check with their own tools."),
    ("report", "report", "Write one page about a model, dataset, run or prediction, to send to whoever should know."),
    ("discover", "discover", "Show what all runs on record teach, and what they cannot tell yet."),
    ("search", "search", "Find runs, decisions, notes and descriptions by their words."),
    ("events", "events", "Print the event log as OpenLineage NDJSON, or import one."),
    ("deliver", "deliver", "Send the event log to the configured OpenLineage consumers."),
    ("sweep", "sweep", "End runs that were killed, and deliver what is left."),
    ("restore", "restore", "Bring back a dataset version, or everything that made a model, checked."),
    ("rebuild", "rebuild", "Remake the index from the event log."),
):
    app.command(f"lineal.cli.{place}:{place}", name=name, help=summary)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and end the process with its exit status."""
    # Nearly all that a command makes stays until it ends: to look for garbage as often as Python does takes a twentieth
    # of the time of a small one, and a fifth of one that reads a long log.
    gc.set_threshold(_RARELY)
    # Python would look for garbage once more when it ends: a second, after all that Prefect and MLflow load.
    atexit.register(gc.freeze)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What the terminal has no letters for is no reason to fail after the work is done.
        sys.stdout.reconfigure(errors="replace")
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    if debug:
        from lineal.orchestration.server import quiet_environment

        # What is set first stays.
        quiet_environment(console="DEBUG")
    try:
        status = app(words, exit_on_error=False, print_error=False, result_action="return_value")
    except LinealError as error:
        _complain(str(error), debug)
        status = error.exit_status
    except CycloptsError as error:
        _complain(f"{str(error).strip().splitlines()[0]} See `lineal --help`.", debug)
        status = WRONG
    except KeyboardInterrupt:
        _complain("interrupted", debug)
        status = INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has closed it, as `| head` does: nothing is wrong, nothing is left to flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = OK
    sys.exit(status if isinstance(status, int) else OK)


def _complain(message: str, debug: bool) -> None:
    if debug:
        import traceback

        traceback.print_exc()
    sys.stderr.write(f"lineal: {message}\n")
