"""The data set that the tests of training share."""

import pytest

from cnnbook import data


@pytest.fixture(scope="session")
def digits() -> data.Dataset:
    """The book's digits, 32x32 pixels."""
    return data.load("digits")
