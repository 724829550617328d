"""How long the command takes as a whole process: `python benchmarks/command.py` in a project with a trained model.

Prints the median and the spread, in seconds, of `lineal --help`, `lineal trace` of the newest model and, beside the
bare interpreter, of `import lineal`.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from main_job import BIN, machine

ROUNDS = 15


def main() -> None:
    """Time each command."""
    lineal = str(BIN / "lineal")
    listed = subprocess.run([lineal, "list", "models", "--json"], capture_output=True, text=True, check=True)
    model = json.loads(listed.stdout)["models"][0]
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "python -c 'import lineal'": [sys.executable, "-c", "import lineal"],
        "lineal --help": [lineal, "--help"],
        "lineal trace": [lineal, "trace", f"model:{model['name']}@{model['number']}"],
    }
    print(machine())
    for name, command in commands.items():
        times = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            subprocess.run(command, capture_output=True, check=True)
            times.append(time.perf_counter() - start)
        print(f"{name}: {statistics.median(times):.3f} s  ({min(times):.3f} to {max(times):.3f})")


if __name__ == "__main__":
    main()
