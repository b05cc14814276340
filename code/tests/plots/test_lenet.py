import torch

from cnnbook import cost, models
from cnnbook.models import lenet as networks
from cnnbook.plots import lenet


def test_every_layer_has_its_name_and_its_size():
    table = cost.layer_table(models.build("lenet5"), (1, 32, 32))
    [[axis]] = lenet.architecture(table)
    assert len(axis.texts) == 3 * (len(table) + 1)


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
