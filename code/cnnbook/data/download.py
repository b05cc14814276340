"""Where data sets lie on this machine, and how one that is missing gets there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError

from filelock import FileLock

from .._book import ROOT


def cache() -> Path:
    """Return the folder of the data sets: $CNNBOOK_DATA, or else data/cache."""
    return Path(os.environ.get("CNNBOOK_DATA") or ROOT / "data" / "cache")


def fetch(download: Callable[[], object], name: str, file: str) -> None:
    """Download what is missing of a data set into the cache.

    Of several processes that miss it, one downloads, and the others wait for it.

    Args:
        download: Does it, unless another process has done it by now.
        name: The data set's name, and `file` what it comes in, for the error.

    Raises:
        FileNotFoundError: If it cannot be downloaded.
    """
    try:
        cache().mkdir(parents=True, exist_ok=True)
        with FileLock(cache() / f".{name}.lock"):
            download()
    except (OSError, RuntimeError, URLError) as error:
        raise FileNotFoundError(
            f"{cache()} holds no intact {file} of {name!r}, and it could not be "
            f"downloaded ({error}). Set $CNNBOOK_DATA to a folder that has it, or use "
            "the data set that needs no network: data.load('digits')"
        ) from None


def damaged(place: Path, reason: Exception) -> ValueError:
    """Return the error for a data set that is there and cannot be read."""
    return ValueError(
        f"{place} is damaged or not complete ({reason}): remove it, and it will be "
        "downloaded again"
    )
