from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from softglm.solver.schedule import Schedule

GOAL = 1e-8
# Never near, so that what is paid for is worth its price.
FAR = [1.0] * 20


@dataclass(frozen=True)
class Offer:
    price: float
    make: Callable


@dataclass(frozen=True)
class Shop:
    """A problem of which only the prices matter; metrics are their names."""

    prices: tuple = (20.0, 40.0, 80.0)
    approximation_price: float = 1.0
    evaluation_cost: float = 1.0

    @property
    def hessians(self):
        return [Offer(price, lambda _, price=price: price) for price in self.prices]

    @property
    def approximations(self):
        return [Offer(self.approximation_price, lambda _: "approximation")]


def bought(shop, n_evaluations, estimates=FAR):
    """When something was bought, and what."""
    schedule, receipts = Schedule(), []
    for evaluation in range(1, n_evaluations + 1):
        schedule.pay(shop.evaluation_cost)
        if schedule.is_due(shop, estimates, GOAL):
            receipts.append((evaluation, schedule.buy(shop, None)))
    return receipts


def test_each_hessian_is_bought_when_the_evaluations_since_the_last_have_cost_as_much():
    receipts = bought(Shop(approximation_price=np.inf), 250)
    assert receipts == [(20, 20.0), (60, 40.0), (140, 80.0), (220, 80.0)]


def test_the_price_of_an_approximation_doubles_and_it_waits_for_ten_evaluations():
    receipts = bought(Shop(prices=()), 80)
    assert receipts == [(10, "approximation"), (30, "approximation"), (70, "approximation")]


def test_once_there_is_a_hessian_no_approximation_is_bought():
    receipts = bought(Shop(prices=(25.0, 1000.0)), 200)
    # Had without its own price, the approximation is paid for by the same evaluations: it counts as spent.
    assert receipts == [(10, "approximation"), (24, 25.0)]


def test_an_approximation_that_is_hardly_cheaper_than_a_hessian_is_not_bought():
    assert bought(Shop(prices=(15.0,)), 15) == [(15, 15.0)]


def test_nothing_is_bought_where_the_optimum_is_reached_for_less():
    nearly = list(GOAL * 10.0 ** np.arange(12.0, 0.0, -1.0))
    assert bought(Shop(), 200, nearly) == []
    assert bought(Shop(), 20, FAR) != []


@pytest.mark.parametrize("estimates", [[1.0, 0.5], [1e-3] * 12, list(np.linspace(1e-3, 1e-2, 12))])
def test_where_no_pace_is_known_the_optimum_counts_as_far(estimates):
    assert bought(Shop(), 20, estimates) != []


def test_a_hessian_asked_for_is_the_next_or_the_exact_one():
    schedule, shop = Schedule(), Shop()
    assert schedule.buy_hessian(shop, None, exact=False) == 20.0
    assert schedule.buy_hessian(shop, None, exact=False) == 40.0
    assert schedule.buy_hessian(shop, None, exact=True) == 80.0
    assert schedule.buy_hessian(shop, None, exact=False) == 80.0
    assert (schedule.n_hessians, schedule.n_approximations, schedule.n_metrics) == (4, 0, 4)


def test_an_exact_hessian_made_elsewhere_counts_as_one_that_was_bought():
    made, bought_here, shop = Schedule(), Schedule(), Shop()
    for schedule in (made, bought_here):
        schedule.pay(30.0)
    made.count_exact_hessian(shop)
    bought_here.buy_hessian(shop, None, exact=True)
    assert made.n_hessians == bought_here.n_hessians == 1
    for schedule in (made, bought_here):
        schedule.pay(79.0)
        assert not schedule.is_due(shop, FAR, GOAL)
        schedule.pay(1.0)
        assert schedule.is_due(shop, FAR, GOAL)
        assert schedule.buy(shop, None) == 80.0


def test_what_was_spent_counts_on_where_the_problem_becomes_a_dearer_one():
    schedule, cheap, dear = Schedule(), Shop(approximation_price=np.inf), Shop((40.0, 80.0), np.inf, 2.0)
    schedule.pay(25.0)
    assert schedule.is_due(cheap, FAR, GOAL)
    assert not schedule.is_due(dear, FAR, GOAL)
    schedule.pay(15.0)
    assert schedule.buy(dear, None) == 40.0
    assert schedule.buy_hessian(dear, None, exact=False) == 80.0
