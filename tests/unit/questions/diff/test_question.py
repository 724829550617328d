"""Two subjects compared from the record: what is told first, what is left out, and what is wrong to ask."""

import dataclasses
import io
import json
import re
import subprocess
import sys

import pyarrow as pa
import pytest

from lineal import Dataset, current_run, traced
from lineal.datasets.cache import Cache
from lineal.datasets.table import write_table
from lineal.errors import LinealError
from lineal.questions.diff import diff
from lineal.reports import terminal
from lineal.reports.diff import render
from lineal.subjects import Subject
from tests.unit.questions.diff.conftest import EVALUATION, IMPORTANCES, SNAPSHOT, TEST


@pytest.fixture
def ask(lineage):
    def call(left, right, by=None):
        return diff(lineage.store, Subject.parse(left), Subject.parse(right), by)

    return call


@pytest.fixture
def shown(ask, capsys):
    def call(left, right, by=None):
        terminal.show(ask(left, right, by), render, as_json=False)
        return capsys.readouterr().out

    return call


def wipe(version):
    path = Cache().get(version)
    path.unlink()
    return path


def version_of(lineage, name):
    found = [out for event in lineage.events() for out in event["outputs"] if out["name"] == name]
    return found[-1]["facets"]["version"]["datasetVersion"]


def test_the_same_again_says_that_it_is_the_same(train, shown):
    train()
    assert "both are model:demo@1: the same" in shown("model:demo@1", "model:demo@champion")


def test_a_model_made_again_is_equal(train, ask, shown):
    train(digest="ab" * 32)
    train(digest="ab" * 32)
    answer = ask("model:demo@1", "model:demo@2")
    assert answer.verdict == "the two models are equal: the same digest"
    assert answer.causes == ()
    assert {"data", "parameters", "seeds", "code", "packages", "predictions"} <= set(answer.equal)
    assert "Parameters" not in shown("model:demo@1", "model:demo@2")


def test_one_changed_parameter_is_the_one_thing_told(train, ask, shown):
    train()
    train(asked={"model.params.C": "10.0"}, metrics={"accuracy": 0.5})
    answer = ask("model:demo@1", "model:demo@2")
    assert [(cause.aspect, cause.sentence) for cause in answer.causes] == [("parameters", "C 1.0 → 10.0")]
    assert [dataclasses.astuple(each) for each in answer.parameters] == [("C", "1.0", "10.0")]
    assert answer.tables == ()
    out = shown("model:demo@1", "model:demo@2")
    assert out.index("1 parameters  C 1.0 → 10.0") < out.index("Metrics")
    assert "equal: data, pipeline file, seeds" in out


def test_seeds_are_told_apart_from_parameters(train, ask):
    def seeded(seed):
        return {"model.params.random_state": seed, "model.seeds.random_state": seed, "split.seed": seed}

    train(asked=seeded("1"))
    train(asked=seeded("2"))
    answer = ask("model:demo@1", "model:demo@2")
    assert {each.key for each in answer.seeds} == {"model.seeds.random_state", "split.seed"}
    assert answer.parameters == answer.pipeline == ()


def test_another_estimator_is_told_before_its_parameters_and_a_new_owner_is_no_cause(train, ask, shown):
    train()
    other = {"model.estimator": "sklearn.svm.SVC", "model.params.C": None, "model.params.degree": "2", "owner": "Bo"}
    train(asked=other)
    answer = ask("model:demo@1", "model:demo@2")
    assert [cause.aspect for cause in answer.causes] == ["pipeline file", "parameters"]
    assert "owner" not in answer.causes[0].sentence
    assert re.search(r"owner +- → Bo", shown("model:demo@1", "model:demo@2"))


def test_one_changed_cell_and_one_removed_row_are_named(train, ask, shown):
    train()
    train(snapshot={"id": [1, 2, 3], "a": [1.0, 2.5, 3.0], "y": ["n", "n", "p"]})
    answer = ask("model:demo@1", "model:demo@2")
    (table,) = answer.tables
    assert (table.added, table.removed, table.changed, table.unchanged) == (0, 1, 1, 2)
    assert answer.causes[0].aspect == "data"
    out = shown("model:demo@1", "model:demo@2")
    assert "4 → 3 rows: 1 removed, 1 changed, by id" in out
    assert "id 2: a 2 → 2.5" in out
    assert "removed  id 4" in out


def test_much_new_data_explains_more_than_a_parameter(train, ask):
    train()
    many = {"id": list(range(100, 140)), "a": [float(each) for each in range(40)], "y": ["n", "p"] * 20}
    train(snapshot=many, asked={"model.params.C": "2.0"})
    assert [cause.aspect for cause in ask("model:demo@1", "model:demo@2").causes] == ["data", "parameters"]


def test_other_held_out_rows_are_a_cause_of_their_own(train, ask):
    train()
    train(test=TEST | {"id": [1, 4], "_lineal_row": [0, 3]}, evaluation=EVALUATION | {"_lineal_row": [0, 3]})
    answer = ask("model:demo@1", "model:demo@2")
    assert [cause.aspect for cause in answer.causes] == ["split"]
    assert "1 of 2 held-out rows are gone, 1 are new" in answer.causes[0].sentence
    assert answer.equal.count("predictions") == 1


def test_a_column_more_is_a_feature_more(train, ask):
    train()
    train(snapshot=SNAPSHOT | {"b": [0.0, 0.0, 1.0, 1.0]})
    answer = ask("model:demo@1", "model:demo@2")
    assert [(each.key, each.left, each.right) for each in answer.features] == [("b", None, "taken")]
    assert "columns differ: b" in answer.causes[0].sentence


def judged(rows, wrong=0):
    """An evaluation of many rows of which the first are predicted wrongly."""
    actual = ["n", "p"] * (rows // 2)
    other = {"n": "p", "p": "n"}
    prediction = [other[each] if place < wrong else each for place, each in enumerate(actual)]
    sure = [0.9 if each == "p" else 0.1 for each in prediction]
    return {
        "test": {"id": list(range(rows)), "a": [0.0] * rows, "y": actual, "_lineal_row": list(range(rows))},
        "evaluation": {
            "_lineal_row": list(range(rows)),
            "actual": actual,
            "prediction": prediction,
            "probability_n": [1 - each for each in sure],
            "probability_p": sure,
        },
        "metrics": {"accuracy": 1 - wrong / rows},
    }


def test_a_small_difference_is_noise_and_a_large_one_is_not(train, ask):
    train(**judged(200))
    train(**judged(200, wrong=2))
    train(**judged(200, wrong=60))
    small, large = ask("model:demo@1", "model:demo@2"), ask("model:demo@1", "model:demo@3")
    (metric,) = small.metrics
    # The standard error of a difference of 2 in 200 paired rows: sqrt(0.01 * 0.99 / 200).
    assert metric.noise == pytest.approx(0.014, abs=0.006)
    assert metric.within_noise
    # What is shown beside the difference is what it was held to.
    assert abs(metric.right - metric.left) <= metric.noise
    assert "by more than chance" in small.verdict
    assert large.metrics[0].within_noise is False
    assert large.predictions.changed == large.predictions.now_wrong == 60
    assert large.predictions.now_right == 0
    assert len(large.predictions.most) == 5


def test_a_cross_validation_is_held_against_the_spread_of_its_folds(train, ask):
    train(cv={"accuracy": (0.90, 0.05), "roc_auc": (0.90, 0.001)})
    train(cv={"accuracy": (0.92, 0.04), "roc_auc": (0.92, 0.001)})
    found = {metric.name: (metric.noise, metric.within_noise) for metric in ask("model:demo@1", "model:demo@2").metrics}
    assert found == {"accuracy": (0.05, True), "roc_auc": (0.001, False)}


def test_a_regression_tells_how_far_predictions_went(train, ask):
    def numbers(*predicted):
        return {"_lineal_row": [1, 3], "actual": [1.0, 2.0], "prediction": list(predicted)}

    train(evaluation=numbers(1.0, 2.0), metrics={"r2": 1.0})
    train(evaluation=numbers(1.0, 2.5), metrics={"r2": 0.5})
    found = ask("model:demo@1", "model:demo@2").predictions
    assert (found.common, found.changed, found.now_right, found.mean_change) == (2, 1, None, 0.25)
    assert (found.most[0].id, found.most[0].left, found.most[0].right) == ("4", "2", "2.5")


def test_labels_without_probabilities_have_their_noise_too(train, ask):
    def labels(*predicted):
        return {"_lineal_row": [1, 3], "actual": [2, 10], "prediction": list(predicted)}

    train(evaluation=labels(2, 10), metrics={"f1": 1.0})
    train(evaluation=labels(10, 10), metrics={"f1": 0.7})
    answer = ask("model:demo@1", "model:demo@2")
    assert answer.metrics[0].noise is not None
    assert (answer.predictions.changed, answer.predictions.now_wrong, answer.predictions.mean_change) == (1, 1, None)


def test_a_metric_that_is_no_scorer_has_no_noise_that_is_known(train, ask, shown):
    train(metrics={"my own": 1.0})
    train(metrics={"my own": 0.5})
    (metric,) = ask("model:demo@1", "model:demo@2").metrics
    assert (metric.noise, metric.within_noise) == (None, None)
    assert "my own" in shown("model:demo@1", "model:demo@2")


def test_dates_are_shown_as_dates(train, shown):
    def days(*of):
        return SNAPSHOT | {"day": pa.array(of, pa.int32()).cast(pa.date32())}

    train(snapshot=days(0, 1, 2, 3))
    train(snapshot=days(0, 1, 2, 7))
    assert "mean 1970-01-02 12:00" in shown("model:demo@1", "model:demo@2")


def test_runs_of_another_producer_are_compared_as_far_as_they_tell(lineage, ask, shown):
    from lineal.store.importing import import_events
    from tests.parts.producers import ndjson, run_id, spark

    def log(hour, version):
        times = f"2026-01-01T{hour}:00:00Z", f"2026-01-01T{hour}:30:00Z"
        return spark("load", *times, reads=("raw",), writes="orders", version=version)

    events = [event for each in (log("01", "v1"), log("02", "v2")) for event in each]
    for event in events:
        event.pop("inputs")
    import_events(lineage.store, io.BytesIO(ndjson(*events).encode()), "log")
    one, two = (run_id("load", f"2026-01-01T{hour}:00:00Z") for hour in ("01", "02"))
    answer = ask(f"run:{one}", f"run:{two}")
    assert any("the bytes of orders@v1 are gone" in sentence for sentence in answer.missing)
    assert "not compared: the bytes of orders@v1" in shown(f"run:{one}", f"run:{two}")


def test_what_a_run_far_below_wrote_is_a_runs_own(lineage):
    from lineal.questions.diff.record import read_record
    from lineal.store.importing import import_events
    from lineal.store.runs import find_run
    from tests.parts.producers import ndjson, run_id, spark, within

    times = "2026-01-01T01:00:00Z", "2026-01-01T01:30:00Z"
    logs = within(*(spark(job, *times, reads=("raw",), writes=f"of-{job}") for job in ("dag", "task", "job")))
    import_events(lineage.store, io.BytesIO(ndjson(*(event for log in logs for event in log)).encode()), "log")
    record = read_record(lineage.store, find_run(lineage.store, run_id("dag", times[0])))
    assert set(record.written) == {"of-dag", "of-task", "of-job"}


def test_the_nearest_run_above_says_what_a_run_ran_in(lineage):
    @traced
    def step(): ...

    @traced
    def trains():
        current_run().environment({"cpu": "A"})
        step()

    @traced
    def asks():
        current_run().environment({"cpu": "B"})
        trains()

    from lineal.questions.diff.record import read_record
    from lineal.store.runs import find_run

    asks()
    run = find_run(lineage.store, lineage.event("asks.trains.step")["run"]["runId"])
    assert read_record(lineage.store, run).environment == {"cpu": "A"}


def test_importances_beyond_their_spread_are_told(train, ask):
    train()
    train(importances=IMPORTANCES | {"importance": [0.1]})
    train(importances=IMPORTANCES | {"importance": [0.45]})
    assert ask("model:demo@1", "model:demo@2").importances[0].beyond_noise
    assert not ask("model:demo@1", "model:demo@3").importances[0].beyond_noise


def test_packages_and_environment_are_compared(train, ask):
    def on(**changes):
        base = {"python": "3.11.7", "cpu": "A", "packages": {"numpy": "2.4"}, "packagesSha256": "1" * 64}
        return base | changes

    train(environment=on())
    train(environment=on(packages={"numpy": "2.5"}, packagesSha256="2" * 64))
    train(environment=on(packagesSha256="3" * 64))
    train(environment=on(cpu="B"))
    newer, others, elsewhere = (ask("model:demo@1", f"model:demo@{number}") for number in (2, 3, 4))
    assert [(each.key, each.left, each.right) for each in newer.packages] == [("numpy", "2.4", "2.5")]
    assert [each.key for each in others.packages] == ["other packages"]
    assert [each.key for each in elsewhere.environment] == ["cpu"]
    assert [cause.aspect for cause in elsewhere.causes] == ["environment"]


def test_code_is_compared_where_the_repository_has_the_commits(train, ask, tmp_path, monkeypatch):
    def git(*words):
        made = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", *words]
        return subprocess.run(made, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.strip()

    git("init", "--quiet")
    commits = []
    for text in ("one", "one\ntwo"):
        (tmp_path / "flow.py").write_text(text)
        (tmp_path / "notes.md").write_text(text)
        git("add", "flow.py", "notes.md")
        git("commit", "--quiet", "--message", text)
        commits.append(git("rev-parse", "HEAD"))
    monkeypatch.chdir(tmp_path)
    for commit in (*commits, "f" * 40, "--output=stolen"):
        train(environment={"gitCommit": commit, "gitDirty": False})
    train(environment={"gitCommit": commits[0], "gitDirty": True, "gitDiffSha256": "5" * 64})
    there = ask("model:demo@1", "model:demo@2")
    assert [(file.path, file.added, file.removed) for file in there.code.files] == [
        ("flow.py", 2, 1),
        ("notes.md", 2, 1),
    ]
    assert there.causes[0].sentence == "1 file of code: flow.py"
    assert "no repository here has both commits" in ask("model:demo@1", "model:demo@3").code.note
    assert "outside git" in ask("model:demo@1", "model:demo@4").code.note
    assert not (tmp_path / "stolen").exists()
    assert "the right had uncommitted changes" in ask("model:demo@1", "model:demo@5").code.note


@pytest.mark.parametrize("part", ["snapshot", "evaluation", "importances"])
def test_bytes_that_are_gone_are_named_and_the_rest_is_told(part, train, lineage, ask, shown):
    train()
    train(
        asked={"model.params.C": "2.0"},
        snapshot=SNAPSHOT | {"a": [9.0] * 4},
        evaluation=EVALUATION | {"prediction": ["p", "p"]},
        importances=IMPORTANCES | {"importance": [0.0]},
        metrics={"accuracy": 0.5},
    )
    wipe(version_of(lineage, f"demo.{part}"))
    answer = ask("model:demo@1", "model:demo@2")
    (sentence,) = answer.missing
    assert f"the bytes of demo.{part}@" in sentence
    assert answer.parameters[0].right == "2.0"
    assert "data" in [cause.aspect for cause in answer.causes]
    assert answer.metrics[0].left == 1.0
    assert "not compared: the bytes of" in shown("model:demo@1", "model:demo@2")


def test_bytes_that_were_damaged_are_named_as_well(train, lineage, ask):
    train()
    train(importances=IMPORTANCES | {"importance": [0.0]})
    version = version_of(lineage, "demo.importances")
    path = wipe(version)
    path.write_bytes(b"no table")
    (sentence,) = ask("model:demo@1", "model:demo@2").missing
    assert f"the file {path} no longer holds version {version[:12]}: it was altered" in sentence


def test_runs_are_compared_by_their_root(train, lineage, ask):
    train()
    train(asked={"model.params.C": "3.0"})
    flows = list(dict.fromkeys(event["run"]["runId"] for event in lineage.events("flow")))
    tasks = list(dict.fromkeys(event["run"]["runId"] for event in lineage.events("flow.fit")))
    of_flows, of_tasks = (ask(f"run:{a}", f"run:{b}") for a, b in (flows, tasks))
    assert of_flows.parameters == of_tasks.parameters != ()
    assert of_tasks.left.subject == f"run:{flows[0]}"
    assert ask(f"run:{flows[0]}", f"run:{tasks[0]}").same


def test_runs_without_a_pipeline_file_are_compared_by_the_tables_they_share(lineage, ask):
    @traced
    def clean(values):
        return write_table(pa.table({"a": values}), "mine.clean")

    clean([1, 2])
    clean([1, 2, 3])
    one, two = dict.fromkeys(event["run"]["runId"] for event in lineage.events("clean"))
    (table,) = ask(f"run:{one}", f"run:{two}").tables
    assert (table.left_name, table.added, table.removed) == ("mine.clean", 1, 0)


def test_two_datasets_of_different_names_are_compared(train, ask):
    train()
    (table,) = ask("dataset:demo.snapshot", "dataset:demo.test").tables
    assert (table.left_name, table.right_name, table.id) == ("demo.snapshot", "demo.test", "id")
    assert (table.removed, table.unchanged, table.added) == (2, 2, 0)


def test_two_tables_of_the_same_number_are_not_told_to_be_the_same(lineage, ask):
    @traced
    def load():
        return [Dataset(f"s3://lake/{name}", version="3") for name in ("orders", "weather")]

    load()
    with pytest.raises(LinealError, match=r"the bytes of orders@3 are gone"):
        ask("dataset:orders@3", "dataset:weather@3")


def test_versions_of_a_file_are_compared_by_an_id_that_is_given(lineage, ask, tmp_path):
    import pyarrow.parquet as pq

    @traced
    def make(values):
        pq.write_table(pa.table({"key": [1, 2], "a": values}), tmp_path / "table.parquet")
        return Dataset(tmp_path / "table.parquet", name="mine")

    make([1, 2])
    before = version_of(lineage, "mine")
    (tmp_path / "table.parquet").rename(tmp_path / "kept.parquet")
    make([1, 3])
    with pytest.raises(LinealError, match=r"the bytes of mine@.* are gone") as gone:
        ask(f"dataset:mine@{before}", "dataset:mine")
    assert gone.value.exit_status == 2
    Cache().path(before).parent.mkdir(parents=True)
    (tmp_path / "kept.parquet").rename(Cache().path(before))
    (table,) = ask(f"dataset:mine@{before}", "dataset:mine", by="key").tables
    assert (table.id, table.changed) == ("key", 1)
    with pytest.raises(LinealError, match=r"--id nokey: neither .* has such a column"):
        ask(f"dataset:mine@{before}", "dataset:mine", by="nokey")


@pytest.mark.parametrize(
    ("left", "right", "said"),
    [
        ("model:demo", "dataset:demo.snapshot", "are of two kinds; write two models"),
        ("model:demo", "model:dmo", "did you mean demo"),
        ("model:demo", "model:demo@9", "has no version or alias '9'; there are 1 @champion"),
        ("dataset:demo.snapshot", "dataset:demo.snapshot@ffff", "there is no such version"),
        ("run:0123456789", "run:01234567ff", "no run on record has an id that begins so"),
        ("file:a.csv", "file:b.csv", "cannot be asked about here"),
    ],
)
def test_what_is_wrong_to_ask_is_said_in_one_sentence(left, right, said, train, lineage):
    from lineal.questions.diff import KINDS

    train()
    with pytest.raises(LinealError, match=said) as wrong:
        diff(lineage.store, *(Subject.parse(text, allowed=KINDS) for text in (left, right)))
    assert wrong.value.exit_status == 2
    assert "\n" not in str(wrong.value)


def test_asking_loads_neither_prefect_nor_mlflow(train):
    train(digest="ab" * 32)
    train(digest="cd" * 32, asked={"model.params.C": "2.0"}, snapshot=SNAPSHOT | {"a": [9.0] * 4})
    for words, light in (
        (["diff", "model:demo@1", "model:demo@2"], {"sklearn"}),  # pyarrow looks for pandas by itself
        (["history", "model:demo"], {"sklearn", "pandas", "scipy"}),
        (["stale"], {"sklearn", "pandas", "scipy"}),
    ):
        script = (
            f"import sys\nfrom lineal.cli.app import main\ntry:\n    main({words!r})\nexcept SystemExit: pass\n"
            "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        assert "demo" in done.stdout
        assert not set(done.stderr.split()) & {"prefect", "mlflow", "dvc", *light}, words


def test_however_much_differs_it_is_told_on_one_screen(train, ask, capsys):
    train()
    train(
        asked={"model.params.C": "10.0", **{f"model.params.p{number}": str(number) for number in range(5)}},
        snapshot={"id": list(range(90, 99)), **{f"c{number}": [1.0] * 9 for number in range(20)}, "y": ["n"] * 9},
        metrics={f"m{number}": number / 9 for number in range(9)},
    )
    answer = ask("model:demo@1", "model:demo@2")
    more = dict.fromkeys(("pipeline", "seeds", "packages", "environment", "features"), answer.parameters)
    terminal.show(dataclasses.replace(answer, **more), render, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 50
    assert lines[-1] == "shortened to fit on the screen; --json has all of it"
    (packages,) = (line for line in lines if line.startswith("Packages"))
    assert "C 1.0 → 10.0" in packages
    assert any("What may explain a change" in line for line in lines)


def test_json_is_one_object_with_all_that_differs(train, ask):
    train()
    train(asked={"model.params.C": "2.0"}, snapshot=SNAPSHOT | {"a": [9.0] * 4})
    answer = json.loads(terminal.to_json(ask("model:demo@1", "model:demo@2")))
    assert answer["parameters"] == [{"key": "C", "left": "1.0", "right": "2.0"}]
    assert answer["tables"][0]["changed"] == 4
    assert answer["causes"][0]["aspect"] == "data"
