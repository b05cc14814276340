"""The book's own folder, and files in it: where they lie, and writing them whole."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]  # the book's folder
PARTIAL = ".partial"  # ends the name of what is not complete yet


def damaged(path: Path, reason: object) -> ValueError:
    """Return the error for a file of the book that cannot be read."""
    name = path.relative_to(ROOT).as_posix()
    return ValueError(
        f"cannot read {name}: {reason}. Restore it, for example by: git checkout {name}"
    )


def write_whole(path: Path, text: str) -> None:
    """Write a text file that takes its name only when it is complete."""
    partial = path.with_name(path.name + PARTIAL)
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError:
        remove_partial(partial)
        raise


def remove_partial(partial: Path) -> None:
    """Remove what was begun, a file or a folder, if there is any."""
    if partial.is_dir():
        shutil.rmtree(partial, ignore_errors=True)
    else:
        partial.unlink(missing_ok=True)
