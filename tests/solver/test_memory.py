import numpy as np
import pytest

from softglm.solver.memory import Memory

# Ten rank-two updates of random pairs, the worst of which have a condition of 1e5.
ROUNDING = {"rtol": 1e-8, "atol": 1e-8}
SIZE = 6


def pairs_of_a_quadratic(n_pairs, *, seed=0):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(SIZE, SIZE))
    matrix = root @ root.T + np.identity(SIZE)
    steps = rng.normal(size=(n_pairs, SIZE))
    return [*zip(steps, steps @ matrix, strict=True)], matrix


def dense_inverse(pairs):
    """The BFGS inverse by its updates (Nocedal & Wright 2006, equation 6.17), from s'y / y'y of the last pair."""
    step, change = pairs[-1]
    inverse = (step @ change) / (change @ change) * np.identity(SIZE)
    for step, change in pairs:
        scale = 1.0 / (step @ change)
        projection = np.identity(SIZE) - scale * np.outer(step, change)
        inverse = projection @ inverse @ projection.T + scale * np.outer(step, step)
    return inverse


def remembering(pairs):
    memory = Memory()
    for step, change in pairs:
        memory.add(step, change)
    return memory


@pytest.mark.parametrize("n_pairs", [1, 2, 5, 10])
def test_it_is_the_dense_bfgs_inverse(n_pairs):
    pairs, _ = pairs_of_a_quadratic(n_pairs)
    memory, expected = remembering(pairs), dense_inverse(pairs)
    result = np.array([memory.times(unit) for unit in np.identity(SIZE)])
    np.testing.assert_allclose(result, expected, **ROUNDING)
    np.testing.assert_allclose(result, result.T, **ROUNDING)


def test_it_maps_the_last_change_to_the_last_step():
    pairs, _ = pairs_of_a_quadratic(7)
    step, change = pairs[-1]
    np.testing.assert_allclose(remembering(pairs).times(change), step, **ROUNDING)


def test_conjugate_steps_in_every_direction_give_the_inverse_of_a_quadratic():
    _, matrix = pairs_of_a_quadratic(1)
    _, directions = np.linalg.eigh(matrix)
    memory = remembering([(step, matrix @ step) for step in directions.T])
    np.testing.assert_allclose([memory.times(unit) for unit in np.identity(SIZE)], np.linalg.inv(matrix), **ROUNDING)


def test_only_the_last_ten_pairs_are_remembered():
    pairs, _ = pairs_of_a_quadratic(13)
    vector = np.ones(SIZE)
    np.testing.assert_allclose(remembering(pairs).times(vector), remembering(pairs[3:]).times(vector), **ROUNDING)


def test_a_pair_without_positive_curvature_is_not_remembered():
    memory = Memory()
    memory.add(np.ones(SIZE), -np.ones(SIZE))
    memory.add(np.ones(SIZE), np.zeros(SIZE))
    assert not memory
    np.testing.assert_array_equal(memory.times(np.ones(SIZE)), np.ones(SIZE))


def test_where_nothing_is_remembered_it_is_the_identity():
    memory, vector = Memory(), np.arange(SIZE, dtype=np.float64)
    assert not memory
    np.testing.assert_array_equal(memory.times(vector), vector)
