"""The table of families: a new family is one more entry, and every test sees it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import settings
from scipy import stats
from scipy.special import expit, softmax

from softglm.arrays import FloatArray
from softglm.families import (
    Bernoulli,
    Beta,
    Categorical,
    Dirichlet,
    Exponential,
    ExponentialFamily,
    Gamma,
    Gaussian,
    Multinomial,
    Poisson,
    UnconstrainedFamily,
)

settings.register_profile("deterministic", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("deterministic")

LINE = np.linspace(-40.0, 40.0, 2001)
COARSE_LINE = np.linspace(-20.0, 20.0, 241)


@dataclass(frozen=True)
class Case:
    """A family, some of its distributions, and what other programs know about them.

    Sums over `support`, weighted by `measure`, stand for the integral over y: exact
    for counts; for densities the trapezoid rule on a line of which y is a smooth
    function, which converges geometrically.
    """

    family: ExponentialFamily
    to_eta: Callable[[FloatArray], FloatArray]  # from anywhere in R^q into the parameter space
    support: FloatArray
    measure: FloatArray
    in_scipy: Callable[[FloatArray], object]  # eta (q,) -> a frozen distribution
    y_for_scipy: Callable[[FloatArray], FloatArray] = np.asarray

    @property
    def eta(self) -> FloatArray:
        """Five distributions, of shape (q, 5)."""
        return self.to_eta(np.random.default_rng(7).normal(size=(self.family.n_parameters, 5)))

    def expectations(self, function: Callable[[FloatArray], FloatArray], eta: FloatArray) -> FloatArray:
        """E[function(eta_i)(Y)] for each column eta_i, by summation or quadrature."""
        columns = eta.T[:, :, np.newaxis]
        return np.array(
            [
                np.sum(self.measure * np.exp(self.family.log_probability(self.support, column)) * function(column))
                for column in columns
            ]
        )


def itself(z):
    return z


def counts_of(n_trials, n_classes):
    grid = np.indices((n_trials + 1,) * n_classes).reshape(n_classes, -1)
    return grid[:, grid.sum(axis=0) == n_trials]


def on_triangle():
    u, v = (axis.ravel() for axis in np.meshgrid(COARSE_LINE, COARSE_LINE))
    y = softmax(np.stack([u, v, np.zeros_like(u)]), axis=0)
    return y, y.prod(axis=0) * (COARSE_LINE[1] - COARSE_LINE[0]) ** 2


STEP = LINE[1] - LINE[0]
TRIANGLE, TRIANGLE_MEASURE = on_triangle()
THROWS = counts_of(n_trials=4, n_classes=3)

CASES = {
    "Bernoulli": Case(Bernoulli(), itself, np.arange(2), np.ones(2), lambda eta: stats.bernoulli(expit(eta[0]))),
    "Categorical": Case(
        Categorical(4),
        itself,
        np.arange(4),
        np.ones(4),
        lambda eta: stats.multinomial(1, softmax(eta)),
        lambda y: np.identity(4)[y],
    ),
    "Categorical of two": Case(
        Categorical(2),
        itself,
        np.arange(2),
        np.ones(2),
        lambda eta: stats.multinomial(1, softmax(eta)),
        lambda y: np.identity(2)[y],
    ),
    "Multinomial": Case(
        Multinomial(3, n_trials=4),
        itself,
        THROWS,
        np.ones(THROWS.shape[1]),
        lambda eta: stats.multinomial(4, softmax(eta)),
        np.transpose,
    ),
    "Poisson": Case(
        Poisson(),
        itself,
        np.arange(200),
        np.ones(200),
        lambda eta: stats.poisson(np.exp(eta[0])),
    ),
    "Gaussian": Case(Gaussian(), itself, LINE, np.full_like(LINE, STEP), lambda eta: stats.norm(eta[0])),
    "Exponential": Case(
        Exponential(),
        lambda z: -np.exp(z),
        np.exp(LINE),
        STEP * np.exp(LINE),
        lambda eta: stats.expon(scale=-1.0 / eta[0]),
    ),
    "Gamma": Case(
        Gamma(),
        lambda z: np.stack([np.exp(z[0]), -np.exp(z[1])]),
        np.exp(LINE),
        STEP * np.exp(LINE),
        lambda eta: stats.gamma(eta[0] + 1.0, scale=-1.0 / eta[1]),
    ),
    "Beta": Case(
        Beta(),
        np.exp,
        expit(LINE[abs(LINE) < 30.0]),
        STEP * (expit(LINE) * expit(-LINE))[abs(LINE) < 30.0],
        lambda eta: stats.beta(*(eta + 1.0)),
    ),
    "Dirichlet": Case(
        Dirichlet(3),
        np.exp,
        TRIANGLE,
        TRIANGLE_MEASURE,
        lambda eta: stats.dirichlet(eta + 1.0),
    ),
}
UNCONSTRAINED = {name: case for name, case in CASES.items() if isinstance(case.family, UnconstrainedFamily)}


@pytest.fixture(scope="session", params=CASES.values(), ids=CASES)
def case(request):
    return request.param


@pytest.fixture(scope="session", params=UNCONSTRAINED.values(), ids=UNCONSTRAINED)
def unconstrained_case(request):
    return request.param
