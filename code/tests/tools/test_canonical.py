"""The canonical form: two runs of a notebook give the same bytes."""

import json

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import (
    new_code_cell,
    new_markdown_cell,
    new_notebook,
    new_output,
)

from tools import ROOT
from tools.notebooks.canonical import (
    WIDGET_STATE,
    WIDGET_VIEW,
    UnsavedWidgetError,
    canonicalise,
    parse,
    serialise,
)


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


# What editors make of a canonical notebook that they open, and save as it is.


def saved_by_colab(notebook):
    """Ids in the metadata, widgets one level higher, and marks of its own."""
    notebook.nbformat_minor = 0
    notebook.metadata |= {"colab": {"provenance": []}, "accelerator": "GPU"}
    for cell in notebook.cells:
        cell.metadata |= {"id": cell.pop("id"), "outputId": "6f", "colab": {}}
        for output in cell.get("outputs", []):
            if "metadata" in output:
                output.metadata = NotebookNode({"needs_background": "light"})
                output.data["application/vnd.google.colaboratory.intrinsic+json"] = {}
    bundle = notebook.metadata.widgets[WIDGET_STATE]
    notebook.metadata.widgets[WIDGET_STATE] = NotebookNode(bundle.state)


def saved_by_vscode(notebook):
    """Line ends of Windows, and marks of its own."""
    notebook.metadata |= {"vscode": {"interpreter": {"hash": "0"}}, "orig_nbformat": 4}
    notebook.metadata.language_info |= {
        "version": "3.12.1",
        "mimetype": "text/x-python",
    }
    for cell in notebook.cells:
        cell.metadata |= {"vscode": {"languageId": "python"}}
        cell.source = cell.source.replace("\n", "\r\n")


def saved_by_lab(notebook):
    """Empty settings, images that end with a newline, counts of another session."""
    notebook.metadata |= {"toc-autonumbering": False, "kernelspec": {"name": "mine"}}
    notebook.metadata.kernelspec |= {"display_name": "Mine", "language": "python"}
    for cell in notebook.cells:
        cell.metadata |= {"editable": True, "slideshow": {"slide_type": ""}}
        cell.metadata.setdefault("tags", [])
        cell.metadata.setdefault("jupyter", {}).setdefault("outputs_hidden", False)
        if cell.cell_type == "markdown":
            cell.attachments = NotebookNode()
            continue
        cell.execution_count = cell.execution_count and cell.execution_count + 40
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                output.data["image/png"] += "\n"


def saved_by_pycharm(notebook):
    for cell in notebook.cells:
        cell.metadata |= {"collapsed": False, "pycharm": {"name": "#%%\n"}}


def run_by_papermill(notebook):
    notebook.metadata.papermill = {"duration": 1.5, "version": "2.6.0"}
    for cell in notebook.cells:
        cell.metadata.papermill = {"status": "completed"}


@pytest.mark.parametrize(
    "save",
    [saved_by_colab, saved_by_vscode, saved_by_lab, saved_by_pycharm, run_by_papermill],
)
def test_what_an_editor_saves_goes_back_into_the_same_bytes(save):
    path = ROOT / "chapters" / "06-gap-vs-flatten.ipynb"  # it has a slider
    text = path.read_text(encoding="utf-8")
    notebook = parse(text)
    save(notebook)
    assert nbformat.v4.writes(notebook) + "\n" != text
    assert serialise(canonicalise(notebook)) == text


def test_a_slider_whose_state_was_not_saved_is_refused():
    """As JupyterLab saves it: the output is new, the state is of the run before."""
    notebook = canonicalise(slider_notebook(range(8)))
    notebook.cells[1].outputs[0].data[WIDGET_VIEW].model_id = "f" * 32
    with pytest.raises(UnsavedWidgetError, match=r"^cell 2 \(slider\): .*execute`$"):
        canonicalise(notebook)
    notebook = canonicalise(slider_notebook(range(8)))
    state = notebook.metadata.widgets[WIDGET_STATE].state
    del state[max(name for name in state if state[name].model_name == "HTMLModel")]
    with pytest.raises(UnsavedWidgetError, match="no saved state"):
        canonicalise(notebook)
    del notebook.metadata["widgets"]
    with pytest.raises(UnsavedWidgetError, match="no saved state"):
        canonicalise(notebook)


def test_an_image_brings_the_alternative_text_of_its_cell():
    figure = new_output("display_data", {"image/png": "aa\nbb\n", "text/plain": "F"})
    cell = new_code_cell("x", id="x", outputs=[figure])
    cell.metadata.mystnb = {"image": {"alt": "A line that rises."}}
    notebook = new_notebook(cells=[cell])
    for alt in ("A line that rises.", "A line that falls."):
        cell.metadata.mystnb["image"]["alt"] = alt
        notebook = canonicalise(new_notebook(cells=[cell]))
        [output] = notebook.cells[0].outputs
        assert output.metadata == {"image/png": {"alt": alt}}
        assert output.data["image/png"] == "aabb"
        cell.outputs = notebook.cells[0].outputs


def test_a_picture_keeps_the_alternative_text_that_it_brought():
    metadata = {"image/png": {"alt": "First.", "width": 7}, "needs_background": "light"}
    picture = new_output("display_data", {"image/png": "aa"}, metadata=metadata)
    assert outputs_of(picture)[0].metadata == {"image/png": {"alt": "First."}}


def test_what_a_bar_of_progress_leaves_is_dropped():
    emptied = new_output("display_data", {"text/plain": ""})
    assert outputs_of(emptied, new_output("display_data", {})) == []


FOLDED = {"cellView": "form", "jupyter": {"source_hidden": True}}


@pytest.mark.parametrize(
    ("source", "given", "kept"),
    [
        ("# @title Counts", {}, FOLDED | {"tags": ["hide-input"]}),
        ("# @title Solution\n1", {}, FOLDED | {"tags": ["hide-cell"]}),
        ("# @title Counts\n1", {"tags": ["check"]}, ["check", "hide-input"]),
        ("1  # @title no", FOLDED | {"tags": ["hide-input"]}, {}),
        (
            "1",
            {"jupyter": {"outputs_hidden": False}, "tags": ["hide-cell", "b"]},
            ["b"],
        ),
    ],
)
def test_the_first_line_alone_says_whether_code_is_folded(source, given, kept):
    cell = new_code_cell(source, id="x", metadata=given)
    found = canonicalise(new_notebook(cells=[cell])).cells[0].metadata
    if isinstance(kept, list):
        assert found.tags == kept
    else:
        assert found == kept
