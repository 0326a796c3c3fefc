"""Models side by side: each number where its class, its term and its model meet."""

import re

import numpy as np
import pytest
from problems import overlapping, two_classes

from softglm import SoftmaxGLM, infer, pool, regression_table


def inferred(data=None, columns=slice(None), alpha=0.0, **options):
    data = overlapping() if data is None else data
    X = data.X[:, columns]
    return infer(SoftmaxGLM(alpha=alpha).fit(X, data.y), X, data.y, **options)


def cells_of(table):
    """Return the rows of a table as they are read in HTML."""
    rows = re.findall(r"<tr>(.*?)</tr>", table.to_html())
    return [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row) for row in rows]


@pytest.fixture(scope="module")
def both():
    return [inferred(columns=slice(2)), inferred()]


def test_each_model_has_a_column_and_each_class_a_block(both):
    rows = cells_of(regression_table(both, names=["small", "large"]))
    assert rows[0] == ["", "small", "large"]
    assert [row[0] for row in rows if len(row) == 1] == ["1 vs 0", "2 vs 0"]
    of_block = ["Intercept", "", "x0", "", "x1", "", "x2", "", "x3", ""]
    assert [row[0] for row in rows[2:12]] == of_block
    for column, result in enumerate(both, start=1):
        table = result.coefficients
        for k, first in enumerate((2, 13)):
            for j in range(len(table.terms)):
                estimate, error = rows[first + 2 * j][column], rows[first + 2 * j + 1][column]
                assert float(estimate) == pytest.approx(table.estimate[k, j], abs=0.006)
                assert float(error.strip("()")) == pytest.approx(table.std_error[k, j], abs=0.006)
    assert [row[1] for row in rows[8:12]] == [""] * 4  # what the small model does not have


def test_the_foot_has_what_describes_each_fit(both):
    table = regression_table(both)
    rows = cells_of(table)[-3:]
    assert rows[0] == ["Observations", *[f"{result.n_observations:.0f}" for result in both]]
    assert rows[1] == ["Log-likelihood", *[f"{result.log_likelihood:.2f}" for result in both]]
    assert rows[2] == ["AIC", *[f"{result.aic:.2f}" for result in both]]
    np.testing.assert_array_equal(table.aic, [result.aic for result in both])


def test_what_a_model_has_not_is_left_blank(both):
    robust, penalised = inferred(covariance="robust"), inferred(alpha=0.1)
    table = regression_table([robust, penalised, both[1]], names=["a", "b", "c"], stars=True)
    assert cells_of(table)[-1][1] == ""
    assert "*" not in "".join(row[2] for row in cells_of(table) if len(row) > 2)
    (note,) = (line for line in table.to_markdown().splitlines() if line.startswith("In brackets"))
    assert f"a: {robust.covariance.description}; b: " in note


def test_pooled_results_stand_beside_others(both):
    rows = cells_of(regression_table([both[1], pool([both[1], both[1]])]))
    assert [row[1] for row in rows[:-2] if len(row) > 1][1:] == [row[2] for row in rows[:-2] if len(row) > 1][1:]
    assert [row[2] for row in rows[-3:]] == [rows[-3][1], "", ""]


def test_estimates_other_than_of_maximum_likelihood_are_told(both):
    penalised, reduced = inferred(alpha=0.1), inferred(estimates="bias-reduced")
    table = regression_table([both[1], penalised, pool([reduced, reduced])], names=["a", "b", "c"])
    assert table.estimates == ("maximum likelihood", "penalised", "bias-reduced")
    assert "Estimates: a: maximum likelihood; b: penalised; c: bias-reduced." in table.to_markdown()
    assert "Estimates: bias-reduced." in str(regression_table([reduced, reduced]))
    assert "Estimates" not in str(regression_table(both))


def test_stars_mark_p_values(both):
    table = both[1].coefficients
    rows = cells_of(regression_table(both, stars=True))
    found = [rows[first + 2 * j][2].count("*") for first in (2, 13) for j in range(len(table.terms))]
    assert found == [sum(p < level for level in (0.05, 0.01, 0.001)) for p in table.p_value.ravel()]
    assert len(set(found)) > 1
    assert "*" not in str(regression_table(both))


def test_odds_ratios_are_those_of_the_coefficients(both):
    ratios = both[1].coefficients.odds_ratios()
    table = regression_table(both, odds_ratios=True)
    assert str(table).startswith("Odds ratios")
    assert float(cells_of(table)[4][2]) == pytest.approx(ratios.ratio[0, 1], abs=0.006)
    frame = table.to_frame()
    assert frame.columns.tolist() == ["model", "class", "term", "ratio", "std_error", "z", "p_value", "lower", "upper"]
    np.testing.assert_array_equal(frame["ratio"].to_numpy()[-ratios.ratio.size :], ratios.ratio.ravel())


def test_models_of_other_classes_have_blocks_of_their_own(both):
    rows = cells_of(regression_table([both[0], inferred(two_classes()).rebase(1)]))
    assert [row[0] for row in rows if len(row) == 1] == ["1 vs 0", "2 vs 0", "0 vs 1"]


def test_what_cannot_stand_side_by_side_is_told_with_the_remedy(both):
    with pytest.raises(ValueError, match=r"Result 1 has the base class 2, result 0 has 0.*Pass \.rebase\(0\) of it"):
        regression_table([both[0], both[1].rebase(2)])
    with pytest.raises(TypeError, match="got a SoftmaxGLM, expected a list of what infer returns"):
        regression_table([SoftmaxGLM()])
    with pytest.raises(ValueError, match="at least one"):
        regression_table([])
    for names in (["one"], ["same", "same"]):
        with pytest.raises(ValueError, match="a different one for each of the 2 results"):
            regression_table(both, names=names)


def test_facts_that_no_model_has_take_no_row(both):
    robust = inferred(covariance="robust")
    alone, beside = regression_table([robust]), regression_table([robust, *both])
    for written in (str(alone), alone.to_latex(), alone.to_markdown(), alone.to_html()):
        assert "AIC" not in written
        assert "Log-likelihood" in written
    (line,) = (line for line in str(beside).splitlines() if line.startswith("AIC"))
    assert line.split()[1:] == [f"{result.aic:.2f}" for result in both]


def test_a_result_may_come_without_a_list(both):
    assert str(regression_table(both[0])) == str(regression_table([both[0]]))
