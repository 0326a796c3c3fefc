"""A fit that fails changes nothing: a fitted model stays whole, an unfitted one unfitted."""

import pickle
import warnings

import numpy as np
import pandas as pd
import problems
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils.validation import check_is_fitted

import softglm.estimator
from softglm import SoftmaxGLM, infer

DATA = problems.overlapping()
X, y = DATA.X, DATA.y
n = len(y)
frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
# With other columns, other classes and other names than the model that they are to leave alone.
other = pd.DataFrame(np.c_[X[:, :2], X[:, 3] ** 2], columns=["p", "q", "r"])
twos = np.where(y > 0, "yes", "no")


class Break(BaseException):
    """What no handler of errors sees."""


def refuse(fit, error, *args, **kwargs):
    with pytest.raises(error):
        fit(*args, **kwargs)


# The arguments of fits that fail, at every check that there is.
BAD = {
    "text in X": (other.assign(p="text"), twos),
    "NaN in X": (other.assign(p=np.nan), twos),
    "X too large": (other * 1e200, twos),
    "X too large, an array": (other.to_numpy() * 1e200, twos),
    "no rows": (other[:0], twos[:0]),
    "rows that do not match": (other[1:], twos),
    "sparse, and rows that do not match": (sparse.csr_matrix(other)[1:], twos),
    "missing labels": (other, np.where(y > 0, "yes", None)),
    "a single class": (other, np.zeros(n, dtype=int)),
    "a single class, an array": (other.to_numpy(), np.zeros(n, dtype=int)),
    "labels of two types": (other, np.where(y > 0, np.array("yes", dtype=object), 1)),
    "fractions": (other, y + 0.5),
    "negative counts": (other, -np.identity(3)[y]),
    "negative weights": (other, twos, -np.ones(n)),
    "weights of 0": (other, twos, np.zeros(n)),
    "too few weights": (other, twos, np.ones(n - 1)),
    "too large a sum of weights": (other, twos, np.full(n, 1e99)),
    "NaN in the offset": (other, twos, None, np.full(n, np.nan)),
    "an offset of another shape": (other, twos, None, np.zeros((n, 5))),
}
PARAMETERS = {
    "alpha": {"alpha": -1.0},
    "C": {"C": 1e-320},
    "tol": {"tol": np.nan},
    "max_iter": {"max_iter": 0},
    "class_weight": {"class_weight": {"never": 1.0, "yes": 1.0}},
    "warm_start": {"warm_start": True},
}


def state(model):
    return {name: value for name, value in vars(model).items() if name not in model.get_params()}


def check_is_whole(model, before, pickled):
    """Check that a model is the one it was, and still does what it did."""
    after = state(model)
    assert list(after) == list(before)
    assert all(after[name] is before[name] for name in before)
    whole = pickle.loads(pickled)  # noqa: S301 - of this test's own making
    np.testing.assert_array_equal(model.predict_proba(frame), whole.predict_proba(frame))
    np.testing.assert_array_equal(
        infer(model, frame, y).coefficients.estimate, infer(whole, frame, y).coefficients.estimate
    )


@pytest.fixture
def fitted():
    model = SoftmaxGLM().fit(frame, y)
    return model, state(model), pickle.dumps(model)


@pytest.mark.parametrize("kind", BAD)
def test_bad_input_leaves_the_old_model_whole(fitted, kind):
    model, before, pickled = fitted
    refuse(model.fit, (ValueError, TypeError), *BAD[kind])
    check_is_whole(model, before, pickled)


@pytest.mark.parametrize("kind", PARAMETERS)
def test_bad_parameters_leave_the_old_model_whole(fitted, kind):
    model, before, pickled = fitted
    old = model.get_params()
    refuse(model.set_params(**PARAMETERS[kind]).fit, ValueError, other, twos)
    check_is_whole(model.set_params(**old), before, pickled)


@pytest.mark.parametrize("kind", BAD)
def test_a_first_fit_that_fails_leaves_the_estimator_unfitted(kind):
    model = SoftmaxGLM()
    refuse(model.fit, (ValueError, TypeError), *BAD[kind])
    assert state(model) == {}
    with pytest.raises(NotFittedError):
        check_is_fitted(model)


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, FloatingPointError, Break])
@pytest.mark.parametrize("step", ["observed", "penalty_form", "prepare", "solve", "sentence", "attributes_of"])
def test_what_is_raised_in_the_middle_leaves_the_old_model_whole(fitted, monkeypatch, step, error):
    model, before, pickled = fitted

    def fail(*_, **__):
        raise error

    unfitted = SoftmaxGLM()
    with monkeypatch.context() as patch:
        patch.setattr(softglm.estimator, step, fail)
        if step == "Ridge":
            patch.setattr(softglm.estimator, step, type("Ridge", (), {"on_coefficients": fail}))
        for each in (model, unfitted):
            refuse(each.fit, error, other, twos)
    check_is_whole(model, before, pickled)
    assert state(unfitted) == {}


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, Break])
def test_a_fit_interrupted_between_its_iterations_leaves_the_old_model_whole(fitted, monkeypatch, error):
    model, before, pickled = fitted

    def interrupt(*_):
        raise error

    monkeypatch.setattr(softglm.estimator.FitPrinter, "report", interrupt)
    refuse(model.set_params(verbose=True).fit, error, other, twos)
    check_is_whole(model.set_params(verbose=False), before, pickled)


@pytest.mark.parametrize("hook", ["setup", "on_fit_task_begin", "on_fit_task_end", "teardown"])
@pytest.mark.parametrize("task", ["fit", "iteration"])
def test_a_callback_that_raises_leaves_the_old_model_whole(fitted, hook, task):
    pytest.importorskip("sklearn.callback")
    model, before, pickled = fitted

    class Raises:
        def setup(self, estimator, context):  # noqa: ARG002 - scikit-learn's signature
            self.fail_at("setup", context)

        def on_fit_task_begin(self, estimator, context):  # noqa: ARG002
            self.fail_at("on_fit_task_begin", context)

        def on_fit_task_end(self, estimator, context, *, fitted_estimator):  # noqa: ARG002
            fitted_estimator.predict(other)
            self.fail_at("on_fit_task_end", context)

        def teardown(self, estimator, context):
            pass

        def fail_at(self, place, context):
            if place == hook and context.task_name == task:
                raise RuntimeError(place)

    fails = (hook, task) not in {("setup", "iteration"), ("teardown", "fit"), ("teardown", "iteration")}
    model.set_callbacks(Raises())
    if fails:
        refuse(model.fit, RuntimeError, other, twos)
        model.set_callbacks()
        check_is_whole(model, before, pickled)
    else:
        assert model.fit(other, twos).classes_.tolist() == ["no", "yes"]


def test_a_warning_that_is_an_error_leaves_the_old_model_whole(fitted):
    model, before, pickled = fitted
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        refuse(model.set_params(max_iter=1).fit, ConvergenceWarning, other, twos)
        check_is_whole(model.set_params(max_iter=1000), before, pickled)
        refuse(model.fit, UserWarning, other, y, (y > 0).astype(float))
    check_is_whole(model, before, pickled)


def test_a_refit_without_names_forgets_those_of_before(fitted):
    model, *_ = fitted
    model.fit(X[:, :2], y)
    assert not hasattr(model, "feature_names_in_")
    assert model.n_features_in_ == 2
    assert model.predict(X[:, :2]).shape == (n,)
    assert model.fit(other, twos).feature_names_in_.tolist() == ["p", "q", "r"]


def test_callbacks_of_a_refit_without_names_predict_without_warnings(fitted):
    pytest.importorskip("sklearn.callback")
    model, *_ = fitted

    class Predicts:
        def setup(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context, *, fitted_estimator):  # noqa: ARG002 - scikit-learn's signature
            assert fitted_estimator.predict(X[:, :2]).shape == (n,)

        def teardown(self, estimator, context):
            pass

    model.set_callbacks(Predicts()).fit(X[:, :2], y)
