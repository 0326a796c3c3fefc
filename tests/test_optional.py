"""What is imported from optional packages is asked for where it is needed, and a missing one says what to install."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from problems import overlapping

import softglm
from softglm import Parquet, SoftmaxGLM, certify, detect_separation, infer, regression_table
from softglm.formula import Formula
from softglm.onnx import register
from softglm.plots import CoefficientDisplay, Trace

ROOT = Path(softglm.__file__).parent
PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# What the package itself needs, and what those need.
ALWAYS_THERE = {"joblib", "numpy", "scipy", "sklearn", "softglm", "threadpoolctl"}
# Whoever passes polars has it, and skl2onnx brings onnx.
BROUGHT = {"polars", "onnx"}
# Files in which an import may stand by itself, and why it cannot fail there for want of a package.
BEHIND_AN_ENTRANCE = {
    "cli/tables/parquet_files.py": "read_parquet says what is missing",
    "distributed/dask.py": "imported by the file that sources/find.py asks for",
    "formula.py": "formulaic was asked for before, and brings pandas; a column of polars was made by it",
    "onnx.py": "skl2onnx, which was asked for, calls it",
    "pipelines/frames.py": "a frame of it was passed",
    "plots/influence.py": "pyplot was asked for before",
    "plots/style.py": "pyplot was asked for before",
    "sources/arrow.py": "open_dataset has asked for it before",
    "sources/dask_collections.py": "sources/find.py asks for it",
    "sources/opening.py": "open_dataset has asked for it before",
    "sources/row_groups.py": "open_dataset has asked for it before",
}


class Import(NamedTuple):
    """An import of an optional package, and the extra that is asked for around it, if one is."""

    file: str
    line: int
    package: str
    extra: str | None


def imports_of(file: Path) -> Iterator[Import]:
    """Yield what a file imports of optional packages when it runs."""
    name = file.relative_to(ROOT).as_posix()

    def found(node: ast.AST, extra: str | None) -> Iterator[Import]:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            return
        if isinstance(node, ast.With):
            for item in node.items:
                call = item.context_expr
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "needed":
                    extra = ast.literal_eval(call.args[2])
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            modules = [node.module or ""]
        for module in modules:
            package = module.split(".")[0]
            if package not in sys.stdlib_module_names | ALWAYS_THERE:
                yield Import(name, node.lineno, package, extra)
        for child in ast.iter_child_nodes(node):
            yield from found(child, extra)

    return found(ast.parse(file.read_text(encoding="utf-8")), None)


IMPORTS = [each for file in sorted(ROOT.rglob("*.py")) for each in imports_of(file)]


def packages_of(extra: str) -> str:
    return " ".join(PROJECT["optional-dependencies"][extra])


def test_every_optional_import_asks_for_the_extra_that_brings_it_or_stands_behind_one_that_does():
    assert {"dask", "distributed", "formulaic", "matplotlib", "pandas", "pyarrow", "skl2onnx"} <= {
        each.package for each in IMPORTS
    }
    for each in IMPORTS:
        if each.extra is None:
            assert each.file in BEHIND_AN_ENTRANCE, f"{each}: import it within softglm.optional.needed"
        else:
            assert each.package in packages_of(each.extra), each


def test_no_file_is_listed_that_has_no_such_import():
    assert {each.file for each in IMPORTS if each.extra is None} == set(BEHIND_AN_ENTRANCE)


def test_every_optional_package_is_in_an_extra():
    extras = " ".join(packages_of(extra) for extra in ("dask", "data", "formula", "onnx", "plots"))
    assert all(each.package in extras for each in IMPORTS if each.package not in BROUGHT)


def result():
    data = overlapping()
    return infer(SoftmaxGLM(alpha=0).fit(data.X, data.y), data.X, data.y)


def frames():
    """Every way from a result to a data frame."""
    data, found = overlapping(), result()
    model = SoftmaxGLM(alpha=0).fit(data.X, data.y)
    for made in (
        found.coefficients,
        found.coefficients.odds_ratios(),
        found.test_terms("wald"),
        found.predict(data.X[:2]),
        found.marginal_effects(),
        found.contrasts("x0"),
        regression_table([found]),
        certify(model, data.X, data.y),
        detect_separation(data.X, data.y),
        CoefficientDisplay.from_inference(found),
        Trace([0.2], optimum=0.1, null_loss=1.1, seconds=[1.0]),
    ):
        yield made.to_frame
    yield from (found.covariance_frame, found.influence_frame)


def test_without_pandas_every_data_frame_says_what_to_install(monkeypatch):
    makers = list(frames())
    monkeypatch.setitem(sys.modules, "pandas", None)
    says = r'needs pandas \(.*\)\. Install the extra "data", .* pip install "\.\[data\]"'
    for make in makers:
        with pytest.raises(ImportError, match=says):
            make()


ENTRANCES = {
    "parquet": ("pyarrow", "data", lambda: SoftmaxGLM().fit(Parquet("rows.parquet", "y"))),
    "formula": ("formulaic", "formula", lambda: Formula("~ x").fit(__import__("pandas").DataFrame({"x": [1.0, 2.0]}))),
    "onnx": ("skl2onnx", "onnx", register),
    "plots": ("matplotlib", "plots", lambda: CoefficientDisplay.from_inference(result()).plot()),
}


@pytest.mark.parametrize("entrance", ENTRANCES)
def test_each_entrance_names_its_extra_and_a_command_that_works_in_a_clone(monkeypatch, entrance):
    package, extra, enter = ENTRANCES[entrance]
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError) as caught:
        enter()
    assert f'Install the extra "{extra}", in a clone of softglm: pip install ".[{extra}]".' in str(caught.value)
    assert package in str(caught.value)
    assert isinstance(caught.value.__cause__, ImportError)
