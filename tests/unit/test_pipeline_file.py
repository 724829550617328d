"""The pipeline file: every key, every mistake and what is said about it."""

import tomllib
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lineal.errors import PipelineFileError
from lineal.findings import line_of
from lineal.pipeline import load, parse

WHOLE = """\
name = "wine"
description = "Which cultivar?"
owner = "Cellar"

[source]
uri = "data/wine.csv"
target = "cultivar"
id = "bottle"
drop = ["note"]

[[checks]]
column = "alcohol"
min = 8
max = 20
nulls = false
type = "number"

[[checks]]
rows_min = 10
rows_max = 1000

[[checks]]
column = "cultivar"
allowed = ["A", "B"]
unique = false

[split]
test_size = 0.2
seed = 3
stratify = true

[model]
estimator = "sklearn.linear_model.LogisticRegression"
params = { max_iter = 500, ratio = [0.5, 1] }
threads = 2

[model.search]
space = { C = [0.1, 1.0], layers = [[3], [3, 2]] }
method = "random"
iterations = 2
folds = 3

[evaluate]
metrics = ["accuracy", "f1_macro"]

[[evaluate.gates]]
metric = "accuracy"
min = 0.9

[[evaluate.gates]]
metric = "f1_macro"
min = 0.5
max = 1

[evaluate.champion]
metric = "accuracy"
margin = 0.01

[register]
name = "wine"
alias = "champion"

[declared]
role = "provider"
risk_class = "high"
intended_purpose = "To tell cultivars apart."
groups = ["region"]
retention = "2 years"
personal = []
"""
LEAST = """\
name = "wine"
[source]
uri = "data/wine.csv"
target = "cultivar"
[model]
estimator = "sklearn.dummy.DummyClassifier"
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "project" / "pipelines" / "wine.toml"
    path.parent.mkdir(parents=True)
    (tmp_path / "project" / "prefect.yaml").touch()
    path.write_text(WHOLE)
    return path


def refusal(path: Path, **arguments) -> str:
    with pytest.raises(PipelineFileError) as error:
        load(path, **arguments)
    assert error.value.message.startswith(f"{path}:")
    assert "\n" not in error.value.message
    return error.value.message.removeprefix(str(path)).removeprefix(":")


def number_of(line: str, text: str = WHOLE) -> int:
    return text.splitlines().index(line) + 1


def test_every_key_is_read(file):
    pipeline = load(file)

    assert (pipeline.name, pipeline.description, pipeline.owner) == ("wine", "Which cultivar?", "Cellar")
    assert pipeline.source.drop == ("note",)
    assert pipeline.source.id == "bottle"
    alcohol, table, cultivar = pipeline.checks
    assert (alcohol.min, alcohol.max, alcohol.nulls, alcohol.type) == (8, 20, False, "number")
    assert (table.column, table.rows_min, table.rows_max) == (None, 10, 1000)
    assert (cultivar.allowed, cultivar.unique) == (("A", "B"), False)
    assert (pipeline.split.test_size, pipeline.split.seed, pipeline.split.stratify) == (0.2, 3, True)
    # scikit-learn tells a list from a tuple: parameters keep theirs.
    assert pipeline.model.params == {"max_iter": 500, "ratio": [0.5, 1]}
    assert pipeline.model.search.space == {"C": (0.1, 1.0), "layers": ((3,), (3, 2))}
    assert (pipeline.model.search.method, pipeline.model.search.iterations, pipeline.model.search.folds) == (
        "random",
        2,
        3,
    )
    assert pipeline.evaluate.metrics == ("accuracy", "f1_macro")
    assert [(gate.metric, gate.min, gate.max) for gate in pipeline.evaluate.gates] == [
        ("accuracy", 0.9, None),
        ("f1_macro", 0.5, 1),
    ]
    assert (pipeline.evaluate.champion.metric, pipeline.evaluate.champion.margin) == ("accuracy", 0.01)
    assert (pipeline.register_.name, pipeline.register_.alias) == ("wine", "champion")
    assert pipeline.table("snapshot") == "wine.snapshot"


def test_the_rest_has_defaults(file):
    file.write_text(LEAST)

    pipeline = load(file)

    assert (pipeline.split.test_size, pipeline.split.seed, pipeline.split.stratify) == (0.25, 0, None)
    assert (pipeline.model.threads, pipeline.model.params, pipeline.model.search) == (1, {}, None)
    assert (pipeline.checks, pipeline.evaluate.gates, pipeline.register_) == ((), (), None)


def test_dates_bound_dates(file):
    file.write_text(LEAST + '[[checks]]\ncolumn = "picked"\nmin = 2020-01-01\nmax = 2021-01-01\n')
    [check] = load(file).checks
    assert (check.min, check.max) == (date(2020, 1, 1), date(2021, 1, 1))

    file.write_text(LEAST + '[[checks]]\ncolumn = "picked"\nmin = 2020-01-01T10:00:00Z\n')
    assert load(file).checks[0].min == datetime(2020, 1, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "instead", "said"),
    [
        ('name = "wine"', 'name = "1wine"', 'name = "1wine": should begin with a letter and hold only letters, '
         "digits, `.`, `_` and `-`"),
        ('owner = "Cellar"', "owner = 3", "owner = 3: should be text"),
        ('owner = "Cellar"', 'ownr = "Cellar"', "ownr is no key here; did you mean owner?"),
        ('owner = "Cellar"', "zzz = 1", "zzz is no key here; known are name, source, model, description, owner, "
         "checks, split, evaluate, register, drift, declared"),
        ('owner = "Cellar"', 'path = "x"', "path is no key here; known are name, source, model, description, owner, "
         "checks, split, evaluate, register, drift, declared"),
        ('uri = "data/wine.csv"', 'uri = ""', 'source.uri = "": should not be empty'),
        ('id = "bottle"', 'id = "cultivar"', "[source] target and id are the same column"),
        ('drop = ["note"]', 'drop = ["cultivar"]', "[source] drop names the target; a column cannot be both predicted "
         "and dropped"),
        ('drop = ["note"]', 'drop = "note"', 'source.drop = "note": should be a list'),
        ('drop = ["note"]', "drop = [1]", "source.drop.0 = 1: should be text"),
        ('column = "alcohol"', 'colunm = "alcohol"', "[checks.0] colunm is no key here; did you mean column?"),
        ("min = 8", 'min = "eight"', 'checks.0.min = "eight": should be a number or a date'),
        ("min = 8", "min = true", "checks.0.min = true: should be a number or a date"),
        ("min = 8", "min = nan", "checks.0.min = NaN: should be a number or a date"),
        ("min = 8", "min = 21", "[checks.0] min = 21.0 is above max = 20.0"),
        ("min = 8", "min = 2020-01-01", "[checks.0] min and max are of different types"),
        ("nulls = false", "nulls = 0", "checks.0.nulls = 0: should be true or false"),
        ('type = "number"', 'type = "float"', "checks.0.type = \"float\": should be 'integer', 'number', 'string', "
         "'boolean', 'date' or 'timestamp'"),
        ('type = "number"', "rows_min = 1", "[checks.0] rows_min is about the table; leave `column` out"),
        ("rows_min = 10", "rows_min = -1", "checks.1.rows_min = -1: should be at least 0"),
        ("rows_min = 10", "rows_min = 2000", "[checks.1] rows_min = 2000 is above rows_max = 1000"),
        ("rows_min = 10", "min = 10", "[checks.1] min needs a `column`"),
        ('allowed = ["A", "B"]', "allowed = []", "[checks.2] allowed lists no value"),
        ('allowed = ["A", "B"]', 'allowed = ["A", ["B"]]', 'checks.2.allowed.1 = ["B"]: should be text, a number, or '
         "true or false"),
        ("test_size = 0.2", "test_size = 1", "split.test_size = 1: should be less than 1"),
        ("test_size = 0.2", "test_size = 0", "split.test_size = 0: should be greater than 0"),
        ("test_size = 0.2", 'test_size = "a fifth"', 'split.test_size = "a fifth": should be a number'),
        ("test_size = 0.2", "test_size = true", "split.test_size = true: should be a number"),
        ("test_size = 0.2", "test_size = inf", "split.test_size = Infinity: should be a number"),
        ("seed = 3", "seed = 3.5", "split.seed = 3.5: should be a whole number"),
        ("seed = 3", "seed = true", "split.seed = true: should be a whole number"),
        ("seed = 3", 'group = "estate"', "[split] stratify and group exclude each other; keep one"),
        ("stratify = true", 'stratify = "yes"', 'split.stratify = "yes": should be true or false'),
        ('estimator = "sklearn.linear_model.LogisticRegression"', 'estimator = "Forest()"', 'model.estimator = '
         '"Forest()": should be an import path such as sklearn.linear_model.LogisticRegression'),
        ("params = { max_iter = 500, ratio = [0.5, 1] }", "params = 5", "model.params = 5: should be a table"),
        ("threads = 2", "threads = 0", "model.threads = 0: should be at least 1"),
        ("space = { C = [0.1, 1.0], layers = [[3], [3, 2]] }", "space = { C = 1 }", "model.search.space.C = 1: should "
         "be a list"),
        ("space = { C = [0.1, 1.0], layers = [[3], [3, 2]] }", "space = { C = [] }", "[model.search] space.C has no "
         "values to try"),
        ("space = { C = [0.1, 1.0], layers = [[3], [3, 2]] }", "space = {}", "model.search.space = {}: should not be "
         "empty"),
        ('method = "random"', 'method = "bayes"', "model.search.method = \"bayes\": should be 'grid' or 'random'"),
        ('method = "random"', 'method = "grid"', '[model.search] iterations is for method = "random"; a grid tries '
         "every combination"),
        ("folds = 3", "folds = 1", "model.search.folds = 1: should be at least 2"),
        ('metrics = ["accuracy", "f1_macro"]', 'metrics = "accuracy"', 'evaluate.metrics = "accuracy": should be a '
         "list"),
        ('metrics = ["accuracy", "f1_macro"]', "metrics = [1]", "evaluate.metrics.0 = 1: should be text"),
        ("min = 0.9", 'min = "high"', 'evaluate.gates.0.min = "high": should be a number'),
        ("min = 0.5", "min = 2", "[evaluate.gates.1] min = 2.0 is above max = 1.0"),
        ("margin = 0.01", "margin = -0.1", "evaluate.champion.margin = -0.1: should be at least 0"),
        ('alias = "champion"', 'alias = "our best"', 'register.alias = "our best": should hold only letters, digits, '
         "`_` and `-`"),
        ('alias = "champion"', 'alias = "v3"', 'register.alias = "v3": should not read as a version number'),
        ('alias = "champion"', 'approval = "other-person"', "[register] approval is given for an alias; write the "
         "alias that it is to move, or leave it out"),
        ('alias = "champion"', 'approval = "me"', "register.approval = \"me\": should be 'other-person'"),
        ('alias = "champion"', 'alias = "latest"', 'register.alias = "latest": should not read as a version number'),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_key_and_what_to_do(file, line, instead, said):
    file.write_text(WHOLE.replace(line, instead, 1))

    refused = refusal(file)

    number, _, message = refused.partition(": ")
    assert message == said
    # The line of the key itself, or of the head of the table that is wrong as a whole.
    section = WHOLE[: WHOLE.index(line)].splitlines()
    head = max((number for number, text in enumerate(section, 1) if text.startswith("[")), default=None)
    assert int(number) in {number_of(line), head}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LEAST.replace('uri = "data/wine.csv"\n', ""), ":2: source.uri is missing; add it"),
        (LEAST.replace("[model]\n", "[modle]\n"), ":5: modle is no key here; did you mean model?"),
        (LEAST.replace('name = "wine"', ""), " name is missing; add it"),
        ("", " name is missing; add it"),
        (LEAST.replace("[source]", "[[source]]"), ':2: source = [{"uri": "data/wine.csv", "target": "cultivar"}]: '
         "should be a table"),
        (LEAST + "[checks]\nrows_min = 1\n", ':7: checks = {"rows_min": 1}: should be a list of tables, each headed '
         "[[checks]]"),
        (LEAST + '[[evaluate.gates]]\nmetric = "accuracy"\n', ":7: [evaluate.gates.0] a gate needs `min`, `max` or "
         "`max_gap`"),
        (LEAST + '[[checks]]\ncolumn = "alcohol"\n', ":7: [checks.0] the check asks for nothing; give one of min, "
         "max, nulls, unique, allowed, type, rows_min, rows_max"),
        (LEAST + '[model.search]\nspace = { C = [1] }\nmethod = "random"\n', ':7: [model.search] method = "random" '
         "needs `iterations`"),
        (LEAST + "[register]\n", ":7: register.name is missing; add it"),
        (LEAST.replace("[model]", 'query = "select 1"\n[model]'), ":5: source.query needs a database URL in "
         'source.uri, such as postgresql+psycopg://host/db, but that is "data/wine.csv"'),
        ("name = wine", ":1: is not valid TOML: Invalid value (column 8)"),
        ('name = "wine', " is not valid TOML: Unterminated string (at end of document)"),
        (f"name = {'[' * 20_000}", " is nested too deeply to be read"),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_as_a_whole_is_told_so(file, text, said):
    file.write_text(text)

    refused = refusal(file)

    assert (refused if refused.startswith(" ") else f":{refused}") == said


def test_a_file_that_cannot_be_read_is_told_so(file):
    assert refusal(file.with_name("wnie.toml")) == " there is no such pipeline file"
    assert refusal(file.parent) == " is a folder, not a pipeline file; name the .toml file in it"
    file.write_bytes(b'name = "w\xefne"')
    assert refusal(file) == " is not UTF-8 text (byte 9); save it as UTF-8"


def test_what_an_error_speaks_of_stands_in_its_attributes(file):
    file.write_text(WHOLE.replace("seed = 3", "seed = 0.3"))

    with pytest.raises(PipelineFileError) as error:
        load(file)

    assert (error.value.path, error.value.key, error.value.line) == (file, "split.seed", number_of("seed = 3"))


def test_a_mark_that_some_editors_write_is_no_mistake(file):
    file.write_bytes(b"\xef\xbb\xbf" + LEAST.replace("\n", "\r\n").encode())

    assert load(file).name == "wine"


def test_arguments_are_set_over_the_file_in_order(file):
    pipeline = load(
        file,
        overrides=[
            "model.params.max_iter=7",
            "model.params.solver=liblinear",
            "split.test_size = 0.5",
            'owner="Ada = Lovelace"',
            "split.seed=1",
            "split.seed=2",
            'evaluate.gates=[{metric="accuracy", min=0.1}]',
        ],
    )

    assert pipeline.model.params == {"max_iter": 7, "solver": "liblinear", "ratio": [0.5, 1]}
    assert (pipeline.split.test_size, pipeline.split.seed, pipeline.owner) == (0.5, 2, "Ada = Lovelace")
    assert [gate.min for gate in pipeline.evaluate.gates] == [0.1]


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("seed", "--set seed: write KEY=VALUE, such as model.params.max_depth=3"),
        ("=3", "--set =3: write KEY=VALUE, such as model.params.max_depth=3"),
        ("owner.name=Ada", "--set owner.name: owner is no table; set it as a whole"),
        ("evaluate.gates.0.min=1", "--set evaluate.gates.0.min: gates is no table; set it as a whole"),
        ("split.seed=x", '--set split.seed=x: split.seed = "x": should be a whole number'),
        ("seed=3", "--set seed=3: seed is no key here; did you mean split.seed?"),
        ("split.target=x", "--set split.target=x: [split] target is no key here; did you mean source.target?"),
        ("sourc.uri=x", "--set sourc.uri=x: sourc is no key here; did you mean source?"),
        ("split.group=estate", "--set split.group=estate: [split] stratify and group exclude each other; keep one"),
        ("checks=[{rows_min=-1}]", "--set checks=[{rows_min=-1}]: checks.0.rows_min = -1: should be at least 0"),
        ("register={}", "--set register={}: register.name is missing; add it"),
        ("path=x", "path is no key here; known are name, source, model, description, owner, checks, split, evaluate, "
         "register, drift, declared"),
    ],
)  # fmt: skip
def test_a_mistake_in_an_argument_is_not_blamed_on_the_file(file, override, said):
    assert refusal(file, overrides=["owner=Ada", override]) == f" {said}"


def test_a_mistake_of_the_file_is_not_blamed_on_an_argument(file):
    file.write_text(WHOLE.replace("seed = 3", "seed = -3"))

    assert refusal(file, data="x.csv", overrides=["split.test_size=0.4"]).endswith(
        ": split.seed = -3: should be at least 0"
    )


def test_what_is_missing_for_an_argument_is_told_with_it(file):
    file.write_text(LEAST)

    assert refusal(file, overrides=["model.search.folds=3"]) == (
        " --set model.search.folds=3: model.search.space is missing; add it"
    )


def test_paths_start_from_the_project_and_an_arguments_from_the_working_folder(file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ada")

    assert load(file).uri == str(tmp_path / "project" / "data" / "wine.csv")
    assert load(file, data="mine.csv").uri == str(tmp_path / "mine.csv")
    assert load(file, data="s3://bucket/mine.csv").uri == "s3://bucket/mine.csv"
    assert load(file, overrides=["source.uri=/data/mine.csv"]).uri == "/data/mine.csv"
    assert load(file, overrides=["source.uri=~/mine.csv"]).uri == "/home/ada/mine.csv"


def test_no_password_leaves_by_what_is_kept_of_the_file(file):
    url = "postgresql://ada:secret@db/wine"
    file.write_text(LEAST.replace("data/wine.csv", url).replace("[model]", 'query = "select 1"\n[model]'))

    pipeline = load(file, overrides=[f'description="from {url}"'])

    assert pipeline.uri == url
    assert "secret" not in pipeline.text + str(pipeline.overrides) + str(pipeline.parameters())
    assert pipeline.parameters()["source.uri"] == "postgresql://db/wine"
    assert "secret" not in refusal(file, overrides=[f'split.seed="{url}"'])


def test_parameters_are_flat(file):
    parameters = load(file).parameters()

    assert parameters["model.params.max_iter"] == "500"
    assert parameters["checks.0.column"] == "alcohol"
    assert parameters["checks.0.nulls"] == "False"
    assert parameters["model.search.space.C"] == "[0.1, 1.0]"
    assert parameters["register.alias"] == "champion"
    assert "path" not in parameters
    assert "source.query" not in parameters


def test_the_digest_is_of_what_takes_effect(file):
    digest = load(file).digest

    file.write_text("# a comment\n" + WHOLE.replace('owner = "Cellar"', "owner='Cellar'") + "\n\n")
    assert load(file).digest == digest
    assert load(file, overrides=["split.seed=4"]).digest != digest


values = st.recursive(
    st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)


def as_toml(value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(character):08X}" for character in value) + '"'
    if isinstance(value, list):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    return repr(value)


# The file is written anew in each example.
reusing = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)


@reusing
@given(one=values, other=values)
@example(one=float("inf"), other=float("nan"))
@example(one=[1], other=[1.0])
def test_equal_parameters_and_only_they_have_equal_digests(file, one, other):
    file.write_text(LEAST)
    first = load(file, overrides=[f"model.params.alpha={as_toml(one)}"])
    second = load(file, overrides=[f"model.params.alpha={as_toml(other)}"])

    assert repr(first.model.params["alpha"]) == repr(one)
    assert (first.digest == second.digest) == (repr(one) == repr(other))


@reusing
@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_a_pipeline_or_one_sentence(file, text):
    file.write_text(text)
    try:
        load(file)
    except PipelineFileError as refused:
        error = refused
    else:
        return
    assert error.message.startswith(f"{file}:")
    assert "\n" not in error.message


@reusing
@given(
    section=st.sampled_from(["", "source", "model", "split", "checks", "register"]),
    key=st.text(max_size=8),
    value=values,
)
def test_any_key_and_value_is_taken_or_named(file, section, key, value):
    head = f"[[{section}]]\n" if section == "checks" else f"[{section}]\n" if section else ""
    line = f"{as_toml(key)} = {as_toml(value)}\n"
    text = line + LEAST if not section else LEAST + f"{head}{line}"
    if section in ("source", "model"):
        text = LEAST.replace(head, f"{head}{line}")
    file.write_text(text)
    try:
        load(file)
    except PipelineFileError as refused:
        error = refused
    else:
        return
    assert error.key is not None or "is not valid TOML" in error.message
    assert "\n" not in error.message


def test_lines_are_found_in_whatever_layout():
    text = '''\
"a b" = 1
note = """
seed = 1
[split]
"""
source = { uri = "x" }
split . seed = 2
checks = [
    { column = "a" },
]

[[evaluate.gates]]
metric = "a"
[[evaluate.gates]] # the second
"metric" = "b"
[evaluate.gates.of]
deep.er = 1
[ model ]
params = 1
'''
    tomllib.loads(text)

    assert line_of(text, ["a b"]) == 1
    assert line_of(text, ["split", "seed"]) == 7
    assert line_of(text, ["source", "uri"]) == 6
    assert line_of(text, ["checks", 0, "column"]) == 8
    assert line_of(text, ["evaluate", "gates", 0, "metric"]) == 13
    assert line_of(text, ["evaluate", "gates", 1]) == 14
    assert line_of(text, ["evaluate", "gates", 1, "metric"]) == 15
    assert line_of(text, ["evaluate", "gates", 1, "min"]) == 14
    assert line_of(text, ["evaluate", "gates", 1, "of", "deep", "er"]) == 17
    assert line_of(text, ["model", "params"]) == 19
    assert line_of(text, ["register"]) is None


def test_a_parameter_that_is_searched_is_not_set_too(tmp_path):
    path = tmp_path / "both.toml"
    path.write_text(
        'name = "both"\n[source]\nuri = "a.csv"\ntarget = "y"\n'
        '[model]\nestimator = "sklearn.svm.SVC"\nparams = { C = 1.0 }\n[model.search]\nspace = { C = [1.0, 2.0] }\n'
    )
    with pytest.raises(PipelineFileError, match=r"C is in params and in search\.space; the search would overrule it"):
        load(path)


def test_a_bound_that_is_a_date_is_written_as_one(tmp_path):
    path = tmp_path / "dated.toml"
    path.write_text(
        'name = "dated"\n[source]\nuri = "a.csv"\ntarget = "y"\n[[checks]]\ncolumn = "day"\nmin = 2026-01-31\n'
        '[model]\nestimator = "sklearn.dummy.DummyClassifier"\n'
    )
    pipeline = load(path)
    assert pipeline.parameters()["checks.0.min"] == "2026-01-31"
    assert pipeline.digest != load(path, overrides=["name=other"]).digest


DRIFTING = """name = "it"
[source]
uri = "a.csv"
target = "y"
[model]
estimator = "sklearn.dummy.DummyClassifier"
[drift]
psi = 0.3
[drift.columns."mean radius"]
ks = 0.5
"""


def test_a_column_may_have_limits_of_its_own_for_drift(tmp_path):
    (tmp_path / "it.toml").write_text(DRIFTING)
    drift = load(tmp_path / "it.toml").drift
    own = drift.of("mean radius")
    assert (own.psi, own.ks, own.missing) == (0.3, 0.5, 0.1)
    assert drift.of("other").ks == 0.15


@pytest.mark.parametrize(
    ("line", "instead", "said"),
    [
        ("psi = 0.3", "psi = -1", "drift.psi = -1: should be at least 0"),
        ("psi = 0.3", "pis = 0.3", "[drift] pis is no key here; did you mean psi?"),
        ("psi = 0.3", "significance = 1.0", "drift.significance = 1.0: should be less than 1"),
        ("ks = 0.5", "kss = 0.5", '[drift.columns."mean radius"] kss is no key here; did you mean ks?'),
    ],
)
def test_a_mistake_in_the_limits_of_drift_is_told(tmp_path, line, instead, said):
    (tmp_path / "it.toml").write_text(DRIFTING.replace(line, instead))
    with pytest.raises(PipelineFileError) as error:
        load(tmp_path / "it.toml")
    assert str(error.value).endswith(said)


def test_a_file_that_is_only_on_record_is_read_from_its_text(tmp_path):
    pipeline = parse(DRIFTING, tmp_path / "gone.toml", overrides=["drift.psi=0.4"])
    assert (pipeline.path, pipeline.drift.psi) == (tmp_path / "gone.toml", 0.4)
