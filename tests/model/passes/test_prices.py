import pytest
from problems import PROBLEMS, objective_of, rows_and_family

from softglm.model.passes.prices import approximation_price, evaluation_price, hessian_price


def objective(name):
    return objective_of(*rows_and_family(PROBLEMS[name]()), 1.0)


@pytest.mark.parametrize("name", PROBLEMS)
def test_more_rows_cost_more(name):
    n = objective(name).rows.n_rows
    for price in (hessian_price, approximation_price):
        assert 0.0 < price(objective(name), n // 4) < price(objective(name), n // 2) < price(objective(name), n)


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_diagonal_is_cheaper_than_all_second_moments_and_a_hessian_is_dearer_than_an_evaluation(name):
    one = objective(name)
    n = one.rows.n_rows
    assert approximation_price(one, n, is_full=False) < approximation_price(one, n)
    assert evaluation_price(one) < hessian_price(one, n)
