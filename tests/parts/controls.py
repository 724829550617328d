"""Real runs of pipelines that bring each shipped check to each verdict; `control_cases` lists which does which.

`shop` is a committed project: `wine` is done as it should be, the others have each a mistake that is made in earnest
(`mistaken.py` holds the flows of those who do not use the shipped one). `attic` is a project outside of git, whose
model comes out of a notebook. The rest are copies of the shop's records that somebody has had a hand in.
"""

from __future__ import annotations

import functools
import http.server
import importlib.util
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from lineal.store import tables
from tests.parts.project import ROOT, lay_out

EVENTS = tables.events.c
MISTAKEN = Path(__file__).with_name("mistaken.py")
CHAMPION = '[evaluate.champion]\nmetric = "f1_macro"\n'
GATES = '[[evaluate.gates]]\nmetric = "accuracy"\nmin = 0.9\n'
DROPPED = '[[checks]]\ncolumn = "alcohol"\ntype = "number"\nmin = 8\nmax = 20\nnulls = false\n'
DECLARED = """
[declared]
role = "provider"
risk_class = "high"
intended_purpose = "To tell cultivars apart."
groups = []
retention = "2 years"
personal = ["color_intensity"]
special = ["magnesium"]
legal_basis = "consent"
controller = "Cellar laboratory, cellar@example.org"
data_subjects = ["growers"]
recipients = ["mailing"]
transfers = []
safeguards = "Encrypted at rest; two people have access."
legal_effect = true
review_by = 2099-01-01
"""
CARELESS = """
[declared]
role = "provider"
personal = ["color_intensity"]
special = ["ash"]
recipients = []
legal_effect = true
review_by = 2026-01-31
"""
# Each of the flows that are a user's own, by the pipeline that it runs.
OWN = {
    "leaky": "fits_to_everything",
    "late": "sets_thresholds_late",
    "service": "reads_a_service",
    "byhand": "prepares_by_hand",
    "bare": "only_registers",
}


@dataclass(frozen=True)
class Place:
    """Where records are: a project's folder, and the home that keeps its store, models and keys."""

    folder: Path
    home: Path

    def enter(self, patch: pytest.MonkeyPatch, by: str = "Ada", **more: str) -> None:
        """Be there, as somebody."""
        patch.chdir(self.folder)
        for name, value in {"LINEAL_HOME": str(self.home), "LINEAL_USER": by, **more}.items():
            patch.setenv(name, value)


def build(folder: Path, api: str) -> dict[str, Place]:
    """Run the pipelines, and do all that people do about them.

    Args:
        folder: a new one.
        api: of a Prefect server.
    """
    with pytest.MonkeyPatch.context() as patch, _served(ROOT / "pipelines" / "data") as service:
        for name in [each for each in os.environ if each.startswith(("LINEAL_", "MLFLOW_", "OPENLINEAGE_", "DVC_"))]:
            patch.delenv(name)
        at_home = {"HOME": str(folder), "GIT_CONFIG_GLOBAL": str(folder / ".gitconfig"), "DO_NOT_TRACK": "true"}
        quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "DVC_NO_ANALYTICS": "true", "PREFECT_API_URL": api}
        for name in ("DVC_GLOBAL_CONFIG_DIR", "DVC_SYSTEM_CONFIG_DIR", "DVC_SITE_CACHE_DIR"):
            patch.setenv(name, str(folder / "dvc" / name.lower()))
        for name, value in {**at_home, **quiet, "WINE_SERVICE": f"{service}/wine.csv"}.items():
            patch.setenv(name, value)
        shop = Place(lay_out(folder / "shop"), folder / "shop" / ".lineal")
        _lay_out(shop.folder)
        _shop(shop, patch, service)
        attic = Place(lay_out(folder / "attic"), folder / "attic" / ".lineal")
        _lay_out(attic.folder)
        (folder / "no.pem").write_text("no key at all")
        attic.enter(patch, LINEAL_KEY=str(folder / "no.pem"))
        for _ in range(2):
            lineal("run", "pipelines/bare.toml")
        patch.delenv("LINEAL_KEY")
        _checkpoint(shop, patch)
    places = {"shop": shop, "attic": attic}
    for name, change in (("forged", _forge), ("keyless", _lose_keys), ("cut", _cut), ("swept", _keep)):
        places[name] = Place(shop.folder, folder / name)
        shutil.copytree(shop.home, places[name].home)
        change(places[name].home)
    return places


def _lay_out(project: Path) -> None:
    from lineal.models.environment import packages

    pipelines = project / "pipelines"
    wine = (pipelines / "wine.toml").read_text()
    kept = wine.replace('target = "cultivar"', 'target = "cultivar"\ndrop = ["magnesium"]')
    (pipelines / "wine.toml").write_text(kept + DECLARED)
    shutil.copy(pipelines / "data" / "wine.csv", pipelines / "data" / "shared.csv")
    plain = wine.replace(CHAMPION, "").replace("data/wine.csv", "data/shared.csv")
    for name in OWN:
        text = plain.replace('name = "wine"', f'name = "{name}"')
        (pipelines / f"{name}.toml").write_text(text)
    bare = plain.replace('name = "wine"', 'name = "bare"')
    lines = [line for line in bare.splitlines() if not line.startswith(("description", "owner"))]
    (pipelines / "bare.toml").write_text("\n".join(lines).replace(GATES.rstrip(), ""))
    careless = plain.replace('name = "wine"', 'name = "careless"').replace(GATES, "")
    careless = careless.replace('target = "cultivar"', 'target = "cultivar"\nid = "bottle"')
    lines = [line for line in careless.splitlines() if not line.startswith("description")]
    text = "\n".join(lines).replace("data/shared.csv", "data/careless.csv")
    (pipelines / "careless.toml").write_text(text + CARELESS)
    _careless_rows(pipelines / "data")
    (project / "mistaken.py").write_bytes(MISTAKEN.read_bytes())
    deployments = yaml.safe_load((project / "prefect.yaml").read_text())
    deployments["deployments"] += [
        {"name": name, "entrypoint": f"mistaken.py:{flow}", "parameters": {"pipeline": f"pipelines/{name}.toml"}}
        for name, flow in OWN.items()
    ]
    (project / "prefect.yaml").write_text(yaml.safe_dump(deployments))
    (project / "requirements.txt").write_text(packages())
    (project / ".gitignore").write_text(".lineal\n__pycache__\n")


def _careless_rows(data: Path) -> None:
    """Each row twice under two ids, a column filled in afterwards, and values that are not there; and a batch."""
    import pandas as pd

    rows = pd.read_csv(data / "wine.csv")
    rows["outcome"] = rows["cultivar"].map({"A": "sold to Asti", "B": "sold to Bari", "C": "sold to Como"})
    rows.loc[:9, "hue"] = None
    twice = pd.concat([rows, rows])
    twice.assign(bottle=range(len(twice))).to_csv(data / "careless.csv", index=False)
    rows.assign(alcohol=rows["alcohol"] + 4).to_csv(data / "stronger.csv", index=False)


def _shop(shop: Place, patch: pytest.MonkeyPatch, service: str) -> None:
    git = ("git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    for words in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "-m", "As it is")):
        subprocess.run([*git, *words], cwd=shop.folder, check=True)
    shop.enter(patch)
    own = _module(shop.folder / "mistaken.py")
    lineal("run", "pipelines/wine.toml")
    lineal("predict", "model:wine@champion", "--data", "pipelines/data/wine.csv")
    own.mailing(_table("wine.snapshot"))
    own.shake(_plan("wine"), _model("wine"), _table("wine.test"), 0.1)
    lineal("note", "model:wine@1", "two bottles were exchanged", "--kind", "incident")
    patch.setenv("LINEAL_USER", "Grace")
    lineal("note", "file:pipelines/data/wine.csv", "only Italian wines", "--kind", "data-gap")
    lineal(
        "note",
        f"dataset:wine.predictions@{_table('wine.predictions').version}",
        "looked at each row",
        "--kind",
        "review",
    )
    lineal("note", "model:wine@1", "labels exchanged", "--closes", _incident())
    lineal("decide", "model:wine@1", "withdraw", "--reason", "a drill")
    lineal("decide", "model:wine@1", "approve", "--reason", "looked at its errors")
    patch.setenv("LINEAL_USER", "Ada")
    for name in ("leaky", "late", "service", "byhand"):
        lineal("run", f"pipelines/{name}.toml")
    own.shake(_plan("late"), _model("late"), _table("late.test"), 20)
    own.score_by_hand(_plan("late"), _model("late"), own.Dataset(f"{service}/wine.csv"))
    pipeline = shop.folder / "pipelines" / "wine.toml"
    text = pipeline.read_text()
    assert DROPPED in text
    pipeline.write_text(text.replace(DROPPED, ""))
    lineal("run", "pipelines/wine.toml", "--set", "split.seed=8", "--set", "register.alias=challenger")
    pipeline.write_text(text)
    lineal("run", "pipelines/wine.toml")
    lineal("note", "model:wine@3", "the check is back")
    # Nobody keeps the lock file up, and work goes on in what is not committed.
    (shop.folder / "requirements.txt").write_text("numpy==1.0\n")
    for name in ("wine", "late"):
        lineal("export", f"model:{name}@1", "--to", f"{name}.zip")
    with (shop.folder / "late.zip").open("ab") as pack:
        pack.write(b"more")
    lineal("run", "pipelines/careless.toml")
    lineal("decide", "model:careless@1", "approve", "--reason", "it is mine")
    lineal("note", "model:careless@1", "a grower complained", "--kind", "incident")
    lineal("predict", "model:careless@1", "--data", "pipelines/data/stronger.csv")
    own.mailing(_table("careless.snapshot"))
    lineal("recall", "file:pipelines/data/careless.csv", "--reason", "a column of the outcome", "--yes")
    lineal("predict", "model:careless@1", "--data", "pipelines/data/stronger.csv", "--allow-recalled")


def lineal(*words: str) -> None:
    """Run the command as in a process of its own, which knows nothing of what was there a moment ago."""
    from lineal.cli.app import main
    from lineal.models import code, environment

    environment._environment.cache_clear()
    code.difference.cache_clear()
    before = dict(os.environ)
    with pytest.raises(SystemExit) as ended:
        main([*words])
    os.environ.clear()
    os.environ.update(before)
    assert ended.value.code == 0, words


def _module(file: Path) -> Any:
    spec = importlib.util.spec_from_file_location("mistaken_by_hand", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _plan(name: str) -> Any:
    from lineal.pipeline import load

    return load(Path("pipelines") / f"{name}.toml")


def _model(name: str) -> Any:
    from lineal import Model
    from lineal.questions.lookup import find_model
    from lineal.store.log import Store
    from lineal.subjects import Subject

    row = find_model(Store(), Subject("model", name, "1"))
    return Model(f"models/{name}", row.digest, f"models:/{name}/1", row.namespace, number=1)


def _table(name: str) -> Any:
    """The newest version of a table, with its bytes."""
    from lineal import Dataset
    from lineal.datasets.cache import Cache
    from lineal.store import graph, tables
    from lineal.store.log import Store

    query = graph.select_versions().where(tables.datasets.c.name == name).order_by(tables.versions.c.first_seq)
    newest = graph.read_versions(Store(), query)[-1]
    return Dataset(Cache().get(newest.version), name=name, version=newest.version)


def _incident() -> str:
    from lineal.store import decisions
    from lineal.store.log import Store

    return next(each.run_id for each in decisions.read(Store()) if each.kind == "incident")


def _checkpoint(shop: Place, patch: pytest.MonkeyPatch) -> None:
    from lineal.store import checkpoints
    from lineal.store.log import Store

    # Not by `lineal sweep`, which would give the killed run its end.
    shop.enter(patch)
    list(checkpoints.make(Store()))


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    """A web service that gives the files of a folder."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


def _engine(home: Path) -> sa.Engine:
    return sa.create_engine(f"sqlite:///{home}/lineal.db")


def _forge(home: Path) -> None:
    """Make the record say that the model was better than it was, and the model another than it was."""
    engine = _engine(home)
    with engine.begin() as connection:
        rows = connection.execute(sa.select(EVENTS.seq, EVENTS.body).order_by(EVENTS.seq))
        seq, body = next(row for row in rows if '"held-out"' in row[1])
        event = json.loads(body)
        for each in event["run"]["facets"]["lineal_metrics"]["metrics"]:
            each["value"] = 1.0
        connection.execute(sa.update(tables.events).where(EVENTS.seq == seq).values(body=json.dumps(event)))
    engine.dispose()
    (_,) = [file.write_bytes(b"another") for file in _first_model(home)]


def _first_model(home: Path) -> Sequence[Path]:
    """The file of the model that was logged first."""
    return sorted((home / "mlartifacts").rglob("model.skops"), key=lambda file: file.stat().st_mtime)[:1]


def _lose_keys(home: Path) -> None:
    shutil.rmtree(home / "keys")


def _keep(home: Path) -> None:
    """What nobody has had a hand in, to be swept."""


def _cut(home: Path) -> None:
    engine = _engine(home)
    with engine.begin() as connection:
        connection.execute(sa.delete(tables.events).where(EVENTS.seq <= 5))
    engine.dispose()


def now(later: float) -> datetime:
    """So many days from now."""
    return datetime.now(UTC) + timedelta(days=later)
