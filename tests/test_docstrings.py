"""What help() shows of everything public: complete by numpydoc's validator, and where that does not look."""

import dataclasses
import importlib
import inspect
import re
import typing
from pathlib import Path

import numpy as np
import pytest

import softglm
import softglm.families

MODULES = ("softglm", "softglm.families", "softglm.formula", "softglm.onnx", "softglm.plots")
REFERENCE = Path(__file__).parents[1] / ".docs" / "reference"
# What numpydoc asks and this house does not want.
NOT_ASKED = {
    "ES01": "one sentence is enough where it says everything",
    "SA01": "the classes of a module, and the pages of the reference, say what belongs together",
    "SS02": "a quantity may begin with its symbol: eta, mu, log h",
}
NOT_ASKED_OF_MEMBERS = {"EX01": "the class has the example"}
NOT_ASKED_OF_OVERRIDES = {
    "PR01": "the abstract method has the contract, the concrete one the formula",
    "RT01": "as PR01",
}
NOT_ASKED_OF_SENTENCES = {"RT01": "a summary that begins with Return says it, where there are no parameters"}
NOT_ASKED_OF_RESULTS = {"PR01": "users get results and do not make them: the fields are attributes, compared below"}


class Public(typing.NamedTuple):
    """Something public, and the class that it is a member of."""

    found: typing.Any
    owner: type | None

    @property
    def name(self):
        return f"{(self.owner or self.found).__module__}.{self.qualified}"

    @property
    def qualified(self):
        if self.owner is None:
            return self.found.__qualname__
        return f"{self.owner.__qualname__}.{function_of(self.found).__name__}"

    @property
    def is_override(self):
        ours = [base for base in self.owner.__mro__[1:] if base.__module__.startswith("softglm")] if self.owner else []
        return any(hasattr(base, function_of(self.found).__name__) for base in ours)

    @property
    def is_result(self):
        """Whether this is a class of results, which are dataclasses; families are too, and are made by users."""
        return dataclasses.is_dataclass(self.found) and not issubclass(self.found, softglm.families.ExponentialFamily)

    @property
    def is_sentence(self):
        """Whether this has no parameters, and a summary that says what it returns."""
        if self.owner is None:
            return False
        parameters = inspect.signature(function_of(self.found)).parameters
        return list(parameters) == ["self"] and self.found.__doc__.startswith("Return ")

    @property
    def not_asked(self):
        """The numpydoc checks that do not apply."""
        codes = {*NOT_ASKED, *(NOT_ASKED_OF_MEMBERS if self.owner else ())}
        codes.update(NOT_ASKED_OF_OVERRIDES if self.is_override else ())
        codes.update(NOT_ASKED_OF_SENTENCES if self.is_sentence else ())
        return codes.union(NOT_ASKED_OF_RESULTS if self.is_result else ())


def function_of(member):
    """Return the function in a property, a cached property or a class method."""
    for wrapper in ("fget", "func", "__func__"):
        member = getattr(member, wrapper, member)
    return member


def exported(module):
    """Return what a module exports, by its list or by what it defines."""
    if hasattr(module, "__all__"):
        return [getattr(module, name) for name in module.__all__ if name != "__version__"]
    return [
        found
        for name, found in vars(module).items()
        if not name.startswith("_") and getattr(found, "__module__", None) == module.__name__
    ]


def public_objects():
    """Return all that modules export, the classes that this returns, and the public members of classes."""
    pending = [found for name in MODULES for found in exported(importlib.import_module(name))]
    seen, result = set(), []
    while pending:
        found = pending.pop(0)
        if found in seen:
            continue
        seen.add(found)
        result.append(Public(found, None))
        members = []
        for owner in owners(found):
            named = [member for name, member in vars(owner).items() if not name.startswith("_")]
            of_owner = [member for member in named if inspect.isfunction(function_of(member))]
            result += [Public(member, owner) for member in of_owner]
            members += of_owner
        pending += [cls for function in members or [found] for cls in returned_classes(function)]
    return result


def owners(found):
    """Return a class and the bases that its fields are from: a result and its facts."""
    if not inspect.isclass(found):
        return []
    return [found, *(base for base in found.__mro__[1:] if dataclasses.is_dataclass(base))]


def returned_classes(member):
    """Return the classes of this package in the annotation of what a function or a property returns."""
    function = function_of(member)
    annotation = None if inspect.isclass(function) else inspect.signature(function).return_annotation
    if isinstance(annotation, str):  # of a class that the module defines further down
        annotation = function.__globals__.get(annotation)
    parts = (annotation, *typing.get_args(annotation))
    return [part for part in parts if inspect.isclass(part) and part.__module__.startswith("softglm")]


PUBLIC = {public.name: public for public in public_objects()}
RESULTS = {name: public for name, public in PUBLIC.items() if public.is_result}


def documented(found, section):
    """Return the names that a section of a docstring describes."""
    _, _, rest = inspect.getdoc(found).partition(f"{section}\n{'-' * len(section)}\n")
    body = re.split(r"\n\n\w[\w ]*\n-+\n", rest)[0]
    heads = [line.split(" : ")[0] for line in body.splitlines() if line and not line.startswith(" ")]
    return [name for head in heads for name in head.split(", ")]


def test_numpydoc_finds_nothing_to_complain_about():
    validator = pytest.importorskip("numpydoc.validate", reason="numpydoc comes with the extra dev")
    assert not [
        f"{name}: {code} {message}"
        for name, public in PUBLIC.items()
        for code, message in validator.validate(name)["errors"]
        if code not in public.not_asked
    ]


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_documents_all_its_fields(name):
    found = PUBLIC[name].found
    assert sorted(documented(found, "Attributes")) == sorted(
        field.name for field in dataclasses.fields(found) if not field.name.startswith("_")
    )


def test_the_estimator_documents_what_a_fit_sets():
    attributes = documented(softglm.SoftmaxGLM, "Attributes")
    fitted = softglm.SoftmaxGLM().fit([[0.0], [1.0], [2.0], [1.5]], [0, 1, 0, 1])
    assert set(attributes) == {*set_by_a_fit(fitted), "feature_names_in_"}


def test_the_estimator_that_chooses_documents_what_a_fit_sets():
    X, y = np.arange(8.0)[:, np.newaxis] % 3.0, [0, 1, 0, 1, 1, 0, 1, 0]
    by_folds, by_rows = (softglm.SoftmaxGLMCV(Cs=[0.1], cv=cv).fit(X, y) for cv in (2, "loo"))
    both = {*set_by_a_fit(by_folds), *set_by_a_fit(by_rows)}
    assert set(documented(softglm.SoftmaxGLMCV, "Attributes")) == {*both, "feature_names_in_"}


def set_by_a_fit(fitted):
    return {name for name in vars(fitted) if name.endswith("_") and not name.startswith("_")}


def test_references_have_a_doi():
    texts = {
        name: inspect.getdoc(public.found).partition("References\n----------\n") for name, public in PUBLIC.items()
    }
    referring = {name: references for name, (_, heading, references) in texts.items() if heading}
    assert referring
    assert not [name for name, references in referring.items() if not re.search(r"doi:10\.\d{4,}/\S+", references)]


def test_the_reference_has_everything_public():
    listed = "\n".join(page.read_text(encoding="utf-8") for page in REFERENCE.glob("*.rst"))
    tops = [public for public in PUBLIC.values() if public.owner is None]
    assert not [
        top.name for top in tops if not re.search(rf"^   ~softglm\.([a-z_.]+\.)?{top.qualified}$", listed, re.MULTILINE)
    ]
