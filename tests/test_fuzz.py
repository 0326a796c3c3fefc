"""The reference of the fuzz benchmark is held to identities and decimal arithmetic, its verdicts to known truths."""

import sys
import warnings
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import extended, fuzz
from benchmarks.__main__ import main
from benchmarks.extended import EPS, REAL, exact, minimised, orthogonalised, separation
from benchmarks.fuzz import judge, null_point, told, truth_of
from benchmarks.fuzz_problems import KINDS, Draft, problem
from softglm import SoftmaxGLM

pytestmark = pytest.mark.skipif(EPS > 2.0**-60, reason="long double has no more digits than double here")

# Of sums of some hundred terms of about 1, in 80 bits.
ROUNDING = 1e-17
# Of two units in the last of 128 bits, and what some hundred terms add to that.
OF_PAIRS = 2.0**-122
DIGITS = 70


def draft_of(X, y, weights=None, offset=None, **options):
    n_classes = y.shape[1] if y.ndim == 2 else len(np.unique(y))
    return Draft(["plain"], X, y, n_classes, weights, offset, {"alpha": 0.0, "fit_intercept": True} | options)


def columns(n, p, seed=0):
    rng = np.random.default_rng(seed)
    return rng, rng.normal(size=(n, p))


def overlapping(K=3, n=30, **options):
    rng, X = columns(n, 3)
    return draft_of(X, np.arange(n) % K if K < 4 else rng.integers(K, size=n), **options)


def far_from_zero():
    rng, X = columns(25, 2)
    return draft_of(X + np.array([1e12, -3e9]), rng.integers(3, size=25), alpha=0.01)


def nearly_collinear():
    rng, X = columns(25, 2)
    z = rng.normal(size=25)
    return draft_of(np.column_stack([X[:, 0], X[:, 0] + 1e-11 * z]), (z > rng.normal(size=25)) * 1)


def badly_scaled():
    rng, X = columns(20, 3)
    weights = 10.0 ** rng.uniform(-20, 20, 20)
    return draft_of(X * [1e-12, 1e12, 1.0], rng.integers(4, size=20), weights, alpha=1e-5)


def with_huge_offsets():
    rng, X = columns(20, 2)
    offset = rng.normal(size=(20, 3)) * 30.0 + 10.0 ** rng.uniform(0, 12, (20, 1))
    return draft_of(X, rng.integers(3, size=20), offset=offset, alpha=0.1)


def counted_without_intercept():
    rng, X = columns(20, 2)
    y = rng.integers(0, 5, size=(20, 3)).astype(float)
    return draft_of(X, y, alpha=0.1, fit_intercept=False, class_weight={0: 0.1, 1: 3.0, 2: 1.0})


HARD = [
    far_from_zero,
    nearly_collinear,
    badly_scaled,
    with_huge_offsets,
    counted_without_intercept,
    overlapping,
    lambda: overlapping(K=2, alpha=1e-3),
]


def decimals(values):
    return [[value if isinstance(value, Decimal) else Decimal(float(value)) for value in row] for row in values]


def value_in_decimals(draft, coef, intercept):
    """f as design.md has it, term by term."""
    alpha, X = Decimal(draft.options["alpha"]), decimals(draft.X)
    y = draft.y if draft.y.ndim == 2 else np.identity(draft.n_classes)[np.unique(draft.y, return_inverse=True)[1]]
    factors = draft.options.get("class_weight") or dict.fromkeys(range(draft.n_classes), 1.0)
    targets = [[t * Decimal(factors[k]) for k, t in enumerate(row)] for row in decimals(y)]
    weights = [Decimal(1)] * len(X) if draft.weights is None else [Decimal(float(w)) for w in draft.weights]
    offset = decimals(np.zeros((len(X), draft.n_classes)) if draft.offset is None else draft.offset)
    rows, constants = decimals(coef), decimals([intercept])[0]
    penalty = alpha / 2 * sum(b * b for row in rows for b in row)
    if draft.n_classes == 2:
        rows, constants = [[Decimal(0)] * len(rows[0]), *rows], [Decimal(0), *constants]
    loss = Decimal(0)
    for x, t, w, known in zip(X, targets, weights, offset, strict=True):
        eta = [
            sum(a * b for a, b in zip(row, x, strict=True)) + constant + o
            for row, constant, o in zip(rows, constants, known, strict=True)
        ]
        highest = max(eta)
        log_sum = highest + sum((e - highest).exp() for e in eta).ln()
        loss += w * sum(share * (log_sum - e) for share, e in zip(t, eta, strict=True))
    return loss / sum(w * sum(t) for w, t in zip(weights, targets, strict=True)) + penalty


def some_coefficients(draft, size):
    """Coefficients of a fit, and others a relative size away, whose intercepts follow: as doubles."""
    rng = np.random.default_rng(3)
    model = SoftmaxGLM(tol=1e-4, max_iter=3, **draft.options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # three iterations are few
        model.fit(draft.X, draft.y, draft.weights, draft.offset)
    moved = model.coef_ * (1.0 + size * rng.normal(size=model.coef_.shape))
    follow = (model.coef_ - moved) @ np.median(draft.X, axis=0) * draft.options["fit_intercept"]
    return (model.coef_, model.intercept_), (moved, model.intercept_ + follow)


def as_fractions(pair):
    """A pair of long doubles as it is: their halves are doubles."""
    return [
        sum(
            Fraction(float(part))
            for number in (high, low)
            for part in (np.float64(number), number - np.float64(number))
        )
        for high, low in zip(np.ravel(pair[0]), np.ravel(pair[1]), strict=True)
    ]


@pytest.mark.parametrize("operation", ["add", "multiply", "divide"])
def test_pairs_of_long_doubles_have_128_bits(operation):
    rng = np.random.default_rng(0)
    high, low = rng.normal(size=(2, 2, 50)).astype(REAL)
    pairs = [extended.add(exact(high[k]), exact(EPS / 4 * low[k])) for k in range(2)]
    expected = {"add": Fraction.__add__, "multiply": Fraction.__mul__, "divide": Fraction.__truediv__}[operation]
    found = as_fractions(getattr(extended, operation)(*pairs))
    for value, one, other in zip(found, *map(as_fractions, pairs), strict=True):
        scale = abs(one) + abs(other) if operation == "add" else abs(expected(one, other))
        assert abs(value - expected(one, other)) <= OF_PAIRS * scale


def test_a_sum_of_pairs_loses_nothing_to_cancellation():
    values = np.array([1e18, 3.0, -1e18, 2.0**-60, 7.0, -10.0], dtype=REAL)
    assert extended.total(exact(values))[0] == REAL(2.0**-60)


def test_orthogonal_columns_span_what_was_given_to_the_last_bit():
    _, X = columns(40, 5)
    X[:, 1] = X[:, 0] + 1e-13 * X[:, 1]
    X[:, 2] += 1e9
    X = np.column_stack([np.ones(40), X]).astype(REAL)
    basis, factor = orthogonalised(X, 1)
    assert basis.shape == X.shape
    lengths = np.sqrt((basis**2).sum(axis=0))
    assert np.abs((basis / lengths).T @ (basis / lengths) - np.identity(6)).max() < ROUNDING
    assert (np.abs(basis @ factor[0] - X).max(axis=0) <= ROUNDING * np.abs(X).max(axis=0)).all()


@pytest.mark.parametrize(
    "add", [lambda X: X[:, :1], lambda X: 0.0 * X[:, :1] + 7.0, lambda X: 4.0 * X[:, 1:2], lambda X: 0.0 * X[:, :1]]
)
def test_exactly_dependent_columns_are_dropped_and_nothing_else(add):
    _, X = columns(30, 3)
    X = np.round(X * 64.0) / 64.0
    basis, _ = orthogonalised(np.column_stack([np.ones(30), X, add(X)]).astype(REAL), 1)
    assert basis.shape[1] == 4
    assert orthogonalised(np.column_stack([X, X[:, 0] * (1.0 + 2.0**-52 * (X[:, 1] > 0.0))]).astype(REAL))[0].shape == (
        30,
        4,
    )


@pytest.mark.parametrize("make", HARD)
@pytest.mark.parametrize("size", [1e-1, 1e-6, 1e-12])
def test_f_and_differences_of_f_are_those_of_decimal_arithmetic(make, size):
    draft = make()
    truth = truth_of(draft, draft.options["alpha"])
    here, there = some_coefficients(draft, size)
    with localcontext() as context:
        context.prec = DIGITS
        values = [value_in_decimals(draft, *where) for where in (here, there)]
        difference = values[1] - values[0]
        value, difference = (REAL(str(number)) for number in (values[0], difference))
    anchor = truth.objective.at(truth.parameters(*here))
    assert abs(anchor.value + truth.common_penalty(here[0]) - value) <= 1e2 * ROUNDING * (1 + abs(value))
    found, error = truth.objective.gap(truth.parameters(*there), anchor)
    found += truth.common_penalty(there[0]) - truth.common_penalty(here[0])
    assert abs(found - difference) <= error


@pytest.mark.parametrize("size", [1.0, 1e3, 1e5])
def test_differences_of_f_hold_where_probabilities_vanish(size):
    rng, X = columns(12, 2)
    draft = draft_of(X, rng.integers(3, size=12), offset=size * rng.normal(size=(12, 3)), alpha=0.1)
    truth = truth_of(draft, 0.1)
    places = [(size * rng.normal(size=(3, 2)), size * rng.normal(size=3)) for _ in range(2)]
    anchor, other = (truth.objective.at(truth.parameters(*place)) for place in places)
    gap, error = truth.objective.gap(other.parameters, anchor)
    assert error < 1e2 * ROUNDING * (anchor.value + other.value)
    assert abs(gap - (other.value - anchor.value)) <= error + 1e2 * ROUNDING * (anchor.value + other.value)


def coefficients_in_fractions(factor, parameters):
    """Coefficients, the intercept first, that have these parameters: 0 of columns that were dropped."""
    rows = [as_fractions((high, low)) for high, low in zip(*factor, strict=True)]
    found = {j: [Fraction(0)] * parameters.shape[1] for j in range(len(rows[0]))}
    solved = set()
    for k in reversed(range(len(rows))):
        pivot = next(j for j in found if rows[k][j] and j not in solved and not any(row[j] for row in rows[k + 1 :]))
        solved.add(pivot)
        right = as_fractions((parameters[k], np.zeros_like(parameters[k])))
        known = [sum(rows[k][j] * found[j][c] for j in solved - {pivot}) for c in range(len(right))]
        found[pivot] = [(value - part) / rows[k][pivot] for value, part in zip(right, known, strict=True)]
    return [found[j] for j in sorted(found)]


@pytest.mark.parametrize("make", HARD)
def test_the_minimum_is_a_value_of_f_at_some_coefficients(make):
    draft = make()
    truth = truth_of(draft, draft.options["alpha"])
    point = minimised(truth.objective, null_point(truth)).point
    columns = coefficients_in_fractions(truth.factor, point.parameters)
    K = draft.n_classes
    if K > 2:
        whole = [[Fraction(0)] * K for _ in columns]
        for row, given in zip(whole, columns, strict=True):
            for other, value in zip(truth.objective.others, given, strict=True):
                row[other] = value
        columns = [[value - sum(row) / K for value in row] for row in whole]
    with localcontext() as context:
        context.prec = DIGITS
        rows = [[value.numerator / Decimal(value.denominator) for value in row] for row in zip(*columns, strict=True)]
        first = int(draft.options["fit_intercept"])
        value = value_in_decimals(draft, [row[first:] for row in rows], [row[0] * first for row in rows])
        assert abs(REAL(str(value)) - point.value) <= 1e2 * ROUNDING * (1 + point.value)


@pytest.mark.parametrize("make", HARD)
def test_derivatives_are_those_of_f(make):
    draft = make()
    objective = truth_of(draft, draft.options["alpha"]).objective
    rng = np.random.default_rng(1)
    at, direction = (rng.normal(size=objective.origin.shape).astype(REAL) * 0.3 for _ in range(2))
    point, step = objective.at(at), REAL(2.0**-20)
    ahead, behind = (objective.at(at + sign * step * direction) for sign in (1, -1))
    slope = (ahead.value - behind.value) / (2 * step)
    assert slope == pytest.approx(float((point.gradient * direction).sum()), rel=1e-9, abs=1e-10)
    bend = (objective.hessian(point) @ direction.T.ravel()).reshape(objective.origin.T.shape).T
    difference = (ahead.gradient - behind.gradient) / (2 * step)
    assert np.abs(difference - bend).max() <= 1e-8 * np.abs(bend).max()


@pytest.mark.parametrize("make", HARD)
def test_at_the_minimum_the_gradient_is_0_and_f_is_higher_all_around(make):
    draft = make()
    truth = truth_of(draft, draft.options["alpha"])
    found = minimised(truth.objective, null_point(truth))
    assert found.exists(truth.objective)
    assert found.decrement < 1e-16
    rng = np.random.default_rng(2)
    for size in (1e-12, 1e-6, 1e-2, 1.0):
        moved = found.point.parameters + REAL(size) * rng.normal(size=found.point.parameters.shape)
        gap, error = truth.objective.gap(moved, found.point)
        assert gap > error
    other = minimised(truth.objective, truth.objective.origin + REAL(0.5)).point
    assert abs(other.value - found.point.value) <= 1e2 * ROUNDING * (1 + other.value)


def minimum(draft):
    truth = truth_of(draft, draft.options["alpha"])
    return minimised(truth.objective, null_point(truth)).point.value


def moved(draft):
    rounded = np.round(draft.X * 2.0**20) / 2.0**20
    return rounded, rounded + 2.0**31


def test_columns_may_be_shifted():
    draft = overlapping(alpha=0.03)
    near, far = moved(draft)
    values = [minimum(draft_of(X, draft.y, alpha=0.03)) for X in (near, far)]
    assert abs(values[0] - values[1]) <= ROUNDING


def test_columns_may_be_scaled_and_copied_where_nothing_is_penalised():
    draft = overlapping()
    scaled = draft_of(draft.X * [2.0**-40, 1.0, 2.0**33], draft.y)
    copied = draft_of(np.column_stack([draft.X, draft.X[:, 1], draft.X[:, 0] * 8.0]), draft.y)
    assert abs(minimum(scaled) - minimum(draft)) <= ROUNDING
    assert abs(minimum(copied) - minimum(draft)) <= ROUNDING


def test_weight_two_is_a_repeated_row_and_weight_zero_none():
    draft = overlapping(alpha=0.01)
    weights = np.where(np.arange(30) < 3, 2.0, np.where(np.arange(30) == 5, 0.0, 1.0))
    rows = np.repeat(np.arange(30), weights.astype(int))
    repeated = draft_of(draft.X[rows], draft.y[rows], alpha=0.01)
    assert abs(minimum(draft_of(draft.X, draft.y, weights, alpha=0.01)) - minimum(repeated)) <= ROUNDING


@pytest.mark.parametrize("constant", [1e8, 2.0**40, -1e12])
def test_a_constant_in_the_offset_of_all_classes_changes_nothing(constant):
    rng, X = columns(30, 2)
    offset = np.round(rng.normal(size=(30, 3)) * 16.0) / 16.0
    y = np.arange(30) % 3
    values = [minimum(draft_of(X, y, offset=offset + shift)) for shift in (0.0, constant)]
    assert values[0] == values[1]


@pytest.mark.parametrize("K", [2, 3, 5])
@pytest.mark.parametrize("alpha", [0.0, 1e-3, 10.0])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_where_nothing_is_hard_softglm_arrives_at_the_same_minimum(K, alpha, kind):
    draft = overlapping(K=K, n=80, alpha=alpha)
    model = SoftmaxGLM(alpha).fit(draft.X, draft.y)
    assert abs(minimum(draft_of(kind(draft.X), draft.y, alpha=alpha)) - model.loss_) <= 1e-14


def found_separation(X, y):
    return separation(truth_of(draft_of(np.asarray(X, dtype=float), np.asarray(y)), 0.0).objective) is not None


@pytest.mark.parametrize("shift", [0.0, 1e6, 1e12])
def test_separation_is_found_in_touching_classes_and_not_in_overlapping_ones(shift):
    x = np.arange(8.0)[:, np.newaxis] + shift
    y = [0, 0, 0, 0, 1, 1, 1, 1]
    assert found_separation(x, y)
    assert found_separation(x - (x == shift + 4.0), y)  # two rows that touch
    assert not found_separation(x - 2.0 * (x == shift + 4.0), y)
    three = [0, 0, 0, 1, 2, 1, 2, 1]
    assert found_separation(x, three)
    assert not found_separation(x, [0, 1, 0, 1, 2, 0, 2, 1])


@pytest.mark.parametrize("width", [1e-2, 1e-5, 1e-9])
def test_a_margin_separates_and_an_overlap_does_not_however_thin(width):
    _, X = columns(40, 2)
    y = (X[:, 0] > 0.0) * 1
    gap = np.where(y == 1, X[:, 0].clip(width), X[:, 0].clip(max=-width))
    assert found_separation(np.column_stack([gap, X[:, 1]]), y)
    overlap = gap.copy()
    overlap[np.flatnonzero(y)[0]], overlap[np.flatnonzero(1 - y)[0]] = -3.0 * width, 3.0 * width
    draft = draft_of(overlap[:, np.newaxis], y)
    truth = truth_of(draft, 0.0)
    assert separation(truth.objective) is None
    assert minimised(truth.objective, null_point(truth)).exists(truth.objective)


def three_classes_of_a_threshold(shift, seed):
    rng = np.random.default_rng(seed)
    z = np.sort(rng.standard_normal(30))
    return draft_of((shift + z)[:, np.newaxis], np.where(z < 0, 0, rng.integers(1, 3, 30)))


@pytest.mark.parametrize(("shift", "seed"), [(1e4, 0), (1e6, 1), (3e3, 2), (1e9, 3)])
def test_classes_apart_are_seen_far_from_zero(shift, seed):
    draft = three_classes_of_a_threshold(shift, seed)
    assert found_separation(draft.X, draft.y)
    assert judge(draft).truth == "separated"


@pytest.mark.parametrize("exponent", [-6, -9, -11])
def test_a_direction_that_double_precision_hardly_sees_explains_what_it_explains(exponent):
    rng = np.random.default_rng(0)
    x, z = rng.normal(size=(2, 100))
    y = (z > rng.normal(size=100)) * 1
    second = x + 10.0**exponent * z
    left = (second - x) * 10.0**-exponent  # what rounding left of z, exactly
    values = [minimum(draft_of(np.column_stack([x, other]), y)) for other in (second, left)]
    assert abs(values[0] - values[1]) <= 10.0 * ROUNDING
    assert values[0] < minimum(draft_of(x[:, np.newaxis], y)) - 0.1


class Claims:
    """An estimator that returns what a test wants it to have found."""

    def __init__(self, changes):
        self.changes = changes

    def __call__(self, **options):
        self.model = SoftmaxGLM(**options)
        return self

    def fit(self, *data):
        self.model.fit(*data)
        for name, change in self.changes.items():
            setattr(self.model, name, change(getattr(self.model, name)))
        return self

    def __getattr__(self, name):
        return getattr(self.model, name)


def claimed(monkeypatch, draft, **changes):
    monkeypatch.setattr("softglm.SoftmaxGLM", Claims(changes))
    return judge(draft)


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({}, []),
        ({"coef_": lambda coef: coef * 1.001}, ["proof below the truth", "loss is not f", "converged above tol"]),
        ({"coef_": lambda coef: coef * (1.0 + 1e-9), "gap_": lambda _: 1e-22}, ["proof below the truth"]),
        ({"coef_": lambda coef: coef * (1.0 + 1e-9), "gap_": lambda _: 1e-17}, []),
        ({"gap_kind_": lambda _: "estimate", "gap_": lambda _: 0.0}, []),
        ({"loss_": lambda loss: loss - 1e-6}, ["loss below the minimum", "loss is not f"]),
        ({"loss_": lambda loss: loss + 1e-6}, ["loss is not f"]),
        ({"loss_": lambda _: -1e-30}, ["negative loss", "loss below the minimum", "loss is not f"]),
        ({"status_": lambda _: "separated: the maximum-likelihood estimate does not exist, some coefficients are "
          "infinite", "converged_": lambda _: False}, ["called separated, overlaps"]),
        ({"intercept_": lambda intercept: intercept * np.nan}, ["not finite"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("K", [2, 4])
def test_each_fault_is_seen(monkeypatch, changes, faults, K):
    verdict = claimed(monkeypatch, overlapping(K=K, n=60, tol=1e-8), **changes)
    assert verdict.faults == faults
    assert all(fault in fuzz.FAULTS for fault in faults)


def test_converged_on_separated_data_is_a_fault(monkeypatch):
    draft = draft_of(np.arange(6.0)[:, np.newaxis], np.array([0, 0, 0, 1, 1, 1]))
    assert judge(draft).faults == []
    assert "converged, separated" in claimed(monkeypatch, draft, converged_=lambda _: True).faults


@pytest.mark.parametrize("error", [TypeError, FloatingPointError, np.linalg.LinAlgError])
def test_an_exception_is_a_fault_unless_it_tells_the_user_what_to_do(monkeypatch, error):
    def fit(*_):
        raise error("of something")

    monkeypatch.setattr(SoftmaxGLM, "fit", fit)
    verdict = judge(overlapping())
    assert verdict.faults == ["exception"]
    assert "of something" in told(verdict)
    monkeypatch.undo()
    assert judge(draft_of(np.full((4, 1), 1e300), np.arange(4) % 2)).faults == []


def test_every_kind_makes_a_problem_that_is_fitted_or_refused():
    seen = set()
    for number in range(20):
        draft = problem(5, number)
        again = problem(5, number)
        assert np.array_equal(draft.y, again.y)
        assert abs(draft.X - again.X).max() == 0.0
        seen |= set(draft.kinds)
        assert judge(draft, number).truth in {"minimiser", "separated", "unknown", "one class", "refused"}
    assert seen <= set(KINDS)


def test_a_case_can_be_run_alone_and_the_table_counts_it(capsys):
    verdicts = list(fuzz.run(0, range(6)))
    text = fuzz.table(verdicts)
    last = next(line.split() for line in text.splitlines() if line.startswith("all "))
    assert last[1] == "6"
    main(["fuzz", "--only", "4"])
    assert capsys.readouterr().out == told(verdicts[4]) + "\n"


def test_the_command_fails_where_there_are_faults_and_names_their_cases(monkeypatch, capsys):
    verdicts = [fuzz.Verdict(k, "plain", "", faults=["negative loss"] * (k == 3)) for k in range(5)]
    monkeypatch.setattr(fuzz, "run", lambda *_: iter(verdicts))
    with pytest.raises(SystemExit) as stopped:
        main(["fuzz", "--cases", "5"])
    assert stopped.value.code == 1
    assert "negative loss: 1  3\n" in capsys.readouterr().out
