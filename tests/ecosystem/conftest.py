"""What goes for the tests with other packages, which .ci/ecosystem installs and runs."""

import os
import sys

import pytest

# dask.array asks for a package of this name, and must not find the tests of the room.
sys.modules.setdefault("sparse", None)
# Before mlflow is imported: a test tells nobody that it was run.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

THIRD_PARTY_WARNINGS = [
    # On its first use mlflow.pyfunc reads type hints of its own, for chat agents, that say Any.
    r"ignore:.*Any type hint is inferred as AnyType:UserWarning",
    # On import shap makes its colour maps by methods that matplotlib is about to deprecate.
    r"ignore:The set_(bad|over|under) function:PendingDeprecationWarning:shap\.plots\.colors\._colors",
]


class SkipsAreFailures:
    """A skip is a failure: what is skipped may work or not."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self):
        return counted_as_failure((yield))

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self):
        return counted_as_failure((yield))


def counted_as_failure(report):
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
    return report


def pytest_configure(config):
    for line in THIRD_PARTY_WARNINGS:
        config.addinivalue_line("filterwarnings", line)
    # As a plugin it sees the tests of other folders in the same run too.
    config.pluginmanager.register(SkipsAreFailures())
