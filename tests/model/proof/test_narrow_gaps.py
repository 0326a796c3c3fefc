"""Gaps and overlaps far below the spread: the fit, `detect_separation` and exact arithmetic say the same."""

import warnings
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from effort import mostly_slow
from scipy import sparse

from softglm import SoftmaxGLM, detect_separation
from softglm.model.proof.recession import _unit


def verdict_of_fit(X, y, **parameters):
    """ "separated", "exists", or "undecided" where the fit claims neither."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = SoftmaxGLM(alpha=0, **parameters).fit(X, y)
    if model.converged_:
        return "exists"
    return "separated" if model.status_.startswith("separated") else "undecided"


def verdict_of_detection(X, y, **parameters):
    try:
        return "exists" if detect_separation(X, y, **parameters).kind == "none" else "separated"
    except ArithmeticError:
        return "undecided"


# The origin and the range of a column, the distance of its neighbours, and its unit.
LINES = {
    "years": (1990, 30, 1, 1.0),
    "epoch seconds": (1_500_000_000, 10**8, 1, 1.0),
    "prices with cents": (0, 10**8, 1, 0.01),
    "epoch milliseconds": (1_500_000_000_000, 10**11, 1, 1.0),
    "a thousandth of the last place of single precision": (0, 10**10, 1, 2.0**-30),
    "days far out": (700_000_000, 4000, 1, 1.0),
}


def line(name, *, n_classes=2, overlap=False):
    """Classes apart on a line by the least distance, or overlapping by as much at each border."""
    origin, size, step, unit = LINES[name]
    rng = np.random.default_rng(1)
    borders = origin + size * np.arange(1, n_classes) // n_classes
    ends = np.concatenate([[origin - 1], borders, [origin + size]])
    inside = [rng.integers(first + 2, last, 60) for first, last in pairwise(ends)]
    near = np.concatenate([[border, border + step] for border in borders])
    sides = np.repeat(np.arange(n_classes - 1), 2) + np.tile([1, 0] if overlap else [0, 1], n_classes - 1)
    x = np.concatenate([*inside, near])
    y = np.concatenate([np.repeat(np.arange(n_classes), 60), sides])
    return (x * unit)[:, np.newaxis], y


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("name", LINES)
def test_a_gap_of_one_unit_is_a_gap(name, n_classes):
    X, y = line(name, n_classes=n_classes)
    assert verdict_of_fit(X, y) == "separated"
    found = detect_separation(X, y)
    assert found.kind == "complete"
    assert (found.limits[1, 0] == [-np.inf, np.inf]).all()


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("name", LINES)
def test_an_overlap_of_one_unit_is_an_overlap(name, n_classes):
    X, y = line(name, n_classes=n_classes, overlap=True)
    # Of 1e-10 of the spread and less SciPy's linear programs, the older of them too, may not tell.
    is_hard = name in {"epoch milliseconds", "a thousandth of the last place of single precision"}
    told = {"exists", "undecided"} if is_hard else {"exists"}
    assert verdict_of_detection(X, y) in told
    assert verdict_of_fit(X, y) in told


@pytest.mark.parametrize("name", LINES)
def test_a_tie_between_classes_is_quasi_complete(name):
    X, y = line(name)
    X[-1] = X[-2]
    assert verdict_of_fit(X, y) == "separated"
    assert detect_separation(X, y).kind == "quasi-complete"


@pytest.mark.parametrize("kind", ["mirrored", "sparse", "with a constant", "beside noise", "weighted"])
@pytest.mark.parametrize("overlap", [False, True])
def test_a_unit_is_told_however_the_line_is_given(kind, overlap):
    X, y = line("epoch seconds", overlap=overlap)
    weights = None
    if kind == "mirrored":
        X, y = -X, 1 - y
    elif kind == "sparse":
        X = sparse.csr_array(X)
    elif kind == "with a constant":
        X = np.column_stack([X, np.full(len(y), 3.0)])
    elif kind == "beside noise":
        # The rows at the border share what else is known of them, so that it cannot tell them apart.
        noise = np.random.default_rng(0).normal(size=(len(y), 2))
        noise[-2:] = 0.0
        X = np.column_stack([X, noise])
        inside = np.flatnonzero(y == 1)[:20]
        if overlap:  # and no tilt of the border can
            X[inside[:4], 0] = X[-1, 0]
            X[inside[:4], 1:] = [[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]]
            y[inside[:4]] = 0
            X[inside[4:8], 0] = X[-2, 0]
            X[inside[4:8], 1:] = [[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]]
    else:
        weights = np.random.default_rng(0).uniform(0.5, 2.0, len(y))
    expected = "exists" if overlap else "separated"
    assert verdict_of_detection(X, y, sample_weight=weights) == expected
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        status = SoftmaxGLM(alpha=0).fit(X, y, sample_weight=weights).status_
    # Sparse rows are not centred as they are read: what rounding may have done to their sums is too much for a proof.
    told = ("converged", "stopped at the precision") if kind == "sparse" else "converged"
    assert status.startswith(told if overlap else "separated")


def test_several_gaps_of_different_widths_are_told_at_once():
    x = np.array([0, 1, 10**5, 10**5 + 1, 10**10, 10**10 + 1], dtype=np.float64)
    y = np.array([0, 1, 1, 2, 2, 3])
    X, y = np.repeat(x, 3)[:, np.newaxis], np.repeat(y, 3)
    assert verdict_of_fit(X, y) == "separated"
    assert detect_separation(X, y).kind == "complete"
    # Where 1 and 2 overlap by one in 1e10, the others are still apart: two scales at once may be too much to tell.
    y[6:9], y[9:12] = 2, 1
    assert verdict_of_fit(X, y) in {"separated", "undecided"}
    assert verdict_of_detection(X, y) in {"separated", "undecided"}


@pytest.mark.parametrize("overlap", [False, True])
def test_what_hangs_on_the_last_digits_of_the_data_is_told_right_or_not_at_all(overlap):
    # Numbers near 1e15 are multiples of 1/8.
    X = (1e15 + np.array([0.0, 200.0, 400.0, 400.125, 600.0, 800.0]))[:, np.newaxis]
    y = np.array([0, 0, 1, 0, 1, 1] if overlap else [0, 0, 0, 1, 1, 1])
    truth = "exists" if overlap else "separated"
    assert verdict_of_fit(X, y) in {truth, "undecided"}
    assert verdict_of_detection(X, y) in {truth, "undecided"}
    # Once the constant is gone the digits are taken at their word.
    assert verdict_of_detection(X - 1e15, y) == verdict_of_fit(X - 1e15, y) == truth


def test_the_error_names_the_remedy():
    X = (1e15 + np.array([0.0, 200.0, 400.0, 400.125, 600.0, 800.0]))[:, np.newaxis]
    with pytest.raises(ArithmeticError, match=r"last digits of X.*Subtract a constant"):
        detect_separation(X, [0, 0, 1, 0, 1, 1])


def opposes_everything(contrasts):
    """Tell by exact arithmetic whether no gamma has a' gamma >= 0 for all contrasts a, and > 0 for some.

    By Stiemke's lemma that is so if some combination of all the contrasts, each counted at least once, is 0: the first
    phase of the simplex method finds one, with Bland's rule. The contrasts are integers, and so stays the table: all of
    it over the last pivot, by which Edmonds' steps divide without remainder.
    """
    forms = sorted({tuple(form) for form in contrasts})
    size, count = len(forms[0]), len(forms)
    table, basis, last = [], [], 1
    for j in range(size):
        row = [form[j] for form in forms]
        sign = 1 if sum(row) <= 0 else -1
        right = -sign * sum(row)
        table.append([*(sign * value for value in row), *(int(i == j) for i in range(size)), right])
        basis.append(count + j)
    cost = [-sum(column) for column in zip(*table, strict=True)]
    cost[count:-1] = [0] * size
    while (enters := next((j for j, value in enumerate(cost[:-1]) if value < 0), None)) is not None:
        ratios = [(Fraction(row[-1], row[enters]), basis[i], i) for i, row in enumerate(table) if row[enters] > 0]
        leaves = min(ratios)[-1]
        pivot, by = table[leaves], table[leaves][enters]
        *table, cost = [
            row if row is pivot else [(by * a - row[enters] * b) // last for a, b in zip(row, pivot, strict=True)]
            for row in [*table, cost]
        ]
        basis[leaves], last = enters, by
    return cost[-1] == 0


def contrasts_of(X, y, n_classes, *, fit_intercept):
    """What integer rows ask of the coefficients against the first class."""
    contrasts = []
    identity = np.identity(n_classes, dtype=int)[:, 1:].tolist()
    for row, label in zip(X.tolist(), y.tolist(), strict=True):
        terms = [1, *row] if fit_intercept else row
        for other in range(n_classes):
            if other != label:
                between = [a - b for a, b in zip(identity[label], identity[other], strict=True)]
                contrasts.append([sign * term for sign in between for term in terms])
    return contrasts


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [([1, 2, 3, 4], [0, 0, 1, 1], False), ([1, 2, 3, 4], [0, 1, 0, 1], True), ([1, 2, 2, 3], [0, 0, 1, 1], False)],
)
def test_exact_arithmetic_knows_the_line(x, y, expected):
    contrasts = contrasts_of(np.array(x)[:, np.newaxis], np.array(y), 2, fit_intercept=True)
    assert opposes_everything(contrasts) is expected


def nearly_separated(seed):
    """Integers up to 1e10 whose classes are apart, touch or overlap by a unit."""
    rng = np.random.default_rng(seed)
    n_classes, p = int(rng.integers(2, 4)), int(rng.integers(1, 4))
    n = int(rng.integers(3 * n_classes, 14 * n_classes))
    size = 10 ** int(rng.integers(0, 11 if p == 1 else 8))
    X = rng.integers(0, 2 * size + 1, size=(n, p))
    if p == 1:
        cuts = np.sort(rng.integers(0, 2 * size + 1, size=n_classes - 1))
        y = (cuts < X).sum(axis=1)
        X = np.append(X, np.ravel([[cut, cut + 1] for cut in cuts])[:, np.newaxis], axis=0)
        y = np.append(y, np.ravel([[k, k + 1] for k in range(n_classes - 1)]))
    else:
        slopes = rng.integers(-3, 4, size=(p, n_classes))
        eta = X @ slopes
        y = (eta - np.median(eta, axis=0).astype(int)).argmax(axis=1)
    if rng.random() < 0.4:
        i = rng.integers(len(y))
        j = np.argsort(np.abs(X - X[i]).sum(axis=1) + 1e18 * (y == y[i]))[0]
        if rng.random() < 0.5:
            y[i], y[j] = y[j], y[i]
        else:
            X[j] = X[i]
    return X, np.unique(y, return_inverse=True)[1], rng


@pytest.mark.parametrize("first", mostly_slow(range(0, 100, 25), kept=2))
def test_the_fit_and_the_detection_know_what_exact_arithmetic_does(first):
    n_decided = 0
    for seed in range(first, first + 25):
        X, y, rng = nearly_separated(seed)
        n_classes = y.max() + 1
        if n_classes < 2:
            continue
        fit_intercept = bool(rng.random() < 0.8)
        truth = opposes_everything(contrasts_of(X, y, n_classes, fit_intercept=fit_intercept))
        # What is added changes nothing with an intercept, nor does a power of two.
        given = (X + rng.choice([0, 0, 1990, 10**9]) * fit_intercept) * rng.choice([1.0, 1.0, 2.0**-40])
        if rng.random() < 0.2:
            given = sparse.csr_array(given)
        verdicts = {
            verdict_of_fit(given, y, fit_intercept=fit_intercept),
            verdict_of_detection(given, y, fit_intercept=fit_intercept),
        }
        n_decided += "undecided" not in verdicts
        assert verdicts <= {"exists" if truth else "separated", "undecided"}, seed
    assert n_decided >= 23


def nearly_collinear(seed):
    """Integers: a column, and others that are the same but for differences, which decide about the classes."""
    rng = np.random.default_rng(seed)
    n, n_classes = int(rng.integers(10, 40)), int(rng.integers(2, 4))
    size, unit = 10 ** int(rng.integers(5, 10)), 10 ** int(rng.integers(0, 5))
    x, difference = rng.integers(0, size, n), rng.integers(-3 * unit, 3 * unit + 1, n)
    y = np.digitize(difference, [-unit, unit][: n_classes - 1])
    if seed % 3 == 1:
        y[rng.integers(n)] = rng.integers(n_classes)
    columns = [x, x + difference] + [x - difference + rng.integers(-1, 2, n)] * (seed % 3 == 2)
    return np.column_stack(columns), np.unique(y, return_inverse=True)[1]


@pytest.mark.parametrize("first", mostly_slow(range(0, 60, 20), kept=1))
def test_columns_that_are_collinear_but_for_some_digits_are_told_right_or_not_at_all(first):
    n_decided = 0
    for seed in range(first, first + 20):
        X, y = nearly_collinear(seed)
        if y.max() < 1:
            continue
        truth = opposes_everything(contrasts_of(X, y, y.max() + 1, fit_intercept=True))
        verdicts = {verdict_of_fit(X * 2.0**-30, y), verdict_of_detection(X * 2.0**-30, y)}
        n_decided += "undecided" not in verdicts
        assert verdicts <= {"exists" if truth else "separated", "undecided"}, seed
    assert n_decided >= 10


@pytest.mark.parametrize("kind", ["sum", "copy", "single precision", "third", "indicators"])
def test_columns_that_are_collinear_to_their_last_digit_hide_nothing(kind):
    rng = np.random.default_rng(0)
    X = rng.normal([0.0, 50.0, -7.0], size=(200, 3))
    y = rng.integers(0, 3, size=200)
    levels = rng.integers(4, size=200)
    more = {
        "sum": X @ [1.0, -2.0, 0.5],
        "copy": X[:, 1],
        "single precision": X[:, 0] + X[:, 1],
        "third": X[:, 1] / 3.0,
        "indicators": np.identity(4)[levels],
    }[kind]
    X = np.column_stack([X, more])
    if kind == "single precision":
        X = X.astype(np.float32)
        X[:, 3] = X[:, 0] + X[:, 1]
    assert verdict_of_detection(X, y) == "exists"


def test_a_direction_of_no_length_stays_0():
    np.testing.assert_array_equal(_unit(np.zeros(3)), np.zeros(3))
    np.testing.assert_allclose(_unit(np.array([3e-200, 4e-200])), [0.6, 0.8])
