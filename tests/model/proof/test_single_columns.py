"""Columns that separate a class by themselves are found in one pass, whatever else there is."""

import warnings

import numpy as np
import pytest
from scipy import sparse

from softglm import SoftmaxGLM, detect_separation, infer
from softglm.data import RowsInMemory
from softglm.families import Bernoulli, Categorical, Gaussian, Poisson
from softglm.model import Objective, Ridge
from softglm.model.proof.programs import ProgramTooLargeError
from softglm.model.proof.single_columns import separating_column


def column_of(X, targets, family, weights=None, *, fit_intercept=True):
    nothing = Ridge.on_coefficients(0.0, X.shape[1], fit_intercept=fit_intercept)
    return separating_column(Objective(RowsInMemory(X, targets, weights), family, nothing, fit_intercept=fit_intercept))


def family_of(n_classes):
    return Bernoulli() if n_classes == 2 else Categorical(n_classes)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("seed", range(40))
def test_of_two_classes_and_one_column_it_says_what_linear_programs_say(seed, fit_intercept):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 12))
    X, y = rng.integers(-1, 3, size=(n, 1)).astype(float), np.append([0, 1], rng.integers(0, 2, n - 2))
    X += rng.integers(0, 2) * (y[:, np.newaxis] + 1)
    by_programs = detect_separation(X, y, fit_intercept=fit_intercept).kind
    found = column_of(X, y.astype(np.int32), Bernoulli(), fit_intercept=fit_intercept)
    assert (found is not None) == (by_programs != "none")


@pytest.mark.parametrize("n_classes", [3, 5])
@pytest.mark.parametrize("seed", range(20))
def test_of_more_classes_what_it_finds_is_separated(seed, n_classes):
    rng = np.random.default_rng(seed)
    n = 30
    X, y = (
        rng.integers(-1, 2, size=(n, 2)).astype(float),
        np.append(np.arange(n_classes), rng.integers(0, n_classes, n)),
    )
    y = y[:n].astype(np.int32)
    X[:, 1] += 2.0 * (y == seed % n_classes) * rng.integers(0, 2, n)
    if column_of(X, y, Categorical(n_classes)) is not None:
        assert detect_separation(X, y).kind != "none"
    # Above all others, and nothing below them.
    X[:, 0] = np.where(y == 1, 1.0 + rng.random(n), rng.random(n))
    assert column_of(X, y, Categorical(n_classes)) == 0
    assert column_of(-X, y, Categorical(n_classes)) == 0
    assert detect_separation(X, y).kind != "none"


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array, lambda X: X.astype(np.uint8), lambda X: X.astype(bool)])
def test_a_level_that_one_class_has_is_found_in_any_kind_of_matrix(kind, n_classes):
    rng = np.random.default_rng(0)
    level = np.append(np.repeat(np.arange(8), n_classes), rng.integers(0, 8, 400))
    y = np.append(np.tile(np.arange(n_classes), 8), rng.integers(0, n_classes, 400)).astype(np.int32)
    dummies = np.identity(8)[level]
    assert column_of(kind(dummies), y, family_of(n_classes)) is None
    kept = (level != 5) | (y == 1)
    assert column_of(kind(dummies[kept]), y[kept], family_of(n_classes)) == 5
    # Rows of no weight oppose nothing.
    assert column_of(kind(dummies), y, family_of(n_classes), kept.astype(float)) == 5


def test_soft_labels_oppose_where_they_have_mass():
    X = np.array([[0.0], [0.0], [1.0], [2.0]])
    shares = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.5, 0.0, 0.5], [0.0, 0.0, 1.0]])
    assert column_of(X, shares, Categorical(3)) == 0
    shares[0] = [0.5, 0.0, 0.5]
    shares[3] = [0.0, 0.5, 0.5]
    assert column_of(X, shares, Categorical(3)) is None
    assert column_of(X[[0, 3]], np.array([0.1, 0.9]), Bernoulli()) is None


@pytest.mark.parametrize("family", [Poisson(), Gaussian()])
def test_families_without_classes_have_none(family):
    X = np.array([[0.0], [0.0], [1.0], [1.0]])
    assert column_of(X, np.array([0.0, 0.0, 2.0, 3.0]), family) is None


def test_a_constant_column_separates_nothing_and_last_digits_are_not_looked_at():
    y = np.array([0, 0, 1, 1], dtype=np.int32)
    assert column_of(np.ones((4, 1)), y, Bernoulli()) is None
    close = np.array([0.25, 0.5, 0.5, 0.75])
    assert column_of(close[:, np.newaxis], y, Bernoulli()) == 0  # a tie
    close[2] = np.nextafter(0.5, 1.0)
    assert column_of(close[:, np.newaxis], y, Bernoulli()) is None
    far = 2.0**52 + np.array([0.0, 1.0, 2.0, 3.0])
    assert column_of(far[:, np.newaxis], y, Bernoulli()) is None


def thousands_of_levels():
    """More than any program is begun for: each level, and each class with it, a few times."""
    rng = np.random.default_rng(1)
    level = rng.integers(0, 5000, 20_000)
    X = sparse.csr_array((np.ones(20_000), (np.arange(20_000), level)), shape=(20_000, 5000))
    return X, rng.integers(0, 2, 20_000)


def test_of_thousands_of_levels_the_fit_says_at_once_that_there_is_no_optimum_and_detection_names_a_column():
    X, y = thousands_of_levels()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = SoftmaxGLM(alpha=0).fit(X, y)
    assert model.status_.startswith("separated")
    assert not model.converged_
    with pytest.raises(ProgramTooLargeError, match=r"separated: by column \d+ of X alone.*5,001 terms.*alpha > 0"):
        detect_separation(X, y)
    with pytest.raises(ProgramTooLargeError, match=r"separated: by column \d+ of X alone"):
        infer(model, X, y)
