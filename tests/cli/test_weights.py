"""Weights and the base class from the command line: the same on both sides, in the scores and in the report."""

import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from softglm import SoftmaxGLM, infer
from softglm.cli.comparison import Choice, cross_validate_rivals
from softglm.cli.main import main
from softglm.cli.tables import Missing, Reading, read_table

N_ROWS = 90
# Two fits of the same objective, each at its optimum but for rounding.
SAME_OPTIMUM = {"rtol": 1e-6, "atol": 1e-8}
# LogisticRegression stops where its gradient is below 1e-4, and is asked for less here.
SOLVED = {"rtol": 1e-5}


def drawn():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_ROWS, 2)).round(3)
    codes = np.clip((X[:, 0] + rng.normal(size=N_ROWS) > 0).astype(int) + (rng.random(N_ROWS) > 0.6), 0, 2)
    return X, codes.astype(np.int32), rng.gamma(2.0, size=N_ROWS).round(2) + 0.01


X, CODES, FRACTIONS = drawn()
COPIES = np.arange(N_ROWS) % 4
KINDS = np.array(["Setosa", "versi", "virg"])[CODES]


@pytest.fixture
def run(tmp_path, capsys):
    def run(weights, *options, rows=slice(None)):
        path = tmp_path / "data.csv"
        lines = [f"{a},{b},{w},{y}" for (a, b), w, y in zip(X[rows], weights, KINDS[rows], strict=True)]
        path.write_text("\n".join(["a,b,w,kind", *lines]), encoding="utf-8")
        code = main([str(path), "--target", "kind", "--folds", "3", *options])
        return code, *capsys.readouterr()

    return run


def test_a_weight_of_two_is_a_row_twice_and_of_nothing_none(run):
    repeated = np.repeat(np.arange(N_ROWS), COPIES)
    weighted = json.loads(run(COPIES, "--weights", "w", "--infer", "--json")[1])
    rows = json.loads(run(COPIES[repeated], "--drop", "w", "--infer", "--json", rows=repeated)[1])
    assert weighted["weights"] == {"column": "w", "sum": COPIES.sum(), "are": "copies"}
    assert weighted["n_rows"] == (COPIES > 0).sum()
    assert "Left out: 23 rows of weight 0." in weighted["notes"]
    for one, other in zip(weighted["coefficients"], rows["coefficients"], strict=True):
        assert (one["class"], one["term"]) == (other["class"], other["term"])
        for name in ("estimate", "std_error", "p_value"):
            np.testing.assert_allclose(one[name], other[name], **SAME_OPTIMUM)
    for name, strongest in weighted["strongest_coefficients"].items():
        for one, other in zip(strongest, rows["strongest_coefficients"][name], strict=True):
            np.testing.assert_allclose(one["per_standard_deviation"], other["per_standard_deviation"], **SAME_OPTIMUM)


@pytest.mark.parametrize(("options", "are"), [((), "sampling"), (("--weights-are", "copies"), "copies")])
def test_fractions_are_sampling_weights_with_robust_standard_errors_unless_it_is_said(run, options, are):
    report = json.loads(run(FRACTIONS, "--weights", "w", "--infer", "--json", *options)[1])
    model = SoftmaxGLM(alpha=0).fit(X, CODES, sample_weight=FRACTIONS)
    how = {"weights": "sampling", "covariance": "robust"} if are == "sampling" else {}
    if how:
        expected = infer(model, X, CODES, sample_weight=FRACTIONS, **how).coefficients
    else:
        with pytest.warns(UserWarning, match="sample_weight holds fractions"):
            expected = infer(model, X, CODES, sample_weight=FRACTIONS).coefficients
    assert report["weights"]["are"] == are
    found = [row["std_error"] for row in report["coefficients"]]
    np.testing.assert_allclose(found, expected.std_error.ravel(), **SAME_OPTIMUM)


def test_both_sides_and_their_scores_have_the_same_weights():
    scores = cross_validate_rivals(X, CODES, choice=Choice(0.02), n_folds=3, weights=FRACTIONS)
    assert max(scores[0].distance, scores[2].distance) < 1e-12
    assert max(score.distance for score in scores) < 1e-4
    expected = []
    for train, test in StratifiedKFold(3, shuffle=True, random_state=0).split(X, CODES):
        w, held_out = FRACTIONS[train], {"sample_weight": FRACTIONS[test]}
        rival = LogisticRegression(C=1.0 / (0.02 * w.sum()), tol=1e-8)
        raw = rival.fit(X[train], CODES[train], sample_weight=w).predict_proba(X[test])
        standardised = make_pipeline(StandardScaler(), rival).fit(
            X[train], CODES[train], standardscaler__sample_weight=w, logisticregression__sample_weight=w
        )
        probabilities = raw, standardised.predict_proba(X[test])
        expected.append(
            [
                (log_loss(CODES[test], p, **held_out), accuracy_score(CODES[test], p.argmax(axis=1), **held_out))
                for p in probabilities
            ]
        )
    means = np.mean(expected, axis=0)
    for place, score in enumerate(scores):
        np.testing.assert_allclose((score.log_loss, score.accuracy), means[place // 2], **SOLVED)


def test_the_text_says_what_weights_are_and_weighs_the_shares_of_classes(run):
    out = run(FRACTIONS, "--weights", "w")[1]
    shares = np.bincount(CODES, FRACTIONS) / FRACTIONS.sum()
    assert f"in all W = {FRACTIONS.sum():.8g}, read as sampling weights." in out
    assert "alpha = 1/W (LogisticRegression: C=1)" in out
    assert f"Knowing only the class shares: accuracy {shares.max():.4f}" in out
    assert "w  " not in out[out.index("Strongest") :]


@pytest.mark.parametrize("missing", [Missing.DROP, Missing.IMPUTE])
def test_rows_without_a_weight_are_left_out_where_features_are_imputed(tmp_path, missing):
    path = tmp_path / "data.csv"
    path.write_text("a,w,kind\n1,,x\n2,0,y\n3,2,x\n,1.5,y\n4,1,y\n", encoding="utf-8")
    table = read_table(path, "kind", Reading(weights="w", missing=missing))
    is_imputed = missing is Missing.IMPUTE
    assert table.weights.values.tolist() == ([2.0, 1.5, 1.0] if is_imputed else [2.0, 1.0])
    assert table.weights.are_copies == (not is_imputed)
    why = "1 row without 'kind' or 'w'" if is_imputed else "2 rows with missing values"
    assert f"Left out: 1 row of weight 0, {why}." in table.notes


def test_weights_are_read_as_other_numbers_are(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text('\ufeffa;w;kind\n1;0,5;"x\n2"\n2;1,25;"y\n2"\n', encoding="utf-8")
    table = read_table(path, "kind", Reading(weights="w"))
    assert table.features == ("a",)
    assert table.weights.values.tolist() == [0.5, 1.25]
    assert table.notes[-1] == "Weights: w, from 0.5 to 1.25, in all W = 1.75, read as sampling weights."


def spoilt(entry):
    return np.array([*map(str, COPIES[1:]), entry])


@pytest.mark.parametrize(
    ("weights", "options", "message"),
    [
        (COPIES, ["--weights", "W"], "has no column 'W'. Did you mean 'w'?"),
        (COPIES, ["--weights", "kind"], "'kind' is to be the weights, and the target. Choose one."),
        (COPIES, ["--weights", "w", "--drop", "w"], "to be dropped (weights are no feature anyway)"),
        (spoilt("heavy"), ["--weights", "w"], "has 'heavy' in 'w', expected weights: numbers of at least 0"),
        (spoilt("heavy"), ["--weights", "w"], "pass --na heavy --missing drop"),
        (KINDS, ["--weights", "w"], "without leading zeros. Name another column."),
        (COPIES > 1, ["--weights", "w"], "has 'False', 'True' in 'w'"),
        (spoilt("-9"), ["--weights", "w"], "(1 row below 0), expected weights of at least 0"),
        (spoilt("-9"), ["--weights", "w"], "--na=-9 --missing drop"),
        (spoilt(""), ["--weights", "w"], "missing values in 'w' (1 row). --missing drop leaves out those rows"),
        (spoilt("inf"), ["--weights", "w"], "infinite ones in 'w'. Rescale them"),
        (0 * COPIES, ["--weights", "w"], "has no weight above 0 in 'w'"),
        (np.full(N_ROWS, ""), ["--weights", "w", "--missing", "drop"], "has no weight above 0 in 'w'"),
        (COPIES, ["--infer", "--reference", "setosa"], "has no class 'setosa' in 'kind'. Did you mean 'Setosa'?"),
        (COPIES, ["--infer", "--reference", "x"], "It has 'Setosa', 'versi', 'virg'."),
        (CODES != 2, ["--infer", "--reference", "virg", "--na", "False", "--missing", "drop"], "no class 'virg'"),
    ],
)
def test_what_can_be_no_weights_or_is_no_class_is_refused_with_a_remedy(run, weights, options, message):
    code, out, err = run(weights, *options)
    assert (code, out) == (1, "")
    assert message in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--reference", "virg"], "--reference CLASS is about the coefficients of --infer"),
        (["--weights-are", "copies"], "--weights-are is about --weights COLUMN"),
    ],
)
def test_options_that_need_another_say_so(run, capsys, options, message):
    with pytest.raises(SystemExit):
        run(COPIES, *options)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("reference", ["Setosa", "virg"])
def test_the_coefficients_are_relative_to_the_class_that_is_asked_for(run, reference):
    report = json.loads(run(COPIES, "--drop", "w", "--infer", "--json", "--reference", reference)[1])
    result = infer(SoftmaxGLM(alpha=0).fit(X, KINDS), X, KINDS).rebase(reference).coefficients
    assert report["reference"] == reference
    assert [row["class"] for row in report["coefficients"][::3]] == list(result.classes)
    found = [row["estimate"] for row in report["coefficients"]]
    np.testing.assert_allclose(found, result.estimate.ravel(), **SAME_OPTIMUM)


def test_copies_that_are_not_whole_numbers_are_doubted(run):
    assert "pass --weights-are sampling" in run(FRACTIONS, "--weights", "w", "--weights-are", "copies")[1]
    assert "pass --weights-are sampling" not in run(COPIES, "--weights", "w")[1]
