"""The tables of published figures: their form, and whether they agree."""

import csv
import re

import pytest

from cnnbook import _book, papers

DATA = _book.ROOT / "data"
KEY = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+")
ARXIV = re.compile(r".+ (20\d\d), arXiv:(\d\d)(\d\d)\.\d{4,5}")
# Works that are not on arXiv, and the challenge's results pages.
ELSEWHERE = {
    "LeCun et al. 1998",
    "Krizhevsky et al. 2012",
    "Shankar et al. 2020",
    "tensorflow/tpu",
    "CS231n 2017",
    "CS231n 2018",
    "CS231n notes",
    "NVIDIA H100 data sheet",
    "PyTorch blog 2021",
    "image-net.org",
}
STATUS = {
    "quoted",
    "quoted, confirmed",
    "quoted and recomputed",
    "quoted, contradicted",
    "derived",
}
# The rows of data/ilsvrc.csv that data/papers.csv holds as well, most of them rounded.
IN_BOTH = {
    ("NEC-UIUC", 2010, None): "ilsvrc2010.winner.top5_test",
    ("SuperVision", 2012, False): "alexnet.imagenet.top5_test_5nets",
    ("SuperVision", 2012, True): "alexnet.imagenet.top5_test_7nets_outside_data",
    ("ISI", 2012, None): "ilsvrc2012.runner_up.top5_test",
    ("Clarifai", 2013, False): "clarifai.imagenet.top5_test",
    ("Clarifai", 2013, True): "clarifai.imagenet.top5_test_outside_data",
    ("Zeiler and Fergus", 2013, False): "zfnet.imagenet.top5_test_6nets",
    ("GoogLeNet", 2014, False): "googlenet.imagenet.top5_test_7nets_server",
    ("VGG", 2014, False): "vgg.imagenet.top5_test_7nets_server",
    ("annotator A1", 2014, None): "human.a1.top5_test",
    ("annotator A2", 2014, None): "human.a2.top5_test",
    ("MSRA", 2015, False): "resnet.imagenet.top5_test_6nets",
    ("He et al.", 2015, False): "prelu.imagenet.top5_test_ensemble",
    ("WMW", 2017, False): "senet.imagenet.top5_test",
}


def _rows(name):
    with open(DATA / name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, strict=True))


FIGURES = _rows("papers.csv")
RESULTS = _rows("ilsvrc.csv")


def test_a_figure_carries_its_source():
    error = papers.quote("lenet5.mnist.test_error")
    assert error.value == 0.95
    assert str(error) == "0.95 % (LeCun et al. 1998, section III-B)"
    images = papers.quote("ilsvrc2012.train_images")
    assert str(images).startswith("1,281,167 images (Russakovsky")


def test_an_unknown_figure_is_told_the_closest():
    with pytest.raises(ValueError, match=r"did you mean 'lenet5\.parameters'"):
        papers.quote("lenet5.parameter")


def test_every_figure_is_complete():
    for row in FIGURES:
        assert None not in row, row  # no field too many
        assert all(row.values()), row  # none missing or empty
        assert row == {name: field.strip() for name, field in row.items()}
        assert papers.value(row["key"]) == float(row["value"])


def test_keys_are_unique_and_of_one_form():
    keys = [row["key"] for row in FIGURES]
    assert len(set(keys)) == len(keys)
    assert [key for key in keys if not KEY.fullmatch(key)] == []


def test_sources_and_statuses_are_of_one_form():
    for row in FIGURES + RESULTS:
        assert row["status"] in STATUS, row
        if row["source"] not in ELSEWHERE:
            source = ARXIV.fullmatch(row["source"])
            assert source, row
            year, since, month = map(int, source.groups())
            assert 1 <= month <= 12, row
            # The year is the preprint's, or the next, in which a journal printed it.
            assert year - since in (2000, 2001), row


def test_error_figures_name_their_split():
    words = {"test": "test", "val": "validation"}
    errors = [row for row in FIGURES if re.search(r"[._]top[15]_", row["key"])]
    differences = re.compile(r"_(gain|loss|excess)$")
    errors = [row for row in errors if not differences.search(row["key"])]
    assert len(errors) > 100
    for row in errors:
        split = re.search(r"[._]top[15]_(test|val)(_|$)", row["key"])[1]
        assert words[split] in row["place"], row
        assert row["unit"] == "%", row
        assert 0 < float(row["value"]) < 100, row


def test_the_challenge_is_a_table_of_numbers():
    table = papers.ilsvrc()
    assert len(table) == len(RESULTS)
    assert table["error"].between(0, 100, inclusive="neither").all()
    assert set(table["split"]) <= {"test", "validation"}
    assert set(table["kind"]) == {"shallow", "convolutional", "human"}
    assert table["depth"].dropna().tolist() == [8, 8, 22, 19, 152, 154]
    assert table["networks"].dropna().tolist() == [5, 7, 6, 7, 7, 6]
    assert table["outside_data"].sum() == 2
    assert table.loc[table["kind"] == "human", "outside_data"].isna().all()
    table["error"] = 0.0  # a reader's changes stay the reader's
    assert papers.ilsvrc()["error"].gt(0).all()


def test_every_year_has_one_winner_trained_on_the_challenge_alone():
    table = papers.ilsvrc()
    assert table["year"].is_monotonic_increasing
    winners = table[(table["place_in_year"] == 1).fillna(False).astype(bool)]
    assert winners["year"].tolist() == list(range(2010, 2018))
    assert winners["entry"].all()
    assert not winners["outside_data"].fillna(False).any()
    assert winners["error"].is_monotonic_decreasing
    for year, placed in table.dropna(subset="place_in_year").groupby("year"):
        assert placed["place_in_year"].tolist() == [1, 2][: len(placed)], year
        assert placed["error"].is_monotonic_increasing, year


def test_results_outside_the_challenge_have_no_place():
    table = papers.ilsvrc()
    assert table.loc[~table["entry"], "place_in_year"].isna().all()
    assert table.loc[table["kind"] == "human", "entry"].eq(False).all()
    assert table.loc[~table["entry"], "source"].str.contains("arXiv").all()
    assert table.loc[table["entry"], "source"].eq("image-net.org").all()


def test_the_two_tables_agree():
    outside_data = {"yes": True, "no": False}
    found = {
        (row["team"], int(row["year"]), outside_data.get(row["outside_data"])): row
        for row in RESULTS
    }
    printed = {row["key"]: row for row in FIGURES}
    for result, key in IN_BOTH.items():
        row, figure = found[result], printed[key]
        half_a_unit = 0.5 * 10 ** -len(figure["value"].partition(".")[2])
        difference = abs(float(row["error"]) - float(figure["value"]))
        assert difference <= half_a_unit + 1e-9, key
        if networks := re.search(r"(\d+) networks", figure["place"]):
            assert networks[1] == row["networks"], key
        if row["outside_data"] == "yes":
            assert ", outside data" in figure["place"], key


@pytest.mark.parametrize(
    ("sound", "broken", "says"),
    [
        ("depth", "deep", "Usecols"),
        ("28.191", "", "float"),
        ("28.191", "about 28", "float"),
        (",test,5,", ",test,5.5,", "int64"),
        ("shallow,yes", "shallow,perhaps", "bool"),
        ("year,", "<<<<<<< ours\nyear,", "header"),
    ],
)
def test_a_broken_table_is_one_error(sound, broken, says, tmp_path, monkeypatch):
    text = (DATA / "ilsvrc.csv").read_text(encoding="utf-8")
    assert sound in text
    monkeypatch.setattr(_book, "ROOT", tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "ilsvrc.csv").write_text(text.replace(sound, broken, 1))
    with pytest.raises(ValueError, match=says) as caught:
        papers.ilsvrc()
    assert "git checkout data/ilsvrc.csv" in str(caught.value)


def test_a_missing_table_is_one_error(tmp_path, monkeypatch):
    monkeypatch.setattr(_book, "ROOT", tmp_path)
    with pytest.raises(ValueError, match=r"git checkout data/ilsvrc\.csv"):
        papers.ilsvrc()


@pytest.mark.parametrize("row", ["a.b,1", "a.b,1,,x,y,z,quoted"])
def test_a_figure_that_lacks_a_field_is_an_error(row, tmp_path, monkeypatch):
    head = (DATA / "papers.csv").read_text(encoding="utf-8").splitlines()[:2]
    monkeypatch.setattr(_book, "ROOT", tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "papers.csv").write_text("\n".join([*head, row]))
    with pytest.raises(ValueError, match=r"line 3 lacks a field.*git checkout"):
        papers._figures.__wrapped__()


def test_of_many_figures_a_few_are_named():
    with pytest.raises(ValueError, match=r"Known are .*, \d+ more\.$") as error:
        papers.quote("nothing like it")
    assert len(str(error.value)) < 2500
