"""The command lines of long runs start, and say what they can do."""

import json

import pytest
from typer.testing import CliRunner

from tools.experiments import benchmark, record


@pytest.mark.parametrize(
    ("app", "commands"),
    [
        (
            record.app,
            ["permuted-mnist", "cifar10", "lenet5-1998", "lenet5-rivals", "collect"],
        ),
        (benchmark.app, ["train", "loop", "cost"]),
    ],
)
def test_each_command_says_what_it_does(app, commands):
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    for command in commands:
        assert command in result.stdout
        assert CliRunner().invoke(app, [command, "--help"]).exit_code == 0


def test_a_record_names_the_line_that_repeats_it(monkeypatch):
    monkeypatch.setattr(record.sys, "argv", ["record.py", "cifar10", "--data", "a b"])
    expected = "python -m tools.experiments.record cifar10 --data 'a b'"
    assert record._command() == expected


def _finished(folder, network, seed, **changes):
    """Write what a run of two epochs leaves; return its folder."""
    folder.mkdir()
    about = {"model": network, "dataset": "d", "epochs": 2, "seed": seed} | changes
    origin = {"command": f"train {network}", "commit": "abc", "seeds": [seed]}
    (folder / "run.json").write_text(json.dumps({"about": about, "origin": origin}))
    rows = [{"train_error": 50.0, "seconds": 1.25}, {"train_error": 25.0, "seconds": 2}]
    lines = [json.dumps(row) for row in [*rows, {"test_error": 30.0}]]
    (folder / "log.jsonl").write_text("\n".join(lines))
    return folder


def test_finished_runs_become_one_record(tmp_path):
    folders = [
        _finished(tmp_path / "a", "plain", 0),
        _finished(tmp_path / "b", "plain", 1),
        _finished(tmp_path / "c", "residual", 0),
    ]
    found = record._collected(folders, "D")
    assert found["command"] == "train plain"
    assert (found["dataset"], found["recipe"]) == ("D", {"epochs": 2})
    assert found["seeds"] == [0, 1]
    own = {"seed": 0, "seconds": 3.2, "train_error": [50.0, 25.0], "test_error": 30.0}
    assert found["results"]["plain"] == [own, own | {"seed": 1}]
    other = {"command": "train residual", "commit": "abc"}
    assert found["results"]["residual"] == [own | {"origin": other}]


def test_runs_of_different_recipes_are_not_one_record(tmp_path):
    folders = [
        _finished(tmp_path / "a", "plain", 0),
        _finished(tmp_path / "b", "plain", 1, epochs=3),
    ]
    with pytest.raises(ValueError, match="another data set or recipe"):
        record._collected(folders, "D")


def test_a_run_that_goes_on_is_not_recorded(tmp_path):
    folder = _finished(tmp_path / "a", "plain", 0)
    log = folder / "log.jsonl"
    log.write_text(log.read_text().rpartition("\n")[0])
    with pytest.raises(ValueError, match="has not finished"):
        record._collected([folder], "D")
