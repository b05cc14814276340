import itertools
import json
import subprocess
import sys
import time

import pytest
import typer
from nbformat.v4 import (
    new_code_cell,
    new_markdown_cell,
    new_notebook,
    new_output,
)

import notebooks
from tools.notebooks.canonical import WIDGET_STATE, WIDGET_VIEW, canonicalise, parse, serialise
from conventions import CHAPTER_CHECKS, unsourced_numbers

HOME = notebooks.Repository("https://github.com/owner/name", "main")


def slider_notebook(ids, *, count=1):
    """A slider linked to two pictures, and a model that nothing refers to."""
    box, slider, stack, first, second, layout, link, stray = (
        f"{number:032x}" for number in ids
    )

    def model(name, **state):
        return {"model_module": "m", "model_name": name, "state": state}

    state = {
        stray: model("HTMLModel", value="not shown"),
        link: model(
            "LinkModel",
            source=[f"IPY_MODEL_{slider}", "value"],
            target=[f"IPY_MODEL_{stack}", "selected_index"],
        ),
        box: model("VBoxModel", children=[f"IPY_MODEL_{slider}", f"IPY_MODEL_{stack}"]),
        slider: model("IntSliderModel", layout=f"IPY_MODEL_{layout}", value=0),
        stack: model(
            "StackModel", children=[f"IPY_MODEL_{first}", f"IPY_MODEL_{second}"]
        ),
        first: model("HTMLModel", value='<img alt="first">'),
        second: model("HTMLModel", value='<img alt="second">'),
        layout: model("LayoutModel", width=None, height="3em"),
    }
    order = sorted(state) if count == 1 else sorted(state, reverse=True)
    view = {"model_id": box, "version_major": 2, "version_minor": 0}
    cell = new_code_cell(
        "box",
        id="slider",
        execution_count=count,
        metadata={"execution": {"iopub.execute_input": "now"}, "tags": ["b", "a"]},
        outputs=[
            new_output(
                "execute_result",
                {WIDGET_VIEW: view, "text/plain": f"<Box at 0x7f{count:08x}>"},
                execution_count=count,
            )
        ],
    )
    bundle = {"state": {name: state[name] for name in order}, "version_major": 2}
    return new_notebook(
        cells=[new_markdown_cell("# Title", id="title"), cell],
        metadata={
            "widgets": {WIDGET_STATE: bundle},
            "language_info": {"name": "python", "version": f"3.1{count}"},
        },
    )


def outputs_of(*outputs):
    cell = new_code_cell("x", id="x", execution_count=3, outputs=list(outputs))
    return canonicalise(new_notebook(cells=[cell])).cells[0].outputs


def test_two_runs_of_a_notebook_become_the_same_bytes():
    one = slider_notebook(range(100, 108))
    other = slider_notebook(reversed(range(5000, 5008)), count=7)
    assert one != other
    assert serialise(canonicalise(one)) == serialise(canonicalise(other))


def test_the_canonical_form_is_its_own():
    text = serialise(canonicalise(slider_notebook(range(100, 108))))
    assert serialise(canonicalise(parse(text))) == text
    assert text.endswith("}\n")
    assert text.startswith('{\n "cells"')


def test_widget_ids_are_renamed_wherever_they_stand():
    ids = range(0xABC0, 0xABC8)
    notebook = canonicalise(slider_notebook(ids))
    text = serialise(notebook)
    assert not any(f"{number:032x}" in text for number in ids)
    state = notebook.metadata.widgets[WIDGET_STATE].state
    names = {model.model_name: name for name, model in state.items()}
    view = notebook.cells[1].outputs[0].data[WIDGET_VIEW]
    assert view.model_id == names["VBoxModel"] == f"{1:032x}"
    assert state[names["LinkModel"]].state == {
        "source": [f"IPY_MODEL_{names['IntSliderModel']}", "value"],
        "target": [f"IPY_MODEL_{names['StackModel']}", "selected_index"],
    }
    pictures = [
        state[child.removeprefix("IPY_MODEL_")].state["value"]
        for child in state[names["StackModel"]].state.children
    ]
    assert pictures == ['<img alt="first">', '<img alt="second">']


def test_widget_state_is_kept_but_for_what_says_nothing():
    state = canonicalise(slider_notebook(range(8))).metadata.widgets[WIDGET_STATE].state
    assert len(state) == 7  # all but the one that nothing refers to
    layouts = [m.state for m in state.values() if m.model_name == "LayoutModel"]
    assert layouts == [{"height": "3em"}]


def test_a_notebook_without_outputs_keeps_no_widgets():
    notebook = slider_notebook(range(8))
    notebook.cells[1].outputs = []
    assert "widgets" not in canonicalise(notebook).metadata


def test_canonicalise_leaves_its_argument_alone():
    notebook = slider_notebook(range(8))
    before = json.dumps(notebook)
    canonicalise(notebook)
    assert json.dumps(notebook) == before


def test_metadata_of_machine_and_editor_is_dropped():
    notebook = canonicalise(slider_notebook(range(8), count=5))
    assert notebook.metadata.language_info == {"name": "python"}
    assert notebook.metadata.kernelspec.display_name == "Python 3"
    assert notebook.cells[1].metadata == {"tags": ["a", "b"]}
    assert notebook.cells[1].execution_count == 1
    assert notebook.cells[1].outputs[0].execution_count == 1


def test_cell_ids_are_kept_and_missing_or_repeated_ones_named():
    ids = ("a", "a", "cell-001", "removed")
    notebook = new_notebook()
    notebook.cells = [new_markdown_cell("text", id=name) for name in ids]
    del notebook.cells[-1]["id"]
    named = [cell.id for cell in canonicalise(notebook).cells]
    assert named == ["a", "cell-002", "cell-001", "cell-003"]


def test_consecutive_streams_are_merged_in_the_order_of_reading():
    outputs = outputs_of(
        new_output("stream", text="a\n"),
        new_output("stream", text="b\n"),
        new_output("display_data", {"text/plain": "c"}),
        new_output("stream", text="d\n"),
    )
    assert [output.get("text", "-") for output in outputs] == ["a\nb\n", "-", "d\n"]


@pytest.mark.parametrize(
    "bar",
    [
        "\r 33%|███▎      | 1/3 [00:01<00:02,  1.00s/it]\r100%|██| 3/3 [00:03<00:00]\n",
        "0it [00:00, ?it/s]\r12it [00:01, 11.9it/s]\n",
    ],
)
def test_progress_bars_leave_nothing_but_warnings_stay(bar):
    assert outputs_of(new_output("stream", name="stderr", text=bar)) == []
    kept = outputs_of(new_output("stream", name="stderr", text=bar + "Warning: x\n"))
    assert kept[0].text == "Warning: x\n"
    assert outputs_of(new_output("stream", text=bar))[0].text == bar  # was printed


def test_addresses_and_random_table_ids_are_replaced():
    style = '<style>#T_9f3ab_row0 {}</style><table id="T_9f3ab"></table>'
    outputs = outputs_of(
        new_output("stream", text="<A at 0x7f00a1> but 0x10 is a number"),
        new_output("display_data", {"text/html": style}),
    )
    assert outputs[0].text == "<A at 0x0> but 0x10 is a number"
    assert outputs[1].data["text/html"] == style.replace("9f3ab", "00001")


def test_tracebacks_keep_the_cell_but_not_the_libraries():
    frames = ["ValueError", "\x1b[36mCell\x1b[39m In[1]", "\x1b[36mFile \x1b[39m~/x.py"]
    error = new_output("error", ename="E", evalue="e", traceback=frames)
    assert outputs_of(error)[0].traceback == frames[:2]


def test_link_writes_badge_and_bootstrap_where_there_is_none():
    plain = new_notebook(cells=[new_markdown_cell("# Title"), new_code_cell("1")])
    notebook = notebooks.linked(plain, "01-a.ipynb", HOME)
    _, badge, bootstrap, _ = notebook.cells
    assert "/github/owner/name/blob/main/chapters/01-a.ipynb)" in badge.source
    assert badge.metadata.tags == ["remove-cell"]
    assert '"https://github.com/owner/name", "main"' in bootstrap.source
    assert "bootstrap" in bootstrap.metadata.tags
    assert len(plain.cells) == 2


def test_link_follows_the_repository_and_is_idempotent():
    plain = new_notebook(cells=[new_markdown_cell("# Title"), new_code_cell("1")])
    once = notebooks.linked(plain, "a.ipynb", HOME)
    assert notebooks.linked(once, "a.ipynb", HOME).cells == once.cells
    fork = notebooks.Repository("https://github.com/someone/fork", "next")
    moved = notebooks.linked(once, "a.ipynb", fork)
    assert len(moved.cells) == len(once.cells)
    text = serialise(canonicalise(moved))
    assert "owner/name" not in text
    assert "someone/fork/blob/next/chapters/a.ipynb" in text


def test_repository_is_read_from_the_configuration(tmp_path):
    config = tmp_path / "_config.yml"
    config.write_text("repository:\n  url: https://github.com/o/n.git\n  branch: b\n")
    assert notebooks.repository(config) == ("https://github.com/o/n", "b")
    config.write_text("repository:\n  url: https://elsewhere.org/o/n\n")
    with pytest.raises(ValueError, match="Colab opens only"):
        notebooks.repository(config)


def test_check_names_what_is_wrong(tmp_path):
    path = tmp_path / "a.ipynb"
    plain = new_notebook(cells=[new_markdown_cell("# Title"), new_code_cell("1")])
    notebooks.write(path, notebooks.linked(plain, path.name, HOME))
    assert notebooks.problems(path, HOME) == []
    fork = notebooks.Repository("https://github.com/someone/fork", "main")
    assert "does not agree with repository.url" in notebooks.problems(path, fork)[0]
    path.write_text(path.read_text().replace('"name": "python3"', '"name": "mine"'))
    assert "not canonical" in notebooks.problems(path, HOME)[0]


def test_a_chapter_finds_the_checkout_that_it_lies_in(tmp_path):
    cell = notebooks.linked(
        new_notebook(cells=[new_markdown_cell("# Title")]), "a.ipynb", HOME
    ).cells[2]
    (tmp_path / "code" / "cnnbook").mkdir(parents=True)
    (tmp_path / "chapters").mkdir()
    script = cell.source + "\nprint(sys.path[0])"
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path / "chapters",
        capture_output=True,
        text=True,
    )
    assert result.stdout.strip() == str(tmp_path / "code")


@pytest.mark.parametrize(
    ("path", "message"),
    [("", "git is missing"), (None, "could not fetch file:///nowhere/name")],
)
def test_a_chapter_that_cannot_fetch_the_book_says_why(
    tmp_path, monkeypatch, path, message
):
    cell = notebooks.linked(
        new_notebook(cells=[new_markdown_cell("# Title")]),
        "a.ipynb",
        notebooks.Repository("file:///nowhere/name", "main"),
    ).cells[2]
    if path is not None:
        monkeypatch.setenv("PATH", path)
    result = subprocess.run(
        [sys.executable, "-c", cell.source],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert message in result.stderr
    assert "During handling" not in result.stderr


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.ipynb"
    notebook = new_notebook(cells=[new_markdown_cell("# Title")])
    notebooks.write(path, notebook)
    before = path.read_bytes()

    def break_off(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr(type(path), "replace", break_off)
    with pytest.raises(OSError, match="disk is full"):
        notebooks.write(path, notebook)
    notebook.cells[0].pop("source")  # no longer a notebook
    with pytest.raises(Exception, match="source"):
        notebooks.write(path, notebook)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


SHORT_CHAPTER = [
    "import os\nimport ipywidgets\nfrom tqdm import tqdm",
    "print(os.environ['CUDA_VISIBLE_DEVICES'] == '', list(tqdm(range(3))), object())",
    "ipywidgets.VBox([ipywidgets.IntSlider(), ipywidgets.HTML('<b>1</b>')])",
]


def write_chapter(path, *sources):
    cells = [new_code_cell(source, id=f"c{i}") for i, source in enumerate(sources)]
    notebooks.write(path, new_notebook(cells=cells))
    return path


def run_tool(*arguments):
    tool = notebooks.ROOT / "tools" / "notebooks.py"
    return subprocess.run(
        [sys.executable, tool, *arguments], capture_output=True, text=True
    )


def test_executing_twice_gives_the_same_bytes_and_they_validate(tmp_path):
    path = write_chapter(tmp_path / "a.ipynb", *SHORT_CHAPTER)
    contents = []
    for _ in range(2):
        assert run_tool("execute", path).returncode == 0
        contents.append(path.read_bytes())
    assert contents[0] == contents[1]
    assert b"IntSliderModel" in contents[0]
    assert run_tool("validate", path).returncode == 0
    # ... and validation compares: a changed output is found.
    path.write_bytes(contents[0].replace(b"[0, 1, 2]", b"[0, 1, 3]"))
    result = run_tool("validate", path)
    assert result.returncode == 1
    assert "1 failed, 2 passed" in result.stdout


def test_a_failing_cell_is_named_and_the_file_untouched(tmp_path):
    path = write_chapter(tmp_path / "a.ipynb", "print('fine')", "1 / 0", "2")
    before = path.read_bytes()
    result = run_tool("execute", path)
    assert result.returncode == 1
    assert "a.ipynb: cell 2 of 3 failed" in result.stderr
    assert "ZeroDivisionError" in result.stderr
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_killed_run_leaves_the_file_untouched(tmp_path):
    started = tmp_path / "started"
    source = f"import time\nopen({str(started)!r}, 'w').close()\ntime.sleep(600)"
    path = write_chapter(tmp_path / "a.ipynb", source)
    before = path.read_bytes()
    tool = notebooks.ROOT / "tools" / "notebooks.py"
    with subprocess.Popen([sys.executable, tool, "execute", path]) as process:
        while not started.exists() and process.poll() is None:
            time.sleep(0.1)
        process.kill()
    assert started.exists()
    assert path.read_bytes() == before
    assert set(tmp_path.iterdir()) == {path, started}


def test_a_kernel_that_dies_is_reported(tmp_path):
    path = write_chapter(tmp_path / "a.ipynb", "import os; os._exit(1)")
    with pytest.raises(notebooks.ExecutionError, match="cell 1 of 1 failed"):
        notebooks.run(path)


def test_every_chapter_is_canonical_and_linked():
    home = notebooks.repository()
    found = [notebooks.problems(path, home) for path in notebooks.chapters()]
    assert list(itertools.chain(*found)) == []


def test_a_new_chapter_keeps_to_the_conventions(tmp_path):
    (tmp_path / "code").symlink_to(notebooks.ROOT / "code")  # for its bootstrap cell
    path = tmp_path / "08-name.ipynb"
    notebooks.new(path)
    notebooks.write(path, notebooks.run(path))
    assert notebooks.problems(path, notebooks.repository()) == []
    notebook = notebooks.read(path)
    found = [line for check in CHAPTER_CHECKS for line in check(notebook)]
    assert found == ["1 exercises, fewer than 6"], "all that is left to do is to write"
    assert unsourced_numbers(notebook) == []
    with pytest.raises(typer.BadParameter):
        notebooks.new(path)
