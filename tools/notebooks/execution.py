"""Notebooks executed on the CPU, and their outputs compared with the stored ones."""

import os
import subprocess
import sys
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal, DeadKernelError
from nbformat import NotebookNode
from traitlets import default

from tools.notebooks.canonical import where
from tools.notebooks.files import read

SANITISE = Path(__file__).with_name("nbval.cfg")
CELL_TIMEOUT = 300  # seconds
# The same for execution and validation. One thread: the order in which threads add
# floats changes the last digits, and parallel workers would fight for the cores.
ENVIRONMENT = {
    "CUDA_VISIBLE_DEVICES": "",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "OMP_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "TQDM_DISABLE": "1",
}


class ExecutionError(Exception):
    """A cell failed, timed out or killed its kernel; the file was not touched."""


class OwnKernel(AsyncKernelManager):
    """The kernel of the Python that runs this, whatever is registered as "python3"."""

    @default("kernel_spec_manager")
    def _no_kernel_folders(self) -> KernelSpecManager:
        return KernelSpecManager(kernel_dirs=[])


def run(path: Path) -> NotebookNode:
    """Execute a notebook on the CPU in its own folder and return it with its outputs.

    Raises `ExecutionError`, naming the cell, if one fails.
    """
    notebook = read(path)
    notebook.metadata.pop("widgets", None)
    running = [0]
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
        extra_arguments=["--log-level=ERROR"],  # not that it talks to localhost
        on_cell_start=lambda cell, cell_index: running.append(cell_index + 1),
        kernel_manager_class=OwnKernel,
    )
    try:
        return client.execute(env={**os.environ, **ENVIRONMENT})
    except (CellControlSignal, DeadKernelError) as error:
        where = f"cell {running[-1]} of {len(notebook.cells)}"
        raise ExecutionError(f"{path.name}: {where} failed\n{error}") from None


def faults(notebook: NotebookNode) -> list[str]:
    """Cells never run (nbval would compare nothing), warnings, unexpected errors."""
    found = []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        if cell.source.strip() and cell.execution_count is None:
            found.append(f"{where(notebook, cell)}: was never run")
        tags = cell.metadata.get("tags", [])
        for output in cell.outputs:
            if output.get("name") == "stderr":
                line = output.text.strip()[:80]
                found.append(f"{where(notebook, cell)}: shows a warning: {line}")
            if output.output_type == "error" and "raises-exception" not in tags:
                found.append(f"{where(notebook, cell)}: ends with {output.ename}")
    return found


def validate(paths: list[Path]) -> int:
    """Run notebooks, compare every output (nbval, strict); return its exit status."""
    options = [
        *("--nbval", "--nbval-current-env", f"--nbval-cell-timeout={CELL_TIMEOUT}"),
        *("--nbval-sanitize-with", SANITISE),
        *("-n", "2" if len(paths) > 1 else "0", "--dist", "loadfile"),
        *("-q", "-p", "no:cacheprovider"),
    ]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, *paths],
        env={**os.environ, **ENVIRONMENT},
    ).returncode
