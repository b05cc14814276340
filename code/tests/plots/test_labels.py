import matplotlib.pyplot as plt
import numpy as np

from cnnbook._forms import NARROW
from cnnbook.plots import labels


def test_labels_cover_neither_labels_nor_points():
    figure, axis = plt.subplots()
    axis.set(xlim=(0, 10), ylim=(0, 10))
    xs, ys = np.array([5.0, 5.4, 5.0, 9.9]), np.array([5.0, 5.0, 5.3, 9.9])
    names = ["first", "second", "third", "corner"]
    labels.label_points(axis, xs, ys, names)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in axis.texts]
    assert len(boxes) == 4
    points = axis.transData.transform(np.column_stack([xs, ys]))
    frame = axis.get_window_extent()
    for number, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:number])
        assert not box.count_contains(points)
        assert frame.containsx(box.x1)
        assert frame.containsy(box.y1)


def test_every_point_gets_a_label_even_where_there_is_no_room():
    _, axis = plt.subplots(figsize=(1, 1))
    middle = [0.5] * 16
    labels.label_points(axis, middle, middle, ["a long label"] * 16)
    assert len(axis.texts) == 16


def test_labels_above_take_the_rows_that_they_need():
    for words, rows in ((["one", "two"], 1), (["a" * 30, "b" * 30], 2)):
        figure, axis = plt.subplots(figsize=(NARROW, 2), layout="constrained")
        for word in words:
            axis.plot([0, 1], label=word)
        labels.label_above(axis)
        figure.draw_without_rendering()
        [legend] = figure.legends
        heights = {text.get_window_extent().y0 for text in legend.get_texts()}
        assert len(heights) == rows
        assert legend.get_window_extent().width <= figure.bbox.width
