"""Draw the pictures of the README: ``python .docs/pictures.py``, in a clone, with the extras data and plots.

The seconds in that of convergence are those of the machine, and differ a little from run to run.
"""

from pathlib import Path

import matplotlib as mpl
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from softglm import SoftmaxGLM, infer
from softglm.plots import CoefficientDisplay, ConvergenceDisplay, EffectDisplay

mpl.use("agg")
from matplotlib import pyplot as plt

ROOT = Path(__file__).resolve().parents[1]
IMAGES = Path(__file__).with_name("images")
# Enough for LogisticRegression to come near the optimum on raw data.
MANY_ITERATIONS = 5000
DOTS_PER_INCH = 120


def draw_convergence():
    """Return three fits of scikit-learn's wine data, its columns as they come, and once behind a scaler."""
    rivals = {
        "SoftmaxGLM": SoftmaxGLM(),
        "LogisticRegression": LogisticRegression(max_iter=MANY_ITERATIONS),
        "with a StandardScaler": make_pipeline(StandardScaler(), LogisticRegression(max_iter=MANY_ITERATIONS)),
    }
    return ConvergenceDisplay.from_estimators(rivals, *load_wine(return_X_y=True)).figure_


def draw_coefficients(result):
    """Return the coefficients of the README's example."""
    return CoefficientDisplay.from_inference(result, per_deviation=True).figure_


def draw_effects(result):
    """Return the probabilities over both features of the README's example."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(6.6, 2.7), layout="constrained", sharey=True)
    EffectDisplay.from_inference(result, "write", ax=left)
    EffectDisplay.from_inference(result, "ses", ax=right)
    right.set_ylabel("")
    return figure


def infer_students():
    """Return what the README's example infers."""
    students = pd.read_csv(ROOT / "tests" / "golden" / "data" / "hsb2.csv")
    X, y = students[["ses", "write"]], students["prog"]
    dummies = OneHotEncoder(categories=[["low", "middle", "high"]], drop="first")
    columns = make_column_transformer((dummies, ["ses"]), remainder="passthrough", verbose_feature_names_out=False)
    return infer(make_pipeline(columns, SoftmaxGLM(alpha=0)).fit(X, y), X, y)


def main():
    """Write all pictures."""
    result = infer_students()
    pictures = {
        "convergence": draw_convergence(),
        "coefficients": draw_coefficients(result),
        "effects": draw_effects(result),
    }
    IMAGES.mkdir(exist_ok=True)
    for name, figure in pictures.items():
        figure.savefig(IMAGES / f"{name}.png", dpi=DOTS_PER_INCH)


if __name__ == "__main__":
    main()
