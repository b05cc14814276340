"""Training runs: interrupted, shared out, refused, and what they leave on the disk."""

import doctest
import errno
import json
import os
import re
import resource
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import Mock

import float64_run
import pytest
import torch
import typer
from accelerate import Accelerator
from filelock import FileLock
from safetensors.torch import load_file
from torch import nn
from typer.testing import CliRunner

from cnnbook import (
    budget,
    checkpoints,
    data,
    launch,
    models,
    recipes,
    runs,
    training,
)
from cnnbook.__main__ import app

TRAIN = ["train", "--model", "lenet5-modern", "--data", "digits"]
COMMAND = [sys.executable, "-m", "cnnbook", *TRAIN]
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}


def _cli(*arguments, **options):
    return CliRunner().invoke(app, [*TRAIN, *map(str, arguments)], **options)


def _message(result):
    """Return what was printed, without the frame and its line breaks."""
    return re.sub(r"[\s│╭╮╰╯─]+", " ", result.output)


def _weights(folder):
    return load_file(Path(folder) / "model.safetensors")


def _largest_difference(one, other):
    assert one.keys() == other.keys()
    return max((one[key] - other[key]).abs().max().item() for key in one)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return the folder of a run of four epochs that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert _cli("--epochs", 4, "--folder", folder).exit_code == 0
    return folder


def test_a_run_leaves_its_record_log_checkpoint_and_weights(whole):
    names = {path.name for path in whole.iterdir()} - {".lock"}
    assert names == {"run.json", "log.jsonl", "epoch-0004", "model.safetensors"}
    record = json.loads((whole / "run.json").read_text())
    assert record["about"]["model"] == "lenet5-modern"
    assert record["about"]["epochs"] == 4
    assert record["origin"].keys() >= {"command", "commit", "device", "versions"}
    *epochs, test = map(json.loads, (whole / "log.jsonl").read_text().splitlines())
    assert [row["epoch"] for row in epochs] == [1, 2, 3, 4]
    network = models.build("lenet5-modern")
    network.load_state_dict(_weights(whole))
    digits = data.load("digits").test
    assert training.evaluate(network, digits).error == test["test_error"]


def test_a_killed_process_goes_on_to_the_same_weights(whole, tmp_path):
    """Kill it during its second epoch, and again a moment after it has resumed."""
    command = [*COMMAND, "--epochs", "4", "--folder", str(tmp_path), "--resume"]
    for checkpoint in ("epoch-0001", "epoch-000[23]"):
        process = subprocess.Popen(
            command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        deadline = time.monotonic() + 120
        while not list(tmp_path.glob(checkpoint)):
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert not (tmp_path / "model.safetensors").exists()
    assert _cli("--epochs", 4, "--folder", tmp_path, "--resume").exit_code == 0
    assert _largest_difference(_weights(whole), _weights(tmp_path)) == 0


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize("moment", ["save_state", "rename", "_write_log", "rmtree"])
def test_a_run_killed_while_it_saves_goes_on(moment, whole, tmp_path, monkeypatch):
    def killed(*arguments, **options):
        raise Killed

    place = {
        "save_state": "accelerate.Accelerator.save_state",
        "rename": "pathlib.Path.rename",
        "_write_log": "cnnbook.checkpoints.Run._write_log",
        "rmtree": "shutil.rmtree",
    }[moment]
    with monkeypatch.context() as patch:
        patch.setattr(place, killed)
        with pytest.raises(Killed):
            _cli("--epochs", 4, "--folder", tmp_path / "run", catch_exceptions=False)
    result = _cli("--epochs", 4, "--folder", tmp_path / "run", "--resume")
    assert result.exit_code == 0, result.output
    assert _largest_difference(_weights(whole), _weights(tmp_path / "run")) == 0
    assert not list((tmp_path / "run").glob("*.partial"))
    assert len(list((tmp_path / "run").glob("epoch-*"))) == 1


def test_random_numbers_inside_a_network_go_on_where_they_were(tmp_path):
    """Dropout draws from PyTorch's own numbers, which a checkpoint holds."""
    digits = data.load("digits").train[:320]

    def fit(epochs, place):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(1024, 10))
        with checkpoints.Run(place, {}, {}, resume=True) as run:
            training.fit(
                network, digits, epochs=epochs, warmup=0, rate_steps=((0, 1),), run=run
            )
        return network.state_dict()

    at_once = fit(3, tmp_path / "whole")
    fit(2, tmp_path / "parts")
    torch.manual_seed(1)
    assert _largest_difference(at_once, fit(3, tmp_path / "parts")) == 0


def test_two_processes_do_what_one_does(tmp_path):
    """In float64, where only what is done differs, not how it is rounded."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2"]
    subprocess.run(
        [*torchrun, float64_run.__file__, str(tmp_path / "two")],
        env=ENVIRONMENT,
        check=True,
        timeout=300,
    )
    float64_run.train(tmp_path / "one")
    one, two = (load_file(tmp_path / name) for name in ("one", "two"))
    log, other_log = one.pop("log"), two.pop("log")
    torch.testing.assert_close(log, other_log, rtol=1e-6, atol=0)  # sums in float32
    assert _largest_difference(one, two) < 1e-9
    torch.manual_seed(0)
    untrained = models.build("lenet5-modern").double().state_dict()
    assert _largest_difference(one, untrained) > 1e-3


def test_two_processes_speak_as_one_and_share_one_log(tmp_path):
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2"]
    short = ["--epochs", "1", "--batch-size", "500"]
    done = subprocess.run(
        [*torchrun, "-m", "cnnbook", *TRAIN, *short, "--folder", str(tmp_path)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("test error") == 1
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["origin"]["processes"] == 2
    rows = map(json.loads, (tmp_path / "log.jsonl").read_text().splitlines())
    assert [row.get("epoch") for row in rows] == [1, None]


def test_a_batch_in_parts_gives_the_same_step():
    """In float64, as for two processes; a criterion is asked once for each part."""
    digits = float64_run.digits().train
    weights, asked = [], []
    for accumulation in (1, 3):
        torch.manual_seed(0)
        network = models.build("lenet5-modern").double()
        sizes = []

        def criterion(scores, labels, sizes=sizes):
            sizes.append(len(labels))
            return nn.functional.cross_entropy(scores, labels)

        training.fit(
            network,
            digits[:75],
            epochs=1,
            batch_size=50,
            accumulation=accumulation,
            criterion=criterion,
        )
        weights.append(network.state_dict())
        asked.append(sizes)
    assert asked == [[50, 25], [17, 17, 16, 9, 8, 8]]
    assert _largest_difference(*weights) < 1e-9


def test_one_precision_after_another_in_one_process():
    """The layers compute in the precision asked for, whatever came before."""
    digits, seen = data.load("digits").train[:64], []
    own = Accelerator()  # a reader's: it stays what it was
    for precision in ("bf16", "no", None, "bf16"):
        network = models.build("lenet5-modern")
        network.f6.register_forward_hook(lambda *call: seen.append(call[-1].dtype))
        training.fit(network, digits, epochs=1, precision=precision)
    half, whole = torch.bfloat16, torch.float32
    assert seen == [half, whole, whole, half]
    assert own.mixed_precision == "no"


def test_half_precision_leaves_weights_in_32_bits(tmp_path):
    options = ("--epochs", 2, "--precision", "bf16", "--folder", tmp_path)
    assert _cli(*options).exit_code == 0
    assert all(weight.dtype == torch.float32 for weight in _weights(tmp_path).values())


def test_training_that_is_interrupted_gives_the_network_back_its_precision():
    def interrupted(scores, labels):
        raise KeyboardInterrupt

    digits = data.load("digits").train[:64]
    network = models.build("lenet5-modern")
    with pytest.raises(KeyboardInterrupt):
        training.fit(network, digits, epochs=1, precision="bf16", criterion=interrupted)
    network.f6.register_forward_hook(lambda *call: seen.append(call[-1].dtype))
    seen = []
    network(digits.images)
    assert seen == [torch.float32]


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU computes in fp16")
def test_fp16_is_refused_where_it_would_change_nothing():
    with pytest.raises(ValueError, match="fp16 needs a GPU: take bf16 or no"):
        training.fit(
            models.build("lenet5-modern"),
            data.load("digits").train[:64],
            epochs=1,
            precision="fp16",
        )


def test_after_half_precision_a_network_computes_in_32_bits_again():
    digits = data.load("digits")
    network = models.build("lenet5-modern")
    training.fit(network, digits.train[:64], epochs=1, precision="bf16")
    same = models.build("lenet5-modern")
    same.load_state_dict(network.state_dict())
    one, other = (training.predict(n, digits.test.images) for n in (network, same))
    torch.testing.assert_close(one, other)  # 16 bits would differ by some 1e-3


def test_a_dry_run_counts_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = _cli("--dry-run")
    assert result.exit_code == 0
    assert not list(tmp_path.iterdir())
    shown = dict(re.findall(r"^(.+?)\s{2,}(.+)$", result.output, re.M))
    assert shown["parameters"] == "61,706"
    assert shown["steps"] == "450"  # 10 epochs of 45
    assert shown["training macs"] == f"{3 * 416_520 * 1437 * 10:,}"


@pytest.mark.parametrize(("optimizer", "copies"), [("adamw", 4), ("sgd", 3)])
def test_the_memory_foreseen_is_that_of_weights_and_activations(optimizer, copies):
    """Nothing but weights for a small batch; for a large one, what each image adds."""
    with torch.device("meta"):
        network = nn.Sequential(nn.Flatten(), nn.Linear(3072, 1000), nn.Linear(1000, 9))
    of_one, of_many, of_more = (
        budget.estimate(
            network, (3, 32, 32), 10, epochs=1, batch_size=size, optimizer=optimizer
        )["memory"]
        for size in (1, 10_000, 20_000)
    )
    weights = sum(4 * weight.numel() for weight in network.parameters())
    assert of_one == pytest.approx(copies * weights, rel=0.01)
    kept = 4 * (3072 + 1000)  # the inputs of both layers
    assert kept < (of_more - of_many) / 10_000 < 2 * kept


def test_parts_of_a_batch_take_less_memory():
    with torch.device("meta"):
        network = models.build("resnet20-cifar")
    options = {"epochs": 1, "batch_size": 128, "optimizer": "sgd"}
    whole, quarter = (
        budget.estimate(network, (3, 32, 32), 10, portions=portions, **options)
        for portions in (1, 4)
    )
    assert whole["steps"] == quarter["steps"]
    assert whole["memory"] == pytest.approx(4 * quarter["memory"], rel=0.2)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--recipe", "papers"], "unknown recipe 'lenet5-modern on digits, papers'"),
        (["--data", "nowhere"], "'nowhere' is neither a folder nor a data set"),
        (["--data", "imagenet"], "is neither a folder nor a data set"),
        (["--model", "lenet6"], "did you mean 'lenet5'"),
        (["--batch-size", "2", "--accumulation", "3"], "2 images a batch cannot be"),
        (["--validation", "2000"], "validation must be from 0 to 1436"),
        (["--validation", "-1"], "--validation"),
        (["--epochs", "0"], "--epochs"),
        (["--batch-size", "0"], "--batch-size"),
        (["--accumulation", "0"], "--accumulation"),
        (["--seed", "-1"], "--seed"),
        (["--seed", str(2**32)], "--seed"),
        (["--learning-rate", "nan"], "--learning-rate"),
        (["--warmup", "1.5"], "--warmup"),
    ],
)
def test_bad_input_is_one_clear_error(arguments, says, tmp_path):
    result = _cli("--folder", tmp_path / "run", *arguments)
    assert result.exit_code == 2
    assert says in _message(result)
    assert "Traceback" not in result.output
    assert not (tmp_path / "run" / "run.json").exists()


@pytest.mark.parametrize("name", ["file", "file/run"])
def test_a_file_in_place_of_the_folder_is_one_clear_error(name, tmp_path):
    (tmp_path / "file").write_text("kept")
    result = _cli("--folder", tmp_path / name)
    assert result.exit_code == 1
    assert "cannot be a run's folder" in _message(result)
    assert (tmp_path / "file").read_text() == "kept"


def test_a_folder_that_holds_a_run_is_not_written_over(whole):
    before = (whole / "model.safetensors").read_bytes()
    result = _cli("--epochs", 4, "--folder", whole)
    assert result.exit_code == 2
    assert "holds a run: go on with it (--resume)" in _message(result)
    assert (whole / "model.safetensors").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--model", "lenet5"], "model is 'lenet5-modern' there, and 'lenet5' here"),
        (["--seed", "1"], "seed is 0 there, and 1 here"),
        (["--epochs", "9"], "epochs is 4 there, and 9 here"),
    ],
)
def test_another_run_cannot_be_resumed(whole, arguments, says):
    result = _cli("--epochs", 4, "--folder", whole, "--resume", *arguments)
    assert result.exit_code == 2
    assert says in _message(result)


def test_a_run_of_a_newer_version_cannot_be_resumed(whole, tmp_path):
    record = json.loads((whole / "run.json").read_text()) | {"format": 2}
    (tmp_path / "run.json").write_text(json.dumps(record))
    result = _cli("--epochs", 4, "--folder", tmp_path, "--resume")
    assert result.exit_code == 2
    assert "written by a newer version" in _message(result)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"about": {}, "format": "x"}'])
def test_a_damaged_record_is_named(text, tmp_path):
    (tmp_path / "run.json").write_text(text)
    result = _cli("--epochs", 4, "--folder", tmp_path, "--resume")
    assert result.exit_code == 2
    assert "run.json is damaged" in _message(result)
    assert (tmp_path / "run.json").read_text() == text


def test_a_damaged_checkpoint_is_named(tmp_path):
    assert _cli("--epochs", 1, "--folder", tmp_path).exit_code == 0
    weights = tmp_path / "epoch-0001" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    result = _cli("--epochs", 1, "--folder", tmp_path, "--resume")
    assert result.exit_code == 2
    assert "epoch-0001 is damaged" in _message(result)


def test_two_runs_into_one_folder_are_refused(tmp_path):
    with FileLock(tmp_path / ".lock"):
        result = _cli("--epochs", 1, "--folder", tmp_path)
    assert result.exit_code == 1
    assert "another process is writing" in _message(result)


def test_a_full_disk_leaves_the_last_checkpoint(tmp_path, monkeypatch):
    """A limit on the size of files stands for the full disk."""
    folder, save = tmp_path / "run", checkpoints.Run.save
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limited(run, accelerator, history):
        size = 100_000 if len(history) == 2 else before[0]
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            save(run, accelerator, history)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints.Run, "save", limited)
        result = _cli("--epochs", 3, "--folder", folder)
    assert result.exit_code == 1
    assert "could not write the checkpoint epoch-0002" in _message(result)
    assert "the run can go on from epoch-0001" in _message(result)
    assert "Traceback" not in result.output
    assert [path.name for path in folder.glob("epoch*")] == ["epoch-0001"]
    assert _cli("--epochs", 3, "--folder", folder, "--resume").exit_code == 0


@pytest.mark.parametrize("fails", ["safetensors.torch.save_file", "Run._write_log"])
def test_a_disk_full_at_the_end_leaves_the_last_checkpoint(
    fails, whole, tmp_path, monkeypatch
):
    """Weights and test are written last: a run that is resumed does only that."""
    folder, full = tmp_path / "run", OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finish = checkpoints.Run.finish

    def finish_on_a_full_disk(run, *arguments):
        with monkeypatch.context() as patch:
            patch.setattr(f"cnnbook.checkpoints.{fails}", Mock(side_effect=full))
            finish(run, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints.Run, "finish", finish_on_a_full_disk)
        result = _cli("--epochs", 4, "--folder", folder)
    assert result.exit_code == 1
    assert "could not write the weights and the test" in _message(result)
    assert "the run can go on from epoch-0004" in _message(result)
    assert "Traceback" not in result.output
    assert not list(folder.glob("*.partial"))
    assert _cli("--epochs", 4, "--folder", folder, "--resume").exit_code == 0
    assert _largest_difference(_weights(whole), _weights(folder)) == 0
    logs = [(place / "log.jsonl").read_text() for place in (whole, folder)]
    assert logs[0].splitlines()[-1] == logs[1].splitlines()[-1]


def test_a_text_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "log"
    checkpoints.write_whole(path, "old")
    monkeypatch.setattr(Path, "replace", Mock(side_effect=OSError("no space")))
    with pytest.raises(OSError, match="no space"):
        checkpoints.write_whole(path, "new")
    assert [file.read_text() for file in tmp_path.iterdir()] == ["old"]


def test_a_loss_that_is_not_finite_leaves_the_last_checkpoint(tmp_path):
    digits = data.load("digits").train[:64]
    calls = []

    def criterion(scores, labels):
        calls.append(len(labels))
        return scores.square().mean() * (1 if len(calls) < 3 else float("nan"))

    with checkpoints.Run(tmp_path, {}, {}) as run, pytest.raises(FloatingPointError):
        training.fit(
            models.build("lenet5-modern"),
            digits,
            epochs=3,
            batch_size=32,
            criterion=criterion,
            run=run,
        )
    assert [path.name for path in tmp_path.glob("epoch*")] == ["epoch-0001"]


def test_the_recipe_of_he_and_others_steps_at_32_and_48_thousand_steps():
    recipe = recipes.recipe("resnet56-cifar", "cifar10", "paper")
    steps = recipe["epochs"] * 391  # batches of 128 out of 50,000
    assert abs(steps - 64_000) < 391
    updates = training._optimizer("sgd", nn.Linear(1, 1), 0.1, 1e-4)
    schedule = training._schedule(
        updates, 64_000, 0.1, recipe["warmup"], recipe["rate_steps"]
    )
    factors = {s: schedule.lr_lambdas[0](s) for s in (0, 31_999, 32_000, 48_000)}
    assert factors == {0: 1, 31_999: 1, 32_000: 0.1, 48_000: 0.01}
    assert recipe["batch_size"] == 128
    assert updates.param_groups[0]["momentum"] == 0.9


def test_a_rate_that_changes_in_steps_can_rise_first():
    updates = training._optimizer("sgd", nn.Linear(1, 1), 1.0, 0.0)
    schedule = training._schedule(updates, 100, 1.0, 0.1, ((0.5, 0.1),))
    factors = [schedule.lr_lambdas[0](step) for step in range(100)]
    assert factors[:11] == pytest.approx([k / 10 for k in range(1, 11)] + [1])
    assert (factors[49], factors[50]) == (1, 0.1)


def test_only_the_deepest_warms_up():
    deep, other = (
        recipes.recipe(f"resnet{depth}-cifar", "cifar10", "paper")["rate_steps"]
        for depth in (110, 56)
    )
    assert deep[:2] == ((0, 0.1), (400 / 64_000, 1))
    assert deep[2:] == other


def test_every_recipe_is_json_but_for_its_criterion():
    for model, dataset, name in [
        ("lenet5", "mnist", "paper"),
        ("resnet20-cifar", "cifar10", ""),
        ("vgg16", "imagenet", "paper"),
        ("resnet152", "imagenet", "paper"),
    ]:
        recipe = recipes.recipe(model, dataset, name)
        recipe.pop("criterion", None)
        assert json.loads(json.dumps(recipe)).keys() == recipe.keys()


def test_no_batch_is_too_small_for_batch_normalisation_or_for_the_processes():
    for count in range(8, 40):
        for size, portions in ((4, 1), (8, 3), (8, 8)):
            batches = training._batches(torch.arange(count), size, portions)
            assert torch.cat(batches).equal(torch.arange(count))
            assert min(map(len, batches)) >= max(2, portions)


def test_a_last_step_that_spoils_the_network_is_told(tmp_path):
    """The training loss is that before the step: only the test shows it."""
    options = ("--epochs", 1, "--batch-size", 1437, "--learning-rate", 1e30)
    result = _cli(*options, "--folder", tmp_path)
    assert result.exit_code == 1
    assert "the test loss is nan: lower learning_rate" in _message(result)
    assert not (tmp_path / "model.safetensors").exists()


PAGE = runs.ROOT / "chapters" / "train-at-scale.md"


def test_the_page_counts_what_it_says():
    failed, attempted = doctest.testfile(str(PAGE), module_relative=False)
    assert attempted > 5
    assert failed == 0


def test_every_command_of_the_page_exists():
    page = PAGE.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = re.findall(r"-m cnnbook train (-.*)$", page, re.M)
    assert len(lines) > 4
    command = typer.main.get_command(app).commands["train"]
    for line in lines:
        with command.make_context("train", shlex.split(line)) as context:
            parameters = context.params
        recipes.recipe(parameters["model"], parameters["dataset"], parameters["recipe"])


def test_a_task_describes_itself():
    task = launch.task("lenet5", "digits", validation=37, epochs=3)
    about = task.about()
    assert about["criterion"] == "map_criterion"
    assert (about["train_images"], about["validation_images"]) == (1400, 37)
    assert task.name == "lenet5-digits-seed0"
