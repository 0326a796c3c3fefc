"""Sphinx makes the guide: ``sphinx-build .docs build/docs``, then open build/docs/index.html."""

import dataclasses
import inspect
import re
from functools import cached_property
from pathlib import Path

import softglm
from softglm.families import ExponentialFamily

HERE = Path(__file__).parent
NOTEBOOKS = HERE.parent / "notebooks"

project = "softglm"
version = release = softglm.__version__
project_copyright = "softglm developers"
extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_nb",
    "sphinx_design",
    "sphinx_copybutton",
]
exclude_patterns = ["_templates"]
templates_path = ["_templates"]
default_role = "py:obj"  # `name` is a link where that name is documented
smartquotes = False  # theta' x is no quotation
highlight_language = "none"  # formulas; examples are known by their >>>
suppress_warnings = [
    "autosummary.import_cycle",  # names are whole, whatever module the text before them is about
]

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # another gate executes the notebooks, and compares their outputs
copybutton_exclude = ".linenos, .gp, .go"  # what is copied can be pasted: no prompts, no outputs

add_module_names = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the sections say more: shapes
numpydoc_show_class_members = False  # autodoc does
autosummary_context = {
    "pictures": {
        "CVDisplay": "choice",
        "CoefficientDisplay": "coefficients",
        "ContrastDisplay": "contrasts",
        "ConvergenceDisplay": "convergence",
        "EffectDisplay": "effects",
        "InfluenceDisplay": "influence",
        "MarginalEffectDisplay": "marginal",
        "PathDisplay": "path",
        "PredictionDisplay": "predictions",
        "RegressionTableDisplay": "models",
        "ReliabilityDisplay": "reliability",
        "TermTestDisplay": "tests",
    }
}

html_theme = "pydata_sphinx_theme"
html_title = "softglm"
html_static_path = ["_static"]
html_css_files = ["guide.css"]
html_show_sourcelink = False
html_theme_options = {
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {"index": []}
toc_object_entries_show_parents = "hide"


def _bring_notebooks(app):
    """Copy the notebooks beside the other pages, where they have changed since."""
    del app
    for notebook in NOTEBOOKS.glob("*.ipynb"):
        # In the guide there are no folders of code to lead to.
        text = re.sub(r"\[([^]\n]*)\]\(\.\./softglm[^)]*\)", r"\1", notebook.read_text(encoding="utf-8"))
        page = HERE / "tutorials" / notebook.name
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")


def _as_pages(app, name, source):
    """Make links to notebooks lead to the pages that they are here; and leave out the empty lines that end examples."""
    del app, name
    source[0] = source[0].replace("](../../notebooks/", "](../tutorials/").replace("\n\n```\n", "\n```\n")


def _without_constructor(app, what, name, found, options, signature, returned):  # noqa: PLR0917 - as Sphinx calls it
    """Leave out how results are made: the package makes them, and their fields are listed as attributes."""
    del app, name, options
    is_result = what == "class" and dataclasses.is_dataclass(found) and not issubclass(found, ExponentialFamily)
    return ("", None) if is_result else (signature, returned)


def _is_left_out(app, what, name, found, skip, options):  # noqa: PLR0917 - as Sphinx calls it
    """Leave out what scikit-learn adds and describes, and bare fields, which their class describes."""
    del app, what, options
    is_request = re.fullmatch(r"set_\w+_request|get_metadata_routing|set_output", name) is not None
    is_member = inspect.isroutine(found) or isinstance(found, property | cached_property)
    return is_request or skip or not is_member


def _link_dois(app, what, name, found, options, lines):  # noqa: PLR0917 - as Sphinx calls it
    """Make links of the identifiers in references."""
    del app, what, name, found, options
    lines[:] = [re.sub(r"\bdoi:(10\.\d+/[^\s,]*[^\s,.])", r"`doi:\1 <https://doi.org/\1>`__", line) for line in lines]


def setup(app):
    """Connect the rules above."""
    app.connect("builder-inited", _bring_notebooks)
    app.connect("source-read", _as_pages)
    app.connect("autodoc-process-docstring", _link_dois)
    app.connect("autodoc-process-signature", _without_constructor)
    app.connect("autodoc-skip-member", _is_left_out)
