"""Sphinx makes the reference of the docstrings: ``sphinx-build .docs build/docs``, then open build/docs/index.html."""

import dataclasses
import inspect
import re
from functools import cached_property

import softglm
from softglm.families import ExponentialFamily

project = "softglm"
version = release = softglm.__version__
project_copyright = "softglm developers"
extensions = ["sphinx.ext.autodoc", "numpydoc"]
default_role = "py:obj"  # `name` is a link where that name is documented
smartquotes = False  # theta' x is no quotation
highlight_language = "none"  # formulas; examples are known by their >>>

add_module_names = False
autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the sections say more: shapes
numpydoc_show_class_members = False  # autodoc does

html_theme = "alabaster"
html_theme_options = {
    "page_width": "1200px",
    "body_max_width": "none",
    "sidebar_width": "260px",
    "code_font_size": "0.78em",
    "description": softglm.__doc__.splitlines()[0],
}
html_show_sourcelink = False
toc_object_entries_show_parents = "hide"


def _without_constructor(app, what, name, found, options, signature, returned):  # noqa: PLR0917 - as Sphinx calls it
    """Leave out how results are made: the package makes them, and their fields are listed as attributes."""
    del app, name, options
    is_result = what == "class" and dataclasses.is_dataclass(found) and not issubclass(found, ExponentialFamily)
    return ("", None) if is_result else (signature, returned)


def _is_left_out(app, what, name, found, skip, options):  # noqa: PLR0917 - as Sphinx calls it
    """Leave out what scikit-learn adds for metadata routing, and bare fields, which their class describes."""
    del app, what, options
    is_request = (name.startswith("set_") and name.endswith("_request")) or name == "get_metadata_routing"
    is_member = inspect.isroutine(found) or isinstance(found, property | cached_property)
    return is_request or skip or not is_member


def _link_dois(app, what, name, found, options, lines):  # noqa: PLR0917 - as Sphinx calls it
    """Make links of the identifiers in references."""
    del app, what, name, found, options
    lines[:] = [re.sub(r"\bdoi:(10\.\d+/[^\s,]*[^\s,.])", r"`doi:\1 <https://doi.org/\1>`__", line) for line in lines]


def setup(app):
    """Connect the rules above."""
    app.connect("autodoc-process-docstring", _link_dois)
    app.connect("autodoc-process-signature", _without_constructor)
    app.connect("autodoc-skip-member", _is_left_out)
