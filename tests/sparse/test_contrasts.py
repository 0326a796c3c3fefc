import numpy as np
from scipy.linalg import block_diag, helmert

from softglm.families import Categorical
from softglm.sparse.gram import PairGram
from softglm.sparse.matrix import FullColumns

SUMS = {"rtol": 1e-12, "atol": 1e-14}  # of 50 products


def test_the_hessian_of_contrasts_is_that_of_classes_turned():
    rng = np.random.default_rng(0)
    z, weights = rng.normal(size=(5, 50)), rng.dirichlet(np.ones(50))
    mean, curvature = rng.dirichlet(np.ones(4), size=50).T, rng.uniform(size=5)
    classes = PairGram(Categorical(4), weights)
    contrasts = PairGram(Categorical(4), weights, helmert(4).T)
    # First some columns, then the others: the order in which they come.
    for columns in ([0, 3], [0, 1, 2, 3, 4]):
        for gram in (classes, contrasts):
            wanted = np.zeros((5, gram.index.shape[1]), dtype=bool)
            wanted[columns] = True
            gram.include(wanted, FullColumns(z), mean, curvature)
    np.testing.assert_array_equal(contrasts.columns[::3], classes.columns[::4])
    turn = block_diag(*[helmert(4)] * 5)
    np.testing.assert_allclose(contrasts.systems.matrix, turn @ classes.systems.matrix @ turn.T, **SUMS)
