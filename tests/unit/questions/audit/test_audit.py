"""An audit as a whole: verdicts, scope, waivers, checks that go wrong; and its forms for other tools."""

import json
import re
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lineal.cli.app import main
from lineal.errors import SubjectError
from lineal.pipeline import Declared
from lineal.questions.audit import audit, chosen, load
from lineal.questions.audit.policy import _tupled
from lineal.reports.oscal import assessment_results
from lineal.reports.sarif import sarif
from lineal.reports.terminal import to_json
from lineal.subjects import Subject

HOW_TO = Path(__file__).parents[4] / "docs" / "how-to" / "audit-a-model.md"
POLICY = """\
id = "mine"
title = "Rules of mine"
text_version = "2"
[scope]
statement = "All models"
"""
CONTROL = """
[[controls]]
id = "{id}"
title = "{id}"
statement = "It is so."
check = "{check}"
parameters = {parameters}
severity = "{severity}"
maps = [{{ framework = "GDPR", clause = "Art. 5(1)(d)" }}]
person = "Judge it."
"""


def control(id, check, parameters="{}", severity="error"):
    return CONTROL.format(id=id, check=check, parameters=parameters, severity=severity)


@pytest.fixture
def mine(project):
    def call(*controls, scope=""):
        file = project / "policies" / "mine.toml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(POLICY + scope + "".join(controls))
        return load(file)

    return call


@pytest.fixture
def run(lineage):
    def call(*policies, subject="model:demo@1", **options):
        return audit(lineage.store, policies, Subject.parse(subject) if subject else None, **options)

    return call


def verdicts(answer):
    return {result.control: result.verdict for result in answer.models[0].results}


def test_every_shipped_policy_gives_a_verdict_on_each_control(flow, run):
    flow.train(flow.Plan())
    policies = chosen()
    answer = run(*policies)
    (model,) = answer.models
    assert len(model.results) == sum(len(policy.controls) for policy in policies)
    assert not [each for each in model.results if "went wrong" in each.sentence]
    for result in model.results:
        assert result.command.startswith("lineal ")
        assert "complies" not in result.sentence
        # What has a verdict other than open names what it rests on.
        assert result.verdict in ("open", "n/a") or result.runs or result.datasets or result.numbers
    assert {policy.id: sum(policy.counts.values()) for policy in model.policies} == {
        policy.id: len(policy.controls) for policy in policies
    }


def test_open_never_passes_and_fails_where_it_is_asked_to(flow, run, mine):
    flow.train(flow.Plan())
    policy = mine(control("approved", "approved-by-another"), control("ended", "runs-ended"))
    answer = run(policy)
    assert (verdicts(answer), answer.holds) == ({"approved": "open", "ended": "pass"}, True)
    answer = run(policy, strict=True)
    assert not answer.holds
    assert [result.control for result in answer.failed] == ["approved"]


def test_a_warning_does_not_fail_the_audit(flow, run, mine):
    flow.train(flow.Plan(fitted_to="test"))
    assert not run(mine(control("leak", "held-out-untouched"))).holds
    assert run(mine(control("leak", "held-out-untouched", severity="warn")), strict=True).holds


def test_a_check_that_raises_is_open_and_the_audit_goes_on(flow, run, mine, project):
    flow.train(flow.Plan())
    (project / "checks.py").write_text(
        "def breaks(facts):\n    raise KeyError('a')\n\n"
        "def forgets(facts):\n    pass\n\n"
        "def counts(facts, *, least: int):\n"
        "    from lineal.questions.audit import found\n"
        "    rows = sum(table.rows or 0 for table in facts.fit.tables_read)\n"
        "    said = f'{rows} rows, at least {least}'\n"
        "    return found('pass' if rows >= least else 'fail', said, runs=[facts.fit], numbers={'rows': rows})\n"
    )
    policy = mine(
        control("breaks", "checks.py:breaks"),
        control("forgets", "checks.py:forgets"),
        control("enough", "checks.py:counts", "{ least = 75 }"),
        control("more", "checks.py:counts", "{ least = 76 }"),
    )
    answer = run(policy)
    assert verdicts(answer) == {"breaks": "open", "forgets": "open", "enough": "pass", "more": "fail"}
    breaks, forgets, enough, _ = answer.models[0].results
    assert breaks.sentence == "the check checks.py:breaks went wrong (KeyError: 'a')"
    assert "it should return Found with one of" in forgets.sentence
    assert enough.numbers == {"rows": 75}


def test_what_is_out_of_scope_does_not_apply(flow, run, mine):
    scope = 'roles = ["provider"]\nrisk_classes = ["high"]\n'
    asked = mine(control("leak", "held-out-untouched"), scope=scope)
    declared = {"declared.role": "provider", "declared.risk_class": "minimal"}
    flow.train(flow.Plan(fitted_to="test", parameters=declared))
    answer = run(asked)
    (result,) = answer.models[0].results
    assert result.verdict == "n/a"
    assert result.sentence == "out of scope: risk_class is declared as minimal, and the policy is about high"
    flow.train(flow.Plan(fitted_to="test", number=2, salt="2", parameters={"declared.role": "provider"}))
    answer = run(asked, subject="model:demo@2")
    assert verdicts(answer) == {"leak": "fail"}
    assert "[declared] risk_class is not in the pipeline file" in answer.models[0].policies[0].declared


def test_a_waiver_counts_until_it_ends(flow, run, mine):
    model = flow.train(flow.Plan(fitted_to="test"))
    policy = mine(control("leak", "held-out-untouched"), control("ended", "runs-ended"))
    until = str(datetime.now(UTC).date() + timedelta(days=2))
    waiver = {"action": "waive", "control": "leak", "until": until, "reason": "a demonstration"}
    flow.decide(model, "Grace", waiver)
    answer = run(policy)
    leak = answer.models[0].results[0]
    assert (leak.verdict, answer.holds) == ("fail", True)
    assert leak.waived.startswith("waived by Grace on ")
    assert leak.waived.endswith(f" until {until}: a demonstration")
    (suppression,) = sarif(answer)["runs"][0]["results"][0]["suppressions"]
    assert suppression == {"kind": "external", "status": "accepted", "justification": leak.waived}
    assert not run(policy, now=datetime.now(UTC) + timedelta(days=4)).holds


def test_a_waiver_counts_no_more_once_it_is_withdrawn(flow, run, mine):
    model = flow.train(flow.Plan(fitted_to="test"))
    policy = mine(control("leak", "held-out-untouched"), control("approved", "approved-by-another"))
    flow.decide(model, "Grace", {"action": "approve"})
    flow.decide(model, "Grace", {"action": "waive", "control": "mine.leak"})
    assert run(policy).holds
    flow.decide(model, "Grace", {"action": "withdraw", "control": "mine.leak"})
    answer = run(policy)
    assert [result.control for result in answer.failed] == ["leak"]
    # The approval is another thing.
    assert verdicts(answer)["approved"] == "pass"


def test_a_waiver_of_another_control_is_none(flow, run, mine):
    model = flow.train(flow.Plan(fitted_to="test"))
    flow.decide(model, "Grace", {"action": "waive", "control": "leek"})
    assert not run(mine(control("leak", "held-out-untouched"))).holds


def test_all_models_in_use_are_audited(flow, run, mine, lineage):
    policy = mine(control("ended", "runs-ended"))
    flow.train(flow.Plan(alias=None))
    with pytest.raises(SubjectError, match="no model holds an alias; name one: see `lineal list models`"):
        run(policy, subject=None)
    flow.train(flow.Plan(number=2, salt="2"))
    flow.train(flow.Plan(number=3, salt="3", alias="candidate"))
    answer = run(policy, subject=None)
    assert [(model.subject, model.aliases) for model in answer.models] == [
        ("model:demo@2", ("champion",)),
        ("model:demo@3", ("candidate",)),
    ]


def test_the_same_check_is_asked_once(flow, run, mine, project):
    flow.train(flow.Plan())
    (project / "checks.py").write_text(
        "from lineal.questions.audit import found\nasked = []\n\n"
        "def counts(facts):\n    asked.append(1)\n    return found('pass', str(len(asked)))\n"
    )
    answer = run(mine(control("one", "checks.py:counts"), control("two", "checks.py:counts")))
    assert [result.sentence for result in answer.models[0].results] == ["1", "1"]


def test_sarif_has_what_its_schema_asks_for(flow, run, mine):
    flow.train(flow.Plan(fitted_to="test"))
    policy = mine(
        control("leak", "held-out-untouched"),
        control("approved", "approved-by-another"),
        control("ended", "runs-ended"),
        control("changes", "changes-noted", severity="warn"),
    )
    log = json.loads(to_json(sarif(run(policy))))
    assert (log["version"], set(log)) == ("2.1.0", {"$schema", "version", "runs"})
    (told,) = log["runs"]
    driver = told["tool"]["driver"]
    assert driver["name"] == "Lineal"
    assert [rule["id"] for rule in driver["rules"]] == ["mine.leak", "mine.approved", "mine.ended", "mine.changes"]
    for rule in driver["rules"]:
        assert set(rule) <= {
            "id", "name", "shortDescription", "fullDescription", "help", "defaultConfiguration", "properties"
        }  # fmt: skip
        assert rule["defaultConfiguration"]["level"] in ("error", "warning", "note", "none")
    assert [(each["kind"], each["level"]) for each in told["results"]] == [
        ("fail", "error"),
        ("open", "none"),
        ("pass", "none"),
        ("notApplicable", "none"),
    ]
    for each in told["results"]:
        assert driver["rules"][each["ruleIndex"]]["id"] == each["ruleId"]
        assert each["message"]["text"].startswith("model:demo@1: ")
        (location,) = each["locations"]
        assert location["physicalLocation"]["artifactLocation"]["uri"] == "policies/mine.toml"
        assert location["physicalLocation"]["region"]["startLine"] > 5
        assert location["logicalLocations"] == [{"fullyQualifiedName": "model:demo@1", "kind": "object"}]
    assert re.fullmatch(r"[\d-]+T[\d:]+Z", told["invocations"][0]["endTimeUtc"])
    strict = sarif(run(policy, strict=True))["runs"][0]["results"][1]
    assert (strict["kind"], strict["level"], strict["properties"]["verdict"]) == ("fail", "error", "open")


UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[45][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
TOKEN = re.compile(r"(\w)[\w.-]*")


def test_oscal_says_satisfied_or_not_and_nothing_of_what_is_open(flow, run, mine):
    flow.train(flow.Plan(fitted_to="test"))
    policy = mine(
        control("leak", "held-out-untouched"),
        control("approved", "approved-by-another"),
        control("ended", "runs-ended"),
    )
    whole = json.loads(to_json(assessment_results(run(policy))))["assessment-results"]
    assert set(whole) == {"uuid", "metadata", "import-ap", "results", "back-matter"}
    assert set(whole["metadata"]) >= {"title", "last-modified", "version", "oscal-version"}
    assert whole["import-ap"]["href"] == f"#{whole['back-matter']['resources'][0]['uuid']}"
    (result,) = whole["results"]
    assert set(result) >= {"uuid", "title", "description", "start", "reviewed-controls", "observations", "findings"}
    reviewed = result["reviewed-controls"]["control-selections"][0]["include-controls"]
    assert [each["control-id"] for each in reviewed] == ["mine.leak", "mine.approved", "mine.ended"]
    assert [each["target"]["status"]["state"] for each in result["findings"]] == ["not-satisfied", "satisfied"]
    seen = {each["uuid"]: each for each in result["observations"]}
    assert len(seen) == 3
    for each in result["findings"]:
        (related,) = each["related-observations"]
        assert seen[related["observation-uuid"]]["title"] in ("leak", "ended")
    for each in seen.values():
        assert each["methods"][0] in ("TEST", "EXAMINE")
        assert each["collected"]
        assert each["relevant-evidence"][0]["description"].startswith("lineal ")
    text = json.dumps(whole)
    assert all(UUID.fullmatch(found) for found in re.findall(r'"uuid": "([^"]+)"', text))
    assert all(TOKEN.fullmatch(found) for found in re.findall(r'"control-id": "([^"]+)"', text))


def test_the_command_ends_with_one_where_a_control_fails(flow, mine, capsys, lineage):
    mine(control("leak", "held-out-untouched"), control("approved", "approved-by-another"))
    flow.train(flow.Plan(fitted_to="test"))
    flow.train(flow.Plan(number=2, salt="2"))

    def lineal(*words):
        with pytest.raises(SystemExit) as ended:
            main([*words])
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    status, out, _ = lineal("audit", "model:demo@1", "--policy", "mine")
    assert status == 1
    assert "fail  leak" in out
    assert "1 control makes it fail" in out
    assert "whether a law is met is for a person to say" in out
    status, out, _ = lineal("audit", "model:demo@champion", "--policy", "policies/mine.toml", "--json")
    assert status == 0
    (model,) = json.loads(out)["models"]
    assert [(each["control"], each["verdict"], each["person"]) for each in model["results"]] == [
        ("leak", "pass", "Judge it."),
        ("approved", "open", "Judge it."),
    ]
    assert model["results"][0]["maps"] == [{"framework": "GDPR", "version": "2", "clause": "Art. 5(1)(d)"}]
    assert lineal("audit", "model:demo@2", "--policy", "mine", "--strict", "--format", "sarif")[0] == 1
    assert "assessment-results" in json.loads(lineal("audit", "--policy", "mine", "--format", "oscal")[1])
    for words, said in (
        (("model:demoo",), "lineal: model:demoo: no model 'demoo' is on record; did you mean demo?"),
        (("dataset:demo.train",), "lineal: 'dataset:demo.train' cannot be asked about here; write one of model:"),
        (("--policy", "mien"), 'lineal: "mien" is no policy; did you mean mine?'),
        (("--format", "xml"), "xml"),
    ):
        status, _, err = lineal("audit", *words)
        assert status == 2
        assert said in err
        assert err.count("\n") == 1


def test_a_store_with_nothing_in_it(project, capsys, monkeypatch):
    monkeypatch.setenv("LINEAL_STORE", f"sqlite:///{project}/none.db")
    with pytest.raises(SystemExit) as ended:
        main(["audit"])
    assert ended.value.code == 2
    assert "nothing" in capsys.readouterr().err


def test_the_how_to_s_own_policy_and_check_work(flow, run, project):
    page = HOW_TO.read_text()
    policy, code = (
        re.search(rf"```{language}\n({begins}.*?)```", page, re.DOTALL)[1]
        for language, begins in (("toml", "id = "), ("python", "from lineal.questions"))
    )
    for name, text in (("policies/ours.toml", policy), ("checks/rows.py", code)):
        (project / name).parent.mkdir()
        (project / name).write_text(text)
    flow.train(flow.Plan())
    answer = run(load(project / "policies" / "ours.toml"))
    assert verdicts(answer) == {"fresh": "pass", "enough-rows": "fail"}
    assert answer.models[0].results[1].sentence == "75 rows"
    assert answer.holds


def test_what_the_how_to_declares_is_what_a_pipeline_file_takes():
    page = HOW_TO.read_text()
    declared = [tomllib.loads(text) for text in re.findall(r"```toml\n(\[declared\].*?)```", page, re.DOTALL)]
    assert len(declared) == 2
    keys = {key for each in declared for key in Declared.model_validate(_tupled(each["declared"])).model_fields_set}
    assert keys == set(Declared.model_fields)


def test_the_how_to_s_test_of_robustness_is_read(flow, ask):
    page = HOW_TO.read_text()
    (code,) = re.findall(r"```python\n(from lineal import Dataset.*?)```", page, re.DOTALL)
    model = flow.train(flow.Plan())
    for reached, verdict in ((0.93, "pass"), (0.5, "fail")):
        names = {"accuracy_with_noise": lambda model, test, reached=reached: reached}
        exec(code, names)  # noqa: S102 - our own page
        names["shake"](model, flow.table("test", "", ("x", "z"), 25))
        found = ask("robustness-tested")
        assert (found.verdict, f"({reached}, expected >= 0.8)" in found.sentence) == (verdict, True)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("runs-ended", "runs-endet", 'control ended: "runs-endet" is no check; did you mean runs-ended?'),
        ("{}", "{ day = 1 }", "control ended: day is no parameter of runs-ended; it takes none"),
        ("Art. 5(1)(d)", "five", 'control ended: "five" is no clause of GDPR; write Art. 5(1)(b)'),
    ],
)
def test_a_policy_that_cannot_be_used_is_told_in_one_sentence_and_nothing_is_audited(
    flow, mine, capsys, old, new, said
):
    flow.train(flow.Plan())
    mine(control("ended", "runs-ended"))
    file = Path("policies/mine.toml")
    file.write_text(file.read_text().replace(old, new, 1))
    with pytest.raises(SystemExit) as ended:
        main(["audit", "model:demo@1", "--policy", "mine"])
    told = capsys.readouterr()
    assert (ended.value.code, told.out, told.err.count("\n")) == (2, "", 1)
    assert "policies/mine.toml:" in told.err
    assert said in told.err


def test_a_model_of_which_nothing_but_its_name_is_on_record(flow, run):
    flow.register(flow.Model("demo.model", "a" * 32, "models:/m-1"), None, flow.Plan())
    (model,) = run(*chosen()).models
    assert {each.verdict for each in model.results if each.check not in _ABOUT_THE_LOG} <= {"open", "n/a"}
    assert not [each for each in model.results if "went wrong" in each.sentence]


# These speak of the events there are, of what was installed, and of the lock file; of no data.
_ABOUT_THE_LOG = ("log-intact", "log-kept", "packages-pinned")
