"""A bar of progress that leaves nothing behind, in a terminal and in a notebook."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm


def progress(
    items: Iterable | None = None,
    name: str = "",
    total: int | None = None,
    *,
    shown: bool = True,
    **options: Any,
) -> tqdm:
    """Return tqdm's bar, which is gone when it is closed or its items are used up.

    In a notebook it is a line that is written anew each time, and empty at last. What
    tqdm does there by itself leaves something behind: `tqdm.tqdm` an empty box for
    errors, `tqdm.auto` a widget.

    Args:
        items: What to go through, unless the bar is moved by `update`.
        name: Stands before the bar.
        total: How many items there are, if they cannot say.
        shown: If it is, tqdm's own variable TQDM_DISABLE can still hide it.
        options: More of tqdm's.
    """
    if not shown:
        options["disable"] = True
    file = _Line() if _in_notebook() else None
    return tqdm(items, name, total, leave=False, file=file, **options)


def _in_notebook() -> bool:
    # Only a kernel has imported IPython, and has a shell with a kernel.
    ipython = sys.modules.get("IPython")
    return hasattr(ipython and ipython.get_ipython(), "kernel")


class _Line:
    """A file for tqdm: a line of a notebook's output, made when it is first written."""

    encoding = "utf-8"  # tqdm draws a finer bar then

    def __init__(self) -> None:
        self._handle: Any = None

    def write(self, text: str) -> None:
        from IPython.display import display

        line = {"text/plain": text.strip()}
        if self._handle is None:
            self._handle = display(line, raw=True, display_id=True)
        else:
            self._handle.update(line, raw=True)

    def flush(self) -> None:
        """Do nothing: what is written is shown at once."""
