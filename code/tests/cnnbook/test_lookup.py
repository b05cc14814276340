"""A name that is unknown is told with the closest, and with what there is."""

import pytest

from cnnbook._lookup import MOST_LISTED, lookup

TABLE = {"lenet5": 1, "resnet50": 2, "resnet18": 3}


def test_a_known_name_is_found():
    assert lookup("resnet50", TABLE, "network") == 2


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("resnet51", "unknown network 'resnet51': did you mean 'resnet5"),
        ("LeNet5", "did you mean 'lenet5'"),
        ("xyz", r"'xyz': Known are lenet5, resnet18, resnet50\.$"),
        (50, "unknown network 50"),
    ],
)
def test_an_unknown_name_is_told_the_closest(name, says):
    with pytest.raises(ValueError, match=says):
        lookup(name, TABLE, "network")


def test_of_very_many_names_some_are_listed_and_the_others_counted():
    table = dict.fromkeys((f"name{k:04}" for k in range(MOST_LISTED + 20)), 0)
    with pytest.raises(ValueError, match=rf"name0039, {MOST_LISTED // 2 + 20} more\.$"):
        lookup("xyz", table, "thing")
