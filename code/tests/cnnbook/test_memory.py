"""The peak of a computation, counted without taking any memory."""

import torch

from cnnbook import memory


def test_the_peak_counts_what_is_alive_and_not_known():
    known = torch.zeros(1000, device="meta")
    with memory.Peak([known]) as watch:
        known.add_(1)
        first = torch.zeros(10, device="meta")
        second = first + 1
        view = second.view(2, 5)
        assert watch.now == 80
        del first, second
        assert watch.now == 40  # the view keeps its storage alive
        del view
    assert watch.now == 0
    assert watch.peak == 80
