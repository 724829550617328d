"""The bill of materials: what a reader of CycloneDX finds in it."""

import json
from dataclasses import replace

import pytest

from lineal.packs.formats import cyclonedx
from lineal.packs.interface import Document
from lineal.questions.dossier import Package
from tests.parts import judges

GROUPS = {
    "groupings": [
        {
            "by": ["z", "age"],
            "groups": [
                {
                    "labels": ["1", "30 to 40"],
                    "rows": 20,
                    "figures": [{"name": "accuracy", "value": 0.75, "low": 0.5, "high": 1.0}],
                },
                {"labels": ["2", "30 to 40"], "rows": 3, "figures": [{"name": "accuracy", "reason": "3 rows are few"}]},
            ],
        }
    ]
}


def grouped(known):
    """The same with metrics of groups on record, as the evaluation says them."""
    facts = known.facts
    judged = tuple(replace(run, facets={**run.facets, "lineal_groups": GROUPS}) for run in facts.evaluations)
    return replace(known, facts=replace(facts, evaluations=judged))


def referred(value):
    """All that is named as a `bom-ref`, and all that refers to one."""
    names, refs = [], set()

    def look(found, key=None):
        if isinstance(found, dict):
            for name, below in found.items():
                if name == "bom-ref":
                    names.append(below)
                look(below, name)
        elif isinstance(found, list):
            for below in found:
                look(below, key)
        elif key in ("ref", "dependsOn", "claims", "counterClaims", "evidence", "target", "requirement", "assessor"):
            refs.add(found)

    look(value)
    return names, refs


def test_the_card_says_what_the_model_takes_gives_and_how_it_did(much):
    component = cyclonedx.bom(much)["metadata"]["component"]
    assert component["type"] == "machine-learning-model"
    assert (component["name"], component["version"], component["purl"]) == ("demo", "1", "pkg:mlflow/demo@1")
    card = component["modelCard"]
    parameters = card["modelParameters"]
    assert parameters["approach"] == {"type": "supervised"}
    assert parameters["task"] == "binary classification"
    assert parameters["architectureFamily"] == "ensemble"
    assert parameters["inputs"] == [{"format": "column x, int64"}, {"format": "column z, int64"}]
    assert parameters["outputs"] == [{"format": "column y, int64"}]
    names = {each["bom-ref"]: each["name"] for each in cyclonedx.bom(much)["components"]}
    assert [names[each["ref"]] for each in parameters["datasets"]] == ["demo.train", "demo.test"]
    figures = card["quantitativeAnalysis"]["performanceMetrics"]
    assert {"type": "accuracy", "value": "0.95", "slice": "held-out rows"} in figures
    assert {"name": "lineal:spread:accuracy", "value": "0.01, cross-validation"} in card["properties"]


def test_a_figure_has_its_interval_where_one_is_known(much):
    known = replace(
        much, metrics=tuple(replace(each, low=0.9, high=0.99) for each in much.metrics if each.of == "held-out")
    )
    card = cyclonedx.bom(known)["metadata"]["component"]["modelCard"]
    (told,) = card["quantitativeAnalysis"]["performanceMetrics"]
    assert told["confidenceInterval"] == {"lowerBound": "0.9", "upperBound": "0.99"}


def test_considerations_are_what_people_stated_and_nothing_else(much):
    considered = cyclonedx.bom(much)["metadata"]["component"]["modelCard"]["considerations"]
    assert considered == {"users": ["radiologists"], "useCases": ["To help a clinician decide."]}
    notes = {each["text"]: each["annotator"]["individual"]["name"] for each in cyclonedx.bom(much)["annotations"]}
    assert notes["Looked at it closely."] == "Grace"
    assert notes["approve: better than the one before"] == "Ada"


def test_where_nothing_is_stated_the_card_is_silent(little):
    made = cyclonedx.bom(little)
    assert made["metadata"]["component"]["modelCard"] == {"bom-ref": "model-card"}
    assert "annotations" not in made


def test_groups_are_slices_and_one_without_a_figure_is_said_to_have_none(much):
    figures = cyclonedx.bom(grouped(much))["metadata"]["component"]["modelCard"]["quantitativeAnalysis"]
    told = {each["slice"]: each for each in figures["performanceMetrics"]}
    known = told["held-out rows, z = 1 & age = 30 to 40 (20 rows)"]
    assert (known["value"], known["confidenceInterval"]) == ("0.75", {"lowerBound": "0.5", "upperBound": "1.0"})
    few = told["held-out rows, z = 2 & age = 30 to 40 (3 rows)"]
    assert few["value"] == "not known: 3 rows are few"
    assert "confidenceInterval" not in few


def test_data_is_named_with_hashes_owner_and_what_it_was_made_of(much):
    made = cyclonedx.bom(much)
    data = {each["name"]: each for each in made["components"] if each["type"] == "data"}
    assert data.keys() == {"source.csv", "demo.snapshot", "demo.train", "demo.test"}
    train, source = data["demo.train"], data["source.csv"]
    assert source["hashes"] == [{"alg": "MD5", "content": "5" * 32}]
    told = train["data"][0]
    assert told["governance"] == {"owners": [{"organization": {"name": "Oncology"}}]}
    assert told["sensitiveData"] == ["z: personal data"]
    assert {"name": "lineal:rows", "value": "75"} in told["contents"]["properties"]
    below = {each["ref"]: each.get("dependsOn", []) for each in made["dependencies"]}
    refs = {name: each["bom-ref"] for name, each in data.items()}
    assert below["model"] == [refs["demo.train"]]
    assert below[refs["demo.train"]] == below[refs["demo.test"]] == [refs["demo.snapshot"]]
    assert below[refs["demo.snapshot"]] == [refs["source.csv"]]


def test_packages_and_the_models_files_are_named(much):
    known = replace(much, packages=(Package("scikit-learn", "1.9.1"), Package("Zarr_X", "1!2.0+local")))
    files = [Document("model/model.skops", b"x", "application/octet-stream", "The fitted model")]
    made = cyclonedx.bom(known, files)
    purls = {each["name"]: each["purl"] for each in made["components"] if each["type"] == "library"}
    assert purls == {"scikit-learn": "pkg:pypi/scikit-learn@1.9.1", "Zarr_X": "pkg:pypi/zarr-x@1%212.0%2Blocal"}
    (file,) = made["metadata"]["component"]["components"]
    assert file["name"] == "model/model.skops"
    assert file["hashes"][0]["content"] == "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"


def test_each_control_is_declared_by_its_verdict_and_open_is_no_claim(much):
    made = cyclonedx.bom(much)
    declared = made["declarations"]
    told = {each["requirement"]: each for attested in declared["attestations"] for each in attested["map"]}
    results = much.audit.models[0].results
    assert len(told) == len(results)
    assert {"pass", "fail", "open"} <= {result.verdict for result in results}
    for result in results:
        entry = told[f"requirement:{result.policy}.{result.control}"]
        score = {"pass": 1, "fail": 0}.get(result.verdict)
        assert entry["conformance"].get("score") == score
        assert result.sentence in entry["conformance"]["rationale"]
        assert ("claims" in entry, "counterClaims" in entry) == (score == 1, score == 0)
    standards = {each["name"]: each["version"] for each in made["definitions"]["standards"]}
    assert standards["EU AI Act, high-risk systems"].startswith("Regulation (EU) 2024/1689")


def test_whatever_is_referred_to_is_there_once(any_dossier):
    names, refs = referred(json.loads(json.dumps(cyclonedx.bom(any_dossier))))
    assert len(names) == len(set(names))
    assert refs <= set(names)


@pytest.mark.slow
def test_a_bill_that_says_what_the_schema_does_not_know_is_not_accepted(much, tmp_path):
    made = cyclonedx.bom(much)
    made["metadata"]["component"]["modelCard"]["mood"] = "good"
    (tmp_path / "bom.json").write_text(json.dumps(made))
    assert "mood" in judges.cyclonedx(tmp_path / "bom.json")
