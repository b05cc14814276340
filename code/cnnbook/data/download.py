"""Where data sets lie on this machine, and how one that is missing gets there."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import TypeVar

from filelock import FileLock

from .._book import ROOT

Result = TypeVar("Result")
# Of a network, a disk, an archive; of torchvision, and of a disk that knows no locks.
FAILURES = (
    *(OSError, HTTPException, EOFError, tarfile.TarError),
    *(RuntimeError, NotImplementedError),
)


def cache() -> Path:
    """Return the folder of the data sets: $CNNBOOK_DATA, or else data/cache."""
    return Path(os.environ.get("CNNBOOK_DATA") or ROOT / "data" / "cache")


def fetch(
    download: Callable[[], Result],
    name: str,
    file: str,
    remedy: str = "Set $CNNBOOK_DATA to a folder that has it, or use the data set that "
    "needs no network: data.load('digits')",
) -> Result:
    """Download what is missing of a data set into the cache.

    Of several processes that miss it, one downloads, and the others wait for it.

    Args:
        download: Does it, unless another process has done it by now.
        name: The data set's name, and `file` what it comes in, for the error.
        remedy: What a reader can do if that fails.

    Returns:
        What `download` returns.

    Raises:
        FileNotFoundError: If it cannot be downloaded, or written to the cache.
    """
    try:
        cache().mkdir(parents=True, exist_ok=True)
        # Every user of a shared cache may lock it, whoever was the first.
        with FileLock(cache() / f".{name}.lock", mode=0o666):
            return download()
    except FAILURES as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise FileNotFoundError(
            f"{cache()} holds no intact {file} of {name!r}, and it could not be "
            f"downloaded ({reason}). {remedy}"
        ) from None


def damaged(place: Path, reason: Exception) -> ValueError:
    """Return the error for a data set that is there and cannot be read."""
    return ValueError(
        f"{place} is damaged or not complete ({reason}): remove it, and it will be "
        "downloaded again"
    )
