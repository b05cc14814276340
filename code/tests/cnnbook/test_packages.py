"""Whether this Python can run the book, and what is said where it cannot."""

import sys
from importlib import metadata

import pytest

from cnnbook import packages
from cnnbook._book import ROOT


def test_the_python_of_the_tests_has_what_the_book_needs():
    packages.check()


def test_a_python_that_lacks_packages_is_named_with_its_remedy(monkeypatch):
    def version(name):
        if name in ("pandas", "scikit-image"):
            raise metadata.PackageNotFoundError(name)
        return "1.0"

    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3")
    running = ".".join(map(str, sys.version_info[:2]))
    with pytest.raises(RuntimeError) as raised:
        packages.check()
    assert str(raised.value) == (
        f"this notebook runs on Python {running} at /usr/bin/python3, which lacks "
        f"pandas, scikit-image: in {ROOT}, type `make setup` and `.venv/bin/python -m "
        "ipykernel install --user --name cnn-architectures`, then choose the kernel "
        "cnn-architectures"
    )


def test_a_python_that_is_too_old_is_named(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 18))
    with pytest.raises(RuntimeError, match=r"Python 3\.9 at .*, which is too old"):
        packages.check()


@pytest.mark.parametrize("page", ["README.md", "intro.md"])
def test_the_line_that_makes_a_kernel_stands_where_one_reads_first(page):
    text = " ".join((ROOT / page).read_text(encoding="utf-8").split())
    assert packages.MAKE_KERNEL in text


def test_the_line_that_makes_a_kernel_is_one_that_the_lock_serves():
    module = packages.MAKE_KERNEL.split()[2]
    assert module == "ipykernel"
    assert f"\n{module}==" in (ROOT / "requirements.txt").read_text(encoding="utf-8")
