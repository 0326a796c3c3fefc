"""warm_start=True continues from the last solution, and arrives where a cold start does."""

import warnings

import numpy as np
import problems
import pytest
from sklearn.exceptions import ConvergenceWarning

from softglm import SoftmaxGLM

# Two paths to one optimum, each to a relative distance of about 1e-8.
SAME = 3e-8
MAKE = pytest.mark.parametrize(
    "make", [problems.overlapping, problems.two_classes, problems.badly_scaled, problems.wide, problems.sparse_rows]
)


@MAKE
def test_the_same_fit_again_costs_next_to_nothing(make):
    data = make()
    model = SoftmaxGLM(warm_start=True).fit(data.X, data.y)
    first, coef = model.n_evaluations_, model.coef_
    model.fit(data.X, data.y)
    assert model.n_evaluations_ < first
    assert model.n_evaluations_ <= 4
    assert model.converged_
    assert np.allclose(model.coef_, coef, rtol=0.0, atol=SAME * (1.0 + abs(coef).max()))


@MAKE
def test_a_new_alpha_starts_from_the_old_solution_and_ends_at_its_own(make):
    data = make()
    warm = SoftmaxGLM(alpha=0.01, tol=3e-9, warm_start=True).fit(data.X, data.y)
    warm.set_params(alpha=0.012).fit(data.X, data.y)
    cold = SoftmaxGLM(alpha=0.012, tol=3e-9).fit(data.X, data.y)
    # One evaluation where it starts (that of the null model is known), and perhaps one to settle the intercepts.
    assert warm.n_evaluations_ <= cold.n_evaluations_ + 2
    assert warm.n_iter_[0] <= cold.n_iter_[0]
    assert np.allclose(warm.coef_, cold.coef_, rtol=0.0, atol=SAME * (1.0 + abs(cold.coef_).max()))
    assert warm.alpha_ == 0.012


def test_without_warm_start_every_fit_begins_anew():
    data = problems.overlapping()
    model = SoftmaxGLM().fit(data.X, data.y)
    first = model.n_evaluations_
    assert model.fit(data.X, data.y).n_evaluations_ == first


def test_other_features_are_refused():
    data = problems.overlapping()
    model = SoftmaxGLM(warm_start=True).fit(data.X, data.y)
    with pytest.raises(ValueError, match=r"(?s)warm_start=True.*4 features.*X has 3.*Pass the same"):
        model.fit(data.X[:, :3], data.y)


def test_other_classes_are_refused():
    data = problems.overlapping()
    model = SoftmaxGLM(warm_start=True).fit(data.X, data.y)
    for other in (data.y + 1, data.y.astype(str), data.y > 0):
        with pytest.raises(ValueError, match=r"(?s)warm_start=True.*classes \[0, 1, 2\].*warm_start=False"):
            model.fit(data.X, other)
    assert model.set_params(warm_start=False).fit(data.X, data.y > 0).coef_.shape == (1, 4)


@pytest.mark.parametrize("forwards", [True, False])
def test_classes_may_lose_and_gain_their_weight_between_fits(forwards):
    data = problems.many_classes()
    present = (data.y != 2).astype(float)
    everything, most = {"sample_weight": None}, {"sample_weight": present}
    first, second = (everything, most) if forwards else (most, everything)
    warm, cold = SoftmaxGLM(warm_start=True), SoftmaxGLM()
    with pytest.warns(UserWarning, match=r"\[2\]"):
        warm.fit(data.X, data.y, **first).fit(data.X, data.y, **second)
    if forwards:
        with pytest.warns(UserWarning, match=r"\[2\]"):
            cold.fit(data.X, data.y, **second)
    else:
        cold.fit(data.X, data.y, **second)
    assert np.allclose(warm.coef_, cold.coef_, rtol=0.0, atol=SAME)
    assert np.array_equal(np.isinf(warm.intercept_), np.isinf(cold.intercept_))


def test_it_continues_where_the_iterations_ran_out():
    data = problems.badly_scaled()
    model = SoftmaxGLM(warm_start=True, max_iter=2)
    with pytest.warns(ConvergenceWarning, match="ran out of iterations"):
        model.fit(data.X, data.y)
    losses = [model.loss_]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        while not model.converged_ and len(losses) < 20:
            losses.append(model.fit(data.X, data.y).loss_)
    assert model.converged_
    assert losses == sorted(losses, reverse=True)
    assert np.allclose(model.coef_, SoftmaxGLM().fit(data.X, data.y).coef_, rtol=0.0, atol=SAME)


def spoilt(values, place, entry):
    values = np.array(values, dtype=object if isinstance(entry, str | None) else float)
    values[place] = entry
    return values


# What may be wrong with the solution to continue from, and what the error says of it.
UNUSABLE = {
    "NaN in coef_": ("coef_", lambda coef: spoilt(coef, (1, 2), np.nan), r"coef_, which holds nan at \[1, 2\]"),
    "only NaN": ("coef_", lambda coef: np.full_like(coef, np.nan), r"coef_, which holds nan at \[0, 0\]"),
    "infinite": ("coef_", lambda coef: spoilt(coef, (2, 0), -np.inf), r"coef_, which holds -inf at \[2, 0\]"),
    "NaN in intercept_": ("intercept_", lambda b: spoilt(b, 1, np.nan), r"intercept_, which holds nan at \[1\]"),
    "a certain class": ("intercept_", lambda b: spoilt(b, 2, np.inf), r"intercept_, which holds inf at \[2\]"),
    "one NaN for all classes": ("intercept_", lambda _: np.nan, r"intercept_, which holds nan at \[0\]"),
    "too few rows": ("coef_", lambda coef: coef[:2], r"coef_ has shape \(2, 4\), expected \(3, n_features\)"),
    "transposed": ("coef_", lambda coef: coef.T, r"coef_ has shape \(4, 3\), expected \(3, n_features\)"),
    "flat": ("coef_", np.ravel, r"coef_ has shape \(12,\), expected \(3, n_features\)"),
    "too few columns": ("coef_", lambda coef: coef[:, 1:], r"3 features.*but X has 4"),
    "intercepts of other classes": ("intercept_", lambda b: b[:2], r"intercept_ has shape \(2,\), expected \(3,\)"),
    "text": ("coef_", lambda coef: spoilt(coef, (0, 0), "much"), r"coef_, expected real numbers, got"),
    "ragged": ("coef_", lambda _: [[1.0, 2.0], [3.0]], r"coef_, expected real numbers, got \[\[1.0, 2.0\], \[3.0\]\]"),
    "nothing": ("coef_", lambda _: None, r"coef_, expected real numbers, got None"),
    "complex": ("coef_", lambda coef: coef * 1j, r"coef_, expected real numbers, got"),
    "objects": ("intercept_", lambda b: spoilt(b, 0, None), r"intercept_, expected real numbers, got"),
    "another class": ("classes_", lambda classes: classes + 1, r"the classes \[1, 2, 3\].*y \[0, 1, 2\]"),
    "fewer classes": ("classes_", lambda classes: classes[:2], r"coef_ has shape \(3, 4\), expected \(1, n_features\)"),
}


@pytest.mark.parametrize(("name", "spoil", "message"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_start_that_is_none_is_named(name, spoil, message):
    data = problems.overlapping()
    model = SoftmaxGLM(warm_start=True).fit(data.X, data.y)
    setattr(model, name, spoil(getattr(model, name)))
    with pytest.raises(ValueError, match=rf"(?s)warm_start=True.*{message}.*(warm_start=False)") as refused:
        model.fit(data.X, data.y)
    assert "warm_start=False" in str(refused.value)
    assert model.set_params(warm_start=False).fit(data.X, data.y).converged_


@pytest.mark.parametrize("missing", ["classes_", "intercept_"])
def test_coefficients_without_what_belongs_to_them_are_no_start(missing):
    data = problems.overlapping()
    fitted = SoftmaxGLM().fit(data.X, data.y)
    model = SoftmaxGLM(warm_start=True)
    for name in {"classes_", "coef_", "intercept_"} - {missing}:
        setattr(model, name, getattr(fitted, name))
    with pytest.raises(ValueError, match=rf"warm_start=True continues from coef_, and {missing} is missing"):
        model.fit(data.X, data.y)


def test_coefficients_set_by_hand_are_a_start():
    data = problems.overlapping()
    cold = SoftmaxGLM().fit(data.X, data.y)
    model = SoftmaxGLM(warm_start=True)
    model.classes_, model.coef_, model.intercept_ = [0, 1, 2], cold.coef_.tolist(), 0
    assert np.allclose(model.fit(data.X, data.y).coef_, cold.coef_, rtol=0.0, atol=SAME)


@pytest.mark.parametrize("size", [1e-300, 1e20, 1e155, 1e300])
def test_finite_coefficients_of_any_size_are_a_start(size):
    data = problems.overlapping()
    cold = SoftmaxGLM().fit(data.X, data.y)
    warm = SoftmaxGLM(warm_start=True).fit(data.X, data.y)
    warm.coef_ = np.full_like(warm.coef_, size)
    warm.coef_[0] *= -1.0
    assert np.allclose(warm.fit(data.X, data.y).coef_, cold.coef_, rtol=0.0, atol=SAME)
    assert warm.converged_


@pytest.mark.parametrize("odds", [np.inf, -np.inf])
def test_of_two_classes_the_certainty_of_one_is_a_start(odds):
    data = problems.two_classes()
    cold = SoftmaxGLM().fit(data.X, data.y)
    warm = SoftmaxGLM(warm_start=True).fit(data.X, data.y)
    warm.intercept_ = np.array([odds])
    assert np.allclose(warm.fit(data.X, data.y).coef_, cold.coef_, rtol=0.0, atol=SAME)
