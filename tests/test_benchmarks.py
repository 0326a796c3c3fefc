"""The benchmark's own promises: its problems, its objective, its conversions of the penalty, its comparison."""

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import prices, report
from benchmarks.__main__ import main
from benchmarks.cases import Problem
from benchmarks.objective import find_reference, value, value_and_gradient
from benchmarks.problems import SOURCES, all_cases
from benchmarks.rivals import all_rivals
from benchmarks.timing import quiet
from softglm import SoftmaxGLM

# cyanure works to single precision in places, and stops there on several classes.
RELATIVE_GAPS = {"cyanure auto": 1e-3, "cyanure qning-miso": 1e-5}
# Of a fit at the default tolerance, whose relative gap is at most 1e-8 and commonly 1e-16.
GRADIENT = 1e-8
SMALL = [source for source in SOURCES if source.shape[0] * source.shape[1] <= 4 * 10**5]


def small_problem(n_classes, alpha):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 4))
    eta = X @ rng.normal(size=(4, n_classes))
    y = (eta + rng.gumbel(size=eta.shape)).argmax(axis=1).astype(np.int32)
    return Problem(X, y, n_classes, alpha)


@pytest.mark.slow
@pytest.mark.parametrize("source", SMALL, ids=lambda source: source.name)
def test_a_source_has_the_shape_that_it_states_and_is_the_same_twice(source):
    try:
        (X, y), (again, codes) = source.make(), source.make()
    except ImportError as missing:
        pytest.skip(str(missing))
    assert (*X.shape, int(y.max()) + 1) == source.shape
    assert np.array_equal(np.unique(y), np.arange(source.shape[2]))
    assert np.array_equal(y, codes)
    assert (again != X).sum() == 0


def test_the_names_of_the_cases_are_distinct():
    names = [case.name for case in all_cases()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_the_common_objective_is_that_of_softglm(n_classes, kind):
    problem = small_problem(n_classes, 0.01)
    problem = Problem(kind(problem.X), problem.y, n_classes, problem.alpha)
    model = SoftmaxGLM(problem.alpha).fit(problem.X, problem.y)
    f, by_coef, by_intercept = value_and_gradient(problem, model.coef_, model.intercept_)
    assert f == pytest.approx(model.loss_, rel=1e-14)
    assert max(np.abs(by_coef).max(), np.abs(by_intercept).max()) < GRADIENT


@pytest.mark.parametrize("rival", all_rivals(), ids=lambda rival: rival.name)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_rival_arrives_at_the_common_minimum(rival, n_classes):
    problem = small_problem(n_classes, 1.0 / 200)
    if rival.refuses(problem):
        problem = small_problem(n_classes, 0.0)
    if rival.missing():
        pytest.skip(rival.missing())
    with quiet():
        rival.prepare(problem, 1)
        fitted = rival.fit(problem, 1e-9)
        if hasattr(rival, "close"):
            rival.close()
    reference = find_reference(problem)
    gap = reference.gap(value(problem, fitted.coef, fitted.intercept))
    assert gap > -1e-12  # nobody is lower
    assert gap < RELATIVE_GAPS.get(rival.name, 1e-6)


def cell(name, milliseconds):
    reached = {"1e-06": {"tol": 1e-6, "seconds": milliseconds / 1e3, "rounds": []}}
    sweep = {"family": "softglm", "runs": [{}], "reached": reached, "stopped_after": None, "note": None}
    return {"case": name, "threads": 1, "solvers": {"softglm": sweep}}


def test_two_result_files_are_compared_cell_by_cell():
    before = {"cells": [cell("a", 8.0), cell("b", 2.0), cell("only before", 1.0)]}
    after = {"cells": [cell("a", 2.0), cell("b", 2.0)]}
    text = report.comparison(before, after, "1e-06")
    assert "4.00 *" in text
    assert "1.00" in text
    assert "2 cells in both files; geometric mean 2 times faster" in text


@pytest.mark.slow
def test_every_price_is_measured_and_printed_on_a_line_of_its_own(monkeypatch, capsys):
    monkeypatch.setattr(prices, "QUICK_BUDGET", 0.0)
    main(["prices", "--quick"])
    heading, *lines = capsys.readouterr().out.splitlines()
    assert heading.split("  ")[0] == "price"
    printed = {line.split()[0]: [float(number) for number in line.split()[1:]] for line in lines}
    assert list(printed) == list(prices.in_the_file())
    assert all(len(numbers) == 3 and np.isfinite(numbers).all() for numbers in printed.values())


def test_a_price_without_an_experiment_is_told(monkeypatch):
    monkeypatch.setattr(prices, "in_the_file", lambda: {"_UNKNOWN": 1.0})
    monkeypatch.setattr(prices, "measured", lambda **_: {})
    assert "no experiment" in prices.table(is_quick=True)


def test_prices_are_fitted_to_times_that_they_explain():
    terms = np.array([[1.0, 1.0, 1.0, 1.0], [10.0, 200.0, 3000.0, 7.0], [1.0, 1e6, 2.0, 1e3]])
    np.testing.assert_allclose(prices.fitted_prices(terms, terms.T @ [5e4, 3.0, 0.02]), [5e4, 3.0, 0.02], rtol=1e-9)


@pytest.mark.slow
def test_a_sweep_and_cold_fits_end_at_the_same_optima(capsys):
    main(["sweep", "--quick", "--problems", "^(iris|wine/binary) raw 1/n$"])
    heading, *lines = capsys.readouterr().out.splitlines()
    assert heading.split("  ")[0] == "problem"
    assert [line.split()[0] for line in lines] == ["iris", "wine"]
    assert all(float(line.split()[-1]) < GRADIENT for line in lines)
