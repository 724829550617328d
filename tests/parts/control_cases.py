"""Which model of which records (`controls`) brings which check to which verdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    """A verdict that a check comes to.

    Attributes:
        said: what its sentence has in it.
        parameters: of the check, where they are not its own.
        place: whose records are asked.
        later: so many days from now.
    """

    check: str
    verdict: str
    model: str
    said: str
    parameters: dict[str, Any] = field(default_factory=dict)
    place: str = "shop"
    later: float = 0

    def __str__(self) -> str:
        return f"{self.check}-{self.verdict}"


CASES = [
    Case("data-origin", "pass", "wine@1", "1 source, known by place and content hash: wine.csv@"),
    Case("data-origin", "fail", "service@1", "the content of wine.csv was not recorded"),
    Case("data-origin", "open", "bare@1", "nothing is on record of what it was made of", place="attic"),
    Case("split-disjoint", "pass", "wine@1", "no row stands on both sides of the stratified split of seed 1"),
    Case("split-disjoint", "fail", "careless@1", "held-out rows repeat a training row value for value"),
    Case("split-disjoint", "open", "bare@1", "no run on record compared", place="attic"),
    Case("held-out-untouched", "pass", "wine@1", "no run on its way from the sources read wine.test"),
    Case("held-out-untouched", "fail", "leaky@1", "which is what the held-out rows were taken from"),
    Case("held-out-untouched", "open", "bare@1", "no evaluation of it is on record", place="attic"),
    Case("target-leakage", "pass", "wine@1", "none of 12 columns alone tells the target"),
    Case("target-leakage", "fail", "careless@1", "outcome alone tells the target (roc_auc_ovr 1)"),
    Case("target-leakage", "open", "bare@1", "the run that fitted it is not on record", place="attic"),
    Case("quality-checks", "pass", "wine@1", "7 checks held before the fit began"),
    Case("quality-checks", "fail", "wine@2", "version 1 was held to "),
    Case("quality-checks", "open", "byhand@1", "no check of the data that it was made of is on record"),
    Case("preparation-recorded", "pass", "wine@1", "no gap, each at a known commit"),
    Case("preparation-recorded", "fail", "byhand@1", "no run on record made byhand.snapshot@"),
    Case("preparation-recorded", "open", "bare@1", "the run that fitted it is not on record", place="attic"),
    Case("data-age", "pass", "wine@1", "days ago, no more than 30", {"days": 30}),
    Case("data-age", "fail", "wine@1", "40.0 days ago, more than 30", {"days": 30}, later=40),
    Case("data-age", "open", "bare@1", "when its data was read is not on record", {"days": 30}, place="attic"),
    Case("gaps-noted", "pass", "wine@1", "no value is missing in 14 columns; Grace noted: only Italian wines"),
    Case("gaps-noted", "fail", "careless@1", "missing: hue in 20 of 356 rows, and nobody noted it as a gap"),
    Case("gaps-noted", "open", "bare@1", "how much is missing in its data is not on record", place="attic"),
    Case("recalls-handled", "pass", "wine@1", "no recall stands against the "),
    Case("recalls-handled", "fail", "careless@1", "(a column of the outcome); and it predicted 1 batch since"),
    Case("recalls-handled", "open", "bare@1", "nothing is on record of what it was made of", place="attic"),
    Case("special-columns", "pass", "wine@1", "it learns from none of magnesium"),
    Case("special-columns", "fail", "careless@1", "it learns from ash"),
    Case("special-columns", "open", "leaky@1", "[declared] special is not in its pipeline file"),
    Case("personal-data", "pass", "wine@1", "1 column of personal data; intended_purpose: To tell cultivars apart."),
    Case("personal-data", "fail", "careless@1", "1 column of personal data, and no intended_purpose and no retention"),
    Case("personal-data", "open", "leaky@1", "[declared] personal is not in its pipeline file"),
    Case("processing-recorded", "pass", "wine@1", "given to mailing, 1 job of them on record"),
    Case("processing-recorded", "fail", "careless@1", "mailing reads careless.snapshot, and no such recipient"),
    Case("processing-recorded", "open", "leaky@1", "[declared] personal is not in its pipeline file"),
    Case("gates-first", "pass", "wine@1", "accuracy >= 0.9: set before the evaluation began, and held"),
    Case("gates-first", "fail", "late@1", "accuracy >= 0.9 was set after the evaluation had begun"),
    Case("gates-first", "open", "careless@1", "no threshold was set"),
    Case("metrics-recorded", "pass", "wine@1", "accuracy "),
    Case("metrics-recorded", "fail", "wine@1", "recall_macro was asked for and is not", {"metrics": ["recall_macro"]}),
    Case("metrics-recorded", "open", "bare@1", "no evaluation of it is on record", place="attic"),
    Case("metric-spread", "pass", "wine@1", "over 3 metrics"),
    Case("metric-spread", "fail", "wine@1", "is above 0.0001", {"spread_max": 0.0001}),
    Case("metric-spread", "open", "bare@1", "no spread of any metric is on record", place="attic"),
    Case("robustness-tested", "pass", "wine@1", "accuracy with numbers off by 0.1 standard deviations (0."),
    Case("robustness-tested", "fail", "late@1", "accuracy with numbers off by 20 standard deviations (0."),
    Case("robustness-tested", "open", "leaky@1", "no test of its robustness is on record"),
    Case("runs-ended", "pass", "wine@1", "runs began and ended"),
    Case("runs-ended", "fail", "byhand@1", "summarise has no end on record; `lineal sweep` ends what was killed"),
    Case("runs-ended", "open", "bare@1", "the run that fitted it is not on record", place="attic"),
    Case("log-intact", "pass", "wine@1", "signed checkpoint"),
    Case("log-intact", "fail", "wine@1", " is not what was signed", place="forged"),
    Case("log-intact", "open", "wine@1", "there is no public key here to verify by", place="keyless"),
    Case("log-kept", "pass", "wine@1", "nothing was deleted from the log since its first event"),
    Case("log-kept", "fail", "wine@1", "events 1 to 5 were put under a checkpoint and are gone", place="cut"),
    Case("log-kept", "open", "bare@1", "no checkpoint says with which event the log began", place="attic"),
    Case("reproducible", "pass", "wine@1", "without changes, parameters, 3 seeds, packages and data versions"),
    Case("reproducible", "fail", "careless@1", "the code differed from its commit"),
    Case("reproducible", "open", "bare@1", "the run that fitted it is not on record", place="attic"),
    Case("packages-pinned", "pass", "wine@1", "each at the version that requirements.txt names"),
    Case("packages-pinned", "fail", "careless@1", "packages not as requirements.txt has it"),
    Case("packages-pinned", "open", "bare@1", "whether the packages are those that it names is", place="attic"),
    Case("model-signed", "pass", "wine@1", "its files are those that the key "),
    Case("model-signed", "fail", "wine@1", "model.skops was changed", place="forged"),
    Case("model-signed", "open", "bare@1", "the record names no MLflow run that keeps its files", place="attic"),
    Case("changes-noted", "pass", "wine@3", "Ada said: the check is back"),
    Case("changes-noted", "fail", "wine@2", "and nobody noted or decided anything of it"),
    Case("changes-noted", "open", "bare@2", "what made version 1 is not on record", place="attic"),
    Case("approved-by-another", "pass", "wine@1", "looked at its errors; Ada trained it"),
    Case("approved-by-another", "fail", "careless@1", "which is the same person"),
    Case("approved-by-another", "open", "leaky@1", "nobody approved it"),
    Case("withdrawal-tried", "pass", "wine@1", "a drill"),
    Case("withdrawal-tried", "fail", "wine@1", "a drill, longer ago than 365 days", later=400),
    Case("withdrawal-tried", "open", "leaky@1", "nobody has withdrawn it"),
    Case("predictions-reviewed", "pass", "wine@1", "1 batch of predictions, each reviewed; Grace: looked at each row"),
    Case("predictions-reviewed", "fail", "careless@1", "nobody reviewed "),
    Case("predictions-reviewed", "open", "leaky@1", "[declared] legal_effect is not in its pipeline file"),
    Case("incidents-closed", "pass", "wine@1", "1 incident of Cellar laboratory, each closed; Grace: labels exchanged"),
    Case("incidents-closed", "fail", "careless@1", "not closed for 60.0 days: a grower complained (Ada)", later=60),
    Case("incidents-closed", "open", "careless@1", "not closed for 0.0 days: a grower complained (Ada)"),
    Case("drift-checked", "pass", "wine@1", "1 comparison, the newest 0.0 days ago; none had drifted"),
    Case("drift-checked", "fail", "wine@1", "the newest comparison is 40.0 days old, and the limit is 30", later=40),
    Case("drift-checked", "open", "leaky@1", "no batch was compared with its training rows so far"),
    Case("predictions-traceable", "pass", "wine@1", "1 batch of 178 predictions, each with version, rows and ids"),
    Case("predictions-traceable", "fail", "late@1", "1 batch cannot be led back to its rows"),
    Case("predictions-traceable", "open", "leaky@1", "it has predicted nothing so far"),
    Case("inputs-valid", "pass", "wine@1", "1 batch with the 12 columns that it learnt from; at most "),
    Case("inputs-valid", "fail", "careless@1", "of alcohol lie outside of what was learnt"),
    Case("inputs-valid", "open", "leaky@1", "it has predicted nothing so far"),
    Case("documented", "pass", "wine@1", "owner: Cellar laboratory; description: "),
    Case("documented", "fail", "careless@1", "not stated: description, intended_purpose, risk_class"),
    Case("documented", "open", "bare@1", "not stated: owner", place="attic"),
    Case("review-due", "pass", "wine@1", "it is to be reviewed by 2099-01-01"),
    Case("review-due", "fail", "careless@1", "it was to be reviewed by 2026-01-31"),
    Case("review-due", "open", "leaky@1", "[declared] review_by is not in its pipeline file"),
    Case("packs-kept", "pass", "wine@1", "/wine.zip, is as it was written"),
    Case("packs-kept", "fail", "late@1", "/late.zip, is not as it was written"),
    Case("packs-kept", "open", "leaky@1", "no evidence pack of it is on record"),
    Case("not-on-record", "open", "wine@1", "a parade is not on record", {"what": "a parade"}),
]
# What real runs bring to a verdict in a test of its own.
ELSEWHERE = {
    (check, verdict): "tests/flows/test_groups.py::test_audits_of_groups_by_what_runs_did"
    for check in ("group-gaps-answered", "groups-represented", "groups-watched")
    for verdict in ("pass", "fail", "open")
}
# Verdicts that no run brings a check to, and why.
UNREACHED = {
    ("not-on-record", "pass"): "it is for what no run records",
    ("not-on-record", "fail"): "it is for what no run records",
}
