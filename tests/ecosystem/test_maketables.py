"""maketables sets fits of softglm beside one another, by the attributes that it looks for."""

import re

import numpy as np
import pandas as pd
import pytest
from estimates import GOLDEN
from sklearn.pipeline import make_pipeline

from softglm import SoftmaxGLM, infer
from softglm.formula import Formula

maketables = pytest.importorskip("maketables")
pytest.importorskip("formulaic")


@pytest.fixture(scope="module")
def results():
    data = pd.read_csv(GOLDEN / "data" / "hsb2.csv")
    models = [
        make_pipeline(Formula(terms), SoftmaxGLM(alpha=0)).fit(data, data["prog"]) for terms in ("write", "ses * write")
    ]
    return [infer(model, data, data["prog"]) for model in models]


def cells_of(table):
    """Return the cells of each row, tags dropped, of a table in HTML."""
    rows = re.findall(r"<tr.*?>(.*?)</tr>", table.make("html"), re.DOTALL)
    return [
        [re.sub(r"<[^>]+>", " ", cell).split() for cell in re.findall(r"<t[dh].*?>(.*?)</t[dh]>", row, re.DOTALL)]
        for row in rows
    ]


def test_a_table_holds_the_coefficients_of_all_models(results):
    rows = cells_of(maketables.ETable(results))
    (row,) = (row for row in rows if row and row[0] == ["vocational", "vs", "academic,", "write"])
    for cell, result in zip(row[1:], results, strict=True):
        table = result.coefficients
        term = table.terms.index("write")
        assert cell[0].rstrip("*") == f"{table.estimate[1, term]:.3f}"
        assert cell[1] == f"({table.std_error[1, term]:.3f})"
        assert cell[0].count("*") == sum(table.p_value[1, term] < level for level in (0.1, 0.05, 0.01))


def test_numbers_of_the_whole_fit_are_those_of_the_fit(results):
    rows = {" ".join(row[0]): row[1:] for row in cells_of(maketables.ETable(results)) if row}
    assert rows["Observations"] == [["200"], ["200"]]
    assert [float(cell[0]) for cell in rows["Log-likelihood"]] == pytest.approx(
        [r.log_likelihood for r in results], abs=0.001
    )
    assert [float(cell[0]) for cell in rows["AIC"]] == pytest.approx([r.aic for r in results], abs=0.001)


def test_what_a_fit_does_not_have_is_left_out(results):
    data = pd.read_csv(GOLDEN / "data" / "hsb2.csv")
    model = make_pipeline(Formula("write"), SoftmaxGLM(alpha=0.1)).fit(data, data["prog"])
    penalised = infer(model, data, data["prog"])
    robust = infer(
        make_pipeline(Formula("write"), SoftmaxGLM(alpha=0)).fit(data, data["prog"]),
        data,
        data["prog"],
        covariance="robust",
    )
    text = maketables.ETable([penalised, robust, results[0]], model_stats=["N", "bic", "r2", "se_type"]).make("tex")
    assert "toprule" in text
    assert robust.covariance.description in text


def test_words_of_a_document_and_intervals_are_made_too(results, tmp_path):
    table = maketables.ETable(results, coef_fmt="b:.2f [ci95l:.2f, ci95u:.2f]")
    table.save(type="docx", file_name=str(tmp_path / "table.docx"))
    assert (tmp_path / "table.docx").stat().st_size > 0
    (row,) = (row for row in cells_of(table) if row and row[0] == ["vocational", "vs", "academic,", "write"])
    ends = results[0].coefficients
    assert [float(number) for number in re.findall(r"-?\d+\.\d+", " ".join(row[1]))] == pytest.approx(
        np.array([ends.estimate, ends.lower, ends.upper])[:, 1, 1].round(2)
    )
