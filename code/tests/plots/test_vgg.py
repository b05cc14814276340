import pytest
import torch
from matplotlib.colors import to_hex

from cnnbook.plots import vgg


def test_fields_are_squares_around_the_middle_of_the_photograph():
    fields = {"wide": [3, 9], "deep": [1, 5, 7]}
    left, right = vgg.nested_fields(fields, torch.zeros(3, 10, 10))
    assert left.get_title() == "wide, 2 layers:\n3×3 to 9×9 pixels"
    frames = {frame.get_bbox().bounds for frame in left.patches}
    assert frames == {(3, 3, 3, 3), (0, 0, 9, 9)}
    assert len({frame.get_width() for frame in right.patches}) == 3


def test_networks_stand_side_by_side_with_the_input_at_the_bottom():
    networks = {"a": [("3×3", "conv"), ("10", "dense")], "b": [("5×5", "conv")]}
    axis = vgg.layers_side_by_side(networks)
    places = {text.get_text(): text.get_position() for text in axis.texts}
    assert places["3×3"] == (0, 1)
    assert places["10"] == (0, 2)
    assert places["5×5"] == (1, 1)
    colours = [to_hex(box.get_facecolor()) for box in axis.patches]
    assert colours[0] == colours[2] != colours[1]


@pytest.mark.parametrize("kernels", [[5], [3, 3], [3, 3, 3], [1, 7]])
def test_a_pyramid_is_as_wide_as_the_field(kernels):
    field = 1 + sum(kernel - 1 for kernel in kernels)
    axis = vgg.pyramids({"stack": kernels})
    assert f"{field} pixels" in [text.get_text() for text in axis.texts]
    assert sum(box.get_y() == 0 for box in axis.patches) == field
    top = [box for box in axis.patches if box.get_y() == 2 * len(kernels)]
    assert len(top) == 1


def test_a_field_is_framed_and_fades_where_little_is_seen():
    photograph, share = torch.zeros(3, 8, 8), torch.zeros(8, 8)
    share[4, 4] = 1.0
    left, right = vgg.receptive_field(photograph, (2, 6), share)
    assert {frame.get_bbox().bounds for frame in left.patches} == {(1.5, 1.5, 5, 5)}
    seen = right.get_images()[0].get_array()
    assert seen[4, 4].tolist() == [0, 0, 0]
    assert seen[3, 4].tolist() == [1, 1, 1]  # white
    assert right.get_title() == "what the unit sees: 5×5"


def test_means_have_the_standard_error_of_their_dots():
    values = {"plain\nslow": [1.0, 3.0], "plain\nfast": [2.0, 2.0], "skip": [0.0, 4.0]}
    axis = vgg.dots_with_means(values, xlabel="error")
    dots = axis.get_lines()[0]
    assert dots.get_xdata().tolist() == [1, 3]
    mean, _, (bar,) = axis.containers[0]
    assert mean.get_xdata() == [2]
    assert bar.get_segments()[0][:, 0].tolist() == pytest.approx([1, 3])
    colours = [container[0].get_color() for container in axis.containers]
    assert colours[0] == colours[1] != colours[2]  # by the first line of the label
