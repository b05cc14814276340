"""The command lines of long runs start, and say what they can do."""

import pytest
from typer.testing import CliRunner

from tools.experiments import benchmark, record


@pytest.mark.parametrize(
    ("app", "commands"),
    [
        (record.app, ["lenet5-mnist", "cifar10", "lenet5-1998", "lenet5-rivals"]),
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
