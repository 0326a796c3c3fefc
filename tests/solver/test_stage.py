from types import SimpleNamespace

import numpy as np
import pytest

from softglm.solver.stage import Descent, Level

NOISE = 1e-3
START = Descent(Level(1.0, np.inf))


def after(*levels, start=START):
    descent = start
    for level in levels:
        descent = descent.after(*level, NOISE)
    return descent


@pytest.mark.parametrize("level", [(0.9, 1.0), (1.0, 0.4), (2.0, 0.4), (0.9, 0.1)])
def test_a_lower_f_or_half_the_estimate_is_lower(level):
    assert Level(*level).is_below(Level(1.0, 1.0), NOISE)


@pytest.mark.parametrize("level", [(1.0, 1.0), (1.0 - NOISE / 2.0, 1.0), (1.0, 0.5), (2.0, 0.6), (2.0, 2.0)])
def test_less_than_noise_and_more_than_half_the_estimate_are_not(level):
    assert not Level(*level).is_below(Level(1.0, 1.0), NOISE)


def test_iterations_that_lower_neither_are_counted_until_one_does():
    idle = after((0.5, 1.0), (0.5, 0.9), (0.6, 0.8), (0.5, 0.7))
    assert (idle.n_idle, idle.n_iterations) == (3, 4)
    assert after((0.4, 0.7), start=idle).n_idle == 0
    assert after((0.6, 0.3), start=idle).n_idle == 0


def test_the_lowest_of_each_is_remembered_whenever_it_was():
    assert after((0.5, 0.1), (0.8, 0.05), (0.3, 0.7)).lowest == Level(0.3, 0.05)


def test_afresh_only_the_number_of_iterations_and_where_it_got_stuck_are_kept():
    stuck_at = Level(0.5, 0.1)
    descent = after((0.5, 0.1), (0.5, 0.1))._replace(stuck_at=stuck_at).afresh(0.6)
    assert descent == Descent(Level(0.6, np.inf), stuck_at, n_iterations=2, n_idle=0)


@pytest.mark.parametrize(
    ("takes_newton_steps", "resolution", "patience"),
    [(True, 0.0, 5), (True, 1e-5, 5), (False, 1e-5, 8), (False, 0.0, 30)],
)
def test_patience_is_less_where_the_next_thing_to_try_is_better(takes_newton_steps, resolution, patience):
    problem = SimpleNamespace(takes_newton_steps=takes_newton_steps, resolution=resolution)
    assert START._replace(n_idle=patience).is_stuck(problem)
    assert not START._replace(n_idle=patience - 1).is_stuck(problem)
