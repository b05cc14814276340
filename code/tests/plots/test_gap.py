import pandas as pd
import pytest
import torch

from cnnbook.plots import gap


@pytest.mark.parametrize(("channels", "side", "classes"), [(4, 3, 10), (512, 7, 1000)])
def test_both_heads_have_their_true_counts(channels, side, classes):
    axis = gap.two_heads(channels, side, classes)
    written = {text.get_text() for text in axis.texts}
    for inputs in (channels * side**2, channels):
        linear = torch.nn.Linear(inputs, classes, device="meta")
        count = sum(p.numel() for p in linear.parameters())
        assert f"{classes} × ({inputs} + 1)\n= {count:,} parameters" in written


def test_an_average_that_is_the_first_again_is_marked():
    maps = [torch.eye(2), torch.ones(2, 2), torch.eye(2).flip(0)]
    axes = gap.moved_digit([torch.zeros(8, 8)] * 3, maps, ["a", "b", "c"])
    labels = [axis.xaxis.label for axis in axes[1]]
    averages = ["average\n0.500", "average\n1.000", "average\n0.500"]
    assert [label.get_text() for label in labels] == averages
    assert [label.get_weight() for label in labels] == ["bold", "normal", "bold"]
    assert axes[0, 0].get_xticks().tolist() == [3.5]  # between two windows


def test_parameters_of_heads_are_written_short_on_a_scale_of_powers():
    table = pd.DataFrame({"flatten": [1e3, 1e9], "average": [5e5, 5e5]}, index=[32, 64])
    axis = gap.head_parameters(table)
    assert axis.get_yscale() == "log"
    assert axis.get_xticks().tolist() == [32, 64]
    short = axis.yaxis.get_major_formatter()
    written = [short(value, 0) for value in (1, 1e3, 1e6, 1e9)]
    assert written == ["1", "1 k", "1 M", "1 G"]
    assert axis.get_lines()[0].get_ydata().tolist() == [1e3, 1e9]


def test_maps_of_evidence_share_one_scale_around_zero():
    images = [torch.rand(8, 8), torch.rand(8, 8)]
    maps = [torch.tensor([[-4.0, 1.0]]), torch.tensor([[2.0, 0.0]])]
    axis = gap.class_activation_maps(images, maps, ["a", "b"])
    over = [image for image in axis.get_images() if image.get_cmap().name == "RdBu_r"]
    assert [image.get_clim() for image in over] == [(-4, 4)] * 2
    assert [text.get_text() for text in axis.texts] == ["a", "b"]
