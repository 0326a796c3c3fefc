"""A converted model says in onnxruntime what it says in Python."""

import datetime as dt

import numpy as np
import pandas as pd
import problems
import pytest
from onnxruntime import InferenceSession
from skl2onnx import convert_sklearn, to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.ensemble import BaggingClassifier, StackingClassifier
from sklearn.feature_selection import SelectFromModel
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from softglm import SoftmaxGLM
from softglm.onnx import register

PROBLEMS = {"K=2": problems.two_classes, "K=3": problems.overlapping, "K=7": problems.many_classes}
LABELS = {
    "int": lambda codes: codes.astype(np.int64) * 3 - 1,
    "beyond 32 bits": lambda codes: codes.astype(np.int64) + 2**40,
    "uint8": lambda codes: codes.astype(np.uint8),
    "bool": lambda codes: codes > 0,
    "whole float": lambda codes: codes.astype(np.float64),
    "str": lambda codes: np.array(["ä", "b", "a", "z", "y", "x", "w"])[codes],
    "object": lambda codes: np.array(["ä", "b", "a", "z", "y", "x", "w"], dtype=object)[codes],
    "object of int": lambda codes: codes.astype(object),
}
# What the graph rounds is the probability, and in a pipeline what comes before the model.
TOLERANCE = {np.float32: 1e-6, np.float64: 1e-12}
DTYPES = pytest.mark.parametrize("dtype", TOLERANCE, ids=lambda dtype: dtype.__name__)


@pytest.fixture(autouse=True, scope="module")
def converter():
    register()


@pytest.fixture(params=PROBLEMS)
def data(request):
    return PROBLEMS[request.param]()


def run(graph, X):
    """Return the outputs for an array, or for a frame whose columns are inputs of their own."""
    feed = {"X": X} if isinstance(X, np.ndarray) else {name: X[[name]].to_numpy() for name in X}
    return InferenceSession(graph.SerializeToString()).run(None, feed)


def assert_same(model, X, *, tolerance, options=None):
    graph = to_onnx(model, X[:1], options=options or {"zipmap": False})
    labels, probabilities = run(graph, X)
    assert np.array_equal(labels, model.predict(X))
    assert probabilities.dtype == (np.float64 if tolerance == TOLERANCE[np.float64] else np.float32)
    assert abs(probabilities - model.predict_proba(X)).max() < tolerance


@DTYPES
@pytest.mark.parametrize("labels", LABELS)
def test_labels_and_probabilities_are_those_of_the_model(data, labels, dtype):
    X = data.X.astype(dtype)
    assert_same(SoftmaxGLM().fit(X, LABELS[labels](data.y)), X, tolerance=TOLERANCE[dtype])


@DTYPES
def test_a_float64_model_predicts_rows_of_either_dtype(data, dtype):
    assert_same(SoftmaxGLM().fit(data.X, data.y), data.X.astype(dtype), tolerance=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", [np.int64, np.bool_], ids=lambda dtype: dtype.__name__)
def test_integers_and_booleans_are_numbers(data, dtype):
    X = np.trunc(3.0 * data.X).astype(dtype)
    assert_same(SoftmaxGLM().fit(X, data.y), X, tolerance=TOLERANCE[np.float32])


@DTYPES
@pytest.mark.parametrize("load", [load_breast_cancer, load_wine], ids=lambda load: load.__name__)
def test_features_as_they_come_do_not_cancel(load, dtype):
    X, y = load(return_X_y=True)
    X = X.astype(dtype)
    assert_same(SoftmaxGLM().fit(X, y), X, tolerance=TOLERANCE[dtype])


@DTYPES
@pytest.mark.parametrize("load", [load_breast_cancer, load_wine], ids=lambda load: load.__name__)
def test_a_pipeline_with_a_scaler(load, dtype):
    X, y = load(return_X_y=True)
    X = X.astype(dtype)
    assert_same(make_pipeline(StandardScaler(), SoftmaxGLM()).fit(X, y), X, tolerance=TOLERANCE[dtype])


@DTYPES
def test_a_pipeline_with_a_column_transformer_takes_the_columns_of_a_frame(data, dtype):
    words = np.array(["red", "green", "blue"])[np.arange(len(data.y)) * 7 % 3]
    frame = pd.DataFrame(data.X.astype(dtype), columns=list("abcd")).assign(colour=words)
    columns = make_column_transformer((StandardScaler(), list("abcd")), (OneHotEncoder(), ["colour"]))
    model = make_pipeline(columns, SoftmaxGLM()).fit(frame, LABELS["str"](data.y))
    assert_same(model, frame, tolerance=TOLERANCE[dtype])


META = {
    "BaggingClassifier": lambda: BaggingClassifier(SoftmaxGLM(), n_estimators=3, random_state=0),
    "CalibratedClassifierCV": lambda: CalibratedClassifierCV(SoftmaxGLM(), cv=3),
    "GridSearchCV": lambda: GridSearchCV(SoftmaxGLM(), {"C": [0.1, 1.0]}, cv=3),
    "OneVsRestClassifier": lambda: OneVsRestClassifier(SoftmaxGLM()),
    "StackingClassifier": lambda: StackingClassifier([("one", SoftmaxGLM())], SoftmaxGLM(), cv=3),
}


@DTYPES
@pytest.mark.parametrize("name", META)
@pytest.mark.parametrize("problem", ["K=2", "K=3"])
def test_meta_estimators_are_converted_with_the_model_inside(problem, name, dtype):
    data = PROBLEMS[problem]()
    X = data.X.astype(dtype)
    model = META[name]().fit(X, data.y)
    assert_same(model, X, tolerance=TOLERANCE[dtype], options={id(model): {"zipmap": False}})


@DTYPES
def test_a_pipeline_that_selects_features(data, dtype):
    X = data.X.astype(dtype)
    model = make_pipeline(StandardScaler(), SelectFromModel(SoftmaxGLM(), max_features=2), SoftmaxGLM())
    assert_same(model.fit(X, data.y), X, tolerance=TOLERANCE[dtype])


@pytest.mark.parametrize("labels", ["int", "str"])
def test_the_zipmap_is_a_dict_of_probabilities_for_each_row(data, labels):
    X = data.X.astype(np.float32)
    model = SoftmaxGLM().fit(X, LABELS[labels](data.y))
    _, rows = run(to_onnx(model, X[:1]), X)
    assert list(rows[0]) == model.classes_.tolist()
    probabilities = np.array([list(row.values()) for row in rows])
    assert abs(probabilities - model.predict_proba(X)).max() < TOLERANCE[np.float32]


@DTYPES
def test_the_zipmap_of_columns_is_an_output_for_each_class(data, dtype):
    X = data.X.astype(dtype)
    model = SoftmaxGLM().fit(X, LABELS["str"](data.y))
    graph = to_onnx(model, X[:1], options={"zipmap": "columns"})
    assert [output.name for output in graph.graph.output][1:] == [f"s{label}" for label in model.classes_]
    _, *columns = run(graph, X)
    assert abs(np.column_stack(columns) - model.predict_proba(X)).max() < TOLERANCE[dtype]


def test_the_zipmap_of_float64_is_refused_because_onnx_has_none(data):
    model = make_pipeline(StandardScaler(), SoftmaxGLM()).fit(data.X, data.y)
    with pytest.raises(ValueError, match=r"ZipMap takes float32 only\. Pass options=\{'zipmap': False\}"):
        to_onnx(model, data.X[:1])


def test_class_labels_can_be_an_output_or_left_out(data):
    model = SoftmaxGLM().fit(data.X, LABELS["str"](data.y))
    with_labels = to_onnx(model, data.X[:1], options={"zipmap": False, "output_class_labels": True})
    assert run(with_labels, data.X)[2].tolist() == model.classes_.tolist()
    codes, _ = run(to_onnx(model, data.X[:1], options={"zipmap": False, "nocl": True}), data.X)
    assert np.array_equal(model.classes_[codes], model.predict(data.X))


@DTYPES
def test_raw_scores_are_eta_and_of_two_classes_minus_eta_too(data, dtype):
    X = data.X.astype(dtype)
    model = SoftmaxGLM().fit(X, data.y)
    labels, scores = run(to_onnx(model, X[:1], options={"zipmap": False, "raw_scores": True}), X)
    eta = model.decision_function(X)
    expected = eta if data.n_classes > 2 else np.column_stack([-eta, eta])
    assert np.array_equal(labels, model.predict(X))
    assert np.allclose(scores, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


@DTYPES
@pytest.mark.filterwarnings("ignore:The total weight of the classes:UserWarning")
def test_a_class_of_weight_zero_has_probability_zero(dtype):
    data = problems.many_classes()
    X = data.X.astype(dtype)
    model = SoftmaxGLM(class_weight={2: 0.0}).fit(X, data.y)
    assert model.intercept_[2] == -np.inf
    assert_same(model, X, tolerance=TOLERANCE[dtype])
    _, probabilities = run(to_onnx(model, X[:1], options={"zipmap": False}), X)
    assert np.all(probabilities[:, 2] == 0.0)


@DTYPES
def test_extreme_rows_have_probabilities_of_zero_and_one(data, dtype):
    assert_same(SoftmaxGLM().fit(data.X, data.y), (1e4 * data.X).astype(dtype), tolerance=TOLERANCE[dtype])


def test_a_tie_goes_to_the_first_class_as_in_predict(data):
    model = SoftmaxGLM(fit_intercept=False).fit(data.X, data.y)
    labels, probabilities = run(to_onnx(model, data.X[:1], options={"zipmap": False}), np.zeros((1, 4)))
    assert labels == model.predict(np.zeros((1, 4))) == 0
    assert np.allclose(probabilities, 1.0 / data.n_classes, rtol=TOLERANCE[np.float64])


@pytest.mark.parametrize("target_opset", [12, 15, 18])
def test_graphs_for_older_runtimes(data, target_opset):
    model = SoftmaxGLM().fit(data.X, data.y)
    graph = to_onnx(model, data.X[:1], options={"zipmap": False}, target_opset=target_opset)
    labels, probabilities = run(graph, data.X)
    assert np.array_equal(labels, model.predict(data.X))
    assert abs(probabilities - model.predict_proba(data.X)).max() < TOLERANCE[np.float64]


def test_registering_twice_changes_nothing(data):
    register()
    assert_same(SoftmaxGLM().fit(data.X, data.y), data.X, tolerance=TOLERANCE[np.float64])


def test_a_model_with_an_offset_is_refused():
    data = problems.two_classes_with_offset()
    model = SoftmaxGLM().fit(data.X, data.y, offset=data.offset)
    with pytest.raises(ValueError, match=r"fitted with an offset.*Fit it without one"):
        to_onnx(model, data.X[:1], options={"zipmap": False})


@pytest.mark.parametrize("zipmap", [True, False])
def test_labels_that_onnx_does_not_have_are_refused(data, zipmap):
    days = np.array([dt.date(2020, 1, day + 1) for day in range(7)])
    model = SoftmaxGLM().fit(data.X, days.astype("datetime64[D]")[data.y])
    with pytest.raises(ValueError, match=r"The labels are \[datetime.*y\.astype\(str\)"):
        to_onnx(model, data.X[:1].astype(np.float32), options={"zipmap": zipmap})


def test_another_number_of_columns_is_refused(data):
    with pytest.raises(ValueError, match="has 3 columns, expected the 4"):
        to_onnx(SoftmaxGLM().fit(data.X, data.y), data.X[:1, :3], options={"zipmap": False})


def test_the_number_of_columns_may_be_left_open(data):
    model = SoftmaxGLM().fit(data.X, data.y)
    X = data.X.astype(np.float32)
    graph = convert_sklearn(model, initial_types=[("X", FloatTensorType([None, None]))], options={"zipmap": False})
    assert np.array_equal(run(graph, X)[0], model.predict(X))


def test_several_inputs_are_refused(data):
    frame = pd.DataFrame(data.X, columns=list("abcd"))
    with pytest.raises(ValueError, match=r"given 4 inputs, expected one with 4 columns.*to_numpy"):
        to_onnx(SoftmaxGLM().fit(frame, data.y), frame[:1], options={"zipmap": False})


def test_strings_are_refused(data):
    model = SoftmaxGLM().fit(data.X, data.y)
    with pytest.raises(ValueError, match="string, expected numbers"):
        convert_sklearn(model, initial_types=[("X", StringTensorType([None, 4]))], options={"zipmap": False})
