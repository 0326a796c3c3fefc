import numpy as np
import pytest
from problems import OVERLAPPING, PROBLEMS, objective_of, real_data, rows_and_family, separable

from softglm.data import RowsInMemory
from softglm.families import Bernoulli, Categorical, Gaussian, Poisson
from softglm.model import null_coordinates, null_model
from softglm.model.proof.recession import is_separated, separates


def of(X, targets, family, *, fit_intercept=True, weights=None, offset=None):
    X = np.asarray(X, dtype=np.float64).reshape(len(targets), -1)
    rows = RowsInMemory(X, np.asarray(targets), weights, offset)
    return objective_of(rows, family, 0.0, fit_intercept=fit_intercept)


def decided(objective):
    return is_separated(objective, null_coordinates(objective, null_model(objective).information))


def labels(*codes):
    return np.array(codes, dtype=np.int32)


LINE = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        ([0, 0, 0, 1, 1, 1], True),  # complete
        ([1, 1, 1, 0, 0, 0], True),
        ([0, 0, 1, 0, 1, 1], False),  # overlapping
        ([0, 1, 0, 1, 0, 1], False),
    ],
)
def test_two_classes_on_a_line(y, expected):
    assert decided(of(LINE, np.array(y, dtype=float), Bernoulli())) is expected
    assert decided(of(LINE, labels(*y), Categorical(2))) is expected


def test_two_classes_that_share_only_a_boundary_are_separated():
    x = [1.0, 2.0, 3.0, 3.0, 4.0, 5.0]
    assert decided(of(x, np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0]), Bernoulli()))


def test_a_category_with_one_outcome_is_separated():
    dummy = [0.0, 0.0, 0.0, 0.0, 1.0, 1.0]
    assert decided(of(dummy, np.array([0.0, 1.0, 0.0, 1.0, 1.0, 1.0]), Bernoulli()))


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        ([0, 0, 1, 1, 2, 2], True),  # every class on its own piece of the line
        ([0, 0, 1, 2, 1, 2], True),  # class 0 apart from two that overlap
        ([1, 2, 1, 2, 0, 0], True),
        ([0, 1, 2, 0, 1, 2], False),
        ([0, 1, 0, 1, 2, 2], True),
        ([0, 2, 1, 1, 2, 0], False),
    ],
)
def test_three_classes_on_a_line(y, expected):
    assert decided(of(LINE, labels(*y), Categorical(3))) is expected


def test_without_an_intercept_a_class_must_lie_on_one_side_of_zero():
    y = np.array([0.0, 0.0, 1.0, 1.0])
    assert decided(of([-2.0, -1.0, 1.0, 2.0], y, Bernoulli(), fit_intercept=False))
    assert not decided(of([1.0, 2.0, 3.0, 4.0], y, Bernoulli(), fit_intercept=False))
    assert decided(of([1.0, 2.0, 3.0, 4.0], y, Bernoulli()))


def test_mixed_labels_oppose_every_direction_and_pure_ones_only_theirs():
    mixed = np.array([0.1, 0.4, 0.6, 0.9])
    assert not decided(of(LINE[:4], mixed, Bernoulli()))
    # Only the outer rows are pure: moving apart is opposed by the mixed ones inside, on both sides of any threshold.
    assert not decided(of(LINE[:4], np.array([0.0, 0.4, 0.6, 1.0]), Bernoulli()))
    # One mixed row may lie on the boundary.
    assert decided(of(LINE[:3], np.array([0.0, 0.5, 1.0]), Bernoulli()))


def test_soft_labels_of_three_classes():
    soft = np.array([[0.5, 0.5, 0.0], [0.4, 0.6, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    assert decided(of(LINE[:4], soft, Categorical(3)))
    assert not decided(of(LINE[:4], 0.9 * soft + 0.1 / 3.0, Categorical(3)))


def test_poisson_counts_of_zero_can_be_separated():
    dummy = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]
    assert decided(of(dummy, np.array([2.0, 1.0, 3.0, 0.0, 0.0, 0.0]), Poisson()))
    assert not decided(of(dummy, np.array([2.0, 1.0, 3.0, 0.0, 1.0, 0.0]), Poisson()))
    # Two distinct positive counts pin the line down.
    assert not decided(of(LINE, np.array([0.0, 0.0, 0.0, 0.0, 1.0, 2.0]), Poisson()))
    # One alone does not: the line may turn around it.
    assert decided(of(LINE, np.array([0.0, 0.0, 0.0, 0.0, 0.0, 2.0]), Poisson()))


def test_a_gaussian_is_never_separated():
    assert not decided(of(LINE, np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0]), Gaussian()))


def test_an_offset_separates_nothing():
    offset = np.array([[-50.0], [-50.0], [-50.0], [50.0], [50.0], [50.0]])
    assert not decided(of(LINE, np.array([0.0, 1, 0, 1, 0, 1]), Bernoulli(), offset=offset))
    assert decided(of(LINE, np.array([0.0, 0, 0, 1, 1, 1]), Bernoulli(), offset=-offset))


@pytest.mark.parametrize("pair", [(0, 1), (0, 2), (1, 2)])
def test_of_the_irises_only_setosa_lies_apart_from_each_other_species(pair):
    data = real_data("iris")
    kept = np.isin(data.y, pair)
    y = (data.y[kept] == pair[1]).astype(np.float64)
    assert decided(of(data.X[kept], y, Bernoulli())) is (0 in pair)


@pytest.mark.parametrize("columns", [(0, 1), (0, 1, 2, 3), (0,), (2, 3)])
def test_all_irises_are_separated_where_setosa_lies_apart(columns):
    data = real_data("iris")
    objective = of(data.X[:, columns], data.y, Categorical(3))
    setosa = of(data.X[:, columns], (data.y == 0).astype(np.float64), Bernoulli())
    assert decided(objective) is decided(setosa)
    assert decided(setosa) is (columns != (0,))


def test_wines_are_separated():
    assert decided(objective_of(*rows_and_family(real_data("wine")), 0.0))


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("seed", range(5))
def test_distant_classes_are_separated_whatever_the_scale(seed, n_classes, scale):
    data = separable(seed, n_classes)
    rows, family = rows_and_family(data)
    objective = objective_of(RowsInMemory(scale * data.X, data.y), Categorical(n_classes), 0.0)
    assert decided(objective)
    assert decided(objective_of(rows, family, 0.0))


@pytest.mark.parametrize("name", OVERLAPPING)
def test_the_overlapping_problems_of_the_table_are_not_separated(name):
    assert not decided(objective_of(*rows_and_family(PROBLEMS[name]()), 0.0))


def test_all_margins_positive_proves_complete_separation():
    objective = of([1.0, 2.0, 3.0, 4.0], np.array([0.0, 0.0, 1.0, 1.0]), Bernoulli())
    assert separates(objective, objective.centred(np.array([[2.0]]), np.array([-5.0])))
    assert not separates(objective, objective.centred(np.array([[2.0]]), np.array([-4.0])))
    assert not separates(objective, objective.centred(np.array([[-2.0]]), np.array([5.0])))
    assert not separates(objective, np.zeros(objective.shape))


def test_all_margins_positive_proves_complete_separation_of_three_classes():
    data = separable()
    objective = objective_of(*rows_and_family(data), 0.0)
    apart = objective.centred(np.identity(3), np.zeros(3))
    assert separates(objective, apart)
    assert separates(objective, 1e-3 * apart)
    assert not separates(objective, -apart)
