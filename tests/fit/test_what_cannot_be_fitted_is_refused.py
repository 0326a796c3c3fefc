"""What has no fit is refused, with what to do instead."""

import numpy as np
import pytest
from fits import SAME_OPTIMUM, fit_rows
from problems import bernoulli_rows, gaussian_rows, soft_categorical_rows

from softglm.data import RowsInMemory
from softglm.families import Beta, Categorical, Dirichlet, Exponential, Gamma, Multinomial
from softglm.fit import fit
from softglm.model import Ridge


@pytest.mark.parametrize("family", [Gamma(), Beta(), Exponential(), Dirichlet(3)])
def test_families_with_constrained_parameters_are_refused_by_name(family):
    rows, _ = gaussian_rows()
    with pytest.raises(TypeError, match=f"^{type(family).__name__} cannot be regressed.*Poisson or Gaussian"):
        fit_rows(rows, family, 0.1)


def test_a_penalty_on_intercepts_is_refused():
    with pytest.raises(ValueError, match="never penalised"):
        fit(*bernoulli_rows(), Ridge(np.ones(5)))


@pytest.mark.parametrize(
    ("strengths", "said"),
    [
        ([0.1, -0.2, 0.1, 0.1, 0.0], "at least 0, got .*-0.2"),
        ([0.1, np.nan, 0.1, 0.1, 0.0], "finite"),
        ([0.1, np.inf, 0.1, 0.1, 0.0], "finite"),
        ([0.1, 0.1, 0.1, 0.1], r"shape \(4,\), expected \(5,\): .* 0 for the intercepts"),
        ([0.1] * 5 + [0.0], r"shape \(6,\), expected \(5,\)"),
    ],
)
def test_strengths_that_are_no_penalty_are_refused(strengths, said):
    with pytest.raises(ValueError, match=said):
        fit(*bernoulli_rows(), Ridge(np.array(strengths)))


def test_without_an_intercept_a_strength_too_many_is_refused():
    with pytest.raises(ValueError, match=r"expected \(4,\): one for each of 4 columns\."):
        fit(*bernoulli_rows(), Ridge(np.array([0.1, 0.1, 0.1, 0.1, 0.0])), fit_intercept=False)


def test_trials_of_their_own_for_each_row_are_refused_and_weights_proposed():
    rows, _ = soft_categorical_rows()
    with pytest.raises(ValueError, match=r"one number for all rows.*as weights, and Categorical"):
        fit_rows(rows, Multinomial(4, n_trials=np.arange(1, 101)), 0.1)


@pytest.mark.parametrize("n_trials", [1, 3])
def test_one_number_of_trials_for_all_rows_is_fitted(n_trials):
    rows, _ = soft_categorical_rows()
    (targets,) = rows.concatenate(lambda block: (n_trials * block.targets_matrix(4),))
    (X,) = rows.concatenate(lambda block: (block.X.T.copy(),))
    result = fit_rows(RowsInMemory(X.T, targets.T), Multinomial(4, n_trials=n_trials), 0.1 * n_trials)
    expected = fit_rows(rows, Categorical(4), 0.1)
    np.testing.assert_allclose(result.coef, expected.coef, **SAME_OPTIMUM)
