"""What the text claims of a chapter's experiments, asserted where it speaks of them."""

from __future__ import annotations

from collections.abc import Callable


def only_if(spoken_of: bool) -> Callable[[str, bool], None]:
    """Return ``expect(claim, holds)``, which asserts that a claim holds.

    Args:
        spoken_of: Whether the text speaks of this run at all: it does not if the
            reader has chosen another data set, or has another device.
    """

    def expect(claim: str, holds: bool) -> None:
        if spoken_of:
            assert holds, claim

    return expect
