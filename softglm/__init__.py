"""Multiclass generalised linear models: softmax regression from the exponential family."""

__version__ = "0.1.0"
