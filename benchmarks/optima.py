"""How close the fits come: the certified gap beside the true one, over the problems of the tests.

The truth is the dense Newton method of the tests, which shares no line with softglm. Run it from a checkout:

    python benchmarks/optima.py
"""

import platform
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import scipy
import sklearn
from scipy import sparse

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from dense_newton import SoftmaxRegression
from problems import PROBLEMS, SEPARATED, real_data

import softglm
from softglm import SoftmaxGLM

REAL = {name: lambda name=name: real_data(name) for name in ("iris", "wine", "digits", "breast_cancer")}
STRENGTHS = {"1/(100n)": 0.01, "1/n": 1.0, "100/n": 100.0, "0": 0.0}


def standardised(data):
    """Return the problem with columns of mean 0 and standard deviation 1; sparse columns keep their zeros."""
    X = data.dense
    spread = X.std(axis=0)
    spread[spread == 0.0] = 1.0
    if sparse.issparse(data.X):
        return replace(data, X=sparse.csr_array(data.X / spread))
    return replace(data, X=(X - X.mean(axis=0)) / spread)


def row(name, scaling, data, label, strength):
    """Return the line of one fit, and the fitted model."""
    alpha = strength / data.total_weight
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = SoftmaxGLM(alpha=alpha).fit(data.X, data.y, data.weights, data.offset)
    texts = " ".join(str(warning.message).split("(")[0] for warning in caught)
    cells = f"{name:24s} {scaling:12s} {label:9s} {model.n_evaluations_:5d} {model.n_passes_:6d}"
    if "separated" in model.status_:
        return f"{cells} {'no optimum':>11s} {'':>9s}  separated: the fit says so", model
    truth = SoftmaxRegression(data, alpha)
    best, null = truth.optimum(), truth.null_value()
    explained = null - best.value
    true_gap = (truth.value(model.coef_.T, model.intercept_) - best.value) / explained
    certified = model.gap_ / explained
    return f"{cells} {certified:11.1e} {true_gap:9.1e}  {model.gap_kind_} {texts}", model


def main():
    """Print the table."""
    print(
        f"softglm {softglm.__version__}, NumPy {np.__version__}, SciPy {scipy.__version__}, scikit-learn "
        f"{sklearn.__version__}, Python {platform.python_version()}, {platform.machine()}"
    )
    print("relative gaps: (f - f*) / (f_null - f*); true ones end at the rounding of f, some 1e-16 of it\n")
    heads = f"{'problem':24s} {'columns':12s} {'alpha':9s} {'evals':>5s} {'passes':>6s} {'certified':>11s} {'true':>9s}"
    print(f"{heads}  proof, warnings")
    evaluations = {label: [] for label in STRENGTHS}
    for name, make in {**REAL, **PROBLEMS}.items():
        for scaling, change in {"raw": lambda data: data, "standardised": standardised}.items():
            for label, strength in STRENGTHS.items():
                if strength or name not in SEPARATED:
                    text, model = row(name, scaling, change(make()), label, strength)
                    evaluations[label].append(model.n_evaluations_)
                    print(text, flush=True)
    print()
    for label, counts in evaluations.items():
        print(f"alpha = {label:8s}: at most {max(counts)} evaluations, median {int(np.median(counts))}")


if __name__ == "__main__":
    main()
