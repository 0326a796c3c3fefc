"""With --infer the coefficients are those of `infer`, by the names of the file, or there is a reason why not."""

import json

import numpy as np
import pytest

from softglm import SoftmaxGLM, infer
from softglm.cli.main import main

N_ROWS = 120
# The same fit of the same numbers, each within 1e-6 standard errors of the optimum.
SAME_OPTIMUM = {"rtol": 1e-5, "atol": 1e-5}


@pytest.fixture
def columns():
    rng = np.random.default_rng(4)
    return {
        "size": rng.normal(size=N_ROWS).round(2),
        "town": np.array(["Bern", "Oslo", "Rome"])[rng.integers(3, size=N_ROWS)],
        "grade": rng.choice(["9", "10", "11"], N_ROWS),
    }


@pytest.fixture
def run(capsys, tmp_path, columns):
    def run(*options):
        path = tmp_path / "data.csv"
        rows = zip(*columns.values(), strict=True)
        path.write_text("\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows)]), encoding="utf-8")
        assert main([str(path), "--target", "grade", "--folds", "2", *options]) == 0
        return capsys.readouterr().out

    return run


def by_hand(columns, *, dropped):
    towns = ["Bern", "Oslo", "Rome"][dropped:]
    X = np.column_stack([columns["size"].astype(float), *(columns["town"] == town for town in towns)])
    codes = np.array([["9", "10", "11"].index(grade) for grade in columns["grade"]])
    return X, codes


@pytest.mark.parametrize(("options", "alpha"), [((), 0.0), (("--alpha", "0"), 0.0), (("--alpha", "0.02"), 0.02)])
def test_the_numbers_are_those_of_infer(run, columns, options, alpha):
    X, codes = by_hand(columns, dropped=int(alpha == 0.0))
    expected = infer(SoftmaxGLM(alpha).fit(X, codes), X, codes).coefficients
    report = json.loads(run("--infer", "--json", *options))
    assert report["reference"] == "9"
    rows = report["coefficients"]
    assert [row["class"] for row in rows[:: expected.estimate.shape[1]]] == ["10", "11"]
    assert report["reference_levels"] == (["town=Bern"] if alpha == 0.0 else [])
    assert [row["term"] for row in rows[:3]] == ["Intercept", "size", "town=Oslo" if alpha == 0.0 else "town=Bern"]
    for name in ("estimate", "std_error", "z", "p_value", "lower", "upper"):
        values = getattr(expected, name)
        if values is None:
            assert not any(name in row for row in rows)
        else:
            np.testing.assert_allclose([row[name] for row in rows], values.ravel(), **SAME_OPTIMUM)


def test_the_table_stands_beneath_the_comparison(run):
    out = run("--infer")
    marks = ("Strongest", "base class: 9", "std. error", "\n10 vs 9", "\n11 vs 9", "Relative to the first value")
    places = [out.index(mark) for mark in marks]
    assert places == sorted(places)
    assert "std. error" not in run()


def test_imputed_values_are_said_to_count_as_observed(run, columns):
    columns["size"] = np.array(["", *columns["size"][1:]])
    assert "Imputed values count as if they had been observed" in run("--infer", "--missing", "impute")


def test_separated_classes_have_a_reason_and_a_remedy(run, columns):
    columns["size"] = columns["grade"]
    out = " ".join(run("--infer").split())
    assert "No table of coefficients: The classes are separated (complete separation)" in out
    assert "--alpha 0.01, say, makes coefficients finite" in out
    report = json.loads(run("--infer", "--json"))
    assert report["coefficients"] is None
    assert "separated" in report["no_coefficients"]
    assert "10 vs 9" in run("--infer", "--alpha", "0.01")


def test_where_some_coefficients_are_finite_they_are_shown(run, columns):
    columns["grade"][columns["town"] == "Rome"] = "11"
    out = " ".join(run("--infer").split())
    assert "quasi-complete" in out
    assert "inf" in out
    assert "--alpha 0.01, say, makes coefficients finite" in out


def test_names_stay_on_their_line(run, columns):
    columns["town"] = np.char.add(columns["town"], "\x1b[31m")
    out = run("--infer")
    assert "\x1b" not in out
    assert "town=Oslo\\x1b[31m" in out


def test_what_infer_refuses_is_said(run, monkeypatch):
    def refuse(*_, **__):
        raise MemoryError("too many parameters. Drop some.")

    monkeypatch.setattr("softglm.cli.inferring.infer", refuse)
    assert "No table of coefficients: too many parameters. Drop some." in run("--infer")


def test_a_lasso_is_not_inferred_from(capsys):
    with pytest.raises(SystemExit):
        main(["--infer", "--l1-ratio", "1"])
    assert "a lasso leaves no standard errors" in capsys.readouterr().err
