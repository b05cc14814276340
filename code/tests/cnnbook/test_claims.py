"""Claims are asserted where the text speaks of the run, and nowhere else."""

import pytest

from cnnbook import claims


def test_a_claim_that_does_not_hold_is_named():
    expect = claims.only_if(True)
    expect("what holds", True)
    with pytest.raises(AssertionError, match="it learns"):
        expect("it learns", False)


def test_of_a_run_that_the_text_does_not_speak_of_nothing_is_claimed():
    claims.only_if(False)("it learns", False)
