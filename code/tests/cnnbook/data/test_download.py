"""Data sets that are missing or damaged: fetched once, and told about clearly."""

import tarfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import IncompleteRead
from pathlib import Path
from urllib.error import URLError

import pytest
import torchvision.datasets as tv

from cnnbook import data
from cnnbook.data import download

LABELS = "t10k-labels-idx1-ubyte"


def test_a_data_set_lies_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("CNNBOOK_DATA", str(tmp_path))
    assert data.cache() == tmp_path
    monkeypatch.setenv("CNNBOOK_DATA", "")
    assert data.cache().parts[-2:] == ("data", "cache")


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "cifar10", "imagenette"])
def test_absent_and_offline_is_one_error_that_says_what_to_do(name, cache):
    with pytest.raises(FileNotFoundError) as error:
        data.load(name)
    for part in (str(cache), repr(name), "CNNBOOK_DATA", "data.load('digits')"):
        assert part in str(error.value)


@pytest.mark.parametrize("name", ["mnist", "cifar10", "imagenette-160"])
def test_a_file_in_place_of_the_folder_is_one_clear_error(name, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("kept")
    monkeypatch.setenv("CNNBOOK_DATA", str(tmp_path / "file"))
    with pytest.raises(FileNotFoundError, match=r"no intact .*no network: data\.load"):
        data.load(name)
    assert (tmp_path / "file").read_text() == "kept"


def test_archives_that_are_there_are_unpacked_without_a_network(packed):
    assert not (packed / LABELS).exists()
    assert data.load("fashion-mnist").test.labels.tolist() == [0, 1, 2, 3]
    assert (packed / LABELS).exists()


@pytest.mark.parametrize("damage", [b"", b"\x1f\x8b truncated"])
def test_a_damaged_archive_is_not_used(packed, damage):
    (packed / f"{LABELS}.gz").write_bytes(damage)
    with pytest.raises(FileNotFoundError, match=r"no intact .* not be downloaded"):
        data.load("fashion-mnist")


def test_a_damaged_archive_is_fetched_again(packed, monkeypatch):
    archive = packed / f"{LABELS}.gz"
    good = archive.read_bytes()
    archive.write_bytes(good[:-1])
    monkeypatch.setattr(
        "torchvision.datasets.utils._get_redirect_url", lambda url, **_: url
    )
    monkeypatch.setattr(
        "torchvision.datasets.utils._urlretrieve",
        lambda url, place: Path(place).write_bytes(good),
    )
    assert len(data.load("fashion-mnist").test) == 4


@pytest.mark.parametrize("name", [LABELS, "train-images-idx3-ubyte"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:6],
        lambda content: content[:-1],
        lambda content: b"<html>404</html>",
        lambda content: b"\0\0\x0a" + content[3:],  # of a type that there is not
        lambda content: b"\0\0\x0d" + content[3:],  # of another type
    ],
    ids=["empty", "header cut", "cut short", "a page", "no type", "other type"],
)
def test_a_damaged_file_is_named_and_left_there(unpacked, name, damage):
    file = unpacked / name
    bad = damage(file.read_bytes())
    file.write_bytes(bad)
    with pytest.raises(ValueError, match=r"damaged or not complete .*: remove it") as e:
        data.load("fashion-mnist")
    assert str(unpacked) in str(e.value)
    assert file.read_bytes() == bad


def test_a_cifar_that_cannot_be_had_is_one_clear_error(monkeypatch, tmp_path):
    class Unreachable:
        filename = "cifar-10-python.tar.gz"

        def __init__(self, root, download=False):
            raise URLError("no network") if download else RuntimeError("not found")

    monkeypatch.setenv("CNNBOOK_DATA", str(tmp_path))
    monkeypatch.setattr(tv, "CIFAR10", Unreachable)
    with pytest.raises(FileNotFoundError, match=r"cifar-10.*no network: data\.load"):
        data.load("cifar10")


@pytest.mark.parametrize(
    ("failure", "says"),
    [
        (URLError(OSError(110, "Connection timed out")), "Connection timed out"),
        (URLError("Tunnel connection failed: 407"), "Tunnel connection failed: 407"),
        (IncompleteRead(b"half"), "IncompleteRead"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (tarfile.ReadError("unexpected end of data"), "unexpected end of data"),
        (EOFError("Compressed file ended"), "Compressed file ended"),
        (
            RuntimeError("Error downloading it:\nTried a\nTried b"),
            "it: Tried a Tried b",
        ),
    ],
)
def test_whatever_fails_in_a_download_is_one_sentence(failure, says, cache):
    def fail():
        raise failure

    with pytest.raises(FileNotFoundError, match="could not be downloaded") as error:
        download.fetch(fail, "a set", "set.tar")
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_a_cache_that_cannot_be_written_to_is_one_sentence(cache, monkeypatch):
    def refuse(path, **_):
        raise OSError(30, "Read-only file system", str(path))

    monkeypatch.setattr(download, "FileLock", refuse)
    with pytest.raises(FileNotFoundError, match=r"downloaded .*Read-only file system"):
        data.load("mnist")


def test_a_data_set_in_a_cache_that_cannot_be_written_to_is_read(unpacked, monkeypatch):
    monkeypatch.setattr(download, "FileLock", None)
    assert len(data.load("fashion-mnist").test) == 4


def test_every_user_of_a_shared_cache_may_wait_for_another(cache):
    assert download.fetch(lambda: "done", "a set", "set") == "done"
    assert (cache / ".a set.lock").stat().st_mode & 0o666 == 0o666


def test_of_several_that_miss_a_data_set_one_downloads_and_the_others_wait(cache):
    """Each asks by itself whether it is there by now, as torchvision's sets do."""
    place, busy = cache / "set", threading.Lock()
    downloads, overlaps, returned = [], [], []

    def fetch():
        if place.exists():
            return
        overlaps.append(not busy.acquire(blocking=False))
        downloads.append("begun")
        time.sleep(0.2)
        place.write_text("complete")
        busy.release()

    def process(_):
        download.fetch(fetch, "a set", "set")
        returned.append(place.read_text())

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(process, range(4)))
    assert downloads == ["begun"]
    assert overlaps == [False]
    assert returned == ["complete"] * 4
