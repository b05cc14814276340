import numpy as np
import pandas as pd
import pytest
import torch

from cnnbook import cost, models
from cnnbook.plots import fc


def test_a_share_colours_as_many_hundredths_and_cuts_the_last():
    axes = fc.hundredths({"a": 0.7425, "b": 0.0066, "c": 1.0}, of="one")
    for axis, share in zip(axes, (0.7425, 0.0066, 1.0), strict=True):
        grey, coloured = axis.patches[::2], axis.patches[1::2]
        drawn = sum(square.get_width() for square in coloured)
        assert drawn / sum(square.get_width() for square in grey) == pytest.approx(
            share
        )
    titles = [axis.get_title() for axis in axes]
    assert titles == ["74.2 % a", "0.66 % b", "100.0 % c"]


def test_shares_of_a_cost_add_up_to_all_of_it():
    with torch.device("meta"):
        network = models.build("vgg11")
    table = cost.layer_table(network, (3, 224, 224))
    axes = fc.cost_shares(table, {"parameters": "a", "macs": "b"})
    for axis in axes:
        assert len(axis.patches) == len(table)
        assert sum(bar.get_width() for bar in axis.patches) == pytest.approx(100)
    names = [label.get_text() for label in axes[0].get_yticklabels()]
    assert names == table.layer.tolist()
    largest = max(axes[0].patches, key=lambda bar: bar.get_width())
    row = round(largest.get_y() + largest.get_height() / 2)
    assert table.layer[row] == "classifier.0"


def test_numbers_are_drawn_as_areas_on_one_scale():
    axis = fc.parameter_counts({"short": 1.25, "long": 100.0}, limit=100)
    small, large = (square.get_width() for square in axis.patches)
    assert large / small == pytest.approx((100 / 1.25) ** 0.5)
    assert [text.get_text() for text in axis.texts] == [
        "1.2 M",
        "short",
        "100.0 M",
        "long",
    ]


def test_parts_of_the_memory_are_stacked_up_to_their_sum():
    parts = pd.DataFrame({"weights": [1.0, 1.0], "activations": [0.5, 4.0]})
    axis = fc.training_memory(parts, [1.4, 4.9])
    ends = [bar.get_x() + bar.get_width() for bar in axis.patches]
    assert ends == pytest.approx([1, 1, 1.5, 5])
    assert list(axis.get_lines()[0].get_xdata()) == [1.4, 4.9]
    labels = [text.get_text() for text in axis.figure.legends[0].get_texts()]
    assert set(labels) == {"weights", "activations", "peak"}


def test_errors_are_drawn_beside_parameters_with_their_range():
    errors = {"control": [1, 2, 6], "small": [2, 2, 5], "tuned": [1, 1, 1.5]}
    controls = ["control", "control", "tuned"]
    axes = fc.parameters_beside_errors(errors, [9000, 500, 500], controls)
    assert [bar.get_width() for bar in axes[0].patches] == [9, 0.5, 0.5]
    bands, points = axes[1].containers
    assert points[0].get_xdata() == pytest.approx([3, 3, 3.5 / 3])
    spans = [segment[:, 0].tolist() for segment in points[2][0].get_segments()]
    assert np.allclose(spans, [[1, 6], [2, 5], [1, 1.5]])
    ends = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in bands]
    assert ends == [(1, 6), (1, 6), (1, 1.5)]  # each row has its own control's


def test_ranks_are_drawn_with_control_break_even_and_what_was_trained():
    table = pd.DataFrame({"rank": [1, 8, 204], "error": [85.0, 3.7, 1.7]})
    axis = fc.errors_by_rank([table] * 2, control=1.7, break_even=204.8, trained={8: 2})
    curve, reference, diamonds, limit = axis.get_lines()
    assert curve.get_ydata().tolist() == [85.0, 3.7, 1.7]
    assert set(reference.get_ydata()) == {1.7}
    assert diamonds.get_xydata().tolist() == [[8, 2]]
    assert set(limit.get_xdata()) == {204.8}
    assert "mean and range of 2 seeds" in axis.get_title(loc="right")


def test_what_is_left_is_drawn_on_the_scale_of_what_was_there():
    axis = fc.what_is_left({"fc6": (100.0, 4.0), "rest": (10.0, 5.0)}, whole="million")
    assert [bar.get_width() for bar in axis.patches] == [100, 10, 4, 5]
    assert [text.get_text() for text in axis.texts] == [
        "100.0 M → 4.0 M",
        "10.0 M → 5.0 M",
    ]


def test_windows_end_up_where_their_scores_are():
    axes = fc.sliding_kernel([3, 5], 3, ["maps", "scores"])
    fits, slides = ([p for p in axis.patches if p.get_alpha()] for axis in axes)
    assert len(fits) == 2  # one window, one score
    last, first = slides[:2]
    assert (last.get_width(), first.get_width()) == (3, 3)
    assert last.get_x() - first.get_x() == last.get_y() - first.get_y() == 2
    last_score, first_score = slides[2:]
    assert last_score.get_width() == 1
    assert last_score.get_x() - first_score.get_x() == 2


def test_a_flattened_map_has_a_line_for_each_position():
    flatten, average = fc.two_heads(side=4, channels=64)
    assert len(flatten.get_lines()) == 16 + 1  # and the unit
    assert "16 weights for each map,\n1,024 of the unit" in flatten.texts[0].get_text()
    assert "1 weight for each map,\n64 of the unit" in average.texts[0].get_text()


def test_thin_matrices_have_the_scale_of_the_whole_one():
    whole, thin = fc.thin_matrices(256, 1024, 16)
    sizes = [
        (p.get_height(), p.get_width()) for axis in (whole, thin) for p in axis.patches
    ]
    assert sizes == [(256, 1024), (256, 16), (16, 1024)]
    assert whole.get_xlim() == thin.get_xlim()


def test_a_score_stands_below_the_middle_of_its_window():
    image, scores = torch.zeros(64, 160), torch.rand(9, 33)
    axes = fc.score_map(image, scores, 32, [(10, 20, "7")])
    left, right, bottom, top = axes[1].get_images()[0].get_extent()
    width, height = (right - left) / 33, (bottom - top) / 9
    assert (width, height) == (4, 4)
    assert (left + width / 2, top + height / 2) == (16, 16)
    assert (right - width / 2, bottom - height / 2) == (160 - 16, 64 - 16)
    assert axes[0].texts[0].get_position() == (20, 10)


def test_the_best_score_is_framed_with_its_window():
    scores = torch.zeros(9, 33)
    scores[2, 5] = 1
    axes = fc.score_map(torch.zeros(64, 160), scores, 32, [])
    window, place = (axis.patches[0] for axis in axes)
    assert (*window.get_xy(), window.get_width()) == (20, 8, 32)
    assert (*place.get_xy(), place.get_width()) == (20 + 14, 8 + 14, 4)
