"""ImageNet's official files: the line that is told sorts them."""

import io
import shlex
import subprocess
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torchvision
from PIL import Image
from scipy.io import savemat

from cnnbook.data import image_folder, imagenet_files

WNIDS = ("n01440764", "n01443537")
LABELS = (1, 0, 1)  # of the validation images
NAMES = [f"ILSVRC2012_val_{i:08}.JPEG" for i in (1, 2, 3)]


def _jpeg() -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (100, 80)).save(content, "JPEG")
    return content.getvalue()


def _archive(path, files):
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        for name, content in files.items():
            about = tarfile.TarInfo(name)
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))


@pytest.fixture
def root(tmp_path):
    """A folder whose training images are sorted, and whose validation is flat."""
    root = tmp_path / "an imagenet"
    for name in WNIDS:
        (root / "train" / name).mkdir(parents=True)
        (root / "train" / name / f"{name}_1.JPEG").write_bytes(_jpeg())
    (root / "val").mkdir()
    for name in NAMES:
        (root / "val" / name).write_bytes(_jpeg())
    return root


def _told(root) -> str:
    """Return the line that the error tells."""
    with pytest.raises(FileNotFoundError) as error:
        image_folder.load(root)
    line = str(error.value).rpartition(": cd ")[2]
    assert line
    return f"cd {line}"


def _type(line):
    subprocess.run(["sh", "-c", line], check=True, timeout=100)


def _check(root):
    loaded = image_folder.load(root)
    assert loaded.classes == WNIDS
    assert sorted(loaded.test.labels.tolist()) == sorted(LABELS)
    for name, label in zip(NAMES, LABELS, strict=True):
        assert (root / "val" / WNIDS[label] / name).exists()


def test_kaggles_copy_is_sorted_by_the_line_that_is_told(root, tmp_path):
    place = tmp_path / "ILSVRC" / "Data" / "CLS-LOC"
    place.parent.mkdir(parents=True)
    root.rename(place)
    (place / "test").mkdir()
    (place / "test" / "ILSVRC2012_test_00000001.JPEG").write_bytes(_jpeg())
    rows = [
        f"{name.partition('.')[0]},{WNIDS[label]} 1 2 30 40 {WNIDS[label]} 5 6 7 8"
        for name, label in zip(NAMES, LABELS, strict=True)
    ]
    labels = tmp_path / "LOC_val_solution.csv"
    labels.write_text("\n".join(["ImageId,PredictionString", *rows, ""]))
    _type(_told(place))
    _check(place)


@pytest.mark.parametrize("given", ["", "ILSVRC"])
def test_the_top_of_kaggles_copy_names_the_folder_in_it(given, tmp_path):
    (tmp_path / "ILSVRC" / "Data" / "CLS-LOC" / "train").mkdir(parents=True)
    says = r"train is missing.*Kaggle's copy of ImageNet: its folder is .*Data/CLS-LOC"
    with pytest.raises(FileNotFoundError, match=says):
        image_folder.load(tmp_path / given)


def test_the_classes_archives_are_unpacked_by_the_line_that_is_told(root):
    _sorted_already(root)
    for name in WNIDS:
        folder = root / "train" / name
        _archive(root / "train" / f"{name}.tar", {f"{name}_1.JPEG": _jpeg()})
        (folder / f"{name}_1.JPEG").unlink()
        folder.rmdir()
    _type(_told(root))
    _check(root)
    assert (root / "train" / f"{WNIDS[0]}.tar").exists()  # nothing is removed


def _sorted_already(root):
    for name, label in zip(NAMES, LABELS, strict=True):
        (root / "val" / WNIDS[label]).mkdir(exist_ok=True)
        (root / "val" / name).rename(root / "val" / WNIDS[label] / name)


def test_what_is_missing_for_the_official_way_is_named(root):
    says = (
        r"any class folder in .*val\. There are images: sort them into a folder for "
        r"each class\. To sort .* put ILSVRC2012_img_val\.tar and "
        r"ILSVRC2012_devkit_t12\.tar\.gz into .*imagenet, and type: cd '"
    )
    with pytest.raises(FileNotFoundError, match=says):
        image_folder.load(root)


@pytest.fixture
def official(root):
    """The same folder with the official archives beside it: tiny ones."""
    _archive(root / "ILSVRC2012_img_val.tar", dict.fromkeys(NAMES, _jpeg()))
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w") as archive:
        for name in WNIDS:
            one = io.BytesIO()
            with tarfile.open(fileobj=one, mode="w") as images:
                about = tarfile.TarInfo(f"{name}_1.JPEG")
                about.size = len(_jpeg())
                images.addfile(about, io.BytesIO(_jpeg()))
            about = tarfile.TarInfo(f"{name}.tar")
            about.size = len(one.getvalue())
            archive.addfile(about, io.BytesIO(one.getvalue()))
    (root / "ILSVRC2012_img_train.tar").write_bytes(inner.getvalue())
    synsets = np.zeros(
        2, [(key, "O") for key in ("id", "wnid", "words", "gloss", "num_children")]
    )
    for i, name in enumerate(WNIDS):
        synsets[i] = (i + 1, name, f"class {i}", "", 0)
    meta = io.BytesIO()
    savemat(meta, {"synsets": synsets})
    place = "ILSVRC2012_devkit_t12/data"
    truth = "".join(f"{label + 1}\n" for label in LABELS).encode()
    _archive(
        root / "ILSVRC2012_devkit_t12.tar.gz",
        {
            f"{place}/meta.mat": meta.getvalue(),
            f"{place}/ILSVRC2012_validation_ground_truth.txt": truth,
        },
    )
    return root


# torchvision unpacks as Python before 3.14 does, and from 3.12 on that is deprecated.
@pytest.mark.filterwarnings("ignore:.*extracted tar archives:DeprecationWarning")
@pytest.mark.parametrize("flat", [True, False])
def test_the_official_archives_are_sorted_by_the_line_that_is_told(
    flat, official, monkeypatch
):
    """The tiny archives are taken for the official ones."""
    monkeypatch.setattr(
        torchvision.datasets.imagenet,
        "check_integrity",
        lambda path, md5=None: Path(path).is_file(),
    )
    if not flat:  # nothing is unpacked yet
        for part in ("train", "val"):
            (official / part).rename(official.parent / part)
    before, _, code = _told(official).partition(" && python -c ")
    _type(before)
    monkeypatch.chdir(official)
    exec(*shlex.split(code))
    _check(official)


def test_a_folder_that_is_sorted_needs_nothing(root):
    _sorted_already(root)
    assert imagenet_files.remedy(root) == ""
    _check(root)
