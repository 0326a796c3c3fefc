"""What the rows, the weights and the base class are taken to be is right, or said."""

import re
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from problems import counts, objective_of, overlapping, rows_and_family, two_classes
from scipy import sparse

from softglm import SoftmaxGLM, compare, infer
from softglm.data import RowsInMemory
from softglm.families import Bernoulli, Categorical
from softglm.inference import estimate
from softglm.inference.estimate import check_size, coordinates_of


def inferred(X, y, *, sample_weight=None, alpha=0.0, **options):
    return infer(SoftmaxGLM(alpha=alpha).fit(X, y, sample_weight), X, y, sample_weight=sample_weight, **options)


@pytest.mark.parametrize("covariance", ["model", "robust", "HC3"])
@pytest.mark.parametrize(
    "weights",
    [
        lambda rng, n: rng.uniform(100.0, 4000.0, n),  # a survey's: each row stands for thousands
        lambda rng, n: n * rng.dirichlet(np.ones(n)),  # normalised to the number of rows
        lambda _, n: np.where(np.arange(n) == 7, 2.5, 1.0),  # one of them only
    ],
)
def test_fractions_of_copies_are_warned_of(weights, covariance):
    data = overlapping()
    values = weights(np.random.default_rng(0), len(data.y))
    with pytest.warns(UserWarning, match=r'holds fractions.*weights="sampling" and covariance="robust"'):
        inferred(data.X, data.y, sample_weight=values, covariance=covariance)


@pytest.mark.parametrize("weights", [np.arange(150) % 4, np.full(150, 1000.0), 2.0, np.arange(150) % 3 * 1e6])
def test_whole_copies_and_sampling_weights_are_not(weights):
    data = overlapping()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        inferred(data.X, data.y, sample_weight=weights)
        fractions = np.random.default_rng(0).uniform(size=150)
        inferred(data.X, data.y, sample_weight=fractions, weights="sampling", covariance="robust")


LEVELS = ["never", "at times", "always"]
ORDERED = {
    "pandas": lambda values: pd.Series(pd.Categorical(values, LEVELS, ordered=True)),
    "pandas, a level that does not occur": lambda values: pd.Series(
        pd.Categorical(values, ["-", *LEVELS], ordered=True)
    ),
    "polars": lambda values: pl.Series(values, dtype=pl.Enum(LEVELS)),
}


@pytest.mark.parametrize("name", ORDERED)
def test_the_base_of_an_ordered_factor_is_its_first_level(name):
    data = overlapping()
    y = ORDERED[name](np.array(LEVELS)[data.y].tolist())
    result = inferred(data.X, y)
    assert result.reference == "never"
    assert str(result).startswith("Multinomial logit, base class: never (the first level)\n")
    assert inferred(data.X, y, reference="always").reference == "always"


@pytest.mark.parametrize("make", [lambda values: values, pd.Series, lambda values: pd.Series(values, dtype="category")])
def test_of_any_other_response_it_is_said_how_it_was_chosen(make):
    data = overlapping()
    result = inferred(data.X, make(np.array(LEVELS, dtype=object)[data.y]))
    assert result.reference == "always"
    assert str(result).startswith("Multinomial logit, base class: always (the first in sorted order)\n")
    assert str(result.rebase("never")).startswith("Multinomial logit, base class: never\n")


def test_intercepts_of_uncentred_columns_show_no_hauck_donner_effect():
    # Far from its zero a column makes the intercept what the fit would say there, hundreds of standard deviations off.
    x = np.repeat([[0.0], [1.0]], 100, axis=0)
    y = np.concatenate([np.arange(100) < 25, np.arange(100) < 99]).astype(int)
    assert inferred(x, y).hauck_donner.tolist() == [[False, True]]
    for shift in (1.0, 50.0, -1000.0, 3e5):
        result = inferred(x + shift, y)
        assert not result.hauck_donner[0, 0]
        assert "Intercept of" not in str(result)
    # Alone it is the log odds of the shares, and means something.
    rare = np.arange(200) % 50 > 0
    assert inferred(x, rare.astype(int)).null.hauck_donner.tolist() == [[True]]


@pytest.mark.parametrize("make", [two_classes, counts])
def test_the_hosmer_lemeshow_test_of_two_classes_does_not_depend_on_the_base(make):
    data = make()
    y = data.y if make is two_classes else np.column_stack([data.y[:, 0], data.y[:, 1:].sum(axis=1)])
    result = inferred(data.X, y)
    one, other = (result.rebase(base).hosmer_lemeshow() for base in (0, 1))
    assert (one.statistic, one.df, one.p_value) == (other.statistic, other.df, other.p_value)
    np.testing.assert_array_equal(one.observed, other.observed)


@pytest.mark.parametrize(
    ("X", "n_classes"),
    [
        (np.random.default_rng(0).normal(size=(50, 257)), 2),
        (np.random.default_rng(0).normal(size=(120, 400)), 3),
        (sparse.random(300, 300, density=0.1, format="csr", random_state=0), 2),
        (np.random.default_rng(0).normal(size=(400, 30)), 25),
    ],
)
def test_no_rule_of_the_fit_decides_whether_there_is_an_inference(X, n_classes):
    y = np.random.default_rng(1).integers(n_classes, size=X.shape[0])
    result = inferred(X, y, alpha="1/n_samples")
    assert np.isfinite(result.coefficients.std_error).all()
    assert result.optimisation_error < 1e-5
    assert np.isfinite(result.predict(X[:2]).std_error).all()


def on_a_machine_of(monkeypatch, n_bytes):
    monkeypatch.setattr(estimate, "physical_memory", lambda: n_bytes)


def test_what_does_not_fit_in_memory_is_said_in_bytes(monkeypatch):
    objective = objective_of(*rows_and_family(overlapping()), 0.1)
    on_a_machine_of(monkeypatch, 5000.0)
    with pytest.raises(MemoryError, match=r"10 parameters.*take 0.0 GB, and this machine has 0.0 GB. Select"):
        coordinates_of(objective)
    on_a_machine_of(monkeypatch, 1e6)
    assert coordinates_of(objective).scales.size == 10


@pytest.mark.parametrize(
    ("family", "n_terms", "n_rows", "needed"),
    [
        (Bernoulli(), 5001, 40_000, 2.0),  # a factor of 5000 levels
        (Categorical(3), 5001, 40_000, 8.0),
        (Categorical(500), 6, 20_000, 2.2),  # pairs of classes: their contrasts, and their weights in a block
        (Categorical(5000), 2, 20_000, 600.0),
    ],
)
def test_what_an_inference_takes_is_said_in_bytes_and_seconds(monkeypatch, family, n_terms, n_rows, needed):
    on_a_machine_of(monkeypatch, 1e9)
    with pytest.raises(MemoryError, match=r"Select features first, .* some [\d,]+ seconds") as refused:
        check_size(family, n_terms, n_rows)
    said = float(re.search(r"take ([\d,.]+) GB", str(refused.value))[1].replace(",", ""))
    assert needed / 1.25 < said < 1.25 * needed
    on_a_machine_of(monkeypatch, 1.5e9 * needed)
    check_size(family, n_terms, n_rows)


@pytest.mark.parametrize("n_classes", [3, 4])
def test_a_size_is_refused_before_the_rows_are_read(n_classes, monkeypatch):
    X = sparse.random(60, 20, density=0.2, format="csr", random_state=0)
    y = np.arange(60) % n_classes
    model = SoftmaxGLM().fit(X, y)

    def read(*_, **__):
        raise AssertionError

    on_a_machine_of(monkeypatch, 1e5)
    monkeypatch.setattr(RowsInMemory, "map", read)
    monkeypatch.setattr(RowsInMemory, "gather", read)
    monkeypatch.setattr(RowsInMemory, "combined", read)
    with pytest.raises(MemoryError, match=f"21 terms for each of {n_classes} classes"):
        infer(model, X, y)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_an_information_matrix_that_no_machine_holds_is_refused(n_classes):
    X = sparse.random(30, 300_000, density=1e-4, format="csr", random_state=0)
    y = np.arange(30) % n_classes
    model = SoftmaxGLM().fit(X, y)
    with pytest.raises(MemoryError, match=r"300001 terms.*this machine has .* GB. Select features first"):
        infer(model, X, y)


@pytest.mark.parametrize(
    "options",
    [
        {"covariance": "HC1"},
        {"covariance": "robust", "correction": "n/(n-1)", "distribution": "t"},
        {"covariance": "cluster", "clusters": np.arange(150) // 10, "distribution": "t"},
    ],
)
def test_rows_that_class_weights_leave_nothing_of_do_not_count_as_rows(options):
    data = overlapping()
    dropped = SoftmaxGLM(alpha=0, class_weight={2: 0.0})
    with pytest.warns(UserWarning, match="total weight of the classes"):
        dropped.fit(data.X, data.y)
    by_class = infer(dropped, data.X, data.y, **options)
    weights = (data.y < 2).astype(float)
    with pytest.warns(UserWarning, match="total weight of the classes"):
        model = SoftmaxGLM(alpha=0).fit(data.X, data.y, weights)
    by_row = infer(model, data.X, data.y, sample_weight=weights, **options)
    np.testing.assert_allclose(by_class.coefficients.std_error, by_row.coefficients.std_error, rtol=1e-8)
    assert by_class.n_observations == by_row.n_observations == weights.sum()
    assert by_class.degrees_of_freedom == by_row.degrees_of_freedom
    assert by_class.covariance.n_clusters == by_row.covariance.n_clusters


def test_what_is_no_inference_is_not_compared_and_none_is_the_null_model():
    data = overlapping()
    model = SoftmaxGLM(alpha=0).fit(data.X, data.y)
    result = infer(model, data.X, data.y)
    assert compare(None, result) == compare(result.null, result)
    for pair in ((model, result), (result, model), (result, None)):
        with pytest.raises(TypeError, match="expected what infer returns"):
            compare(*pair)
    with pytest.raises(ValueError, match="or the larger was given first"):
        compare(result, result.null)


def test_a_model_set_by_hand_has_no_inference():
    model = SoftmaxGLM()
    model.classes_, model.coef_, model.intercept_ = np.array([0, 1]), np.ones((1, 2)), np.zeros(1)
    with pytest.raises(ValueError, match="were set by hand"):
        infer(model, np.ones((4, 2)), [0, 1, 0, 1])
