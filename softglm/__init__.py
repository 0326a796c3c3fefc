"""Multiclass classification as an honest generalised linear model.

`SoftmaxGLM` takes the place of ``sklearn.linear_model.LogisticRegression``. The theory it is built from can be read in
the order of the rooms: `families` (what is assumed), `model` (what is minimised), `solver` (how), `fit` (the core).
"""

from softglm.estimator import SeparationWarning, SoftmaxGLM
from softglm.scoring import neg_log_loss
from softglm.version import __version__

__all__ = ["SeparationWarning", "SoftmaxGLM", "__version__", "neg_log_loss"]
