"""Print the tests of what has changed, one a line, for pytest: those of each room that was touched, and a few above it.

    python .ci/touched.py [BASE]

Changed is what differs from BASE, a commit (HEAD unless given), and what git does not know yet. A file of the package
is tested where the tests mirror its path, or by those that import it; a module of the shell by what uses it, too.
"""
# ruff: noqa: INP001, T201 - a script, which prints

import argparse
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "softglm"
# Everything rests on these, so a change in one of them is tried from above too, by what tells most in seconds.
FOUNDATIONS = {"arrays", "tuning", "data", "families", "sums", "model", "solver", "status", "fit"}
ABOVE = (
    "tests/model/test_fisher.py",
    "tests/model/test_objective.py",
    "tests/fit/test_the_gap_is_proved_and_true.py",
    "tests/estimator/test_equivalences.py",
    "tests/estimator/test_matches_logistic_regression.py",
    "tests/inference/test_golden_values.py",
)
# What uses a module of the shell, or one of a room without tests of its own: the estimator, unless it is named here.
REST = "tests/estimator"
SHELL = {
    "__init__": "tests/test_import.py",
    "__main__": "tests/cli",
    "detect": "tests/inference",
    "infer": "tests/inference",
    "optimum": "tests/inference",
    "target": "tests/inference",
    "trace": "tests/plots",
    "validation/clusters": "tests/inference",
}
# What is no file of the package, and where it is tested.
ELSEWHERE = {
    "README.md": ("README.md", "tests/test_readme.py"),
    "benchmarks": ("tests/test_benchmarks.py",),
    ".docs": ("tests/test_docstrings.py", "tests/test_readme.py"),
    ".github": ("tests/test_readme.py",),
    ".ci": ("tests/test_gates.py", "tests/test_readme.py"),
}


def changed_files(base: str) -> list[str]:
    """Return the paths of what differs from a commit and of what is new; not of what was deleted."""
    commands = (
        ("diff", "--name-only", "--relative", "--diff-filter=d", "-z", base),
        ("ls-files", "--others", "--exclude-standard", "-z"),
    )
    return [path for command in commands for path in git(*command).split("\0") if path]


def git(*arguments: str) -> str:
    """Return what git says in this checkout."""
    program = shutil.which("git") or "git"
    done = subprocess.run([program, *arguments], cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603
    return done.stdout


def tests_of(paths: Iterable[str]) -> list[str]:
    """Return the tests of changed files, as arguments for pytest: none twice, none in a folder that is one too."""
    chosen = sorted({test for path in paths for test in _tests_of_one(PurePosixPath(path))})
    return [test for test in chosen if not any(str(parent) in chosen for parent in PurePosixPath(test).parents)]


def _tests_of_one(path: PurePosixPath) -> Iterator[str]:
    if path.parts[0] == "tests":
        yield from _tests_of_tests(path)
    elif path.parts[0] == PACKAGE and path.suffix == ".py":
        yield from _tests_of_module(path)
    else:
        yield from ELSEWHERE.get(path.parts[0], ())


def _tests_of_tests(path: PurePosixPath) -> Iterator[str]:
    if path.parts[1] == "ecosystem":
        return  # they need packages that only .ci/ecosystem installs
    if path.name.startswith("test_"):
        yield str(path)
    elif path.name == "conftest.py":
        yield str(path.parent)
    elif path.suffix == ".py" and len(path.parts) == 2:
        yield from ABOVE  # a table that many draw from


def _tests_of_module(path: PurePosixPath) -> Iterator[str]:
    names = [*path.parts[1:-1], path.stem]
    if path != PurePosixPath(PACKAGE, "onnx.py"):  # whose example needs a package that only .ci/ecosystem installs
        yield str(path)  # its own examples
    mirrored = [test for name in names for test in (f"tests/{name}", f"tests/test_{name}.py") if (ROOT / test).exists()]
    yield from mirrored or _importing(path)
    if names[0] in FOUNDATIONS:
        yield from ABOVE
    elif len(names) == 1 or not mirrored:
        yield SHELL.get("/".join(names), REST)


def _importing(path: PurePosixPath) -> list[str]:
    """Return the tests that import a module by its name; of the package itself none, as nearly all do."""
    if path == PurePosixPath(PACKAGE, "__init__.py"):
        return []
    module = ".".join([*path.parts[:-1], path.stem]).removesuffix(".__init__")
    pattern = re.compile(rf"^\s*(from|import) {re.escape(module)}(?![\w.])", re.MULTILINE)
    files = [file for file in sorted((ROOT / "tests").rglob("test_*.py")) if "ecosystem" not in file.parts]
    return [file.relative_to(ROOT).as_posix() for file in files if pattern.search(file.read_text(encoding="utf-8"))]


def main() -> None:
    """Print them."""
    parser = argparse.ArgumentParser(description="Print the tests of what has changed.")
    parser.add_argument("base", nargs="?", default="HEAD", help="a commit to compare with, such as main; default: HEAD")
    print("\n".join(tests_of(changed_files(parser.parse_args().base))))


if __name__ == "__main__":
    main()
