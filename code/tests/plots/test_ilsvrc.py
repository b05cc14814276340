import torch

from cnnbook import cost, papers
from cnnbook.plots import ilsvrc


def test_stairs_are_the_winners_of_eight_years():
    axis = ilsvrc.staircase(papers.ilsvrc())
    tops = [round(bar.get_height(), 1) for bar in axis.patches]
    assert tops == [28.2, 25.8, 16.4, 11.7, 6.7, 3.6, 3.0, 2.3]
    texts = [text.get_text() for text in axis.texts]
    assert {"16.4", "AlexNet", "ensemble", "SENet"} < set(texts)
    assert len({bar.get_facecolor() for bar in axis.patches}) == 2


def test_guesses_mark_the_first_k():
    scores = {"a": 3.0, "b": 2.0, "c": 1.0}
    errors = {"one": [50.0, 20.0, 0.0], "two": [50.0, 50.0, 50.0]}
    for k, verdict in [(1, "wrong"), (2, "right")]:
        left, right = ilsvrc.topk_guesses(scores, "b", k, errors)
        assert left.get_title(loc="left") == verdict
        colours = [bar.get_facecolor() for bar in left.patches]
        assert len(set(colours)) == k + 1
        assert f"{errors['one'][k - 1]:.0f} %" in [t.get_text() for t in right.texts]


def test_towers_cross_only_without_groups():
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 1), torch.nn.Conv2d(4, 6, 1, groups=2)
    )
    table = cost.layer_table(network, (3, 2, 2))
    for groups, arrows in [(2, 2 + 2), (1, 2 + 4), (None, 2 + 2)]:
        axis = ilsvrc.gpu_towers(table, {"0": 2, "1": groups})
        assert (
            sum(bool(text.arrow_patch) for text in axis.texts if not text.get_text())
            == arrows
        )
        assert ("6" if groups is None else "2×3") in [t.get_text() for t in axis.texts]


def test_one_layer_has_one_colour_in_all_bars():
    table = cost.layer_table(torch.nn.Conv2d(2, 4, 1), (2, 3, 3))
    table["layer"] = "same"
    axis = ilsvrc.stacked_macs({"a": table, "b": table})
    assert len({bar.get_facecolor() for bar in axis.patches}) == 1
    assert [bar.get_width() for bar in axis.patches] == [72e-6, 72e-6]


def test_what_costs_most_is_framed_and_every_share_written():
    shares = torch.tensor([[0.9, 0.8], [0.3, 0.9]])
    picture = torch.zeros(3, 8, 8, dtype=torch.uint8)
    [grid] = ilsvrc.occluded([picture], [shares], side=4, step=4)
    assert [text.get_text() for text in grid.texts] == ["90", "80", "30", "90"]
    photograph = next(axis for axis in grid.figure.axes if axis is not grid)
    [frame] = photograph.patches
    assert (frame.get_xy(), frame.get_width()) == ((0, 4), 4)
    assert [patch.get_alpha() for patch in grid.patches][2] == 0.65


def test_each_unit_has_its_patches_in_a_row():
    patches = [torch.zeros(3, 2, 2, dtype=torch.uint8)] * 3
    axis = ilsvrc.strongest_patches({"unit 7": patches, "unit 9": patches})
    assert [text.get_text() for text in axis.texts] == ["unit 7", "unit 9"]
    assert len(axis.images) == 6


def test_few_images_draws_means_and_ranges():
    arms = {
        "pixels": {"1": {"test_error": [80, 90]}, "5": {"test_error": [60, 70]}},
        "ImageNet": {"1": {"test_error": [50, 60]}, "5": {"test_error": [20, 30]}},
    }
    [axis] = ilsvrc.few_images({"a": arms})
    lines = [line.get_ydata().tolist() for line in axis.lines]
    assert lines == [[85, 65], [55, 25]]
    assert [text.get_text() for text in axis.get_xticklabels()] == ["1", "5"]
