"""Tests of type II: of variables over all columns that they enter, given all that do not contain them."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from estimates import golden, other_rows
from people import Rowwise, people_table
from problems import OVERLAPPING
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, SplineTransformer, StandardScaler

from softglm import SeparationWarning, SoftmaxGLM, infer
from softglm.inference.terms import Term, terms_of_variables

# What nnet's optimiser leaves of a log-likelihood.
NNET = {"rtol": 1e-6, "atol": 1e-5}
ROUNDING = {"rtol": 1e-8, "atol": 1e-8}


def encoder(drop):
    return OneHotEncoder(drop=drop, sparse_output=False)


def polynomial(**options):
    return PolynomialFeatures(2, include_bias=False, **options)


@cache
def women(y=None, drop="first", **options):
    """hincome * children + region."""
    frame = other_rows("womenlf")
    both = make_column_transformer((encoder(drop), ["children"]), (StandardScaler(), ["hincome"]))
    steps = make_union(
        make_pipeline(both, polynomial(interaction_only=True)), make_column_transformer((encoder(drop), ["region"]))
    )
    y = frame["partic"] if y is None else y(frame["partic"])
    return infer(make_pipeline(steps, SoftmaxGLM(alpha=0)).fit(frame, y), frame, y, **options)


def works(participation):
    return participation != "not.work"


def by_term(tests):
    return dict(zip(tests.terms, zip(tests.statistic, tests.df, tests.p_value, strict=True), strict=True))


@pytest.mark.parametrize(
    ("name", "y", "drop"),
    [("womenlf", None, "first"), ("womenlf", None, None), ("womenlf_two", works, "first")],
)
def test_they_are_those_of_car_whatever_the_coding_of_factors(name, y, drop):
    expected = golden("r_contrasts")["type_2"][name]
    found = women(y, drop).test_terms(by="variable")
    assert found.terms == ("hincome", "children", "region", "hincome:children")
    assert sorted(found.terms) == sorted(expected["terms"])
    for term, statistic, df, p_value in zip(*expected.values(), strict=True):
        assert by_term(found)[term][1] == df
        np.testing.assert_allclose(by_term(found)[term][::2], (statistic, p_value), **NNET)


def test_of_several_interactions_they_are_those_of_car():
    frame = other_rows("beps")
    expected = golden("r_contrasts")["type_2"]["beps"]
    factors = make_column_transformer(
        (encoder("first"), ["political.knowledge"]), (encoder("first"), ["gender"]), (StandardScaler(), ["Europe"])
    )
    age = make_column_transformer((make_pipeline(StandardScaler(), polynomial()), ["age"]))
    steps = make_union(make_pipeline(factors, polynomial(interaction_only=True)), age)
    result = infer(make_pipeline(steps, SoftmaxGLM(alpha=0)).fit(frame, frame["vote"]), frame, frame["vote"])
    found = {
        "".join(sorted(term.replace(":", ""))): values
        for term, values in by_term(result.test_terms(by="variable")).items()
    }
    assert len(found) == len(expected["terms"])
    for term, statistic, df, p_value in zip(*expected.values(), strict=True):
        ours = found["".join(sorted(term.replace("poly(age, 2)", "age").replace(":", "")))]
        assert ours[1] == df
        np.testing.assert_allclose(ours[::2], (statistic, p_value), **NNET)


@pytest.mark.parametrize("kind", ["lr", "score"])
def test_they_are_tests_in_the_smaller_model(kind):
    found = by_term(women().test_terms(kind, by="variable"))
    frame = other_rows("womenlf")
    steps = make_column_transformer(
        (encoder("first"), ["children"]), (StandardScaler(), ["hincome"]), (encoder("first"), ["region"])
    )
    additive = infer(make_pipeline(steps, SoftmaxGLM(alpha=0)).fit(frame, frame["partic"]), frame, frame["partic"])
    smaller = by_term(additive.test_terms(kind, by="variable"))
    for term in ("hincome", "children"):
        np.testing.assert_allclose(found[term], smaller[term], **ROUNDING)
    whole = by_term(women().test_terms(kind))
    np.testing.assert_allclose(found["region"], whole["region"], **ROUNDING)


@pytest.mark.parametrize("options", [{}, {"covariance": "robust"}, {"covariance": "HC1", "distribution": "t"}])
def test_walds_is_that_of_the_term_less_what_contains_it(options):
    result = women(**options)
    found = result.test_terms("wald", by="variable")
    # b - V_bc V_cc^-1 c, of the coefficients of hincome and of the product.
    positions = [2, 2 + len(result.terms), 3, 3 + len(result.terms)]
    b, c = result.coefficients.estimate.ravel()[positions].reshape(2, 2)
    (of_b, between), (_, of_c) = (
        result.covariance_matrix[np.ix_(positions, positions)].reshape(2, 2, 2, 2).swapaxes(1, 2)
    )
    slope = between @ np.linalg.inv(of_c)
    form = (b - slope @ c) @ np.linalg.solve(of_b - slope @ between.T, b - slope @ c)
    scale = 2 if options.get("distribution") == "t" else 1
    statistic, df, _ = by_term(found)["hincome"]
    assert df == 2
    np.testing.assert_allclose(statistic * scale, form, rtol=1e-6)
    assert (found.df_denominator is None) == (scale == 1)


def with_a_product():
    data = OVERLAPPING["overlapping"]()
    return np.column_stack([data.X[:, :2], data.X[:, 0] * data.X[:, 1]]), data.y, {"a": [0, 2], "b": [1, 2]}


def test_with_cr2_what_contains_a_term_is_taken_out_of_its_coefficients():
    X, y, groups = with_a_product()
    result = infer(
        SoftmaxGLM(alpha=0).fit(X, y), X, y, covariance="CR2", clusters=np.arange(len(y)) % 9, distribution="t"
    )
    found = by_term(result.test_terms("wald", by="variable", groups=groups))
    n_classes, n_terms = result.coefficients.estimate.shape
    columns = np.arange(n_classes) * n_terms + result.terms.index(result.features[0])
    given = np.arange(n_classes) * n_terms + result.terms.index(result.features[2])
    covariance = result.covariance_matrix
    slope = covariance[np.ix_(columns, given)] @ np.linalg.inv(covariance[np.ix_(given, given)])
    contrast = np.zeros((n_classes, n_classes * n_terms))
    contrast[:, columns], contrast[:, given] = np.identity(n_classes), -slope
    expected = result.wald_test(contrast)
    np.testing.assert_allclose(found["a"], [expected.statistic, expected.df, expected.p_value], rtol=1e-6)


def test_of_bias_reduced_estimates_the_smaller_model_is_bias_reduced_too():
    X, y, groups = with_a_product()
    reduced = {"estimates": "bias-reduced"}
    result = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y, **reduced)
    smaller = infer(SoftmaxGLM(alpha=0).fit(X[:, :2], y), X[:, :2], y, **reduced)
    found, expected = result.test_terms(by="variable", groups=groups), smaller.test_terms()
    np.testing.assert_allclose(found.statistic[:2], expected.statistic, rtol=1e-6)


def test_groups_that_share_columns_are_variables_with_an_interaction():
    data = OVERLAPPING["overlapping"]()
    X = np.column_stack([data.X[:, :2], data.X[:, 0] * data.X[:, 1], data.X[:, 2]])
    result = infer(SoftmaxGLM(alpha=0).fit(X, data.y), X, data.y)
    found = result.test_terms(by="variable", groups={"a": [0, 2], "b": [1, 2], "c": 3})
    assert found.terms == ("a", "b", "c", "a:b")
    assert found.is_type_2
    assert "(type II)" in str(found)
    names = ["x0", "x1", "x2"]
    frame = pd.DataFrame(np.column_stack([X[:, :2], X[:, 3]]), columns=names)
    steps = make_column_transformer((polynomial(interaction_only=True), names[:2]), ("passthrough", names[2:]))
    inputs = infer(make_pipeline(steps, SoftmaxGLM(alpha=0)).fit(frame, data.y), frame, data.y)
    np.testing.assert_allclose(inputs.test_terms(by="variable").statistic, found.statistic, rtol=1e-6)
    with pytest.raises(ValueError, match='by="variable" asks which columns of the model each variable enters'):
        result.test_terms(by="variable")
    with pytest.raises(ValueError, match='by must be "term" or "variable"'):
        result.test_terms(by="column")


def test_without_interactions_variables_are_terms():
    data = OVERLAPPING["weighted_with_offset"]()
    given = {"sample_weight": data.weights, "offset": data.offset}
    model = make_pipeline(StandardScaler(), SoftmaxGLM(alpha=0))
    model.fit(data.X, data.y, **{f"softmaxglm__{name}": value for name, value in given.items()})
    result = infer(model, data.X, data.y, **given)
    for kind in ("lr", "wald", "score"):
        variables, terms = result.test_terms(kind, by="variable"), result.test_terms(kind)
        np.testing.assert_allclose(variables.statistic, terms.statistic, rtol=1e-9)
        assert not variables.is_type_2


def test_what_separates_with_an_interaction_has_a_test_without_it():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"z": rng.normal(size=200), "g": rng.integers(2, size=200), "h": rng.integers(2, size=200)})
    y = (rng.random(200) < 0.5).astype(int)
    y[(frame["g"] == 1) & (frame["h"] == 1)] = 1
    steps = make_column_transformer((polynomial(interaction_only=True), ["g", "h"]), ("passthrough", ["z"]))
    with pytest.warns(SeparationWarning):
        model = make_pipeline(steps, SoftmaxGLM(alpha=0)).fit(frame, y)
    result = infer(model, frame, y)
    found = by_term(result.test_terms(by="variable"))
    X = frame[["z", "g", "h"]].to_numpy(float)
    additive = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y)
    np.testing.assert_allclose([found[name][0] for name in "zgh"][1:], additive.test_terms().statistic[1:], rtol=1e-6)
    assert np.isfinite(found["g:h"][0])
    wald = by_term(result.test_terms("wald", by="variable"))
    assert np.isnan(wald["g"][0])
    assert np.isfinite(wald["z"][0])


def test_columns_are_found_to_enter_in_any_row_and_by_any_step():
    people = people_table()
    y = (people["age"] > people["age"].median()).astype(int)

    def entered(steps, frame):
        model = make_pipeline(steps, SoftmaxGLM(alpha=0.1)).fit(frame, y)
        return infer(model, frame, y).inputs.entered

    assert entered(Rowwise(), people) == {"age": (0,), "income": (0,), "z": (2,), "region": (1, 2)}
    rotated = make_column_transformer((make_pipeline(StandardScaler(), PCA(2)), ["age", "income", "z"]))
    assert entered(rotated, people) == {"age": (0, 1), "income": (0, 1), "z": (0, 1)}
    # A dummy that is on in a single row, which no few rows would show.
    rare = people.assign(rare=(np.arange(len(people)) == 77).astype(float))
    product = make_column_transformer((polynomial(interaction_only=True), ["rare", "z"]))
    assert entered(product, rare) == {"rare": (0, 2), "z": (1, 2)}


def test_terms_are_contained_in_those_of_more_variables():
    terms = terms_of_variables({"a": (0, 1, 4, 6), "b": (2, 4, 5, 6), "c": (3, 5, 6)})
    assert terms == {
        "a": Term((0, 1), (4, 6)),
        "b": Term((2,), (4, 5, 6)),
        "c": Term((3,), (5, 6)),
        "a:b": Term((4,), (6,)),
        "b:c": Term((5,), (6,)),
        "a:b:c": Term((6,)),
    }


def test_columns_of_a_spline_tested_each_by_itself_are_told_of():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"age": rng.uniform(20.0, 60.0, 90), "sex": rng.choice(["f", "m"], 90)})
    y = rng.integers(0, 3, 90)
    steps = make_column_transformer(
        (SplineTransformer(3, include_bias=False), ["age"]), (OneHotEncoder(drop="first"), ["sex"])
    )
    result = infer(make_pipeline(steps, SoftmaxGLM(alpha=0)).fit(frame, y), frame, y)
    names = result.features[:4]
    told = " ".join(str(result.test_terms("wald")).split())
    assert f'Each by itself: {names[0]} to {names[-1]}, the 4 columns of age. Use by="variable"' in told
    assert "by itself" not in str(result.test_terms("wald", by="variable"))
    assert "by itself" not in str(result.test_terms("wald", groups={"age": names}))
