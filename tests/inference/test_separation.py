"""Which estimates exist: hand-made data whose answer can be seen, published ones, and the limits of fits."""

from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from effort import mostly_slow
from problems import OVERLAPPING, PROBLEMS, SEPARATED, Data, drawn_classes, objective_of, real_data, rows_and_family
from scipy import optimize, sparse
from sklearn.datasets import load_iris

from softglm import detect_separation
from softglm.inference.separation import detect
from softglm.model import null_coordinates, null_model
from softglm.model.proof.recession import is_separated, separates

INF = np.inf


def detected(data):
    return detect_separation(data.X, data.y, sample_weight=data.weights)


@pytest.mark.parametrize("name", OVERLAPPING)
def test_data_that_have_an_optimum_are_not_separated(name):
    found = detected(OVERLAPPING[name]())
    assert found.kind == "none"
    assert not found.excluded.any()
    assert not np.isinf(found.limits).any()


@pytest.mark.parametrize("name", sorted(SEPARATED))
def test_data_that_have_none_are(name):
    found = detected(PROBLEMS[name]())
    assert found.kind == "complete"
    assert (found.excluded.sum(axis=1) == len(found.classes) - 1).all()
    assert not (found.limits[0, 1:] == 0.0).any()


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_fit_asks_the_same_question(name):
    objective = objective_of(*rows_and_family(PROBLEMS[name]()), 0.0)
    coordinates = null_coordinates(objective, null_model(objective).information)
    assert is_separated(objective, coordinates) is (name in SEPARATED)


def test_iris_is_separated_from_setosa_only():
    data = real_data("iris")
    found = detected(data)
    assert found.kind == "quasi-complete"
    contrasts = {
        (*row, label, other): excluded
        for row, label, excluding in zip(data.X.tolist(), data.y, found.excluded, strict=True)
        for other, excluded in enumerate(excluding)
        if other != label
    }
    assert len(contrasts) == 298
    assert sum(contrasts.values()) == 199
    assert found.separated_rows.all()
    np.testing.assert_array_equal(found.limits[1, 2], np.zeros(5))
    assert np.isinf(found.limits[0, 1:]).all()
    # Seen from setosa nothing is finite; seen from another class, half of it.
    assert np.isinf(found.directions(0)).all()
    assert np.isinf(found.directions(2)).mean() == 0.5


def test_wine_is_completely_separated():
    found = detected(real_data("wine"))
    assert found.kind == "complete"
    assert found.excluded.sum() == 2 * 178
    assert np.isinf(found.directions()).all()


LINE = np.array([[1.0], [2.0], [3.0], [4.0]])


def test_two_classes_apart_on_a_line():
    found = detect_separation(LINE, [0, 0, 1, 1])
    assert found.kind == "complete"
    np.testing.assert_array_equal(found.directions(), [[-INF, INF]])
    assert found.determined.all()
    np.testing.assert_array_equal(found.directions(reference=1), [[INF, -INF]])


def test_symmetric_rows_that_are_equally_far_apart_all_count():
    # Whatever direction is found, here two contrasts are equally far from it; both are needed to know the slope's sign.
    start = np.array([[0.0], [1.0]])
    rows, family = rows_and_family(Data(np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array([0, 0, 1, 1])))
    found = detect(objective_of(rows, family, 0.0), start=start)
    assert found.determined[1, 0].tolist() == [False, True]
    assert found.limits[1, 0, 1] == INF


def test_two_classes_that_touch():
    found = detect_separation([[1.0], [2.0], [2.0], [3.0]], [0, 0, 1, 1])
    assert found.kind == "quasi-complete"
    np.testing.assert_array_equal(found.separated_rows, [True, False, False, True])
    np.testing.assert_array_equal(found.excluded, [[False, True], [False, False], [False, False], [True, False]])
    np.testing.assert_array_equal(found.directions(), [[-INF, INF]])


def test_two_classes_that_overlap():
    found = detect_separation(LINE, [0, 1, 0, 1])
    assert found.kind == "none"
    np.testing.assert_array_equal(found.directions(), [[0.0, 0.0]])


def test_without_intercept_the_boundary_goes_through_the_origin():
    assert detect_separation(LINE, [0, 0, 1, 1], fit_intercept=False).kind == "none"
    found = detect_separation(LINE - 2.5, [0, 0, 1, 1], fit_intercept=False)
    assert found.kind == "complete"
    assert found.terms == ("x0",)
    np.testing.assert_array_equal(found.directions(), [[INF]])


def test_a_row_at_the_origin_keeps_it_from_being_complete():
    X = np.append(LINE - 2.5, [[0.0]], axis=0)
    assert detect_separation(X, [0, 0, 1, 1, 1], fit_intercept=False).kind == "quasi-complete"


def dummies():
    """A dummy that never occurs with the last of three classes; beside it a column that overlaps."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    y = drawn_classes(rng, np.column_stack([x, -x, 0.0 * x]))
    return np.column_stack([(rng.random(300) < 0.3) & (y < 2), x]).astype(float), y


def test_whether_a_coefficient_is_finite_depends_on_the_base_class():
    found = detect_separation(*dummies())
    assert found.kind == "quasi-complete"
    # The dummy of classes 0 and 1 against each other: finite.
    np.testing.assert_array_equal(found.directions(reference=0), [[0.0, 0.0, 0.0], [0.0, -INF, 0.0]])
    np.testing.assert_array_equal(found.directions(reference=2), [[0.0, INF, 0.0], [0.0, INF, 0.0]])
    assert found.determined.all()


def test_the_rows_of_the_dummy_exclude_the_class_that_never_has_it():
    X, y = dummies()
    found = detect_separation(X, y)
    np.testing.assert_array_equal(found.excluded, (X[:, :1] == 1.0) & (np.arange(3) == 2))


def test_three_classes_in_order_on_a_line():
    X = np.array([[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]])
    found = detect_separation(X, list("aabbcc"))
    assert found.kind == "complete"
    np.testing.assert_array_equal(found.directions("a")[:, 1], [INF, INF])
    np.testing.assert_array_equal(found.directions("c")[:, 1], [-INF, -INF])
    # b against a: any slope below that of c against a, so the intercept is what is known.
    assert found.determined[2, 0].all()


def test_a_direction_may_be_open():
    # Either column separates the rows by itself, so that the other may have any coefficient.
    found = detect_separation([[0.0, 0.0], [1.0, 1.0], [0.0, 0.1], [1.0, 0.9]], ["no", "yes", "no", "yes"])
    assert found.kind == "complete"
    assert found.limits[1, 0, 0] == -INF
    np.testing.assert_array_equal(found.determined[1, 0], [True, False, False])


def test_soft_labels_separate_nothing_among_the_classes_they_hold():
    Y = np.array([[0.5, 0.5, 0.0], [0.2, 0.8, 0.0], [0.7, 0.3, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    X = np.array([[0.0], [1.0], [2.0], [3.0], [4.0]])
    found = detect_separation(X, Y)
    assert found.kind == "quasi-complete"
    np.testing.assert_array_equal(found.excluded, Y == 0.0)
    np.testing.assert_array_equal(found.limits[0, 1], [0.0, 0.0])
    np.testing.assert_array_equal(found.limits[2, 0], [-INF, INF])


def test_counts_are_repeated_rows():
    counts = np.array([[3, 0], [2, 1], [0, 4]])
    X = np.array([[0.0], [1.0], [2.0]])
    rows, labels = np.repeat(np.indices(counts.shape).reshape(2, -1), counts.ravel(), axis=1)
    grouped, single = detect_separation(X, counts), detect_separation(X[rows], labels)
    assert grouped.kind == single.kind == "quasi-complete"
    np.testing.assert_array_equal(grouped.excluded[rows], single.excluded)
    np.testing.assert_array_equal(grouped.limits, single.limits)


def test_only_whether_a_weight_is_zero_matters():
    X, y = np.append(LINE, [[1.5]], axis=0), [0, 0, 1, 1, 1]
    assert detect_separation(X, y, sample_weight=[1.0, 7.0, 0.01, 3.0, 1e-3]).kind == "none"
    found = detect_separation(X, y, sample_weight=[1.0, 7.0, 0.01, 3.0, 0.0])
    assert found.kind == "complete"
    assert not found.excluded[4].any()


def test_a_row_of_weight_zero_is_no_proof_against_complete_separation():
    data = PROBLEMS["separable"]()
    X, y = np.append(data.X, data.X[:1], axis=0), np.append(data.y, (data.y[:1] + 1) % 3)
    weights = np.append(np.ones(len(data.y)), 0.0)
    found = detect_separation(X, y, sample_weight=weights)
    assert found.kind == "complete"


def test_classes_without_weight_are_left_out():
    found = detect_separation(LINE, ["a", "b", "c", "c"], sample_weight=[1.0, 0.0, 1.0, 1.0])
    assert found.classes.tolist() == ["a", "c"]
    np.testing.assert_array_equal(found.directions("a"), [[-INF, INF]])


def test_collinear_columns_are_nan_and_the_others_are_told():
    X, y = dummies()
    doubled = np.column_stack([X, X[:, 1], np.full(len(X), 2.0)])
    found = detect_separation(doubled, y)
    assert found.kind == "quasi-complete"
    np.testing.assert_array_equal(found.limits[2, 0, 1], -INF)
    assert np.isnan(found.limits[2, 0, [2, 3, 4]]).all()
    np.testing.assert_array_equal(found.excluded, detect_separation(X, y).excluded)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_units_do_not_matter(scale):
    X, y = dummies()
    found = detect_separation(X * [scale, 1.0 / scale] + [0.0, 1e3], y)
    np.testing.assert_array_equal(found.limits[:, :, 1:], detect_separation(X, y).limits[:, :, 1:])


def test_sparse_rows_are_taken():
    X, y = dummies()
    np.testing.assert_array_equal(detect_separation(sparse.csr_array(X), y).limits, detect_separation(X, y).limits)


def test_a_narrow_gap_is_a_gap():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(2000, 3))
    score = X @ [1.0, 2.0, -1.0]
    y = (score > 0.0).astype(int)
    found = detect_separation(X, y)
    assert found.kind == "complete"
    np.testing.assert_array_equal(found.directions()[0, 1:], [INF, INF, -INF])
    farthest = np.argmax(abs(score))
    y[farthest] = 1 - y[farthest]
    assert detect_separation(X, y).kind == "none"


def test_the_direction_that_was_found_opposes_nothing():
    """Independent of the linear programs: every excluded class is below, every observed one on top."""
    X, y = dummies()
    objective = objective_of(*rows_and_family(real_data("iris")), 0.0)
    assert not separates(objective, np.zeros(objective.shape))
    assert detect(objective).kind == "quasi-complete"
    found = detect_separation(X, y)
    assert not found.excluded[np.arange(len(y)), y].any()


def test_it_can_be_printed_and_tabulated():
    X, y = dummies()
    frame = pd.DataFrame(X, columns=["rare", "x"])
    found = detect_separation(frame, np.array(["a", "b", "c"])[y])
    assert str(found).splitlines()[0].startswith("Separation is quasi-complete: ")
    assert "  c against a: rare -inf" in str(found)
    assert "  b against a: finite" in str(found)
    table = found.to_frame(reference="a")
    assert table.columns.tolist() == ["class", "term", "limit", "determined"]
    assert table.set_index(["class", "term"]).limit["c", "rare"] == -INF
    assert "exists" in str(detect_separation(LINE, [0, 1, 0, 1]))


def test_what_cannot_be_answered_is_refused():
    with pytest.raises(ValueError, match="nothing to tell apart"):
        detect_separation(LINE, [1, 1, 1, 1])
    with pytest.raises(ValueError, match="none of the classes"):
        detect_separation(LINE, [0, 1, 0, 1]).directions(reference=7)


def answers_one_by_one(X, y):
    """The definitions, a linear program for each contrast and each coefficient, in the columns as they are."""
    n, K = len(y), y.max() + 1
    design = np.column_stack([np.ones(n), X])
    identity = np.identity(K)[:, 1:]
    pairs = [(i, k) for i in range(n) for k in range(K) if k != y[i]]
    cone = np.array([np.kron(identity[y[i]] - identity[k], design[i]) for i, k in pairs])

    def largest(form):
        program = optimize.linprog(-form, A_ub=-cone, b_ub=np.zeros(len(cone)), bounds=(-1.0, 1.0))
        return form @ program.x > 1e-7

    excluded = np.zeros((n, K), dtype=bool)
    for (i, k), contrast in zip(pairs, cone, strict=True):
        excluded[i, k] = largest(contrast)
    signs = np.zeros((K, K, design.shape[1], 2), dtype=bool)
    for (k, j), term in product(combinations(range(K), 2), range(design.shape[1])):
        form = np.kron(identity[k] - identity[j], np.identity(design.shape[1])[term])
        signs[k, j, term] = largest(form), largest(-form)
        signs[j, k, term] = signs[k, j, term, ::-1]
    return excluded, signs


@pytest.mark.parametrize("n_classes", [2, 3, 4])
@pytest.mark.parametrize("seed", mostly_slow(range(8), kept=2))
def test_the_answers_are_those_of_one_program_for_each_question(seed, n_classes):
    rng = np.random.default_rng([seed, n_classes])
    X = rng.integers(3, size=(6 * n_classes, 3)).astype(float)
    y = np.zeros(len(X), dtype=int)
    while len(np.unique(y)) < n_classes:
        eta = X @ rng.normal(size=(3, n_classes))
        y = (eta - eta.mean(axis=0) + 0.6 * rng.normal(size=eta.shape)).argmax(axis=1)
    found = detect_separation(X, y)
    excluded, signs = answers_one_by_one(X, y)
    np.testing.assert_array_equal(found.excluded, excluded)
    np.testing.assert_array_equal(np.isinf(found.limits), signs.any(axis=-1))
    np.testing.assert_array_equal(found.determined, ~signs.all(axis=-1))
    np.testing.assert_array_equal(found.limits[found.determined] > 0.0, signs[found.determined, 0])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["overlapping", "quasi-complete", "complete"])
def test_twenty_thousand_rows_take_seconds(kind):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 20))
    eta = X @ rng.normal(size=(20, 5))
    y = eta.argmax(axis=1) if kind == "complete" else drawn_classes(rng, eta)
    if kind == "quasi-complete":
        X[:, 0] = (rng.random(len(X)) < 0.02) & (y != 2)
    found = detect_separation(X, y)
    assert found.kind == ("none" if kind == "overlapping" else kind)
    if kind == "quasi-complete":
        assert np.isinf(found.limits[2, [0, 1, 3, 4], 1]).all()
        assert np.isinf(found.limits).sum() == 8


def test_an_open_sign_is_not_printed_as_a_fact():
    found = detect_separation(load_iris().data, load_iris().target == 0)
    assert found.kind == "complete"
    assert not found.determined.all()
    open_terms = [term for term, sure in zip(found.terms, found.determined[1, 0], strict=True) if not sure]
    assert all(f"{term} \u00b1inf" in str(found) for term in open_terms)
    assert "either sign" in str(found)
    frame = found.to_frame()
    assert frame.columns.tolist() == ["class", "term", "limit", "determined"]
    assert frame["term"][~frame["determined"]].tolist() == open_terms


def test_long_lines_are_wrapped_between_coefficients():
    rng = np.random.default_rng(0)
    names = [f"a feature of number {j}" for j in range(8)]
    X = pd.DataFrame(rng.normal(size=(12, 8)), columns=names)
    found = detect_separation(X, np.arange(12) % 2)
    lines = str(found).splitlines()
    assert max(map(len, lines)) <= 88
    assert sum(line.startswith("    a feature of number ") for line in lines) >= 2


def test_a_representation_is_one_line():
    found = detect_separation(load_iris().data, load_iris().target)
    assert repr(found) == "<DetectedSeparation: quasi-complete, 150 of 150 rows, 3 classes, 5 terms>"


def test_what_is_not_estimable_is_said_to_be():
    X = np.column_stack([np.arange(6.0), np.arange(6.0)])
    assert "x0 not estimable" in str(detect_separation(X, np.arange(6) > 2))


@pytest.mark.parametrize("weight", [1e-16, 1e-30, 0.0])
def test_of_two_classes_one_whose_weight_vanishes_is_none_as_in_a_fit(weight):
    y = np.arange(20) % 2
    X = np.arange(20.0)[:, np.newaxis]
    with pytest.raises(ValueError, match=r"Only the class \[0\] has any weight"):
        detect_separation(X, y, sample_weight=np.where(y == 1, weight, 1.0))
    assert detect_separation(X, y, sample_weight=np.where(y == 1, 1e-12, 1.0)).kind == "none"
