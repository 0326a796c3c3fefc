"""Tables in Markdown, read by a parser of it: names are what they were, and cells where they were."""

import re

import numpy as np
import pandas as pd
import pytest

from softglm import SoftmaxGLM, infer, regression_table

MarkdownIt = pytest.importorskip("markdown_it").MarkdownIt
HOSTILE = r"a_b|<c> & 5% of $x$ #1 ~{\d}^2 *e* [f](g) `h` &amp; ![i]"


def cells_of(page):
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)
    cells = [[re.sub(r"</?strong>", "", cell) for cell in re.findall(r"<t[dh].*?>(.*?)</t[dh]>", row)] for row in rows]
    return [filled for row in cells if (filled := [cell for cell in row if cell])]


@pytest.mark.parametrize("of", [lambda result: result, lambda result: regression_table([result], stars=True)])
def test_markdown_and_html_have_the_same_cells(of):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(90, 2)), columns=[HOSTILE, "+ b"])
    y = np.where(X["+ b"] + rng.logistic(size=90) > 0, "> yes", "1. no")
    table = of(infer(SoftmaxGLM(alpha=0).fit(X, y), X, y))
    parser = MarkdownIt("commonmark").enable("table")
    assert cells_of(parser.render(table.to_markdown())) == cells_of(table.to_html().replace("&#x27;", "'"))
