"""Drift: the figures are SciPy's, chance is not taken for drift, and what has changed is found."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import stats

from lineal.datasets import read as reading
from lineal.datasets.read import to_frame
from lineal.datasets.table import write_table
from lineal.errors import TrackingError
from lineal.models import drift as module
from lineal.models.drift import compare
from lineal.models.fitting import fit
from lineal.models.profile import Profile, numbers_of, profile_of
from lineal.pipeline import Drift as Limits

COLOURS = ["red", "green", "blue"]


def table(count, seed, shift=0.0, colours=(0.5, 0.3, 0.2), gaps=0.1):
    draw = np.random.default_rng(seed)
    when = np.datetime64("2026-01-01") + draw.integers(0, 300, count)
    return pa.table(
        {
            "x": draw.normal(shift, 1, count),
            "few": draw.integers(0, 4, count),
            "gappy": pa.array(draw.normal(size=count), mask=draw.random(count) < gaps),
            "flag": draw.random(count) < 0.4,
            "colour": draw.choice(COLOURS, count, p=colours),
            "when": pa.array(when.astype("datetime64[D]")),
            "target": draw.choice(["a", "b"], count),
        }
    )


@pytest.fixture
def profile(make_pipeline):
    frame = to_frame(write_table(table(3000, 0), "it.train"))
    return profile_of(fit(make_pipeline(), frame).estimator, frame)


def against(profile, rows, limits=None):
    found = compare(profile, write_table(rows, "it.batch"), limits or Limits())
    return found, {column.column: column for column in found.columns}


def test_ks_and_chi_square_are_scipys(profile):
    train, batch = table(3000, 0).to_pandas(), table(800, 1, shift=0.3, colours=(0.4, 0.4, 0.2)).to_pandas()
    _, found = against(profile, pa.Table.from_pandas(batch, preserve_index=False))
    exact = stats.ks_2samp(train["x"], batch["x"]).statistic
    # At the edges of 128 bins: never more, and less by a bin's weight at the most.
    assert exact - 1 / 100 <= found["x"].ks <= exact
    # Few values are all edges.
    exact = stats.ks_2samp(train["few"], batch["few"])
    assert found["few"].ks == pytest.approx(exact.statistic)
    assert found["flag"].ks == pytest.approx(stats.ks_2samp(train["flag"], batch["flag"]).statistic)
    counts = [[(part["colour"] == colour).sum() for colour in COLOURS] for part in (train, batch)]
    chi = stats.chi2_contingency(counts, correction=False)
    assert (found["colour"].chi2, found["colour"].p_value) == pytest.approx((chi.statistic, chi.pvalue))


def test_psi_is_the_textbooks(profile):
    train, batch = table(3000, 0).to_pandas(), table(800, 1, shift=0.5).to_pandas()
    _, found = against(profile, pa.Table.from_pandas(batch, preserve_index=False))
    p = np.array([(train["colour"] == colour).mean() for colour in COLOURS])
    q = np.array([(batch["colour"] == colour).mean() for colour in COLOURS])
    assert found["colour"].psi == pytest.approx(((q - p) * np.log(q / p)).sum(), abs=1e-4)
    edges = np.quantile(train["x"], np.linspace(0, 1, 11)[1:-1])
    p, q = (np.bincount(np.searchsorted(edges, part["x"]), minlength=10) / len(part) for part in (train, batch))
    assert found["x"].psi == pytest.approx(((q - p) * np.log(q / p)).sum(), rel=0.1)


@pytest.mark.parametrize("rows", [10, 60, 500])
def test_chance_is_not_taken_for_drift(profile, rows):
    alarms = sum(bool(against(profile, table(rows, seed))[0].drifted) for seed in range(1, 101))
    assert alarms <= 4  # one in a hundred is what `significance` allows


def test_what_has_changed_is_found_and_nothing_else(profile):
    rows = table(400, 2, shift=1.0, colours=(0.1, 0.1, 0.8), gaps=0.6)
    found, _ = against(profile, rows)
    assert {column.column: column.over for column in found.drifted} == {
        "x": ("psi", "ks"),
        "colour": ("psi",),
        "gappy": ("missing",),
    }
    # Those over a limit come first, and the greatest PSI before all.
    assert found.columns[0].column == "colour"


def test_values_that_were_never_learnt_are_counted_and_told(profile):
    rows = table(100, 3)
    rows = rows.set_column(4, "colour", pa.array(["purple"] * 20 + ["red"] * 80))
    rows = rows.set_column(0, "x", pa.array([50.0] * 10 + [0.0] * 90))
    found, by_name = against(profile, rows)
    assert by_name["colour"].unseen == 0.2
    assert by_name["x"].unseen == 0.1
    assert "unseen" in by_name["colour"].over
    assert "unseen" in by_name["x"].over
    assert found.notes == (
        "column 'colour' holds values that were not learnt in 20 rows (20.0%); "
        "they are scored as a rare or as no known value",
    )


def test_a_frequent_value_that_moves_a_little_is_found(make_pipeline):
    draw = np.random.default_rng(0)
    hours = np.concatenate([np.full(550, 40.0), draw.integers(10, 36, 225), draw.integers(45, 70, 225)])
    frame = pd.DataFrame({"hours": hours, "target": ["a", "b"] * 500})
    learnt = profile_of(fit(make_pipeline(), frame).estimator, frame)
    for moved in (38.5, 40.5):
        _, found = against(learnt, pa.table({"hours": np.where(hours == 40, moved, hours)}))
        assert (found["hours"].ks, found["hours"].over) == (pytest.approx(0.55), ("psi", "ks"))
    assert against(learnt, pa.table({"hours": hours}))[1]["hours"].ks == 0


def test_dates_are_measured_and_held_to_no_limit(profile):
    rows = table(200, 4)
    later = pa.array(np.full(200, np.datetime64("2030-01-01", "D")))
    found, by_name = against(profile, rows.set_column(5, "when", later))
    assert by_name["when"].ks == 1
    assert by_name["when"].unseen == 1
    assert found.drifted == ()


def test_a_date_beyond_what_nanoseconds_reach_is_measured():
    days = pd.Series(np.array(["9999-12-31", "NaT", "1970-01-02"], dtype="datetime64[ms]"))
    assert numbers_of("date", days).tolist() == pytest.approx([2_932_896, np.nan, 1], nan_ok=True)


def test_limits_may_be_a_columns_own(profile):
    rows = table(400, 2, shift=1.0)
    limits = Limits.model_validate({"columns": {"x": {"psi": 9.0, "ks": 0.9}}})
    assert against(profile, rows)[0].drifted
    assert not against(profile, rows, limits)[0].drifted
    assert against(profile, table(400, 5), Limits(psi=0.0, ks=0.0, significance=0.99))[0].drifted


def test_few_rows_are_said_to_be_few(profile):
    found, _ = against(profile, table(12, 1, shift=5))
    assert found.notes[0].startswith("12 rows are too few to tell a drift from chance")
    assert all("psi" not in column.over and "ks" not in column.over for column in found.drifted)


def test_a_batch_without_any_value_of_a_column(profile):
    rows = (
        table(80, 1).set_column(0, "x", pa.nulls(80, pa.float64())).set_column(4, "colour", pa.nulls(80, pa.string()))
    )
    _, found = against(profile, rows)
    assert (found["x"].psi, found["x"].ks, found["x"].missing, found["x"].over) == (None, None, 1.0, ("missing",))
    assert (found["colour"].chi2, found["colour"].unseen, found["colour"].missing) == (None, None, 1.0)


def test_however_the_rows_are_cut_the_figures_are_the_same(profile, monkeypatch):
    once, _ = against(profile, table(1000, 6))
    monkeypatch.setattr(reading, "BATCH_ROWS", 77)
    assert against(profile, table(1000, 6))[0] == once


def test_a_profile_comes_back_from_its_text(profile):
    assert Profile.from_json(profile.to_json()) == profile


@pytest.mark.parametrize(
    "text", ["", "{}", '{"form": 2, "rows": 1, "columns": []}', '{"form": 1, "rows": 1, "columns": [3]}']
)
def test_what_is_no_profile_is_told(text):
    with pytest.raises(TrackingError, match="the training profile that MLflow keeps with the model cannot be read"):
        Profile.from_json(text)


def test_a_column_with_very_many_values_is_compared_by_its_frequent_ones(make_pipeline):
    frame = pd.DataFrame({"who": [f"n{number % 12_000}" for number in range(24_000)], "target": ["a", "b"] * 12_000})
    found = profile_of(fit(make_pipeline(), frame).estimator, frame)
    (learnt,) = found.columns
    assert (len(learnt.values), sum(learnt.counts), learnt.seen) == (49, 24_000, None)
    compared = module.compare(found, write_table(pa.table({"who": ["new"] * 60}), "it.batch"), Limits())
    assert compared.columns[0].unseen is None


def test_of_a_large_batch_every_kth_row_is_binned_and_all_else_is_counted_in_full(profile, monkeypatch):
    rows = table(1000, 6, shift=0.5)
    rows = rows.set_column(0, "x", pa.array([99.0, *rows["x"].to_pylist()[1:]]))
    whole = {column.column: column for column in compare(profile, write_table(rows, "it.batch"), Limits()).columns}
    monkeypatch.setattr(module, "ENOUGH_ROWS", 300)
    part = {column.column: column for column in compare(profile, write_table(rows, "it.batch"), Limits()).columns}
    train, every_4th = table(3000, 0).to_pandas()["few"], rows.to_pandas()["few"][::4]
    assert part["few"].ks == pytest.approx(stats.ks_2samp(train, every_4th).statistic)
    assert whole["few"].ks != part["few"].ks
    assert [(column.missing, column.unseen) for column in part.values()] == [
        (part_of.missing, part_of.unseen) for part_of in (whole[name] for name in part)
    ]
    assert (part["colour"].chi2, part["colour"].psi) == (whole["colour"].chi2, whole["colour"].psi)
    monkeypatch.setattr(reading, "BATCH_ROWS", 77)
    again = compare(profile, write_table(rows, "it.batch"), Limits())
    assert {column.column: column for column in again.columns} == part
