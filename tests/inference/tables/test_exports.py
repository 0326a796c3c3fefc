"""Every table as LaTeX, Markdown and HTML: the cells that are printed, and names that no language takes for its own."""

import html.parser
import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from problems import overlapping

from softglm import SoftmaxGLM, infer, regression_table
from softglm.inference.tables import Content, latex, markdown, text
from softglm.inference.tables import html as page

HOSTILE = r"a_b|<c> & 5% of $x$ #1 ~{\d}^2 *e* [f] `g`"


def frame_of(X):
    return pd.DataFrame(X, columns=[HOSTILE, "b", "c", "d"])


RESULTS = {
    "summary": lambda result: result,
    "coefficients": lambda result: result.coefficients,
    "profile": lambda result: result.profiled(),
    "odds ratios": lambda result: result.coefficients.odds_ratios(),
    "symmetric": lambda result: result.symmetric(),
    "tests": lambda result: result.test_terms(),
    "effects": lambda result: result.marginal_effects(),
    "predictions": lambda result: result.predict(frame_of(overlapping().X[:4])),
    "averages": lambda result: result.average_predictions("b", [0.0, 1.0]),
    "contrasts": lambda result: result.contrasts("b", [0.0, 1.0]),
    "groups": lambda result: result.hosmer_lemeshow(groups=4),
    "side by side": lambda result: regression_table([result, result], stars=True),
}


class Read(html.parser.HTMLParser):
    """The rows of cells of all tables in a page, and whether every tag is closed."""

    def __init__(self, page):
        super().__init__()
        self.rows, self.open = [], []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        del attrs
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1] in {"td", "th"}:
            self.rows[-1][-1] += data


def of_markdown(source):
    """Return the rows of cells of all tables, read as CommonMark does: backslashes make punctuation plain."""
    lines = [line for line in source.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [[re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", cell) for cell in row] for row in rows]


def filled(row):
    """Return the cells that are not empty; that of a row by itself, the name of a group, without its bold face."""
    cells = [cell for cell in row if cell]
    return [cells[0].removeprefix("**").removesuffix("**")] if len(cells) == 1 else cells


@pytest.fixture(scope="module")
def result():
    data = overlapping()
    frame = frame_of(data.X)
    return infer(SoftmaxGLM(alpha=0).fit(frame, data.y), frame, data.y)


@pytest.mark.parametrize("name", RESULTS)
def test_every_language_has_the_cells_that_are_printed(name, result):
    table = RESULTS[name](result)
    printed = str(table)
    rows = [row for row in Read(table.to_html()).rows if any(row)]
    for cell in {cell for row in rows for cell in row}:
        assert cell in printed
    held = [row for row in of_markdown(table.to_markdown()) if any(row) and not set("".join(row)) <= {"-", ":"}]
    assert [filled(row) for row in held] == [filled(row) for row in rows]
    n_columns = len([row for row in rows if len(row) > 1][-1])
    body = [line for line in table.to_latex().splitlines() if line.endswith(r"\\") and "multicolumn" not in line]
    assert body
    assert all(len(re.findall(r"(?<!\\)&", line)) == n_columns - 1 for line in body)


def test_notebooks_see_what_is_printed_and_exports_hold_all(result):
    many = result.predict(frame_of(np.tile(overlapping().X, (3, 1))))
    assert "more rows" in many._repr_html_()
    assert "more rows" not in many.to_html()
    n_rows = len(many.probability)
    for written in (many.to_html(), many.to_markdown(), many.to_latex()):
        assert f"row {n_rows - 1}" in written


def test_tests_are_a_line_in_a_notebook(result):
    assert result.likelihood_ratio._repr_html_().endswith(", p &lt; 0.0001")


def test_names_are_plain_text_in_every_language(result):
    table = result.test_terms()
    rows = Read(table.to_html()).rows
    assert rows[1][0] == HOSTILE
    assert of_markdown(table.to_markdown())[2][0] == HOSTILE
    (line,) = (line for line in table.to_latex().splitlines() if r"a\_b" in line)
    assert line.startswith(
        r"a\_b\textbar{}\textless{}c\textgreater{} \& 5\% of \$x\$ \#1 "
        r"\textasciitilde{}\{\textbackslash{}d\}\textasciicircum{}2 {*}e{*} {[}f] `g` & "
    )


def test_latex_writes_numbers_as_mathematics():
    cells = ["-1.5", "<0.0001", "-", "2.00e-05", "-6.3e+12", "+inf", "±inf", "1.2**", "(0.3)", "4", "0 or inf"]
    content = Content(["head"] * len(cells), {"": [["name", *cells]]})
    row = latex.written(content, caption=None, label=None).splitlines()[4]
    assert row.removesuffix(r" \\").split(" & ") == [
        "name",
        "$-$1.5",
        r"\textless{}0.0001",
        "--",
        r"$2.00\times 10^{-5}$",
        r"$-6.3\times 10^{12}$",
        r"$+\infty$",
        r"$\pm\infty$",
        "1.2$^{**}$",
        "(0.3)",
        "4",
        "0 or inf",
    ]


def test_latex_floats_with_a_caption_or_a_label(result):
    table = result.test_terms()
    assert table.to_latex().startswith(r"\begin{tabular}")
    assert r"\caption{Shares $p$}" in table.to_latex(caption="Shares $p$")
    labelled = table.to_latex(label="tab:x").splitlines()
    assert labelled[2:4] == [r"\caption{Likelihood-ratio tests of leaving out each term}", r"\label{tab:x}"]
    assert (labelled[0], labelled[-1]) == (r"\begin{table}", r"\end{table}")


def rows_of(lines):
    return [line.removesuffix("*") for line in lines if line.endswith((r"\\", r"\\*")) or line == r"\addlinespace"]


def test_a_long_table_has_the_rows_of_a_short_one_and_its_head_on_each_page(result):
    for table in (result, result.test_terms(), regression_table([result, result])):
        short, long = (table.to_latex(longtable=longtable).splitlines() for longtable in (False, True))
        head, *rest = rows_of(short)
        assert rows_of(long) == [head, head, rows_of(long)[2], *rest]
        assert "continued on the next page" in rows_of(long)[2]
        ends = [long.index(rf"\end{end}") for end in ("firsthead", "head", "foot", "lastfoot", "{longtable}")]
        assert ends == sorted(ends)
        assert long[ends[-1] + 1 :] == short[short.index(r"\end{tabular}") + 1 :]


def test_no_page_ends_below_the_name_of_a_group_or_between_an_estimate_and_its_error(result):
    lines = regression_table([result]).to_latex(longtable=True).splitlines()
    lines = lines[lines.index(r"\endlastfoot") + 1 :]
    for line, below in pairwise(lines[: lines.index(r"\midrule")]):
        is_together = line.startswith(r"\multicolumn") or below.startswith(r"\quad  &")
        assert line.endswith("*") == is_together, line


def test_a_long_table_has_its_caption_in_it(result):
    table = result.test_terms()
    assert table.to_latex(longtable=True).splitlines()[1] == r"\toprule"
    lines = table.to_latex(longtable=True, caption="Shares $p$", label="tab:x").splitlines()
    assert lines[1:4] == [r"\caption{Shares $p$}", r"\label{tab:x}", r"\\"]


def test_a_foot_stands_below_a_rule_in_every_language():
    content = Content(["one"], {"group": [["a", "1.5*"], ["", "(10.25)"]]}, foot=[["n", "120"]])
    assert text.written(content).splitlines() == [
        "           one",
        "--------------",
        "group",
        "  a      1.5*",
        "       (10.25)",
        "--------------",
        "n       120",
    ]
    assert page.written(content).endswith(
        '<tfoot><tr><td style="text-align:left">n</td><td>120</td></tr></tfoot></table>'
    )
    assert latex.written(content, caption=None, label=None).splitlines()[-4:-2] == [r"\midrule", r"n & 120 \\"]
    assert markdown.written(content).splitlines()[-1].split("|")[1:3] == [" n         ", "     120 "]
