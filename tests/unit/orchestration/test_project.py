"""Finding and loading the project's own flow."""

import subprocess
import sys
from pathlib import Path

import pytest

from lineal.errors import ProjectError
from lineal.orchestration.project import Entrypoint, flow_entrypoint, prediction_entrypoint

YAML = """
definitions:
  train: &train
    entrypoint: flows.train.train
deployments:
  - name: sweep
    entrypoint: flows.sweep.sweep
  - <<: *train
    name: wine
    parameters: {pipeline: pipelines/wine.toml}
  - name: cars
    entrypoint: mine.cars.train
    parameters:
      pipeline: pipelines/cars.toml
  - name: wine-scores
    entrypoint: flows.predict.predict
    parameters: {model: "model:wine@champion", data: new.csv}
  - name: cars-scores
    entrypoint: mine.cars.predict
    parameters: {model: "model:cars@3", data: new.csv}
  - name: planes-scores
    entrypoint: mine.planes.predict
    parameters: {model: "model:planes", data: new.csv}
"""


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "project"
    (folder / "pipelines" / "deep").mkdir(parents=True)
    (folder / "prefect.yaml").write_text(YAML)
    return folder


def test_the_file_with_a_deployment_gets_its_entrypoint(project):
    assert flow_entrypoint(Path("pipelines/cars.toml"), project) == Entrypoint("mine.cars.train", project)
    assert flow_entrypoint(Path("../cars.toml"), project / "pipelines" / "deep") == Entrypoint(
        "mine.cars.train", project
    )
    assert flow_entrypoint(project / "pipelines" / "wine.toml", Path(project)).path == "flows.train.train"


@pytest.mark.parametrize("pipeline", [None, Path("/elsewhere/my.toml")])
def test_any_other_file_gets_the_first_deployment_that_takes_a_pipeline(project, pipeline):
    assert flow_entrypoint(pipeline, project) == Entrypoint("flows.train.train", project)


def test_the_parameter_tells_a_flow_that_predicts_from_one_that_trains(project):
    assert prediction_entrypoint("cars", project) == Entrypoint("mine.cars.predict", project)
    assert prediction_entrypoint("planes", project).path == "mine.planes.predict"
    assert prediction_entrypoint("boats", project).path == "flows.predict.predict"
    assert flow_entrypoint(Path("elsewhere.toml"), project).path == "flows.train.train"


def test_without_a_flow_that_predicts_the_error_shows_one(project):
    (project / "prefect.yaml").write_text(YAML.partition("  - name: wine-scores")[0])
    message = r"no deployment has both an entrypoint and a `model` parameter.*`entrypoint: flows\.predict\.predict`"
    with pytest.raises(ProjectError, match=message):
        prediction_entrypoint("wine", project)


def test_without_a_project_the_error_says_where_it_looked(tmp_path):
    with pytest.raises(ProjectError) as error:
        flow_entrypoint(None, tmp_path)

    assert error.value.message == (
        f"there is no prefect.yaml in {tmp_path} or in any folder above it; run this inside a Lineal project, or write "
        "one with a deployment that has an entrypoint and a `pipeline` parameter"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("deployments:\n  - name: [a\nb: c", r"prefect\.yaml:3: is not valid YAML: .*; mend that line"),
        ("deployments: all", "`deployments` should be a list"),
        ("", "no deployment has both an entrypoint and a `pipeline` parameter, so there is no flow to run"),
        ("deployments: [{parameters: {pipeline: a.toml}}, {entrypoint: a.b}]", "no deployment has both"),
        ("[1, 2]", "no deployment has both"),
    ],
)
def test_a_prefect_yaml_that_cannot_serve_is_named(project, text, message):
    (project / "prefect.yaml").write_text(text)

    with pytest.raises(ProjectError, match=message) as error:
        flow_entrypoint(None, project)

    assert error.value.message.startswith(str(project / "prefect.yaml"))


def test_a_prefect_yaml_that_is_no_text_is_named(project):
    (project / "prefect.yaml").write_bytes(b"\xff\xfe")

    with pytest.raises(ProjectError, match=r"prefect\.yaml cannot be read: .*; mend the file"):
        flow_entrypoint(None, project)


SAID = {
    "flows.train.train": "train-it",
    "flows.train:train": "train-it",
    "flows/train.py:train": "train-it",
    "flows.nothing.train": "cannot be imported: there is no module flows.nothing; mend the entrypoint, or install the "
    "module",
    "flows.needy.train": "cannot be imported: there is no module torchvision_of_tomorrow; mend the entrypoint, or "
    "install the module",
    "flows.broken.train": "cannot be imported: ZeroDivisionError: division by zero; mend it there",
    "flows.train.step": "is no flow; write the module path of a function under @flow, such as flows.train.train",
    "train": "is no flow; write the module path of a function under @flow, such as flows.train.train",
}


@pytest.mark.slow
def test_a_flow_is_loaded_from_its_project_or_the_reason_why_not_is_told(project):
    flows = project / "flows"
    flows.mkdir()
    (flows / "__init__.py").touch()
    (flows / "train.py").write_text(
        "from prefect import flow\n@flow(name='train-it')\ndef train(pipeline): ...\ndef step(): ...\n"
    )
    (flows / "broken.py").write_text("1 / 0\n")
    (flows / "needy.py").write_text("import torchvision_of_tomorrow\n")
    # In a process of its own, as `lineal run` is: modules stay imported.
    script = (
        "import sys; from pathlib import Path\n"
        "from lineal.errors import ProjectError\n"
        "from lineal.orchestration.project import Entrypoint, load_flow\n"
        "for path in sys.argv[2:]:\n"
        "    try: print(load_flow(Entrypoint(path, Path(sys.argv[1]))).name)\n"
        "    except ProjectError as error: print(error.message)\n"
    )
    environment = {"PREFECT_HOME": str(project / ".prefect"), "DO_NOT_TRACK": "true"}

    done = subprocess.run(
        [sys.executable, "-c", script, str(project), *SAID],
        capture_output=True,
        text=True,
        check=True,
        cwd=project.parent,
        env=environment,
    )

    said = zip(SAID, done.stdout.splitlines(), strict=True)
    prefix = "the entrypoint {} of " + str(project / "prefect.yaml") + " "
    assert {path: line.removeprefix(prefix.format(path)) for path, line in said} == SAID
