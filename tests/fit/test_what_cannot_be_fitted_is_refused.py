"""What has no fit is refused, with what to do instead."""

import numpy as np
import pytest
from fits import fit_rows
from problems import bernoulli_rows, gaussian_rows

from softglm.families import Beta, Dirichlet, Exponential, Gamma
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
