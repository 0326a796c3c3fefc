"""Tensors on a device: sums run there as they stand, and are those of NumPy. The device here is the processor."""

import numpy as np
import pytest
from problems import drawn_classes

from softglm import SeparationWarning, SoftmaxGLM, infer
from softglm.data.block import make_block
from softglm.device import FeaturesOnDevice, Tensor, tensor_of
from softglm.device.rows import RowsOnDevice
from softglm.sources.tensors import Tensors

torch = pytest.importorskip("torch")
torch.set_num_threads(1)  # several wait for each other actively

# Sums of thousands of terms in another order, relative to the largest of them.
SAME = 1e-11
# Coefficients of two fits that end within their tolerance, and are rounded.
NEAR = {np.float64: {"rtol": 1e-5, "atol": 1e-6}, np.float32: {"rtol": 1e-5, "atol": 1e-5}}
RNG = np.random.default_rng(0)
X = RNG.normal(size=(3000, 6)) * [1.0, 10.0, 0.1, 1.0, 3.0, 1.0]
Y = drawn_classes(RNG, X @ RNG.normal(size=(6, 4)) / 3.0)
WEIGHTS = RNG.uniform(0.0, 2.0, 3000)
OFFSET = RNG.normal(size=(3000, 4))
SHARES = RNG.dirichlet(np.ones(4), size=3000)
KINDS = {
    "labels": (Y, None, None, {}),
    "weights": (Y, WEIGHTS, None, {}),
    "offset": (Y, None, OFFSET, {}),
    "shares": (SHARES, WEIGHTS, None, {}),
    "text": (np.array(list("abcd"))[Y], None, None, {"class_weight": "balanced"}),
    "two classes": (Y > 1, WEIGHTS, None, {}),
    "maximum likelihood": (Y, None, None, {"alpha": 0.0}),
    "two classes, maximum likelihood": (Y > 1, None, None, {"alpha": 0.0}),
    "classes beyond pairs": (np.arange(600) % 260, WEIGHTS[:600], None, {"alpha": 1.0}),
    "lasso": (Y, None, None, {"alpha": 0.01, "l1_ratio": 1.0}),
    "standardised, without constants": (Y, None, None, {"standardize": True, "fit_intercept": False}),
}


def on_device(X, y=None, sample_weight=None, offset=None):
    return Tensors(Tensor(torch.from_numpy(X)), y, sample_weight, offset)


@pytest.fixture
def compared(monkeypatch):
    """Every sum that is made on a device is made here as well; and nothing is held here, small as it may be."""
    by_device = RowsOnDevice.map

    def both(self, statistic):
        for block, there in zip(self._blocks, by_device(self, statistic), strict=True):
            parts = (None if part is None else np.asarray(part) for part in (block.weights, block.offset))
            here = statistic(make_block(np.asarray(block.X), block.targets, *parts))
            for one, other in zip(here, there, strict=True):
                scale = np.abs(one[np.isfinite(one)]).max(initial=1e-300)
                tolerance = SAME if one.dtype == np.float64 else 1e-5
                assert one.shape == other.shape
                np.testing.assert_allclose(other, one, rtol=tolerance, atol=tolerance * scale, err_msg=str(statistic))
            yield there

    monkeypatch.setattr(RowsOnDevice, "map", both)
    monkeypatch.setattr(RowsOnDevice, "can_be_held", False)
    monkeypatch.setattr("softglm.device.rows._NUMBERS", 2**14)  # several blocks


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kind", KINDS)
def test_fits_and_predictions_are_those_of_arrays(request, kind, dtype):
    y, weights, offset, parameters = KINDS[kind]
    if kind != "lasso":  # which works on columns that are held
        request.getfixturevalue("compared")
    given = X[: len(y)].astype(dtype)
    here = SoftmaxGLM(**parameters).fit(given, y, weights, offset)
    there = SoftmaxGLM(**parameters).fit(on_device(given, y, weights, offset))
    assert here.converged_
    assert there.converged_
    assert there.coef_.dtype == dtype
    np.testing.assert_allclose(there.coef_, here.coef_, **NEAR[dtype])
    np.testing.assert_allclose(there.deviance_, here.deviance_, rtol=1e-6)
    for method in ("predict_proba", "decision_function"):
        expected = getattr(there, method)(given.astype(np.float64), offset)
        np.testing.assert_allclose(getattr(there, method)(on_device(given, offset=offset)), expected, atol=1e-9)
    assert np.array_equal(there.predict(on_device(given, offset=offset)), there.predict(given, offset))
    if kind == "labels":
        assert there.score(on_device(given, y)) == there.score(given, y)


@pytest.mark.usefixtures("compared")
def test_separated_classes_and_columns_far_from_0_are_told_there_too():
    separated = X.copy()
    separated[:, 0] = Y
    with pytest.warns(SeparationWarning):
        SoftmaxGLM(alpha=0).fit(on_device(separated, Y))
    far = SoftmaxGLM().fit(on_device(X + 1e6, Y))
    np.testing.assert_allclose(far.coef_, SoftmaxGLM().fit(X, Y).coef_, rtol=1e-5, atol=1e-6)
    assert far.converged_


@pytest.mark.usefixtures("compared")
def test_inference_is_that_of_arrays():
    model = SoftmaxGLM(alpha=0).fit(X, Y)
    there, here = infer(model, on_device(X, Y), None), infer(model, X, Y)
    np.testing.assert_allclose(there.coefficients.std_error, here.coefficients.std_error, rtol=1e-9)


def test_what_cannot_be_fitted_is_refused_by_what_was_given():
    def error(tensor, y=Y, model=None):
        with pytest.raises(ValueError, match=r"X|y") as caught:
            (model or SoftmaxGLM().fit)(Tensors(Tensor(tensor), y, None, None))
        return str(caught.value)

    given = torch.from_numpy(X.copy())
    given[7, 2] = float("nan")
    assert "expected finite numbers" in error(given)
    assert "expected (n, p)" in error(given[:, 0])
    assert "y has 10 rows, expected 3000" in error(torch.from_numpy(X), Y[:10])
    fitted = SoftmaxGLM().fit(X, Y)
    assert "expecting 6 features" in error(torch.from_numpy(X[:, :3]), None, fitted.predict)


def test_tensors_of_this_processor_are_arrays_without_a_copy():
    assert tensor_of(torch.zeros(3, 2)) is None
    assert tensor_of(X) is None
    here, there = SoftmaxGLM().fit(X, Y), SoftmaxGLM().fit(torch.from_numpy(X), torch.from_numpy(Y))
    assert np.array_equal(here.coef_, there.coef_)


@pytest.mark.parametrize("kind", [torch.int64, torch.bool, torch.float32])
def test_whole_numbers_and_truth_values_are_features(kind):
    given = torch.from_numpy(X > 0.0).to(kind)
    here = SoftmaxGLM().fit(np.asarray(given), Y)
    there = SoftmaxGLM().fit(Tensors(Tensor(given), Y, None, None))
    np.testing.assert_allclose(there.coef_, here.coef_, rtol=1e-5, atol=1e-6)


def test_a_tensor_answers_as_an_array_does_and_what_changes_a_copy_is_refused():
    values = np.random.default_rng(1).normal(size=(4, 5))
    tensor = Tensor(torch.from_numpy(values.copy()))
    for function in (np.exp, np.abs, np.square, np.cbrt, np.flatnonzero, np.median, lambda a: a.argmax(axis=0)):
        np.testing.assert_allclose(np.asarray(function(tensor)), function(values), rtol=1e-14)
    np.fill_diagonal(tensor, 7.0)
    np.fill_diagonal(values, 7.0)
    assert np.array_equal(np.asarray(tensor), values)
    out = np.empty((4, 5))
    assert np.add(tensor, 1.0, out=out) is out
    assert np.array_equal(out, values + 1.0)
    with pytest.raises(AttributeError, match="sort"):
        tensor.sort()
    with pytest.raises(ValueError, match="copy"):
        np.array(tensor, copy=False)


def test_features_on_a_device_come_back_where_arrays_are_needed():
    features = FeaturesOnDevice(Tensor(torch.from_numpy(X)))
    assert np.array_equal(features.matrix, X)


@pytest.mark.parametrize("change", [lambda X: X.requires_grad_(), lambda X: X.bfloat16()], ids=["gradient", "bfloat16"])
def test_what_numpy_has_no_array_for_is_fitted_all_the_same(change):
    tensor = change(torch.from_numpy(X.copy()))
    values = tensor.detach().double().numpy()
    model = SoftmaxGLM().fit(tensor, Y)
    np.testing.assert_allclose(model.coef_, SoftmaxGLM().fit(values, Y).coef_, **NEAR[np.float32])
    assert np.array_equal(model.predict(tensor), model.predict(values))


def test_a_sparse_tensor_is_an_error_that_says_what_to_pass():
    with pytest.raises(ValueError, match="to_dense"):
        SoftmaxGLM().fit(torch.eye(4).to_sparse(), np.arange(4) % 2)
