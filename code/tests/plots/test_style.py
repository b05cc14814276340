"""How lines look: a network as everywhere, what extends its name by other dashes."""

from cnnbook.plots import style
from cnnbook.plots.style import BLUE, GREEN, PURPLE, RED, Look


def test_networks_look_as_everywhere_and_others_take_what_is_left():
    found = style.looks(["plain-8", "new", "lenet5"])
    assert found["plain-8"] == style.LOOKS["plain-8"] == Look(BLUE, "--")
    assert found["lenet5"] == Look(GREEN)
    assert found["new"] == Look(RED)


def test_labels_that_extend_a_name_have_its_colour_and_other_dashes():
    heads = ["flatten", "average, same budget", "average, same trunk"]
    assert [*style.looks(heads).values()] == [
        Look(PURPLE),
        Look(GREEN),
        Look(GREEN, "--"),
    ]
    draws = ["ReLU, usual draw", "tanh, usual draw", "ReLU, wide draw"]
    assert [*style.looks(draws).values()] == [Look(BLUE), Look(RED), Look(BLUE, "--")]


def test_more_labels_than_dashes_still_look_somehow():
    labels = [f"average, {number}" for number in range(9)]
    assert {look.colour for look in style.looks(labels).values()} == {GREEN}
