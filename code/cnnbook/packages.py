"""Whether the Python that runs a notebook has the packages that the book needs."""

from __future__ import annotations

import re
import sys
from importlib import metadata

from ._book import ROOT

KERNEL = "cnn-architectures"
MAKE_KERNEL = f".venv/bin/python -m ipykernel install --user --name {KERNEL}"
OLDEST = (3, 11)


def check() -> None:
    """Raise if this Python cannot run the book: it may be another than you think.

    A notebook editor starts the kernel that is chosen in it, which need not be the
    Python of the book's environment.

    Raises:
        RuntimeError: It names this Python, what it lacks, and how to make a kernel.
    """
    problem = _problem()  # no newer syntax here: this Python may be an old one
    if problem:
        version = ".".join(map(str, sys.version_info[:2]))
        raise RuntimeError(
            f"this notebook runs on Python {version} at {sys.executable}, which "
            f"{problem}: in {ROOT}, type `make setup` and `{MAKE_KERNEL}`, then choose "
            f"the kernel {KERNEL}"
        )


def _problem() -> str:
    """Say what keeps this Python from running the book; nothing if it can."""
    if sys.version_info < OLDEST:
        return "is too old for the book"
    missing = [name for name in _needed_packages() if not _is_installed(name)]
    return f"lacks {', '.join(missing)}" if missing else ""


def _needed_packages() -> list[str]:
    """Return the names of the packages that pyproject.toml lists for the module."""
    import tomllib  # new in Python 3.11

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = project["project"]["dependencies"]
    # A package is listed once for each range of Python versions.
    return list(dict.fromkeys(re.split(r"[^\w-]", line)[0] for line in listed))


def _is_installed(name: str) -> bool:
    """Return whether a package is installed, by its name on the package index."""
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True
