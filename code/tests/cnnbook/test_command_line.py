"""The command line, as a person and as a program use it."""

import io
import json
import re

import pandas as pd
import pytest

from cnnbook import cost, models
from cnnbook.training.task import Task

from .command import message, run, train


def test_models_lists_every_architecture_in_order():
    result = run("models", "--csv")
    assert result.exit_code == 0
    table = pd.read_csv(io.StringIO(result.stdout))
    assert table.name.tolist() == models.names()
    assert table.year.is_monotonic_increasing
    assert not table.source.isna().any()


def test_cost_prints_a_table_with_its_sums():
    lines = run("cost", "lenet5").stdout.splitlines()
    assert lines[0].split() == [
        "layer", "kind", "output", "parameters", "macs", "activations"
    ]  # fmt: skip
    assert lines[1].split() == ["c1", "Conv2d", "6×28×28", "156", "117,600", "4,704"]
    assert lines[-1].split() == ["total", "60,000", "326,520", "8,094"]
    assert len({line.rstrip()[-1:] for line in lines}) > 1
    assert max(map(len, lines)) <= 100


def test_cost_in_other_forms_holds_the_whole_table():
    expected = cost.layer_table(models.build("lenet5-modern"), (1, 32, 32))
    table = pd.read_csv(io.StringIO(run("cost", "lenet5-modern", "--csv").stdout))
    assert table.columns.tolist() == expected.columns.tolist()
    assert table.macs.tolist() == expected.macs.tolist()
    rows = json.loads(run("cost", "lenet5-modern", "--json").stdout)
    assert [row["parameters"] for row in rows] == expected.parameters.tolist()
    assert rows[0]["input_shape"] == [1, 32, 32]


def test_input_classes_and_batch_reach_the_count():
    result = run(
        "cost", "resnet18", "--input", "1,64,64", "--classes", "7", "--batch-size", "3",
        "--csv",
    )  # fmt: skip
    table = pd.read_csv(io.StringIO(result.stdout))
    assert table.input_shape[0] == "(1, 64, 64)"
    assert table.parameters.iloc[-1] == 512 * 7 + 7
    assert table.macs[0] == 3 * 64 * 32 * 32 * 49


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["cost", "resnet51"], "did you mean 'resnet50'"),
        (["cost", "vgg16", "--input", "3,16,16"], "at least 32x32 pixels"),
        (["cost", "alexnet", "--input", "3,224,224"], "227"),
        (["cost", "vgg16", "--input", "3,224"], "such as 3,224,224, not '3,224'"),
        *(
            (["cost", "vgg16", "--input", size], f"such as 3,224,224, not '{size}'")
            for size in ("3,0,224", "3,-1,224", "a,b,c", "", "3.0,9,9", "²,9,9")
        ),
        (["cost", "vgg16", "--input", f"3,{10**20},9"], "cannot run for input_size"),
        (["cost", "vgg16", "--batch-size", "0"], "batch_size"),
        (["cost", "vgg16", "--classes", "0"], "num_classes"),
        (["cost", "lenet5", "--csv", "--json"], "exclude each other"),
        (["cost", "lenet5", "--input", "3,28,28"], "32, 32"),
    ],
)
def test_bad_input_is_one_message_and_status_2(words, message):
    result = run(*words)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert len(result.stderr) < 2500  # no list of C++ functions
    assert "Traceback" not in result.output


def test_a_dry_run_counts_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = train("--dry-run")
    assert result.exit_code == 0
    assert not list(tmp_path.iterdir())
    shown = dict(re.findall(r"^(.+?)\s{2,}(.+)$", result.output, re.M))
    assert shown["parameters"] == "61,706"
    assert shown["steps"] == "450"  # 10 epochs of 45
    assert shown["training macs"] == f"{3 * 416_520 * 1437 * 10:,}"


@pytest.mark.parametrize(
    ("model", "dataset", "steps"),
    [
        ("lenet5-modern", "mnist", 2 * 235),
        ("resnet20-cifar", "cifar10", 15 * 391),
        ("alexnet", "imagenet", 30 * 20_019),
    ],
)
def test_a_dry_run_of_an_absent_data_set_downloads_nothing(
    model, dataset, steps, tmp_path, monkeypatch
):
    monkeypatch.setenv("CNNBOOK_DATA", str(tmp_path / "cache"))
    result = run("train", "--model", model, "--data", dataset, "--dry-run")
    assert result.exit_code == 0, result.output
    shown = dict(re.findall(r"^(.+?)\s{2,}(.+)$", result.output, re.M))
    assert shown["steps"] == f"{steps:,}"
    assert not (tmp_path / "cache").exists()


def test_a_dry_run_of_a_data_set_is_that_of_its_images():
    """The description that a run of the digits records, word for word."""
    outlined, loaded = (
        Task.find("lenet5", "digits", validation=37, outlined=outlined)
        for outlined in (True, False)
    )
    assert outlined.about() == loaded.about()
    assert outlined.budget() == loaded.budget()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--data", "imagenette"], "give the folder that holds its train/ and val/"),
        (["--recipe", "papers"], "unknown recipe 'lenet5-modern on digits, papers'"),
        (["--data", "nowhere"], "'nowhere' is neither a folder nor a data set"),
        (["--data", "imagenet"], "Its train/ and val/ belong into"),
        (["--model", "lenet6"], "did you mean 'lenet5'"),
        (
            ["--batch-size", "2", "--gradient-accumulation", "3"],
            "2 images a batch cannot be",
        ),
        (["--validation", "2000"], "validation must be from 0 to 1436"),
        (["--validation", "-1"], "--validation"),
        (["--epochs", "0"], "--epochs"),
        (["--batch-size", "0"], "--batch-size"),
        (["--gradient-accumulation", "0"], "--gradient-accumulation"),
        (["--seed", "-1"], "--seed"),
        (["--seed", str(2**32)], "--seed"),
        (["--learning-rate", "nan"], "--learning-rate"),
        (["--warmup", "1.5"], "--warmup"),
    ],
)
def test_bad_training_is_one_clear_error_before_it_begins(arguments, says, tmp_path):
    result = train("--folder", tmp_path / "run", *arguments)
    assert result.exit_code == 2
    assert says in message(result)
    assert "Traceback" not in result.output
    assert not (tmp_path / "run" / "run.json").exists()
