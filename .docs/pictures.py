"""Draw the pictures of README and guide: ``python .docs/pictures.py``, in a clone, with the extras data and plots.

The seconds in that of convergence are those of the machine, and differ a little from run to run.
"""

import re
from pathlib import Path

import matplotlib as mpl
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_wine, make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from softglm import SoftmaxGLM, SoftmaxGLMCV, infer, regression_table, softglm_path
from softglm.plots import (
    ConvergenceDisplay,
    EffectDisplay,
    InfluenceDisplay,
    ReliabilityDisplay,
)

mpl.use("agg")
from matplotlib import pyplot as plt

# Pages are narrower than notebooks.
plt.rc("figure", figsize=(4.6, 3.4))

ROOT = Path(__file__).resolve().parents[1]
IMAGES = Path(__file__).with_name("images")
# Enough for LogisticRegression to come near the optimum on raw data.
MANY_ITERATIONS = 5000
DOTS_PER_INCH = 120
PERFORMANCE = Path(__file__).parent / "explanation" / "performance.md"
# Of the table in it, which holds the numbers: the columns of scikit-learn's best solver and of its default.
ROW = re.compile(r"^\| ([^|]+) \| ([\d,]+) x \d+, \d+ \| (\d[^|]* ms \|.*) \|$", re.MULTILINE)
# Of the table of seconds by rows, in the same page: what the picture shows of it.
SIZES = re.compile(r"^\| CPU seconds \| (.*) rows \|$", re.MULTILINE)
SHOWN = {
    "memory": ("o", "#0072B2"),
    "mapped files": ("s", "#56B4E9"),
    "Parquet": ("^", "#009E73"),
    "Dask, 2 workers": ("D", "#E69F00"),
    "Spark ML, local[2]": ("v", "#D55E00"),
}
# Rows of 33 columns of 8 bytes that fill 16 GB.
FULL = 16e9 / (33 * 8)
PANELS = {"raw columns": (1, 2), "standardised columns": (4, 5)}
SERIES = {"its best solver": ("o", "#0072B2"), "its default, lbfgs": ("^", "#D55E00")}
MOST = 20.0  # where fits were stopped


def draw_convergence():
    """Return three fits of scikit-learn's wine data, its columns as they come, and once behind a scaler."""
    rivals = {
        "SoftmaxGLM": SoftmaxGLM(),
        "LogisticRegression": LogisticRegression(max_iter=MANY_ITERATIONS),
        "with a StandardScaler": make_pipeline(StandardScaler(), LogisticRegression(max_iter=MANY_ITERATIONS)),
    }
    return ConvergenceDisplay.from_estimators(rivals, *load_wine(return_X_y=True)).figure_


def draw_performance():
    """Return a line for each data set: how many times as long as ours scikit-learn's fits take."""
    rows = ROW.findall(PERFORMANCE.read_text(encoding="utf-8"))
    names = [f"{name}, {n_rows} rows" for name, n_rows, _ in rows]
    cells = [rest.split(" | ") for _, _, rest in rows]
    figure, axes = plt.subplots(1, 2, figsize=(7, 4.6), layout="constrained", sharey=True)
    for axis, (title, columns) in zip(axes, PANELS.items(), strict=True):
        for column, (label, (marker, color)) in zip(columns, SERIES.items(), strict=True):
            ratios = [MOST if row[column] == f"> {MOST:g}" else float(row[column]) for row in cells]
            axis.plot(
                ratios, range(len(names)), linestyle="none", marker=marker, color=color, label=label, clip_on=False
            )
        axis.axvline(1.0, color="black", linewidth=1)
        axis.set(xscale="log", xlim=(0.8, MOST), title=title)
        axis.set_xticks([1, 2, 5, 10, MOST], ["1", "2", "5", "10", "20 +"])
        axis.minorticks_off()
        axis.grid(axis="y", linewidth=0.4)
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(axis="y", length=0)
    axes[0].set_yticks(range(len(names)), names)
    axes[0].invert_yaxis()
    figure.supxlabel("scikit-learn's time to the same accuracy, softglm's being 1", fontsize="medium")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2, frameon=False)
    return figure


def draw_size():
    """Return the seconds of a fit over its rows, wherever these are; and where they would fill a machine's memory."""
    text = PERFORMANCE.read_text(encoding="utf-8")
    (sizes,) = SIZES.findall(text)
    rows = [int(size.replace(",", "")) for size in sizes.split(" rows | ")]
    figure, axis = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    for name, (marker, color) in SHOWN.items():
        (cells,) = re.findall(rf"^\| {re.escape(name)} \| (.*) \|$", text, re.MULTILINE)
        told = [(size, float(cell)) for size, cell in zip(rows, cells.split(" | "), strict=True) if cell.strip()]
        axis.plot(*zip(*told, strict=True), marker=marker, color=color, label=name)
    axis.axvline(FULL, color="black", linewidth=1)
    axis.annotate(
        "16 GB of memory", (FULL, 0.97), (-4, 0), ("data", "axes fraction"), "offset points", ha="right", va="top"
    )
    axis.set(xscale="log", yscale="log", xlabel="rows of 33 columns", ylabel="seconds of CPU of a fit")
    axis.grid(linewidth=0.4)
    axis.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside right upper", frameon=False)
    return figure


def draw_coefficients(result):
    """Return the coefficients of the guide's example."""
    return result.plot(per_deviation=True).figure_


def draw_effects(result):
    """Return the probabilities over both features of the guide's example."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3.0), layout="constrained", sharey=True)
    EffectDisplay.from_inference(result, "write", ax=left)
    EffectDisplay.from_inference(result, "ses", ax=right)
    right.set_ylabel("")
    return figure


def draw_marginal(result):
    """Return what a point of write, or a level of ses, adds to the probabilities of the guide's example."""
    return result.marginal_effects().plot().figure_


def draw_predictions(result):
    """Return the probabilities of a few students of the guide's example."""
    students = pd.DataFrame({"ses": ["low", "middle", "high", "low", "middle", "high"], "write": [40] * 3 + [60] * 3})
    display = result.predict(students).plot()
    display.ax_.set_yticks(range(6), [f"{ses}, {write}" for ses, write in students.to_numpy()])
    display.ax_.set_ylabel("ses, write")
    return display.figure_


def draw_contrasts(result):
    """Return what a level of ses changes of the probabilities of the guide's example."""
    return result.contrasts("ses", pairs="pairwise").plot().figure_


def draw_models(result):
    """Return the guide's example with and without the writing score."""
    return regression_table([infer_students(["ses"]), result], names=["ses alone", "ses and write"]).plot().figure_


def draw_tests(result):
    """Return the tests of both features of the guide's example."""
    return result.test_terms().plot().figure_


def draw_influence(result):
    """Return the influence of each student of the guide's example."""
    return InfluenceDisplay.from_inference(result).figure_


def draw_path():
    """Return the path of a lasso of scikit-learn's wine data."""
    X, y = load_wine(return_X_y=True, as_frame=True)
    return softglm_path(X, y, standardize=True).plot().figure_


def draw_choice():
    """Return the scores between which the strength for scikit-learn's wine data is chosen."""
    X, y = load_wine(return_X_y=True)
    return SoftmaxGLMCV(l1_ratios=[1.0], standardize=True, rule="1se").fit(X, y).plot().figure_


def draw_reliability():
    """Return how probabilities agree with what happened, in the guide's example of rare classes."""
    X, y = make_classification(
        4000,
        8,
        n_informative=5,
        n_classes=3,
        weights=[0.85, 0.1],
        class_sep=0.8,
        n_clusters_per_class=1,
        random_state=0,
    )
    train, test = train_test_split(range(len(y)), stratify=y, random_state=0)
    return ReliabilityDisplay.from_estimator(SoftmaxGLM().fit(X[train], y[train]), X[test], y[test]).figure_


def infer_students(features=("ses", "write")):
    """Return what the guide's example infers, of all its features or some."""
    students = pd.read_csv(ROOT / "tests" / "golden" / "data" / "hsb2.csv")
    X, y = students[list(features)], students["prog"]
    dummies = OneHotEncoder(categories=[["low", "middle", "high"]], drop="first")
    columns = make_column_transformer((dummies, ["ses"]), remainder="passthrough", verbose_feature_names_out=False)
    return infer(make_pipeline(columns, SoftmaxGLM(alpha=0)).fit(X, y), X, y)


def main():
    """Write all pictures."""
    result = infer_students()
    pictures = {
        "performance": draw_performance(),
        "size": draw_size(),
        "convergence": draw_convergence(),
        "coefficients": draw_coefficients(result),
        "effects": draw_effects(result),
        "marginal": draw_marginal(result),
        "contrasts": draw_contrasts(result),
        "predictions": draw_predictions(result),
        "models": draw_models(result),
        "tests": draw_tests(result),
        "influence": draw_influence(result),
        "path": draw_path(),
        "choice": draw_choice(),
        "reliability": draw_reliability(),
    }
    IMAGES.mkdir(exist_ok=True)
    for name, figure in pictures.items():
        figure.savefig(IMAGES / f"{name}.png", dpi=DOTS_PER_INCH)


if __name__ == "__main__":
    main()
