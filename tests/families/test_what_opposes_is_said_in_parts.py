"""`opposing` says, part by part, what `can_fall` and `can_rise` say of all directions at once."""

import numpy as np
import pytest

from softglm.families import Bernoulli, Categorical, Gaussian, Multinomial, Poisson

SHARES = np.random.default_rng(0).dirichlet([0.3] * 4, size=9).T.round(1)
CASES = {
    "a coin": (Bernoulli(), np.array([[0.0, 1.0, 0.5, 0.0]])),
    "a die": (Categorical(4), SHARES),
    "a die of two faces": (Categorical(2), np.array([[1.0, 0.0, 0.3], [0.0, 1.0, 0.7]])),
    "throws": (Multinomial(4, 10), 10.0 * SHARES),
    "counts": (Poisson(), np.array([[0.0, 3.0, 1.0]])),
    "numbers": (Gaussian(), np.array([[0.0, -3.0, 1.0]])),
}


@pytest.mark.parametrize("name", CASES)
def test_every_direction_is_said_once_of_whom_it_can_oppose(name):
    family, statistic = CASES[name]
    said = {
        (row, tuple(direction + 0.0))
        for where, directions in family.opposing(statistic)
        for row in np.flatnonzero(where)
        for direction in directions
    }
    expected = {
        (row, tuple(sign * direction + 0.0))
        for sign, could in ((1.0, family.can_fall(statistic)), (-1.0, family.can_rise(statistic)))
        for direction, rows in zip(family.curvature_directions, could, strict=True)
        for row in np.flatnonzero(rows)
    }
    assert said == expected
