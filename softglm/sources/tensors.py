"""Tensors of PyTorch, on a GPU or not: their rows stay where they are."""

from copy import copy
from typing import Any, final

import numpy as np

from softglm.device import FeaturesOnDevice, Tensor, tensor_of
from softglm.observations import Observations, observations_of
from softglm.response import read_response
from softglm.sources.source import Source
from softglm.validation.features import clean_response
from softglm.validation.finite import MOST
from softglm.validation.labels import Labels
from softglm.validation.weights import read_weights


@final
class Tensors(Source):
    """Rows whose features are a tensor, with y, weights and offset as arrays or tensors.

    Parameters
    ----------
    X : Tensor of shape (n, p)
    y, sample_weight, offset : object
        As passed by the user.
    """

    def __init__(self, X: Tensor, y: Any, sample_weight: Any, offset: Any) -> None:
        # Whole numbers and truth values have no products with others.
        X = X if X.dtype.kind == "f" else X.astype(np.float64)
        self._X, self._y, self._weights, self._offset = X, _here(y), _here(sample_weight), _here(offset)

    def observe(self, *, class_weight: Any, estimator: Any, fitted_classes: Labels | None = None) -> Observations:
        X, is_fit = self._X, fitted_classes is None
        _check_features(X, None if is_fit else estimator)
        values = clean_response(self._y)
        if len(values) != len(X):
            raise ValueError(f"y has {len(values)} rows, expected {len(X)}: one for each row of X.")
        return observations_of(
            FeaturesOnDevice(X),
            read_response(self._y, values),
            read_weights(self._weights, len(X)),
            self._offset,
            {"n_features_in_": X.shape[1]} if is_fit else {},
            class_weight=class_weight,
            fitted_classes=fitted_classes,
        )

    def predictions(self, model: Any, method: str) -> Any:
        of_products, products = self._products(model)
        return getattr(of_products, method)(products, self._offset)

    def totals(self, model: Any, method: str) -> tuple[float, ...]:
        of_products, products = self._products(model)
        numbers: tuple[float, ...] = getattr(of_products, method)(products, self._y, self._weights, self._offset)
        return numbers

    def _products(self, model: Any) -> tuple[Any, Any]:
        """Return B' x of all rows, made where they are, and the same model of these as its features."""
        _check_features(self._X, model)
        coef = np.atleast_2d(model.coef_).astype(np.float64)
        of_products = copy(model)
        of_products.coef_, of_products.n_features_in_ = np.identity(len(coef)), len(coef)
        vars(of_products).pop("feature_names_in_", None)
        return of_products, np.asarray(self._X.astype(np.float64, copy=False) @ coef.T)


def _here(given: Any) -> Any:
    """Return a tensor as an array, anything else as it is."""
    tensor = tensor_of(given)
    return given if tensor is None else np.asarray(tensor)


def _check_features(X: Tensor, model: Any) -> None:
    """Raise unless a tensor is what a fit takes, or what a fitted model does."""
    if X.ndim != 2 or not X.size:
        raise ValueError(
            f"X is a tensor of shape {X.shape}, expected (n, p), with rows and columns: X.reshape(len(X), -1)."
        )
    if model is not None and X.shape[1] != model.n_features_in_:
        raise ValueError(
            f"X has {X.shape[1]} features, but {type(model).__name__} is expecting {model.n_features_in_} features as "
            "input."
        )
    least, largest = float(X.min()), float(X.max())  # NaN, if there is one
    if not -MOST <= least <= largest <= MOST:
        raise ValueError(
            f"X is a tensor with values from {least:.3g} to {largest:.3g}, expected finite numbers of at most {MOST:g} "
            "in size. Impute or drop what is missing, and rescale."
        )
