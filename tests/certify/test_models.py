"""Whatever a model is, and wherever it comes from, it is certified on its own objective."""

import inspect
import pickle
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from problems import Data, counts, many_classes, overlapping, real_data, two_classes, weighted_with_offset
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from softglm import SoftmaxGLM, SoftmaxGLMCV, certify

# At scikit-learn's tolerance of 1e-4 on the gradient a fit of standardised columns is so near to its optimum.
NEAR = 1e-4
# Certificates of the same numbers, one by way of others.
SAME = {"rtol": 1e-9, "atol": 1e-15}
# LogisticRegression says l1_ratio where it used to say penalty.
SAYS_PENALTY = inspect.signature(LogisticRegression).parameters["penalty"].default == "l2"


def penalised_by(l1_ratio):
    if not SAYS_PENALTY:
        return {"l1_ratio": l1_ratio}
    return {"penalty": "l1"} if l1_ratio == 1.0 else {"penalty": "elasticnet", "l1_ratio": l1_ratio}


def standardised(data):
    return data.dense / data.dense.std(axis=0)


ORDINARY = {
    "several classes": (many_classes, {}),
    "two classes": (two_classes, {}),
    "no intercept": (many_classes, {"fit_intercept": False}),
    "two classes, no intercept": (two_classes, {"fit_intercept": False}),
    "a strong penalty": (many_classes, {"C": 0.01}),
    "no penalty": (overlapping, {"C": np.inf}),
    "balanced classes": (many_classes, {"class_weight": "balanced"}),
    "class weights": (many_classes, {"class_weight": {0: 3.0, 2: 0.5}}),
    "another solver": (many_classes, {"solver": "newton-cg"}),
    "liblinear of two classes, no intercept": (two_classes, {"solver": "liblinear", "fit_intercept": False}),
    "liblinear's lasso": (two_classes, {"solver": "liblinear", "fit_intercept": False, **penalised_by(1.0)}),
    "a lasso": (many_classes, {"solver": "saga", "max_iter": 3000, **penalised_by(1.0)}),
    "an elastic net": (two_classes, {"solver": "saga", "max_iter": 3000, **penalised_by(0.5)}),
}


@pytest.mark.parametrize("weighs", [False, True])
@pytest.mark.parametrize("name", ORDINARY)
def test_a_logistic_regression_that_converged_is_near_the_optimum_of_the_objective_that_is_read_from_it(name, weighs):
    make, options = ORDINARY[name]
    data = make()
    X = standardised(data)
    weights = np.random.default_rng(0).exponential(size=len(X)) if weighs else None
    model = LogisticRegression(**options).fit(X, data.y, sample_weight=weights)
    certificate = certify(model, X, data.y, sample_weight=weights)
    assert certificate.is_proved
    assert certificate.relative_gap < NEAR
    np.testing.assert_array_equal(certificate.predictions.labels, model.predict(X))
    if "solver" not in options and not weighs:
        ours = SoftmaxGLM(C=model.C, fit_intercept=model.fit_intercept, class_weight=model.class_weight)
        np.testing.assert_allclose(certificate.alpha, ours.fit(X, data.y).alpha_)


def test_the_default_logistic_regression_of_raw_wine_is_far_from_its_optimum_and_its_labels_are_told():
    data = real_data("wine")
    with pytest.warns(ConvergenceWarning):
        model = LogisticRegression().fit(data.X, data.y)
    found = certify(model, data.X, data.y).predictions
    best = SoftmaxGLM().fit(data.X, data.y)
    differ = model.predict(data.X) != best.predict(data.X)
    assert differ.any()
    np.testing.assert_array_equal(found.changes, differ)
    np.testing.assert_array_equal(found.may_change, differ)
    np.testing.assert_array_equal(found.labels_near_optimum, best.predict(data.X))
    errors = np.abs(model.predict_proba(data.X) - best.predict_proba(data.X)).max(axis=1)
    np.testing.assert_allclose(found.probability_errors, errors, atol=1e-7)


def test_pipelines_searches_and_models_that_choose_are_certified_on_what_they_end_in():
    data = real_data("iris")
    scaler = StandardScaler().fit(data.X)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    search = GridSearchCV(pipeline, {"logisticregression__C": [1.0]}, cv=2).fit(data.X, data.y)
    inside = certify(search.best_estimator_[-1], scaler.transform(data.X), data.y)
    for model in (pipeline.fit(data.X, data.y), search):
        found = certify(model, data.X, data.y)
        assert found.model == "LogisticRegression"
        np.testing.assert_allclose(found.gap, inside.gap, **SAME)
        np.testing.assert_allclose(
            found.of_rows(data.X[:5]).probability_errors,
            inside.of_rows(scaler.transform(data.X[:5])).probability_errors,
        )


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of scikit-learn, about the defaults of LogisticRegressionCV
def test_models_that_choose_their_strength_are_certified_at_the_one_that_was_chosen():
    data = real_data("iris")
    theirs = LogisticRegressionCV(Cs=[0.1, 1.0], max_iter=1000).fit(data.X, data.y)
    assert certify(theirs, data.X, data.y).relative_gap < NEAR
    ours = SoftmaxGLMCV(Cs=[0.1, 1.0]).fit(data.X, data.y)
    certificate = certify(ours, data.X, data.y)
    assert certificate.alpha == ours.alpha_
    assert certificate.relative_gap < 1e-12


@pytest.mark.parametrize("make", [many_classes, two_classes, counts, weighted_with_offset])
def test_our_own_fits_are_certified_by_themselves_and_from_outside(make):
    data = make()
    given = {"sample_weight": data.weights, "offset": data.offset}
    model = SoftmaxGLM().fit(data.X, data.y, **given)
    own, outside = model.certify(data.X, data.y, **given), certify(model, data.X, data.y, **given)
    assert str(own) == str(outside)
    assert own.is_proved
    assert own.gap <= 1e-14
    assert own.predictions.n_may_change == 0
    np.testing.assert_allclose(own.loss, model.loss_, rtol=1e-12)
    arrays = certify((model.coef_, model.intercept_), data.X, data.y, alpha=model.alpha_, **given)
    np.testing.assert_allclose(arrays.loss, own.loss, rtol=1e-12)
    assert arrays.gap <= 1e-14


def test_the_optimum_of_a_sparse_fit_is_proved_by_duality():
    data = many_classes()
    for options in ({"l1_ratio": 1.0}, {"l1_ratio": 0.5, "grouped": True}, {"lower": 0.0}):
        certificate = SoftmaxGLM(alpha=0.02, **options).fit(data.X, data.y).certify(data.X, data.y)
        assert certificate.gap_kind == "duality"
        assert certificate.gap <= 1e-8
        assert certificate.predictions.largest_probability_error <= 1e-2
        with pytest.raises(ValueError, match="not fitted: that takes the Hessian of a smooth objective"):
            certificate.of_rows(data.X)


def test_two_rows_of_coefficients_are_one_under_half_the_penalty_and_what_they_share_is_in_the_way():
    data, alpha = two_classes(), 0.02
    half = SoftmaxGLM(alpha=alpha / 2.0).fit(data.X, data.y)
    rows, constants = np.vstack([-half.coef_, half.coef_]) / 2.0, np.append(-half.intercept_, half.intercept_) / 2.0
    at_best = certify((rows, constants), data.X, data.y, alpha=alpha)
    assert at_best.gap <= 1e-14
    shared = certify((rows + 0.3, constants + 5.0), data.X, data.y, alpha=alpha)
    np.testing.assert_allclose([shared.least_gap, shared.gap], alpha / 2.0 * 2 * 4 * 0.3**2, rtol=1e-6)
    assert shared.predictions.largest_probability_error <= 1e-6
    one = certify((half.coef_[0], half.intercept_[0]), data.X, data.y, alpha=alpha / 2.0)
    np.testing.assert_allclose(one.loss, at_best.loss, rtol=1e-12)


def test_what_coefficients_of_several_classes_share_is_penalised_too():
    data, alpha = many_classes(), 0.05
    model = SoftmaxGLM(alpha=alpha).fit(data.X, data.y)
    shared = certify((model.coef_ + 0.2, model.intercept_), data.X, data.y, alpha=alpha)
    expected = alpha / 2.0 * 0.2**2 * model.coef_.size
    np.testing.assert_allclose([shared.least_gap, shared.gap], expected, rtol=1e-6)


def test_arrays_of_other_libraries_are_read():
    data = many_classes()
    model = SoftmaxGLM().fit(data.X, data.y)

    class Tensor(SimpleNamespace):
        """What a parameter of PyTorch, or an array of CuPy, answers to."""

        def detach(self):
            return self

        cpu = detach

        def numpy(self):
            return self.values

        get = numpy

    plain = certify((model.coef_, model.intercept_), data.X, data.y, C=1.0)
    for library in ("torch.nn.parameter", "cupy"):
        kind = type("Array", (Tensor,), {"__module__": library})
        arrays = kind(values=model.coef_), kind(values=model.intercept_)
        assert certify(arrays, data.X, data.y, C=1.0).gap == plain.gap
    lists = certify((model.coef_.tolist(), model.intercept_.tolist()), data.X, data.y, alpha="1/n_samples")
    assert lists.gap == plain.gap


def test_sparse_rows_frames_and_single_precision_are_certified():
    data = real_data("iris")
    model = SoftmaxGLM().fit(data.X, data.y)
    plain = model.certify(data.X, data.y)
    by_rows = model.certify(sparse.csr_array(data.X), data.y)
    np.testing.assert_allclose(by_rows.loss, plain.loss, rtol=1e-12)
    frame = pd.DataFrame(data.X, columns=list("abcd"))
    named = certify((model.coef_, model.intercept_), frame, data.y, C=1.0)
    assert named.of_rows(frame).n_may_change == 0
    with pytest.raises(ValueError, match="feature names"):
        named.of_rows(frame[["b", "a", "c", "d"]])
    single = data.X.astype(np.float32)
    rounded = SoftmaxGLM().fit(single, data.y).certify(single, data.y)
    assert rounded.relative_gap < 1e-6


def test_words_are_labels_and_a_certificate_can_be_pickled():
    data = real_data("iris")
    words = np.array(["setosa", "versicolor", "virginica"])[data.y]
    certificate = SoftmaxGLM().fit(data.X, words).certify(data.X, words)
    assert set(certificate.predictions.labels) == set(words)
    back = pickle.loads(pickle.dumps(certificate))  # noqa: S301 - our own
    assert str(back) == str(certificate)
    assert back.of_rows(data.X[:3]).labels.tolist() == certificate.predictions.labels[:3].tolist()


def test_classes_without_weight_are_left_out_as_the_fit_left_them_out():
    data = many_classes()
    weights = np.where(data.y == 3, 0.0, 1.0)
    with pytest.warns(UserWarning, match="total weight of the classes"):
        model = SoftmaxGLM().fit(data.X, data.y, weights)
    certificate = model.certify(data.X, data.y, weights)
    assert certificate.gap <= 1e-14
    assert 3 not in certificate.predictions.labels
    assert certificate.of_rows(data.X).n_may_change == 0


def test_other_rows_are_bounded_by_the_hessian():
    data = many_classes()
    fitted, other = data.X[:200], data.X[200:]
    model = LogisticRegression(tol=1e-2).fit(fitted, data.y[:200])
    best = SoftmaxGLM().fit(fitted, data.y[:200])
    found = certify(model, fitted, data.y[:200]).of_rows(other)
    errors = np.abs(model.predict_proba(other) - best.predict_proba(other)).max(axis=1)
    assert (found.probability_errors >= errors - 1e-12).all()
    np.testing.assert_allclose(found.probability_errors, errors, atol=1e-7)
    np.testing.assert_array_equal(found.labels, model.predict(other))


def test_columns_far_from_zero_and_wide_data_are_certified():
    data = overlapping()
    far = Data(data.X + 1e6, data.y)
    certificate = SoftmaxGLM().fit(far.X, far.y).certify(far.X, far.y)
    assert certificate.is_proved
    assert certificate.relative_gap < 1e-8
    assert certificate.of_rows(far.X).largest_probability_error < 1e-4
    wide = np.random.default_rng(0).normal(size=(40, 6000))
    y = np.arange(40) % 3
    certificate = SoftmaxGLM().fit(wide, y).certify(wide, y)
    assert certificate.is_proved
    assert certificate.predictions.largest_probability_error < 1e-4
    with pytest.raises(ValueError, match="takes the Hessian, and 12,002 parameters are beyond"):
        certificate.of_rows(wide)
