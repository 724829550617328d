"""Policy files: those that are shipped, those of a project, and everything that may be wrong with one."""

from pathlib import Path

import pytest

from lineal.errors import PolicyError
from lineal.questions.audit import chosen, load, shipped
from lineal.questions.audit.checks import ours

WHOLE = """\
id = "mine"
title = "Rules of mine"
text_version = "2"
applies_from = 2026-01-01
note = "n"

[scope]
statement = "All models"
roles = ["provider"]
risk_classes = ["high"]

[[controls]]
id = "fresh"
title = "Fresh"
statement = "The data is fresh."
check = "data-age"
parameters = { days = 10 }
severity = "warn"
maps = [{ framework = "GDPR", clause = "Art. 5(1)(d)" }]
person = "Judge it."

[[controls]]
id = "signed"
title = "Signed"
statement = "The model is signed."
check = "model-signed"
"""


@pytest.fixture
def write(project):
    def call(text: str, name: str = "mine.toml", folder: str = "policies") -> Path:
        file = project / folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        return file

    return call


def refusal(file: Path) -> str:
    with pytest.raises(PolicyError) as error:
        load(file)
    assert "\n" not in error.value.message
    return error.value.message.removeprefix(str(file)).removeprefix(":")


def test_every_key_is_read(write):
    policy = load(write(WHOLE))
    fresh, signed = policy.controls
    assert (policy.id, policy.text_version, str(policy.applies_from)) == ("mine", "2", "2026-01-01")
    assert (policy.scope.roles, policy.scope.risk_classes) == (("provider",), ("high",))
    assert (fresh.parameters, fresh.severity, fresh.person) == ({"days": 10}, "warn", "Judge it.")
    assert (fresh.maps[0].framework, fresh.maps[0].clause) == ("GDPR", "Art. 5(1)(d)")
    assert (signed.severity, policy.line(signed)) == ("error", 23)


@pytest.mark.parametrize("name", ["eu-ai-act", "gdpr", "house", "nist-ai-rmf"])
def test_those_that_are_shipped_are_whole(name, project):
    (policy,) = chosen([name])
    assert policy.id == name
    assert policy.shipped
    for control in policy.controls:
        assert control.statement.endswith(".")
        assert control.maps
        assert name == "house" or control.person
    if name in ("eu-ai-act", "gdpr"):
        assert policy.applies_from


def test_each_check_is_used_by_a_shipped_policy(project):
    used = {control.check for policy in chosen() for control in policy.controls}
    # Lineal records what its own policies ask for; a team's may ask for more.
    assert used == set(ours()) - {"not-on-record"}
    assert all(made.function.__doc__ for made in ours().values())


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("title = \"Rules of mine\"", "titel = \"x\"", 2, "titel is no key here; did you mean title?"),
        ('check = "data-age"', 'check = "data-aeg"', 16,
         'control fresh: "data-aeg" is no check; did you mean data-age?'),
        ("days = 10", "dais = 10", 17, "control fresh: dais is no parameter of data-age; did you mean days?"),
        ("days = 10", 'days = "ten"', 17, 'control fresh: days = "ten": should be a valid integer'),
        ("parameters = { days = 10 }", "parameters = {}", 17, "control fresh: data-age needs the parameter days"),
        ('check = "model-signed"', 'check = "model-signed"\nparameters = { x = 1 }', 27,
         "control signed: x is no parameter of model-signed; it takes none"),
        ("Art. 5(1)(d)", "5.1.d", 19, 'control fresh: "5.1.d" is no clause of GDPR; write Art. 5(1)(b)'),
        ('framework = "GDPR"', 'framework = "EU AI Act", article = "5"', 19,
         "[controls.0.maps.0] article is no key here; known are framework, clause, version"),
        ('severity = "warn"', 'severity = "high"', 18, "controls.0.severity = \"high\": should be 'error' or 'warn'"),
        ('id = "signed"', 'id = "fresh"', 23, "control fresh is there twice; name one otherwise"),
        ('id = "signed"', 'id = "Signed it"', 23, 'controls.1.id = "Signed it": should begin with a lower-case letter '
         "and hold only such letters, digits and `-`"),
        ('statement = "All models"', "", 7, "scope.statement is missing; add it"),
        ("applies_from = 2026-01-01", 'applies_from = "soon"', 4, 'applies_from = "soon": '),
        ('id = "mine"', 'id = "mine', 1, "is not valid TOML: "),
        ('id = "mine"', 'shipped = true', 1, "shipped is no key here; "),
        ('check = "data-age"', 'check = "nothing.py:there"', 16,
         'control fresh: "nothing.py:there": there is no file '),
        ('check = "data-age"', 'check = "no\\u0000thing.py:there"', 16,
         'control fresh: "no\\u0000thing.py:there" names no file that there could be: '),
        ('check = "data-age"', f'check = "{"n" * 300}.py:there"', 16, 'control fresh: "nnn'),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line_and_what_to_do(write, old, new, line, said):
    assert old in WHOLE
    message = refusal(write(WHOLE.replace(old, new)))
    number, _, rest = message.partition(": ")
    assert (number, rest.startswith(said)) == (str(line), True), message


def test_files_that_cannot_be_read(write, project):
    assert "there is no such policy file" in refusal(project / "none.toml")
    assert "is not UTF-8 text" in refusal_of_bytes(write)


def refusal_of_bytes(write) -> str:
    file = write("")
    file.write_bytes(b"\xff\xfe\xfd")
    return refusal(file)


def test_a_name_that_is_none(project):
    with pytest.raises(PolicyError, match=r'"eu-ai-actt" is no policy; did you mean eu-ai-act\?'):
        chosen(["eu-ai-actt"])
    with pytest.raises(PolicyError, match=r"there are eu-ai-act, gdpr, house, nist-ai-rmf; or name a .toml file"):
        chosen(["zzzz"])


def test_a_projects_own_policy_takes_the_place_of_one_that_is_shipped(write):
    write(WHOLE.replace('id = "mine"', 'id = "house"'), "house.toml")
    write(WHOLE)
    policies = {policy.id: policy for policy in chosen()}
    assert list(policies) == ["eu-ai-act", "gdpr", "house", "nist-ai-rmf", "mine"]
    assert policies["house"].title == "Rules of mine"
    assert [policy.shipped for policy in policies.values()] == [True, True, False, True, False]


def test_a_policy_goes_by_one_name(write):
    message = refusal(write(WHOLE, "haus.toml"))
    assert message == "1: id is mine, and the file is named haus; name the file mine.toml"


def test_a_check_of_the_project_is_found_by_its_path(write, project):
    (project / "checks.py").write_text(
        "from lineal.questions.audit import Facts, found\n\n"
        "def rows(facts: Facts, *, least: int = 1):\n    return found('pass', 'x')\n"
    )
    asked = WHOLE.replace('"data-age"', '"checks.py:rows"').replace("days = 10", "least = 5")
    assert load(write(asked)).controls[0].check == "checks.py:rows"
    assert "did you mean least?" in refusal(write(asked.replace("least = 5", "lest = 5")))
    assert "checks.py has no function row; did you mean rows?" in refusal(write(asked.replace(":rows", ":row")))
    (project / "checks.py").write_text("raise ValueError('not today')\n")
    assert "checks.py cannot be run: ValueError: not today; mend it" in refusal(write(asked))


def test_code_is_run_only_from_the_project_for_its_own_policies(write, project, tmp_path):
    marks = tmp_path / "ran"
    code = f"open({str(marks)!r}, 'w')\n"
    (tmp_path / "outside.py").write_text(code)
    (project / "checks.py").write_text(code)
    (project / "link.py").symlink_to(tmp_path / "outside.py")
    for name in ("../outside.py:f", f"{tmp_path}/outside.py:f", "link.py:f"):
        assert "is code, which is run only from your own project" in refusal(
            write(WHOLE.replace('"data-age"', f'"{name}"'))
        )
    foreign = tmp_path / "mine.toml"
    foreign.write_text(WHOLE.replace('"data-age"', '"checks.py:f"'))
    assert "is code, which is run only from your own project" in refusal(foreign)
    assert not marks.exists()


def test_shipped_policies_run_no_code():
    assert all(".py:" not in file.read_text() for file in shipped().values())


def test_a_check_of_an_installed_package_is_found_by_its_entry_point(write, tmp_path, monkeypatch):
    from lineal.questions.audit import checks

    site = tmp_path / "site"
    (site / "house_checks-1.0.dist-info").mkdir(parents=True)
    (site / "house_checks-1.0.dist-info" / "METADATA").write_text("Name: house-checks\nVersion: 1.0\n")
    (site / "house_checks-1.0.dist-info" / "entry_points.txt").write_text(
        "[lineal.checks]\nours = house_checks:ours\nbroken = house_checks:nothing\n"
    )
    (site / "house_checks.py").write_text(
        "from lineal.questions.audit import found\n\ndef ours(facts, *, share: float = 0.5):\n"
        "    return found('review', f'{share} of {facts.subject}')\n"
    )
    monkeypatch.syspath_prepend(str(site))
    checks.installed.cache_clear()
    try:
        asked = WHOLE.replace('"data-age"', '"ours"').replace("days = 10", "share = 0.2")
        policy = load(write(asked))
        assert policy.found_check(policy.controls[0]).origin == "house_checks:ours (lineal.checks)"
        broken = refusal(write(asked.replace('"ours"', '"broken"')))
        assert "the check broken of house_checks:nothing (lineal.checks) cannot be loaded: AttributeError" in broken
    finally:
        checks.installed.cache_clear()
