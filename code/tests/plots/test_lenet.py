import torch

from cnnbook import cost, models
from cnnbook.models import lenet as networks
from cnnbook.plots import lenet


def test_every_layer_says_what_it_does_and_shows_all_its_maps():
    table = cost.layer_table(models.build("lenet5"), (1, 32, 32))
    [[axis]] = lenet.architecture(table)
    names, does, shapes, _ = (
        [text.get_text() for text in axis.texts[part::4]] for part in range(4)
    )
    assert names == ["input", *table.layer.str.upper()]
    assert [words.replace("\n", " ") for words in does] == [
        "",
        "5×5 convolution",
        "2×2 subsampling",
        "5×5 convolution",
        "2×2 subsampling",
        "5×5 convolution",
        "fully connected",
        "distance to codes",
    ]
    assert shapes[3] == "16×10×10"
    maps = 1 + 6 + 6 + 16 + 16 + 3  # the last three layers are a bar each
    assert len(axis.patches) == maps + 2 * len(table)  # a frame and a unit each


def test_each_connection_is_a_square():
    axis = lenet.connections(networks.C3_TABLE)
    squares = axis.collections[0].get_offsets()
    assert len(squares) == 60
    for column, row in squares.astype(int).tolist():
        assert networks.C3_TABLE[row][column] == "X"
    assert {text.get_text() for text in axis.texts} == {"feeds 10"}


def test_a_confusion_matrix_is_read_row_by_row():
    axis = lenet.confusion_matrix(torch.eye(3, dtype=torch.long), "abc")
    assert axis.get_xlabel() == "predicted class"
    axis = lenet.confusion_matrix(torch.tensor([[5, 2], [0, 9]]), "ab")
    written = {text.get_position(): text.get_text() for text in axis.texts}
    assert written == {(0, 0): "5", (1, 0): "2", (1, 1): "9"}  # (column, row)


def test_windows_are_counted_and_named():
    settings = [lenet.Window(7, 3), lenet.Window(8, 3, stride=2, padding=1)]
    axes = lenet.windows(settings).ravel()
    assert [axis.get_title(loc="left") for axis in axes] == [
        "7 pixels, kernel 3:\n5 windows",
        "8 pixels, kernel 3\nstride 2, padding 1:\n4 windows",
    ]
    # Of each window a line and its dots; with a stride, one window that does not fit.
    assert [len(axis.lines) for axis in axes] == [2 * 5, 2 * 5]
    dilated = lenet.Window(9, 3, dilation=2)
    assert dilated.span == 5
    [axis] = lenet.windows([dilated]).ravel()
    assert list(axis.lines[1].get_xdata()) == [0.5, 2.5, 4.5]


def test_channels_are_added_up_with_the_bias():
    image = torch.tensor([[[1.0, 2], [0, 1]], [[0, 1], [3, 0]]])
    kernel = torch.tensor([[[1.0, 0], [0, 1]], [[0, 1], [1, 0]]])
    axis = lenet.channels(image, kernel, 1)
    written = [text.get_text() for text in axis.texts]
    assert {"channel 1", "channel 2", "+ 1", "7"} <= {*written}


def test_pooling_shows_both_ways_back():
    values = torch.tensor([[3.0, 1], [2, 6]])
    axis = lenet.pooling(values, torch.tensor([[4.0]]))
    bold = [text.get_text() for text in axis.texts if text.get_weight() == "bold"]
    assert bold == ["6", "4"]  # the winner, and where the gradient goes
    written = [text.get_text() for text in axis.texts]
    assert written.count("1") == 1 + 4  # a quarter of it to each


def test_a_cone_says_how_far_each_layer_sees():
    axis = lenet.cone({"one": (3, 1), "two": (2, 2), "three": (3, 1)}, side=12)
    written = [text.get_text() for text in axis.texts]
    assert written == (
        "input: 12|one: 10|sees 3|two: 5|sees 4|three: 3|sees 8".split("|")
    )


def test_drawings_name_the_two_nearest_codes():
    codes = networks.digit_codes()
    distances = (codes[3] - codes).square().sum(dim=1)
    example = lenet.Drawn("a 3", torch.zeros(32, 32), codes[3], distances)
    written = [text.get_text() for text in lenet.drawings([example], codes).texts]
    assert written == ["a 3", "the image", "F6 draws", "3: 0.0", "8: 24.0"]


def test_a_reading_that_is_near_stands_out():
    distances = torch.full((3, 10), 50.0)
    distances[1, 4] = 0.5
    _, curve = lenet.slid(torch.zeros(32, 40), distances, step=4, near=3.0)
    assert [text.get_text() for text in curve.texts] == ["0", "4", "0"]
    assert [text.get_weight() for text in curve.texts].count("bold") == 1


def test_each_seed_has_a_line_of_its_own():
    panels = {
        "one": {"a": [[8.0, 2.0], [9.0, 3.0]]},
        "two": {"a": [[90.0, 90.0]], "b": [[4.0, 1.0]]},
    }
    one, two = lenet.seeds_by_pass(panels, ylabel="error", reference=("paper", 0.95))
    assert [list(line.get_ydata()) for line in one.lines[:2]] == panels["one"]["a"]
    assert len(two.lines) == 2 + 1  # and the reference
    [legend] = one.figure.legends
    assert [text.get_text() for text in legend.texts] == ["a", "b", "paper"]
