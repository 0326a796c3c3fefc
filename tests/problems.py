"""The seeded table of problems: a new one is one more function in `PROBLEMS`, and every test that asks sees it."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse
from sklearn import datasets

from softglm.arrays import FloatArray
from softglm.data import Rows, RowsInMemory
from softglm.families import Bernoulli, Categorical, Gaussian, Poisson, UnconstrainedFamily
from softglm.model import Objective, Ridge
from softglm.tuning import DEFAULT, Tuning


@dataclass(frozen=True)
class Data:
    """What a user would pass, with every row's class in `y`, or its class probabilities or counts, shape (n, K)."""

    X: Any
    y: Any
    weights: Any = None
    offset: Any = None

    @property
    def n_classes(self) -> int:
        return self.y.shape[1] if self.y.ndim == 2 else int(self.y.max()) + 1

    @property
    def dense(self) -> FloatArray:
        X = self.X.toarray() if sparse.issparse(self.X) else self.X
        return np.asarray(X, dtype=np.float64)

    @property
    def shares(self) -> FloatArray:
        """The share of each class in each row, shape (n, K)."""
        Y = self.y if self.y.ndim == 2 else np.identity(self.n_classes)[self.y]
        return Y / Y.sum(axis=1, keepdims=True)

    @property
    def row_weights(self) -> FloatArray:
        """The weight of each row, its total folded in, shape (n,)."""
        totals = self.y.sum(axis=1) if self.y.ndim == 2 else np.ones(len(self.y))
        return totals * (1.0 if self.weights is None else self.weights)

    @property
    def total_weight(self) -> float:
        """W: alpha = 1 / W is the estimator's default."""
        return float(self.row_weights.sum())


def normal_rows(seed, n, p):
    rng = np.random.default_rng(seed)
    return rng, rng.normal(size=(n, p))


def drawn_classes(rng, eta):
    """One class for each row of eta, shape (n, K), drawn from its softmax."""
    return (eta + rng.gumbel(size=eta.shape)).argmax(axis=1).astype(np.int32)


def overlapping(seed=1):
    rng, X = normal_rows(seed, 150, 4)
    return Data(X, drawn_classes(rng, X @ rng.normal(size=(4, 3))))


def balanced():
    return Data(normal_rows(2, 120, 3)[1], np.arange(120, dtype=np.int32) % 3)


def imbalanced():
    rng, X = normal_rows(3, 300, 3)
    return Data(X, drawn_classes(rng, X @ rng.normal(size=(3, 3)) + [2.0, 2.0, -2.5]))


def many_classes():
    rng, X = normal_rows(4, 300, 4)
    return Data(X, drawn_classes(rng, X @ rng.normal(size=(4, 7))))


def two_classes():
    rng, X = normal_rows(5, 100, 4)
    return Data(X, drawn_classes(rng, X @ rng.normal(size=(4, 2))))


def two_classes_with_offset():
    data = two_classes()
    return replace(data, offset=np.random.default_rng(6).normal(size=len(data.y)))


def weighted():
    data = overlapping(seed=7)
    weights = np.random.default_rng(8).exponential(size=len(data.y))
    weights[::10] = 0.0
    return replace(data, weights=weights)


def weighted_with_offset():
    data = weighted()
    return replace(data, offset=np.random.default_rng(9).normal(size=(len(data.y), 3)))


def soft_labels():
    rng, X = normal_rows(10, 120, 3)
    return Data(X, rng.dirichlet([0.5, 0.5, 0.5, 0.5], size=120))


def counts():
    rng, X = normal_rows(11, 100, 3)
    Y = rng.poisson(np.exp(0.5 * X @ rng.normal(size=(3, 3))))
    Y[:, 0] += Y.sum(axis=1) == 0
    return Data(X, Y)


def sparse_rows():
    rng = np.random.default_rng(12)
    X = sparse.random(200, 15, density=0.15, format="csr", random_state=rng)
    return Data(sparse.csr_array(X), drawn_classes(rng, X @ rng.normal(size=(15, 3))))


def badly_scaled():
    """Standard deviations of 1e-3 to 1e3, and means a hundred times as large."""
    rng, standard = normal_rows(13, 400, 8)
    X = (standard + 100.0 * rng.choice([-1.0, 1.0], size=8)) * np.logspace(-3.0, 3.0, 8)
    return Data(X, drawn_classes(rng, standard @ rng.normal(size=(8, 4))))


def collinear():
    data = overlapping(seed=14)
    # Of so few binary digits that sums are exact.
    X = np.round(data.X * 2.0**20) / 2.0**20
    return replace(data, X=np.column_stack([X, X @ [1.0, -2.0, 0.0, 0.5], X[:, 0]]))


def constant_column():
    data = overlapping(seed=15)
    return replace(data, X=np.insert(data.X, 2, 3.7, axis=1))


def wide():
    rng, X = normal_rows(16, 25, 60)
    return Data(X, drawn_classes(rng, X[:, :4] @ rng.normal(size=(4, 3))))


def separable(seed=17, n_classes=3):
    """Every class around a corner of its own, far from the others for the noise there is."""
    rng, X = normal_rows(seed, 90, 3)
    y = rng.permutation(np.arange(90, dtype=np.int32) % n_classes)
    return Data(X + 12.0 * np.identity(3)[y], y)


PROBLEMS = {
    function.__name__: function
    for function in (
        overlapping,
        balanced,
        imbalanced,
        many_classes,
        two_classes,
        two_classes_with_offset,
        weighted,
        weighted_with_offset,
        soft_labels,
        counts,
        sparse_rows,
        badly_scaled,
        collinear,
        constant_column,
        wide,
        separable,
    )
}
# Of these no maximum-likelihood estimate exists: alpha = 0 is asked only of the others.
SEPARATED = {"wide", "separable"}
OVERLAPPING = {name: make for name, make in PROBLEMS.items() if name not in SEPARATED}


def real_data(name):
    """iris, wine or digits, raw."""
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return Data(X, y.astype(np.int32))


def rows_and_family(data: Data, tuning: Tuning = DEFAULT) -> tuple[RowsInMemory, UnconstrainedFamily]:
    """Return what the core is given for a classification."""
    n, K = len(data.y), data.n_classes
    targets = data.shares if data.y.ndim == 2 else data.y
    if K == 2:
        targets = data.shares[:, 1]
    weighs = data.weights is not None or data.y.ndim == 2
    rows = RowsInMemory(
        data.X,
        targets,
        data.row_weights if weighs else None,
        None if data.offset is None else data.offset.reshape(n, -1),
        tuning=tuning,
    )
    return rows, Bernoulli() if K == 2 else Categorical(K)


def objective_of(
    rows: Rows, family: UnconstrainedFamily, alpha: float, *, fit_intercept: bool = True, tuning: Tuning = DEFAULT
) -> Objective:
    """Return the objective with a ridge on the coefficients."""
    penalty = Ridge.on_coefficients(alpha, rows.n_features, fit_intercept=fit_intercept)
    return Objective(rows, family, penalty, fit_intercept=fit_intercept, tuning=tuning)


# Sixteen rows at a time.
SMALL_BLOCKS = Tuning(least_rows=16, most_rows=16, entries_per_feature=1)


def poisson_rows(*, weights=None, offset=None):
    rng, X = normal_rows(18, 100, 3)
    y = rng.poisson(np.exp(X @ [0.5, -0.3, 0.0] + 0.4)).astype(np.float64)
    return RowsInMemory(X, y, weights, offset), Poisson()


def gaussian_rows(*, weights=None, offset=None):
    rng, X = normal_rows(19, 100, 3)
    return RowsInMemory(X, X @ [1.0, 2.0, 0.0] + rng.normal(size=100), weights, offset), Gaussian()


def bernoulli_rows(*, weights=None, offset=None):
    data = two_classes()
    return RowsInMemory(data.X, data.shares[:, 1], weights, offset), Bernoulli()


def categorical_rows(*, weights=None, offset=None):
    data = many_classes()
    return RowsInMemory(data.X[:100], data.y[:100], weights, offset), Categorical(7)


def soft_categorical_rows(*, weights=None, offset=None):
    data = soft_labels()
    return RowsInMemory(data.X[:100], data.y[:100], weights, offset), Categorical(4)


# A hundred rows of every family that can be regressed on x.
REGRESSIONS = {
    "categorical": categorical_rows,
    "categorical with soft labels": soft_categorical_rows,
    "Bernoulli": bernoulli_rows,
    "Poisson": poisson_rows,
    "Gaussian": gaussian_rows,
}


def regression(name, *, weighted=False, offset=False):
    """One of `REGRESSIONS`, with random weights, some of them 0, and a random offset where asked for."""
    rng = np.random.default_rng(20)
    weights = rng.exponential(size=100) * (np.arange(100) % 9 > 0) if weighted else None
    _, family = REGRESSIONS[name]()
    known = rng.normal(size=(100, family.n_parameters)) if offset else None
    return REGRESSIONS[name](weights=weights, offset=known)
