import importlib
import json
import re
import subprocess
import sys
from decimal import Decimal

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tests.chapters import conventions
from tests.chapters.prose import numbers, stated
from tools import ROOT
from tools.notebooks.canonical import WIDGET_STATE, WIDGET_VIEW
from tools.notebooks.execution import faults
from tools.notebooks.files import chapters, read

PAPERS = ROOT / "data" / "papers.csv"
BIBLIOGRAPHY = ROOT / "chapters" / "references.bib"
each_chapter = pytest.mark.parametrize("path", chapters(), ids=lambda path: path.stem)


def test_there_are_chapters_to_check():
    assert chapters()


def report(found):
    """Fail with the whole list; pytest would show its first line."""
    if found:
        pytest.fail("\n".join(found), pytrace=False)


@each_chapter
@pytest.mark.parametrize(
    "check", conventions.CHAPTER_CHECKS, ids=lambda check: check.__name__
)
def test_chapter(path, check):
    report(check(read(path)))


@each_chapter
def test_numbers_in_the_text_have_a_source(path):
    published = conventions.published_numbers(PAPERS)
    report(conventions.unsourced_numbers(read(path), published))


@each_chapter
def test_papers_that_a_chapter_links_are_in_the_bibliography(path):
    listed = conventions.bibliography_ids(BIBLIOGRAPHY)
    report(conventions.unlisted_papers(read(path), listed))


@each_chapter
@pytest.mark.parametrize("page", ["_toc.yml", "intro.md", "chapters/teaching.md"])
def test_a_chapter_is_listed(path, page):
    listed = path.stem in (ROOT / page).read_text(encoding="utf-8")
    report([] if listed else [f"{page} does not name {path.name}"])


@pytest.mark.parametrize(
    "page",
    [*ROOT.glob("*.md"), *(ROOT / "chapters").glob("*.md")],
    ids=lambda page: page.name,
)
def test_citations_in_pages_are_in_the_bibliography(page):
    text = page.read_text(encoding="utf-8")
    report(conventions.unknown_citations(text, BIBLIOGRAPHY))


def test_recorded_runs_can_be_repeated():
    for path in (ROOT / "data" / "runs").rglob("*.json"):
        run = json.loads(path.read_text(encoding="utf-8"))
        assert (path.name, conventions.missing_run_fields(run)) == (path.name, [])


def test_the_folder_code_does_not_hide_the_module_code():
    assert not (ROOT / "code" / "__init__.py").exists()
    assert "InteractiveConsole" in dir(importlib.import_module("code"))  # nor pytest
    script = "import code, pdb; print(code.__file__, code.InteractiveConsole.__name__)"
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert str(ROOT / "code") not in result.stdout


def test_no_file_names_a_registry_or_a_folder_of_one_machine():
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        pytest.skip("these are not the files of a git checkout")
    registries = ("pypi", "pythonhosted", "npmjs", "yarnpkg", "anaconda")
    forbidden = re.compile(
        rf"\b(?:{'|'.join(registries)})\.(?:org|com)\b"
        r"|download\.pytorch\.org/whl"
        r"|(?<![\w./:<-])/(?:home|root|work)/"
    )
    found = []
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.is_file():
            text = path.read_bytes().decode(errors="ignore")
            found += [f"{name}: {match[0]}" for match in forbidden.finditer(text)]
    report(found)


# Each check is tried on a notebook that breaks it, and on the same one set right.


def chapter(*cells, models=None):
    state = {WIDGET_STATE: {"state": models}} if models else {}
    return new_notebook(cells=list(cells), metadata={"widgets": state})


def code(source="1", *outputs, count=1, **metadata):
    return new_code_cell(
        source, execution_count=count, outputs=list(outputs), metadata=metadata
    )


def text(source):
    return new_markdown_cell(source)


def printed(value):
    return new_output("stream", text=value)


def model(name, **state):
    return {"model_name": name, "state": state}


PICTURE = new_output("display_data", {"image/png": "aGk="})
ALT = "Error falls from 9.1 to 1.2 % in ten epochs, then stays"


@pytest.mark.parametrize(
    "source",
    [
        "```{note}\nhello\n```",
        ":::{figure} x\n:::",
        "see {cite}`he2016`",
        "see {cite:p}`he2016`",
        "(label)=\n# Title",
        "$$\nx\n$$ (equation)",
    ],
)
def test_myst_syntax(source):
    assert conventions.myst_syntax(chapter(text(source)))


def test_plain_markdown_passes():
    source = "# T\n\n```python\nd = {'a': 1}\n```\n$\\{x\\}$ | a |\n| :--- |\n$$x$$"
    assert conventions.myst_syntax(chapter(text(source))) == []


def test_sections():
    complete = [text(f"## {name}") for name in conventions.SECTIONS]
    assert conventions.sections(chapter(*complete)) == []
    assert "Summary" in conventions.sections(chapter(*complete[:3], *complete[4:]))[0]
    assert conventions.sections(chapter(*reversed(complete)))


def test_execution():
    warning = new_output("stream", name="stderr", text="UserWarning: old")
    error = new_output("error", ename="E", evalue="", traceback=[])
    assert "never run" in faults(chapter(code(count=None)))[0]
    assert "UserWarning" in faults(chapter(code("1", warning)))[0]
    assert "ends with E" in faults(chapter(code("1", error)))[0]
    meant = code("1", error, tags=["raises-exception"])
    assert faults(chapter(meant, code("1", printed("1")))) == []


def test_cell_length():
    def lines(count):
        return "\n\n".join(["x = 1"] * count)

    assert conventions.cell_length(chapter(code(lines(26))))
    assert conventions.cell_length(chapter(code(lines(25)))) == []
    imports = "from package import (\n    one,\n    two,\n)\n"
    assert conventions.cell_length(chapter(code(imports + lines(24)))) == []
    assert conventions.cell_length(chapter(code(imports + lines(25))))
    special = code(lines(40), tags=["bootstrap"])
    solution = code("# @title Solution\n" + lines(40))
    assert conventions.cell_length(chapter(special)) == []
    assert conventions.cell_length(chapter(solution))


def test_figures():
    good = {"figure": {"caption": "Error"}, "image": {"alt": ALT}}
    assert conventions.figures(chapter(code("1", PICTURE, mystnb=good))) == []
    assert len(conventions.figures(chapter(code("1", PICTURE)))) == 2
    short = good | {"image": {"alt": "A figure"}}
    assert (
        "fewer than"
        in conventions.figures(chapter(code("1", PICTURE, mystnb=short)))[0]
    )
    two = chapter(code("1", PICTURE, PICTURE, mystnb=good))
    assert "2 figures" in conventions.figures(two)[0]


@pytest.mark.parametrize("image", ["<img src='x'>", "<b><IMG alt='' src=x></b>"])
def test_image_alternatives(image):
    html = new_output("display_data", {"text/html": image})
    frames = {"1": model("HTMLModel", value=image)}
    assert conventions.image_alternatives(chapter(code("1", html)))
    assert conventions.image_alternatives(chapter(text(image)))
    assert conventions.image_alternatives(chapter(code(), models=frames))


def test_image_alternatives_in_markdown():
    assert conventions.image_alternatives(chapter(text("![](a.png)")))
    good = text("![Shows it](a.png) <img alt='Shows it' src='a.png'>")
    assert conventions.image_alternatives(chapter(good)) == []


def test_sliders():
    models = {"1": model("IntSliderModel"), "2": model("LinkModel")}
    view = new_output("display_data", {WIDGET_VIEW: {"model_id": "1"}})
    assert conventions.sliders(chapter(code("1", view), models=models)) == []
    assert "no slider" in conventions.sliders(chapter(code()))[0]
    moving = new_output("display_data", {"text/html": '<div class="explorable">'})
    assert conventions.sliders(chapter(code("1", moving))) == []
    unlinked = {"1": models["1"]}
    assert "jslink" in conventions.sliders(chapter(code(), models=unlinked))[0]
    lost = new_output("display_data", {WIDGET_VIEW: {"model_id": "3"}})
    assert conventions.sliders(chapter(code("1", lost), models=models))
    bar = models | {"3": model("FloatProgressModel")}
    assert "tqdm" in conventions.sliders(chapter(code(), models=bar))[0]
    large = models | {"3": model("HTMLModel", value="x" * 1_500_000)}
    assert "bytes" in conventions.sliders(chapter(code(), models=large))[0]


def test_pictures_of_widgets():
    data = {WIDGET_VIEW: {"model_id": "1"}}
    alone = chapter(code("1", new_output("display_data", data)))
    assert "without a picture" in conventions.pictures_of_widgets(alone)[0]
    both = code("1", new_output("display_data", data | {"image/svg+xml": "<svg/>"}))
    assert conventions.pictures_of_widgets(chapter(both)) == []
    assert conventions.figures(chapter(both)) == []  # it needs no caption


def test_parameters():
    tagged = code('DATA = "digits"  # or "mnist"\nWEIGHTS = False', tags=["parameters"])
    assert conventions.parameters(chapter(code("a = 1"), tagged)) == []
    assert "untagged" in conventions.parameters(chapter(code("DATA = 1")))[0]
    second = code("SIDE = 8", tags=["parameters"])
    assert "2 cells" in conventions.parameters(chapter(tagged, second))[0]
    for more in ("load(DATA)", "dataset = load(DATA)", "import x"):
        cell = code(f"DATA = 1\n{more}", tags=["parameters"])
        assert "does more" in conventions.parameters(chapter(cell))[0]


def exercise(number, **changes):
    folded = {"tags": ["hide-cell"], "cellView": "form"}
    folded |= {"jupyter": {"source_hidden": True}} | changes
    return [
        text(f"### Exercise {number} · Count"),
        code("def pad(k): ..."),
        code("check(pad, CASES)"),
        code("# @title Solution\nsolved = 1\ncheck(solved, CASES)", **folded),
    ]


def test_exercises():
    six = [cell for number in range(1, 7) for cell in exercise(number)]
    assert conventions.exercises(chapter(*six)) == []
    assert "5 exercises" in conventions.exercises(chapter(*six[4:]))[0]
    assert "Solution" in conventions.exercises(chapter(*six[:-1]))[0]
    for change in ({"tags": []}, {"cellView": "code"}, {"jupyter": {}}):
        shown = chapter(*six, *exercise(7, **change))
        assert "not folded" in conventions.exercises(shown)[0]
    six[2].source = "pad(3)"
    assert "not both checked" in conventions.exercises(chapter(*six))[0]


@pytest.mark.parametrize("place", ["home", "root", "Users"])
def test_machine_paths(place):
    path = f"saved to /{place}/me/x.csv"
    assert conventions.machine_paths(chapter(code("1", printed(path))))
    html = new_output("display_data", {"text/html": f"<a href='/{place}/'>"})
    assert conventions.machine_paths(chapter(code("1", html)))


def test_fractions_and_relative_paths_are_no_machine_paths():
    output = printed("data/home/x 3/4 https://a.org/home/b </home> and/or")
    assert conventions.machine_paths(chapter(code("1", output))) == []


@pytest.mark.parametrize(
    ("prose", "found"),
    [
        ("60,000 parameters, 0.95 % and 1e-3", "60,000 0.95 1e-3"),
        ("$60{,}000 = 784\\times 120$, $44.9\\,\\%$", "60,000 784 120 44.9"),
        ("$x_{17}$, $w_3$, VGG-16, plain-18/34, C3, top-5, im2col", ""),
        ("a 5×5 filter on 32×32, 6@28x28", "32 32 28 28"),
        ("3.8 GMACs, 61 M, 60k, 17 MB", "3.8 G 61 M 60k 17"),
        ("in 1998, of 12, but 2048, 13 and 12.0", "2048 13 12.0"),
        ("Section 3.2, Table 30 (120), Figures 20 and 13, § 14, 21st", "120"),
        ("13. first\n14. second\n## 15 Title", ""),
        ("`99` ```\n98\n``` [97](x/96) <b id=95> https://a.b/94 ![93](92)", "97 93"),
        ("pp. 2278–2324, 86(11):2278–2324, arXiv:1512.03385, Python 3.13", ""),
    ],
)
def test_stated_numbers(prose, found):
    assert " ".join(number.text for number in stated(prose)) == found


def test_code_numbers():
    values = [number.value for number in numbers("f(300, x=0.5)[:14] * 1e-4")]
    assert values == [300, Decimal("0.5"), 14, Decimal("1e-4")]


@pytest.mark.parametrize(
    ("prose", "output"),
    [
        ("61,706", "61706 parameters"),
        ("0.95 %", "error 0.9512"),
        ("0.95 %", "<td>0.9450</td>"),
        ("61.7 M and 62 million", "61706000"),
        ("80", "79.6 %"),
    ],
)
def test_a_printed_number_may_be_stated_rounded(prose, output):
    notebook = chapter(code("1", printed(output)), text(prose))
    assert conventions.unsourced_numbers(notebook) == []


@pytest.mark.parametrize(
    ("prose", "output"),
    [
        ("61,706", "61,707"),
        ("0.951", "0.95"),
        ("62 thousand", "61,406"),
        ("16", "VGG-16"),
        ("16", "<style>width: 16px</style>"),
    ],
)
def test_a_number_without_source_is_named(prose, output):
    html = new_output("display_data", {"text/html": output})
    notebook = chapter(code("1", html), text(prose))
    (complaint,) = conventions.unsourced_numbers(notebook)
    assert complaint.startswith(f"cell 2 ({notebook.cells[1].id}): {prose}")


def test_captions_need_sources_and_papers_are_sources():
    cell = code("1", mystnb={"image": {"alt": "falls to 0.8 %"}})
    assert conventions.unsourced_numbers(chapter(cell))
    assert conventions.unsourced_numbers(chapter(cell), {Decimal("0.8")}) == []
    frames = {"1": model("HTMLModel", value="<b>0.8</b>")}
    assert conventions.unsourced_numbers(chapter(cell, models=frames)) == []


def test_an_exercise_may_use_the_numbers_of_its_own_code():
    task = [text("### Exercise 1\nPad 1,300 by 77."), code("check(f, (1_300, 77))")]
    heading = text("## Exercises")
    assert conventions.unsourced_numbers(chapter(heading, *task)) == []
    assert len(conventions.unsourced_numbers(chapter(*task))) == 2
    after = [text("## Summary\n77"), code("77")]
    assert len(conventions.unsourced_numbers(chapter(heading, *task, *after))) == 1


BIB = """
@article{a, title = {A}, eprint = {1512.03385}, year = {2015}}
@article{b, title = {B}, doi = {10.1109/5.726791}, year = {1998}}
@article{c, title = {C}, url = {https://jmlr.org/papers/v15/c.html}, year = {2014}}
"""


@pytest.fixture
def bib(tmp_path):
    path = tmp_path / "references.bib"
    path.write_text(BIB)
    return path


def test_unlisted_papers(bib):
    listed = conventions.bibliography_ids(bib)
    known = (
        "[a](https://arxiv.org/abs/1512.03385v1) <https://arxiv.org/pdf/1512.03385> "
        "[b](https://doi.org/10.1109/5.726791) "
        "[c](http://www.jmlr.org/papers/v15/c.html/) [a tool](https://pytorch.org/docs)"
    )
    assert conventions.unlisted_papers(chapter(text(known)), listed) == []
    for unknown in (
        "[x](https://arxiv.org/abs/1409.1556)",
        "[x](https://doi.org/10.1/x)",
        "[x](https://papers.nips.cc/paper/x)",
        "<https://somewhere.edu/x.pdf>",
    ):
        assert conventions.unlisted_papers(chapter(text(unknown)), listed)


def test_unknown_citations(bib):
    assert conventions.unknown_citations("{cite:p}`a,b` and {cite}`c`", bib) == []
    assert conventions.unknown_citations("see {cite:t}`a, d`", bib) == ["d"]


def test_missing_run_fields():
    run = dict.fromkeys(conventions.RUN_FIELDS, "x")
    assert conventions.missing_run_fields(run) == []
    assert conventions.missing_run_fields(run | {"seeds": []}) == []
    assert conventions.missing_run_fields(run | {"device": ""}) == ["device"]
    del run["seeds"]
    assert conventions.missing_run_fields(run) == ["seeds"]
