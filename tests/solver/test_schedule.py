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
    schedule, receipts = Schedule(shop), []
    for evaluation in range(1, n_evaluations + 1):
        schedule.pay(shop.evaluation_cost)
        if schedule.is_due(estimates, GOAL):
            receipts.append((evaluation, schedule.buy(None)))
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
    schedule = Schedule(Shop())
    assert schedule.buy_hessian(None, exact=False) == 20.0
    assert schedule.buy_hessian(None, exact=False) == 40.0
    assert schedule.buy_hessian(None, exact=True) == 80.0
    assert schedule.buy_hessian(None, exact=False) == 80.0
    assert (schedule.n_hessians, schedule.n_approximations) == (4, 0)
