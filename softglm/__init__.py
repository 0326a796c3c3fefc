"""Multiclass classification as an honest generalised linear model.

`SoftmaxGLM` takes the place of ``sklearn.linear_model.LogisticRegression``, and `SoftmaxGLMCV` chooses the strength of
its penalty; `softglm_path` fits one strength after another. `infer` says of a fitted model or pipeline what a
statistics package says, `compare` tests two nested fits, `regression_table` sets fits side by side, `pool` joins those
of imputed data, `detect_separation` tells which estimates are infinite, and `neg_log_loss` scores every kind of y.
`certify` says of anyone's fit how far it is from its optimum.

The theory can be read in the order of the rooms: `families` (what is assumed), `model` (what is minimised), `solver`
(how), `fit` (the core), `inference` (what a fit says).
"""

from softglm.certificate import Certificate, CertifiedPredictions
from softglm.certify import certify
from softglm.classifier import SeparationWarning
from softglm.detect import DetectedSeparation, detect_separation
from softglm.distributed import ClusterError
from softglm.estimator import SoftmaxGLM
from softglm.estimator_cv import SoftmaxGLMCV
from softglm.fitted_path import Path
from softglm.infer import infer
from softglm.inference.inference import Inference
from softglm.inference.nested import compare
from softglm.inference.pooled import PooledInference, pool
from softglm.inference.side_by_side import RegressionTable, regression_table
from softglm.path import PathPoint, softglm_path
from softglm.scoring import neg_log_loss
from softglm.sources import Blocks, Parquet
from softglm.version import __version__

__all__ = [
    "Blocks",
    "Certificate",
    "CertifiedPredictions",
    "ClusterError",
    "DetectedSeparation",
    "Inference",
    "Parquet",
    "Path",
    "PathPoint",
    "PooledInference",
    "RegressionTable",
    "SeparationWarning",
    "SoftmaxGLM",
    "SoftmaxGLMCV",
    "__version__",
    "certify",
    "compare",
    "detect_separation",
    "infer",
    "neg_log_loss",
    "pool",
    "regression_table",
    "softglm_path",
]
