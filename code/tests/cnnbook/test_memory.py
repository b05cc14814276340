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


def test_what_is_made_within_an_operation_counts_in_inference_mode_too():
    """There, torch hands over a whole linear layer, not the parts it is made of."""
    peaks = []
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            x, weight = (
                torch.zeros(8, 8, 8, device="meta").mT,
                torch.zeros(8, 8).to("meta"),
            )
            with memory.Peak([x, weight]) as watch:
                torch.nn.functional.linear(x, weight)
        peaks.append(watch.peak)
    assert peaks[0] == peaks[1] > 0
