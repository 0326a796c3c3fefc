"""Which tests belong to a change: what the gates before a commit run."""

import importlib.util
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / ".ci" / "touched.py"
if not SCRIPT.exists() or not (ROOT / "softglm").is_dir():
    pytest.skip("an sdist has no .ci", allow_module_level=True)
SPEC = importlib.util.spec_from_file_location("touched", SCRIPT)
touched = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(touched)


def test_every_module_has_tests_and_they_are_there():
    for path in (ROOT / "softglm").rglob("*.py"):
        chosen = touched.tests_of([path.relative_to(ROOT).as_posix()])
        assert [test for test in chosen if test.startswith("tests")], path
        assert not [test for test in chosen if not (ROOT / test).exists()]


def test_all_that_is_named_is_there():
    named = {*touched.ABOVE, *touched.SHELL.values(), touched.REST}
    named |= {test for tests in touched.ELSEWHERE.values() for test in tests}
    assert not [test for test in named if not (ROOT / test).exists()]
    modules = {*touched.FOUNDATIONS, *touched.SHELL}
    package = ROOT / "softglm"
    assert not [name for name in modules if not (package / name).is_dir() and not (package / f"{name}.py").exists()]
    assert not touched.FOUNDATIONS & touched.SHELL.keys()


@pytest.mark.parametrize("room", ["model", "solver", "families", "data", "inference", "pipelines", "cli", "plots"])
def test_a_change_in_a_room_runs_the_tests_of_the_room(room):
    path = next((ROOT / "softglm" / room).glob("[a-z]*.py")).relative_to(ROOT).as_posix()
    assert f"tests/{room}" in touched.tests_of([path])


@pytest.mark.parametrize("path", ["model/proof/duality.py", "model/passes/cached.py", "cli/tables/parsing.py"])
def test_so_does_one_in_a_room_within_it(path):
    assert f"tests/{path.partition('/')[0]}" in touched.tests_of([f"softglm/{path}"])


@pytest.mark.parametrize("room", ["data", "families", "sums"])
def test_a_change_far_below_is_tried_from_above_too(room):
    path = next((ROOT / "softglm" / room).glob("[a-z]*.py")).relative_to(ROOT).as_posix()
    assert set(touched.ABOVE) <= set(touched.tests_of([path]))


@pytest.mark.parametrize("module", ["arrays", "tuning", "status"])
def test_so_is_one_in_a_module_below(module):
    assert set(touched.ABOVE) <= set(touched.tests_of([f"softglm/{module}.py"]))


def test_a_change_in_the_shell_is_not():
    assert not set(touched.ABOVE) & set(touched.tests_of(["softglm/plots/style.py"]))


@pytest.mark.parametrize("module", ["validation/entries", "validation/labels", "response", "verdict", "estimator"])
def test_what_the_estimator_uses_is_tested_with_it(module):
    assert "tests/estimator" in touched.tests_of([f"softglm/{module}.py"])


@pytest.mark.parametrize("module", ["infer", "target", "validation/clusters", "detect"])
def test_what_leads_to_inference_is_tested_with_it(module):
    assert "tests/inference" in touched.tests_of([f"softglm/{module}.py"])


def test_a_module_with_tests_of_its_name_has_these_too():
    assert {"tests/test_trace.py", "tests/plots"} <= set(touched.tests_of(["softglm/trace.py"]))
    assert {"tests/test_response.py", "tests/estimator"} <= set(touched.tests_of(["softglm/response.py"]))


def test_a_test_in_a_folder_that_is_run_is_not_named_again():
    assert touched.tests_of(["tests/plots/conftest.py", "tests/plots/test_effects.py"]) == ["tests/plots"]


def test_a_test_is_its_own():
    assert touched.tests_of(["tests/test_trace.py", "LICENSE"]) == ["tests/test_trace.py"]


def test_what_only_the_ecosystem_can_run_is_not_run():
    chosen = touched.tests_of(["tests/ecosystem/test_onnx.py", "tests/ecosystem/conftest.py", "softglm/onnx.py"])
    assert not [test for test in chosen if "ecosystem" in test or test == "softglm/onnx.py"]


def test_new_changed_and_deleted_files_are_told(tmp_path, monkeypatch):
    def git(*arguments):
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True, env=environment)  # noqa: S607

    for name in ("same", "changed", "staged", "deleted"):
        (tmp_path / name).write_text("1")
    git("init")
    git("add", ".")
    git("commit", "-m", "first")
    for name in ("changed", "staged", "new é"):
        (tmp_path / name).write_text("2")
    git("add", "staged")
    (tmp_path / "deleted").unlink()
    monkeypatch.setattr(touched, "ROOT", tmp_path)
    assert sorted(touched.changed_files("HEAD")) == ["changed", "new é", "staged"]
