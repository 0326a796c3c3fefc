"""A converter to ONNX for skl2onnx, which would otherwise refuse a SoftmaxGLM."""

from typing import Any

import numpy as np
import numpy.typing as npt

from softglm.estimator import SoftmaxGLM
from softglm.fitted import has_offset
from softglm.optional import needed

OPTIONS = {
    "zipmap": [True, False, "columns"],
    "nocl": [True, False],
    "output_class_labels": [False, True],
    "raw_scores": [True, False],
}


def register() -> None:
    """Teach skl2onnx to convert SoftmaxGLM, alone and inside pipelines; once per process, before the conversion.

    The graph takes what `predict` takes, float32, float64, integers or booleans, and returns labels and probabilities.
    It computes in float64, whatever the input: features as they come cancel in float32. The probabilities are float64
    for float64 input, else rounded to float32. A class of weight 0 has probability 0 there too. As for skl2onnx's own
    classifiers, the options are "zipmap", "nocl", "output_class_labels" and "raw_scores": eta, for two classes as the
    columns -eta and eta.

    Labels are strings or integers in ONNX. Booleans become 0 and 1, and floats that are whole numbers integers.

    Raises
    ------
    ImportError
        If skl2onnx is not installed: ``pip install ".[onnx]"`` in a clone.

    Notes
    -----
    The conversion raises a ValueError for a model that was fitted with an offset, which a graph with one input cannot
    take, for other labels, and where the input has another number of columns than the fit had. ONNX has no checks:
    where `predict` refuses NaN, the graph returns NaN and a label of no meaning.

    Examples
    --------
    >>> from onnxruntime import InferenceSession
    >>> from skl2onnx import to_onnx
    >>> from sklearn.datasets import load_wine
    >>> from softglm import SoftmaxGLM
    >>> from softglm.onnx import register
    >>> register()
    >>> X, y = load_wine(return_X_y=True)
    >>> model = SoftmaxGLM().fit(X, y)
    >>> graph = to_onnx(model, X[:1], options={"zipmap": False})
    >>> labels, probabilities = InferenceSession(graph.SerializeToString()).run(None, {"X": X})
    >>> bool((labels == model.predict(X)).all())
    True
    >>> bool(abs(probabilities - model.predict_proba(X)).max() < 1e-12)
    True
    """
    with needed("softglm.onnx", "skl2onnx", "onnx"):
        from skl2onnx import update_registered_converter
    update_registered_converter(
        SoftmaxGLM, "SoftglmSoftmaxGLM", _declare_outputs, _convert, parser=_parse, options=OPTIONS
    )


def _parse(scope: Any, model: Any, inputs: list[Any], custom_parsers: Any = None) -> Any:
    """Parse as a classifier of skl2onnx, or raise where onnxruntime would refuse the graph."""
    from skl2onnx._parse import _parse_sklearn_classifier
    from skl2onnx.common.data_types import DoubleTensorType

    if scope.get_options(model, {"zipmap": True})["zipmap"] is True and isinstance(inputs[0].type, DoubleTensorType):
        raise ValueError(
            "The input is float64 and the option zipmap is True, skl2onnx's default, but ONNX's ZipMap takes float32 "
            "only. Pass options={'zipmap': False} for an array of probabilities or 'columns' for one output a class, "
            "or convert for float32 input."
        )
    _labels(model.classes_)  # before the ZipMap, whose error would not name them
    return _parse_sklearn_classifier(scope, model, inputs, custom_parsers=custom_parsers)


def _declare_outputs(operator: Any) -> None:
    """Set the types and shapes of the two outputs, or raise if the graph could not say what the model says."""
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, Int64TensorType, StringTensorType
    from skl2onnx.common.utils_classifier import get_label_classes

    model = operator.raw_operator
    if len(operator.inputs) != 1:
        raise ValueError(
            f"A SoftmaxGLM was given {len(operator.inputs)} inputs, expected one with {model.n_features_in_} columns. "
            "skl2onnx makes an input of each column of a data frame: pass an array, such as X[:1].to_numpy(), instead."
        )
    (values,) = operator.inputs
    if isinstance(values.type, StringTensorType):
        raise ValueError("The input of a SoftmaxGLM has the ONNX type string, expected numbers: encode it before.")
    given, expected = values.get_second_dimension(), model.n_features_in_
    if isinstance(given, int) and given != expected:
        raise ValueError(
            f"The input of a SoftmaxGLM has {given} columns, expected the {expected} that it was fitted on. Pass "
            f"initial_types=[('X', FloatTensorType([None, {expected}]))], or rows of that many columns."
        )
    if has_offset(model):
        raise ValueError(
            "The SoftmaxGLM was fitted with an offset, which a converted model could not be given. Fit it without one."
        )
    n_rows = values.get_first_dimension()
    labels = _labels(get_label_classes(operator.scope_inst, model))
    of_label = StringTensorType if labels.dtype.kind == "U" else Int64TensorType
    of_number = DoubleTensorType if isinstance(values.type, DoubleTensorType) else FloatTensorType
    label, probability = operator.outputs
    label.set_type(of_label([n_rows]))
    probability.set_type(of_number([n_rows, len(labels)]))


def _convert(scope: Any, operator: Any, container: Any) -> None:
    """Add the nodes: eta = X B + b, the label where it is largest, and its softmax."""
    from onnx import TensorProto
    from skl2onnx.common.data_types import DoubleTensorType
    from skl2onnx.common.utils_classifier import get_label_classes

    model = operator.raw_operator
    raw_scores = container.get_options(model, {"raw_scores": False})["raw_scores"]

    def constant(name: str, onnx_type: int, values: npt.NDArray[Any]) -> str:
        unique: str = scope.get_unique_variable_name(name)
        container.add_initializer(unique, onnx_type, values.shape, values.ravel().tolist())
        return unique

    def node(kind: str, inputs: list[str], output: str | None = None, **attributes: Any) -> str:
        name: str = output or scope.get_unique_variable_name(kind.lower())
        container.add_node(kind, inputs, name, name=scope.get_unique_operator_name(kind), **attributes)
        return name

    coef, intercept = (_both_classes(array, raw_scores=raw_scores) for array in (model.coef_, model.intercept_))
    labels = _labels(get_label_classes(scope, model))
    of_label = TensorProto.STRING if labels.dtype.kind == "U" else TensorProto.INT64
    (values,), (label, probability) = operator.inputs, operator.outputs

    rows = node("Cast", [values.full_name], to=TensorProto.DOUBLE)
    product = node("MatMul", [rows, constant("coef", TensorProto.DOUBLE, coef.T)])
    eta = node("Add", [product, constant("intercept", TensorProto.DOUBLE, intercept)])
    largest = node("ArgMax", [eta], axis=1, keepdims=0)
    node("Gather", [constant("classes", of_label, labels), largest], label.full_name, axis=0)
    scores = eta if raw_scores else node("Softmax", [eta], axis=1)
    is_double = isinstance(probability.type, DoubleTensorType)
    node("Cast", [scores], probability.full_name, to=TensorProto.DOUBLE if is_double else TensorProto.FLOAT)


def _both_classes(array: npt.NDArray[Any], *, raw_scores: bool) -> npt.NDArray[np.float64]:
    """Return coefficients or intercepts with an entry for each class: of two, the first is the pivot, eta = 0.

    Raw scores of two classes are -eta and eta by the convention of skl2onnx, which its meta-estimators count on.
    """
    double = array.astype(np.float64)
    if len(double) > 1:
        return double
    return np.concatenate([-double if raw_scores else np.zeros_like(double), double])


def _labels(classes: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the labels as ONNX can hold them, strings or int64, or raise."""
    values = classes.tolist()
    if all(isinstance(value, str) for value in values):
        return np.array(values, dtype=np.str_)
    limits = np.iinfo(np.int64)
    if all(isinstance(value, int | float) and value == int(value) for value in values) and (
        limits.min <= min(values) and max(values) <= limits.max
    ):
        return np.array([int(value) for value in values], dtype=np.int64)
    raise ValueError(
        f"The labels are {values[:10]}, but those of an ONNX model are strings, integers of 64 bits, booleans, or "
        "floats that are whole numbers. Fit the model on such labels, for example y.astype(str)."
    )


__all__ = ["register"]
