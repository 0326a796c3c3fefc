"""Execute the notebooks, each from top to bottom in a fresh kernel, and compare their outputs with the committed ones.

    python .ci/notebooks.py [--write] [NOTEBOOK ...]

A notebook fails on an error, on anything in stderr (so on any warning), where an output is not what it was, and where
the file is not in the form this script writes. Of an image it counts only that it is there, because its bytes depend on
the machine; so it is with every output of a cell tagged "varies" (timings, versions).
"""
# ruff: noqa: INP001, T201 - a script, which prints

import argparse
import difflib
import hashlib
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import matplotlib.font_manager  # noqa: F401 - in a new environment this builds a cache; in a kernel it would warn of it
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
VARIES = "varies"
MAX_SECONDS = 300.0  # for all notebooks together
COLOR = re.compile(r"\x1b\[[0-9;]*m")
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def read(path: Path) -> NotebookNode:
    """Return the notebook of a file."""
    return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)


def normal(notebook: NotebookNode) -> NotebookNode:
    """Return the notebook with nothing in it that changes from run to run, or from editor to editor."""
    cells, ids = [], set()
    for cell in notebook.cells:
        # An id that follows from the content changes only where the content does.
        digest = cell_id = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
        while cell_id in ids:
            cell_id = f"{digest}-{len(ids)}"
        ids.add(cell_id)
        tags = sorted(cell.metadata.get("tags", []))
        cells.append({**cell, "id": cell_id, "metadata": {"tags": tags} if tags else {}})
    return nbformat.from_dict({"nbformat": 4, "nbformat_minor": 5, "metadata": METADATA, "cells": cells})


def text_of(notebook: NotebookNode) -> str:
    """Return the file of a notebook: keys sorted, one line of source a line."""
    return nbformat.writes(notebook) + "\n"


def execute(notebook: NotebookNode, seconds: float) -> None:
    """Execute all cells in place, in the folder of the notebooks.

    Raises
    ------
    CellExecutionError, CellTimeoutError, DeadKernelError
        If a cell fails, takes longer than it may, or ends the kernel.
    """
    with tempfile.TemporaryDirectory() as settings:
        # What the shell or the user's settings say must not decide; threads would change the last digits.
        env = {name: value for name, value in os.environ.items() if name not in {"MPLBACKEND", "PYTHONWARNINGS"}}
        env |= {"IPYTHONDIR": settings, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        client = NotebookClient(
            notebook,
            timeout=int(seconds),
            kernel_name="python3",
            record_timing=False,
            coalesce_streams=True,
            force_raise_errors=True,  # no tag excuses a cell from being executed, or from failing
            skip_cells_with_tag="",
            extra_arguments=["--log-level=ERROR"],  # of the kernel's own log, not of what the cells say
            resources={"metadata": {"path": str(FOLDER)}},
        )
        client.execute(env=env)


def warnings_of(notebook: NotebookNode) -> Iterator[str]:
    """Yield what was written to stderr."""
    for number, cell in code_cells(notebook):
        for output in cell.outputs:
            if output.get("name") == "stderr":
                yield f"In [{number}] wrote to stderr:\n{output.text}"


def code_cells(notebook: NotebookNode) -> list[tuple[int, NotebookNode]]:
    """Return the code cells, numbered from 1."""
    return list(enumerate((cell for cell in notebook.cells if cell.cell_type == "code"), start=1))


def comparable(cell: NotebookNode) -> list[str]:
    """Return the lines of the outputs of a cell, without those of images and of what varies."""
    varies = VARIES in cell.metadata.get("tags", [])
    lines = []
    for output in cell.outputs:
        contents = {output.name: output.text} if output.output_type == "stream" else output.get("data", {})
        for kind, content in sorted(contents.items()):
            lines.append(f"[{kind}]")
            if not varies and not kind.startswith("image/"):
                lines += str(content).splitlines()
    return lines


def differences(committed: NotebookNode, fresh: NotebookNode) -> Iterator[str]:
    """Yield a diff for each cell whose outputs are not current."""
    pairs = zip(code_cells(committed), code_cells(fresh), strict=True)
    for (number, before), (_, after) in pairs:
        diff = difflib.unified_diff(comparable(before), comparable(after), "committed", "executed", lineterm="")
        if lines := "\n".join(diff):
            yield f"the outputs of In [{number}] are not current:\n{lines}"


def problems_of(path: Path, seconds: float, *, write: bool) -> list[str]:
    """Execute a notebook and return what is wrong with it; if that is nothing and `write`, write its fresh outputs."""
    committed = read(path)
    fresh = normal(read(path))
    try:
        execute(fresh, seconds)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        return [COLOR.sub("", str(error))]
    found = list(warnings_of(fresh))
    if write and not found:
        path.write_text(text_of(normal(fresh)), encoding="utf-8")
    elif not write:
        found += differences(committed, fresh)
        if path.read_text(encoding="utf-8") != text_of(normal(committed)):
            found.append("the file is not in its normal form: execute it with --write.")
    return found


def main() -> int:
    """Return 0 if all notebooks are as they should be, else 1."""
    parser = argparse.ArgumentParser(description="Execute the notebooks; fail on errors, warnings, outdated outputs.")
    parser.add_argument("--write", action="store_true", help="write the fresh outputs into the notebooks")
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all")
    arguments = parser.parse_args()
    paths = arguments.notebooks or sorted(FOLDER.glob("*.ipynb"))
    failed, begin = not paths, time.perf_counter()
    for path in paths:
        start = time.perf_counter()
        problems = problems_of(path, MAX_SECONDS, write=arguments.write)
        print(f"{'FAILED' if problems else 'ok'}: {path.name} ({time.perf_counter() - start:.0f} s)", flush=True)
        for problem in problems:
            print(f"  {path.name}: {problem}", flush=True)
        failed = failed or bool(problems)
    total = time.perf_counter() - begin
    if total > MAX_SECONDS:
        print(f"FAILED: {total:.0f} s in all, expected at most {MAX_SECONDS:.0f} s. Make the notebooks faster.")
        failed = True
    if not paths:
        print(f"FAILED: no notebooks in {FOLDER}.")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
