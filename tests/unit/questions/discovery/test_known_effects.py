"""Discovery over made-up experiments of known effects: it finds what is there, and says what it cannot tell."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineal.questions.discovery.best import best
from lineal.questions.discovery.breaks import breaks
from lineal.questions.discovery.decisions import shaken
from lineal.questions.discovery.directions import direction
from lineal.questions.discovery.experiments import Experiment, Score
from lineal.questions.discovery.factors import factors
from lineal.questions.discovery.features import idle
from lineal.questions.discovery.pairs import Change, _tested, changes, untold
from lineal.questions.discovery.repeats import Noise, noise, repeats
from lineal.questions.discovery.statistics import (
    effect,
    holm,
    kruskal,
    lower,
    power,
    quartiles,
    ranked,
    runs_needed,
    sign_test,
)
from lineal.questions.discovery.table import given as given_to
from lineal.questions.discovery.table import tabulate
from lineal.questions.lookup import AliasMove


def experiment(number, value, *, rows="test@1", data="1", code="c", state="COMPLETE", metric="accuracy", **given):
    scores = {} if value is None else {metric: (Score(value, "held-out", (rows,)),)}
    return Experiment(
        run_id=f"run{number}",
        pipeline="p",
        state=state,
        at=f"2026-01-01T00:00:{number % 60:02}+00:00",
        seq=number,
        parameters={name: str(level) for name, level in given.items()},
        environment={"code": code},
        data={"table": data},
        scores=scores,
    )


def drawn(count, seed=0):
    """Runs whose metric a learning rate (V-shaped) and a data version move, and a criterion and the seed do not."""
    random = np.random.default_rng(seed)
    for number in range(count):
        lr, version = 10 ** random.uniform(-4, -1), int(random.integers(3))
        value = 0.8 - 0.08 * abs(np.log10(lr) + 2.5) + 0.04 * version + random.normal(0, 0.01)
        criterion = random.choice(["gini", "entropy"])
        yield experiment(number, value, data=version, lr=lr, criterion=criterion, seed=random.integers(9999))


def test_twelve_runs_cannot_tell_and_about_how_many_more_would():
    found = factors(tabulate(list(drawn(12)), "accuracy"))
    assert (found.moved, found.neutral) == ((), ())
    assert found.more_runs > 8
    # However clear it looks.
    clear = [experiment(n, 0.5 + 0.4 * (n % 2) + n / 1e4, a=n % 2) for n in range(12)]
    assert factors(tabulate(clear, "accuracy")).moved == ()


@pytest.mark.parametrize("seed", range(5))
def test_a_hundred_runs_find_the_large_effects_and_nothing_else(seed):
    found = factors(tabulate(list(drawn(100, seed)), "accuracy"))
    assert {factor.name for factor in found.moved} == {"lr", "data table"}
    data = next(factor for factor in found.moved if factor.name == "data table")
    assert data.low < 0.08 < data.high
    assert sum(level.runs for level in data.levels) == 100


def test_many_runs_show_that_a_factor_does_not_matter():
    found = factors(tabulate(list(drawn(600)), "accuracy"))
    assert [factor.name for factor in found.neutral] == ["criterion"]
    assert found.neutral[0].high <= found.smallest
    assert found.neutral[0].power >= 0.8


def test_two_factors_that_always_change_together_are_one():
    runs = [experiment(n, 0.8 + 0.05 * (n % 2) + n / 1e5, a=n % 2, b="xy"[n % 2], seed=n) for n in range(60)]
    (factor,) = factors(tabulate(runs, "accuracy")).moved
    assert (factor.name, factor.confounded) == ("a", ("b",))


def test_what_was_never_varied_or_has_one_odd_run_is_untested():
    runs = [experiment(n, 0.8 + n / 1e4, a="other" if n == 3 else "one", b="same") for n in range(30)]
    table = tabulate(runs, "accuracy")
    assert factors(table).untested == ("a",)
    assert "b" in table.constant


def test_a_metric_that_never_moves_is_moved_by_nothing():
    table = tabulate([experiment(n, 0.9, a=n % 2, b=n / 7, seed=n) for n in range(40)], "accuracy")
    found = factors(table)
    assert found.moved == found.untold == ()
    assert not any(change.told for change in changes(table, noise(table)))


def test_a_clear_difference_that_matters_to_nobody_did_not_move_the_metric():
    random = np.random.default_rng(3)
    runs = [experiment(n, 0.8 + 0.002 * (n % 2) + random.normal(0, 0.001), a=n % 2, seed=n) for n in range(200)]
    table = tabulate(runs, "accuracy")
    assert [factor.name for factor in factors(table).moved] == ["a"]
    found = factors(table, smallest=0.01)
    assert (found.moved, [factor.name for factor in found.neutral]) == ((), ["a"])


def again(times):
    """Two settings of one seed, each done so often with the same result."""
    return [experiment(2 * n + d, 0.95 + d / 1000, depth=d, seed=7) for n in range(times) for d in (0, 1)]


def test_what_is_done_again_shows_nothing_new():
    found = factors(tabulate(again(12), "accuracy"))
    assert (found.moved, found.untested) == ((), ("depth",))
    # Without a seed on record what comes out otherwise is another draw.
    drawn_anew = [experiment(n, 0.95 + 0.01 * (n % 2) + n / 1e5, depth=n % 2) for n in range(40)]
    assert [factor.name for factor in factors(tabulate(drawn_anew, "accuracy")).moved] == ["depth"]


def test_the_same_two_results_under_several_commits_are_one_pair():
    runs = [experiment(2 * n + d, 0.95 + d / 1000, depth=d, seed=7, code=f"c{n}") for n in range(6) for d in (0, 1)]
    found = [change for change in changes(tabulate(runs, "accuracy")) if change.name == "depth"]
    assert [(change.pairs, change.told) for change in found] == [(1, False)]


@pytest.mark.parametrize("commits", [1, 10])
def test_one_result_on_either_side_is_no_break_however_often(commits):
    runs = [experiment(n, 0.95 - 0.001 * (n >= 10), data=n // 10, seed=7, code=f"c{n % commits}") for n in range(20)]
    assert breaks(runs, "accuracy") == ()


def test_pairs_that_differ_in_one_thing():
    runs = []
    for n in range(8):
        for depth in (2, 5):
            value = 0.8 + 0.01 * n + (0.03 if depth == 5 else 0.0)
            runs.append(experiment(2 * n + depth, value, depth=depth, leaves=n))
    # Differs from all others in two things.
    runs.append(experiment(99, 0.1, depth=9, leaves=77))
    change, *others = changes(tabulate(runs, "accuracy"))
    assert (change.name, change.before, change.after, change.pairs) == ("depth", "2", "5", 8)
    assert (change.ups, change.downs) == (8, 0)
    assert change.median == pytest.approx(0.03)
    assert change.told
    assert not any(other.after == "9" for other in others)


def test_five_pairs_are_too_few_without_a_noise_floor_and_enough_with_one():
    runs = [
        experiment(10 * n + d, 0.8 + 0.01 * n + 0.05 * d, depth=d, leaves=n, seed=1) for n in range(5) for d in (0, 1)
    ]
    found = changes(tabulate(runs, "accuracy"))
    few = untold([change for change in found if change.name == "depth"])
    assert (few.pairs, few.more_pairs, few.told) == (5, 1, False)
    runs += [experiment(900 + seed, 0.9 + 0.001 * seed, depth=0, leaves=50, seed=seed) for seed in range(6)]
    table = tabulate(runs, "accuracy")
    floor = noise(table)
    assert floor.freedom == 5
    assert floor.deviation == pytest.approx(np.std([0.001 * seed for seed in range(6)], ddof=1))
    told = {change.name: change for change in changes(table, floor) if change.told}
    assert told["depth"].by == "noise"


@pytest.mark.parametrize("pairs", [1, 2, 3, 4, 5])
def test_a_few_pairs_are_told_by_the_noise_as_rarely_as_by_chance(pairs):
    random = np.random.default_rng(pairs)
    floor = Noise(1.0, 30, 1, (), 0)
    told = 0
    for _ in range(2000):
        deviation = (random.chisquare(30) / 30) ** 0.5
        values = random.normal(size=(pairs, 2)) / deviation
        median = float(np.median(values[:, 1] - values[:, 0]))
        few = Change("a", "1", "2", pairs, median, 0, 0, None, "sign test", False, 6 - pairs, ())
        told += _tested(few, None, floor).told
    assert told / 2000 == pytest.approx(0.05, abs=0.012)


def test_runs_given_the_same_are_repeats_and_their_time_is_counted():
    runs = [experiment(n, 0.9, depth=1, seed=1) for n in range(3)] + [experiment(9, 0.9, depth=1, seed=2)]
    started = {run.run_id: "2026-01-01T00:00:00+00:00" for run in runs}
    (found,) = repeats(runs, "accuracy", started)
    assert (found.count, found.seconds, found.differs) == (3, 3.0, 0.0)
    assert repeats([experiment(1, 0.9, depth=1, code="c+changed")] * 2, "accuracy", {}) == ()


def test_the_best_is_sought_among_runs_scored_on_the_same_rows():
    runs = [
        experiment(1, 0.90),
        experiment(2, 0.91),
        experiment(3, 0.99, rows="test@2"),
        experiment(4, 0.98, rows="test@2"),
    ]
    found = best(runs, "accuracy", noise=0.01)
    assert [(each.rows, each.best.run) for each in found] == [(("test@1",), "run2"), (("test@2",), "run3")]
    assert found[0].within_noise
    assert best(runs, "a metric of our own") == ()


def test_the_pareto_front_knows_which_way_is_better():
    def run(number, accuracy, loss):
        scores = {
            name: (Score(value, "held-out", ("t",)),) for name, value in (("accuracy", accuracy), ("log_loss", loss))
        }
        return Experiment(f"run{number}", "p", "COMPLETE", "", number, scores=scores)

    runs = [run(1, 0.9, 0.3), run(2, 0.8, 0.1), run(3, 0.85, 0.35)]
    (found,) = best(runs, "accuracy")
    assert [point.run for point in found.front] == ["run1", "run2"]


def test_the_first_data_version_whose_checks_fail():
    runs = [experiment(n, 0.9, data="1") for n in range(3)]
    bad = Experiment("bad", "p", "FAIL", "", 9, data={"table": "2"}, failed_checks=("not_null age",))
    (found,) = breaks([*runs, bad, bad], "accuracy")
    assert (found.kind, found.version, found.previous, found.what) == ("check", "2", "1", "not_null age")


@pytest.mark.parametrize("given", [{}, {"seed": 7}, {"seed": 7, "code": "c+changed"}], ids=str)
def test_the_data_version_since_which_a_metric_is_worse(given):
    random = np.random.default_rng(1)
    runs = [experiment(n, 0.9 - 0.1 * (n >= 20) + random.normal(0, 0.01), data=n // 10, **given) for n in range(40)]
    (found,) = breaks(runs, "accuracy")
    assert (found.kind, found.version) == ("metric", 2)
    # Side by side there is no "since".
    assert breaks([runs[n] for n in random.permutation(40)], "accuracy") == ()


def test_features_that_carry_no_weight_in_any_of_five_models():
    models = [(f"run{n}", {"used": (0.2, 0.01), "idle": (0.001, 0.002)}) for n in range(5)]
    assert [each.column for each in idle(models).idle] == ["idle"]
    few = idle(models[:3])
    assert (few.idle, few.more_models) == ((), 2)


def test_an_alias_that_moved_for_less_than_noise():
    runs = [experiment(1, 0.900), experiment(2, 0.901)]
    move = AliasMove("ns", "m", "champion", 2, 1, "2026-01-01T00:00:00+00:00", "a rule", "better", "r")
    made_by = {("m", 1): "run1", ("m", 2): "run2"}
    (found,) = shaken([move], made_by, runs, "accuracy", noise=0.005)
    assert "inside what another seed alone makes" in found.why
    assert shaken([move], made_by, runs, "accuracy", noise=0.0001) == ()
    # Of a metric that nobody knows the better way of, nobody can say which is ahead.
    runs = [experiment(n, 10.0**n, metric="profit") for n in (1, 2)]
    assert shaken([move], made_by, runs, "profit", noise=0.5) == ()


@pytest.mark.parametrize(
    ("name", "way"), [("roc_auc", 1), ("neg_log_loss", 1), ("log_loss", -1), ("RMSE", -1), ("our_own", 0)]
)
def test_the_direction_of_a_metric_is_known_or_not(name, way):
    assert direction(name) == way


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_corrected_ps_are_no_less_and_keep_their_order(values):
    corrected = holm(values)
    assert all(own <= new <= 1 for own, new in zip(values, corrected, strict=True))
    order = np.argsort(values, kind="stable")
    assert list(np.array(corrected)[order]) == sorted(corrected)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200))
def test_quartiles_keep_equal_numbers_together_and_in_order(values):
    numbers = np.array(values)
    codes, names = quartiles(numbers)
    assert len(names) <= 4
    assert codes.max() == len(names) - 1
    order = np.argsort(numbers, kind="stable")
    assert (np.diff(codes[order]) >= 0).all()
    assert all(len(set(codes[numbers == number])) == 1 for number in numbers)


@pytest.mark.parametrize("size", [20, 300])
@pytest.mark.parametrize("ties", [False, True])
def test_the_tests_of_ranks_are_scipys(size, ties):
    from scipy import stats

    random = np.random.default_rng(size)
    values = random.normal(size=size).round(1 if ties else 9)
    codes = random.integers(0, 3, size)
    these = codes == 0
    ranks = ranked(values)
    assert (ranks == stats.rankdata(values)).all()
    assert lower(ranks, these) == stats.mannwhitneyu(values[these], values[~these], alternative="less").pvalue
    assert kruskal(ranks, codes) == pytest.approx(stats.kruskal(*(values[codes == code] for code in range(3))).pvalue)


def test_power_is_that_of_the_noncentral_f_distribution():
    from scipy import stats

    limit = stats.f.isf(0.05, 2, 57)
    noncentral = 0.955 * 0.8**2 * 20 * 20 / 40
    assert power([20, 20, 20], 0.8, 1.0) == pytest.approx(stats.ncf.sf(limit, 2, 57, noncentral), rel=1e-12)


def test_only_what_was_given_the_same_is_alike():
    runs = [
        experiment(0, 0.8, digest="a"),
        experiment(1, 0.8, digest="a"),
        experiment(2, 0.8, digest="b"),
        experiment(3, 0.8, digest="a", code="a"),
        experiment(4, 0.8, digest="a", data="2"),
        experiment(5, 0.8),
    ]
    runs.append(runs[0]._replace(run_id="run6", digest="a"))
    alike = given_to(runs).alike
    assert [bool(alike[0] == other) for other in alike] == [True, True, False, False, False, False, False]


def test_an_interval_holds_the_effect_and_a_sign_test_is_twos_powers():
    codes = np.repeat([0, 1], 50)
    values = codes * 1.0 + np.random.default_rng(2).normal(0, 0.1, 100)
    size, low, high = effect(values, codes)
    assert low <= size <= high
    alike = np.random.default_rng(5).normal(0, 1, 100)
    size, low, high = effect(alike - codes * (np.median(alike[50:]) - np.median(alike[:50])), codes)
    assert low <= size <= high
    assert sign_test(np.ones(6)) == pytest.approx(2 / 2**6)
    assert power([10, 10], 1.0, 1.0) < power([40, 40], 1.0, 1.0)
    assert runs_needed(2, 0.5) > runs_needed(2, 1.0)
