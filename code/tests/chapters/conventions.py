"""What every chapter must keep to, as functions that list what is wrong.

Each check takes a notebook and returns a list of complaints, empty if all is well.
`CHAPTER_CHECKS` holds those that need nothing else.
"""

import ast
import csv
import json
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

from nbformat import NotebookNode

from tests.chapters.prose import numbers, stated, supported
from tools.notebooks.canonical import WIDGET_STATE, WIDGET_VIEW
from tools.notebooks.execution import faults, where

# The headings that every chapter has, in this order.
SECTIONS = (
    "Learning goals",
    "Common mistakes",
    "Exercises",
    "Summary",
    "Further reading",
)
MAX_LINES, MAX_SPECIAL_LINES = 25, 40  # of a cell; of bootstrap and solution cells
MIN_ALT = 40  # characters: fewer name the figure but do not say what it shows
MIN_EXERCISES = 6
MAX_WIDGET_BYTES = 1_500_000
SETTINGS = {"DATA", "WEIGHTS"}  # what a reader may choose

MYST = re.compile(
    r"^\s*(?:`{3,}|~{3,}|:{3,})\s*\{|^\s*:{3,}|\{[\w:+.-]+\}`"
    r"|^\([\w-]+\)=\s*$|\$\$\s*\([\w-]+\)\s*$",
    re.M,
)
HEADING = re.compile(r"^(#+)\s+(.*)$", re.M)
IMPORT_LIST = re.compile(r"^from \S+ import \([^)]*\)$", re.M)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(<?(https?://[^)>\s]+)|<(https?://[^>\s]+)>")
MARKDOWN_IMAGE = re.compile(r"!\[(.*?)\]\(")
ARXIV = re.compile(r"arxiv(?:\.org/(?:abs|pdf|html)/|\.)(\d{4}\.\d{4,5})", re.I)
DOI = re.compile(r"doi\.org/(10\..+)", re.I)
PUBLISHERS = """
    aclanthology.org arxiv.org bmva-archive.org.uk dl.acm.org doi.org hal.science
    ieeexplore.ieee.org jmlr.org link.springer.com nature.com neurips.cc nips.cc
    openaccess.thecvf.com openreview.net proceedings.mlr.press sciencedirect.com
    semanticscholar.org
""".split()
MACHINE_PATH = re.compile(
    r"(?<![\w./:<-])/(?:home|root|work|tmp|Users|content|opt|usr)/|\b[A-Z]:\\\\?\w"
)
CITED_KEYS = re.compile(r"\{cite(?::\w+)*\}`([^`]+)`")
RUN_FIELDS = ("command", "commit", "device", "versions", "seeds")


def myst_syntax(notebook: NotebookNode) -> list[str]:
    """Directives, roles and labels, which Colab and GitHub show raw."""
    return [
        f"{where(notebook, cell)}: MyST syntax {match[0].strip()!r}"
        for cell in _cells(notebook, "markdown")
        if (match := MYST.search(cell.source))
    ]


def sections(notebook: NotebookNode, required: Iterable[str] = SECTIONS) -> list[str]:
    """Required headings that are missing or come too early."""
    headings = [
        text
        for cell in _cells(notebook, "markdown")
        for _, text in HEADING.findall(cell.source)
    ]
    found, remaining = [], iter(headings)
    for name in required:
        if not any(name in heading for heading in remaining):
            found.append(f"no heading {name!r} after the ones before it")
            remaining = iter(headings)
    return found


def cell_length(notebook: NotebookNode) -> list[str]:
    """Code cells longer than a reader takes in at a glance."""
    found = []
    for cell in _cells(notebook, "code"):
        # The formatter breaks a list of imports into a line a name: it is read as one.
        source = IMPORT_LIST.sub("import …", cell.source)
        lines = sum(bool(line.strip()) for line in source.splitlines())
        special = "bootstrap" in _tags(cell) or _is_solution(cell)
        limit = MAX_SPECIAL_LINES if special else MAX_LINES
        if lines > limit:
            found.append(f"{where(notebook, cell)}: {lines} lines, more than {limit}")
    return found


def figures(notebook: NotebookNode) -> list[str]:
    """Figures without caption or a telling alternative text, or two from one cell."""
    found = []
    for cell in _cells(notebook, "code"):
        images = [
            output
            for output in cell.outputs
            if any(mime.startswith("image/") for mime in output.get("data", {}))
            and WIDGET_VIEW not in output.data
        ]
        if not images:
            continue
        caption, alt = _caption(cell), _alt(cell)
        if len(images) > 1:
            found.append(f"{where(notebook, cell)}: {len(images)} figures in one cell")
        if not caption:
            found.append(f"{where(notebook, cell)}: no mystnb.figure.caption")
        if len(alt) < MIN_ALT:
            found.append(
                f"{where(notebook, cell)}: mystnb.image.alt has {len(alt)} characters, "
                f"fewer than {MIN_ALT}"
            )
    return found


def image_alternatives(notebook: NotebookNode) -> list[str]:
    """`<img>` tags and Markdown images without alternative text."""
    found = []
    for cell in notebook.cells:
        for html in [*_html(cell), cell.source if cell.cell_type == "markdown" else ""]:
            if not all(_image_alts(html)):
                found.append(f"{where(notebook, cell)}: <img> without alt")
        if cell.cell_type == "markdown" and "" in MARKDOWN_IMAGE.findall(cell.source):
            found.append(f"{where(notebook, cell)}: image without alt")
    for number, model in _models(notebook).items():
        if not all(_image_alts(str(model.state.get("value", "")))):
            found.append(f"widget {number.lstrip('0')}: <img> without alt")
    return found


def sliders(notebook: NotebookNode) -> list[str]:
    """A chapter has what moves without a kernel; its sliders are of bearable size."""
    found = []
    models = _models(notebook)
    names = [model.model_name for model in models.values()]
    has_sliders = any(name.endswith("SliderModel") for name in names)
    if not has_sliders and not _has_explorable(notebook):
        found.append("no slider and no explorable")
    if has_sliders and not {"LinkModel", "DirectionalLinkModel"} & set(names):
        found.append("no slider is linked (jslink): none moves without a kernel")
    if "FloatProgressModel" in names:
        found.append("a progress bar is kept as a widget: use tqdm.tqdm, not tqdm.auto")
    for cell in _cells(notebook, "code"):
        for output in cell.outputs:
            view = output.get("data", {}).get(WIDGET_VIEW)
            if view and view["model_id"] not in models:
                found.append(f"{where(notebook, cell)}: widget without saved state")
    size = len(json.dumps(models).encode())
    if size > MAX_WIDGET_BYTES:
        found.append(f"widgets hold {size:,} bytes, more than {MAX_WIDGET_BYTES:,}")
    return found


def pictures_of_widgets(notebook: NotebookNode) -> list[str]:
    """Widgets with no picture for where none is shown, such as on GitHub."""
    return [
        f"{where(notebook, cell)}: widget without a picture"
        for cell in _cells(notebook, "code")
        for output in cell.outputs
        if WIDGET_VIEW in output.get("data", {}) and "image/svg+xml" not in output.data
    ]


def parameters(notebook: NotebookNode) -> list[str]:
    """Settings that ``papermill -p`` cannot set: it writes after the tagged cell."""
    found = []
    tagged = [cell for cell in _cells(notebook, "code") if "parameters" in _tags(cell)]
    if len(tagged) > 1:
        found.append(f"{len(tagged)} cells tagged 'parameters'")
    for cell in _cells(notebook, "code"):
        names = _set_by(cell)
        if cell not in tagged and SETTINGS & names.keys():
            found.append(f"{where(notebook, cell)}: sets {', '.join(names)}, untagged")
        if cell in tagged and not all(names.values()):
            found.append(f"{where(notebook, cell)}: does more than to set constants")
    return found


def _set_by(cell: NotebookNode) -> dict[str, bool]:
    """Return what a cell's statements set, and whether each is set to a constant."""
    return {
        ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node): (
            isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        )
        for node in ast.parse(cell.source).body
    }


def _has_explorable(notebook: NotebookNode) -> bool:
    return any(
        'class="explorable"' in output.get("data", {}).get("text/html", "")
        for cell in _cells(notebook, "code")
        for output in cell.outputs
    )


def exercises(notebook: NotebookNode) -> list[str]:
    """Too few exercises, or one whose solution is missing, unfolded or unchecked."""
    found = []
    parts = {
        heading: cells
        for _, heading, cells in _parts(notebook)
        if re.match(r"Exercise \d+", heading)
    }
    if len(parts) < MIN_EXERCISES:
        found.append(f"{len(parts)} exercises, fewer than {MIN_EXERCISES}")
    for heading, cells in parts.items():
        code = [cell for cell in cells if cell.cell_type == "code"]
        solutions = [cell for cell in code if _is_solution(cell)]
        if not solutions:
            found.append(f"{heading}: no cell that begins with '# @title Solution'")
        if sum(cell.source.count("check(") for cell in code) < 2:
            found.append(f"{heading}: answer and solution are not both checked")
        for cell in solutions:
            if not (
                "hide-cell" in _tags(cell)
                and cell.metadata.get("cellView") == "form"
                and cell.metadata.get("jupyter", {}).get("source_hidden") is True
            ):
                found.append(f"{where(notebook, cell)}: the solution is not folded")
    return found


def machine_paths(notebook: NotebookNode) -> list[str]:
    """Outputs that hold a folder of the machine that ran them."""
    found = []
    for cell in _cells(notebook, "code"):
        for output in cell.outputs:
            texts = {
                key: value
                for key, value in output.get("data", output).items()
                if not key.startswith("image/")
            }
            if match := MACHINE_PATH.search(json.dumps(texts)):
                found.append(f"{where(notebook, cell)}: prints a path, {match[0]}…")
    return found


def unsourced_numbers(
    notebook: NotebookNode, published: Iterable[Decimal] = ()
) -> list[str]:
    """Numbers in the text that no cell prints and no paper is quoted for.

    Captions and alternative texts are text too. In an exercise the numbers in its own
    code count as well.
    """
    known = {*published, *printed(notebook)}
    found = []
    exercises_level = 0
    for level, heading, cells in _parts(notebook):
        if heading.startswith("Exercises"):
            exercises_level = level
        elif level <= exercises_level:
            exercises_level = 0
        local = set(known)
        if exercises_level:
            for cell in cells:
                if cell.cell_type == "code":
                    code = re.sub(r"(?<=\d)_(?=\d)", "", cell.source)
                    local |= {number.value for number in numbers(code)}
        for cell in cells:
            for number in stated(_prose(cell)):
                if not supported(number, local):
                    found.append(
                        f"{where(notebook, cell)}: {number.text} is printed by no cell "
                        "and is not in data/papers.csv"
                    )
    return found


def unlisted_papers(notebook: NotebookNode, bibliography: set[str]) -> list[str]:
    """Links to papers that references.bib does not hold."""
    return [
        f"{where(notebook, cell)}: {url} is not in references.bib"
        for cell in _cells(notebook, "markdown")
        for match in LINK.finditer(cell.source)
        if _is_paper(url := match[1] or match[2]) and _paper_id(url) not in bibliography
    ]


CHAPTER_CHECKS = (
    myst_syntax,
    sections,
    faults,
    cell_length,
    figures,
    image_alternatives,
    sliders,
    pictures_of_widgets,
    parameters,
    exercises,
    machine_paths,
)


def published_numbers(papers: Path) -> set[Decimal]:
    """Return the numbers in the column ``value`` of data/papers.csv."""
    with papers.open(newline="", encoding="utf-8") as file:
        return {
            number.value
            for row in csv.DictReader(file)
            for number in numbers(row["value"])
        }


def bibliography_ids(bibliography: Path) -> set[str]:
    """Return what a link may point to: the entries' arXiv ids, DOIs and addresses."""
    ids = set()
    for entry in _entries(bibliography).values():
        fields = entry.fields
        if "eprint" in fields:
            ids.add(fields["eprint"])
        if "doi" in fields:
            ids.add(_paper_id(f"https://doi.org/{fields['doi']}"))
        if "url" in fields:
            ids.add(_paper_id(fields["url"]))
    return ids


def unknown_citations(page: str, bibliography: Path) -> list[str]:
    """Keys that a MyST page cites and references.bib does not hold."""
    cited = {
        key.strip() for keys in CITED_KEYS.findall(page) for key in keys.split(",")
    }
    return sorted(cited - set(_entries(bibliography)))


def missing_run_fields(run: dict) -> list[str]:
    """Fields without which a recorded run cannot be repeated.

    What was only measured has no seeds, and says so by an empty list.
    """
    return [field for field in RUN_FIELDS if run.get(field) in (None, "", {})]


def _entries(bibliography: Path) -> dict:
    from pybtex.database import parse_file

    return parse_file(str(bibliography)).entries


def _cells(notebook: NotebookNode, kind: str) -> Iterator[NotebookNode]:
    return (cell for cell in notebook.cells if cell.cell_type == kind)


def _tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def _caption(cell: NotebookNode) -> str:
    return cell.metadata.get("mystnb", {}).get("figure", {}).get("caption", "")


def _alt(cell: NotebookNode) -> str:
    return cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")


def _prose(cell: NotebookNode) -> str:
    if cell.cell_type == "markdown":
        return cell.source
    return f"{_caption(cell)}\n{_alt(cell)}"


def _is_solution(cell: NotebookNode) -> bool:
    return cell.source.startswith("# @title Solution")


def _models(notebook: NotebookNode) -> dict[str, NotebookNode]:
    return notebook.metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})


def _parts(notebook: NotebookNode) -> list[tuple[int, str, list[NotebookNode]]]:
    """Split a notebook at the cells that hold a heading: its level, text and cells."""
    parts: list[tuple[int, str, list[NotebookNode]]] = [(0, "", [])]
    for cell in notebook.cells:
        heading = HEADING.search(cell.source) if cell.cell_type == "markdown" else None
        if heading:
            parts.append((len(heading[1]), heading[2].strip(), []))
        parts[-1][2].append(cell)
    return parts


def _html(cell: NotebookNode) -> list[str]:
    return [
        output.data["text/html"]
        for output in cell.get("outputs", [])
        if "text/html" in output.get("data", {})
    ]


def _image_alts(html: str) -> list[str]:
    """Return the alternative text of every image in a piece of HTML."""
    found = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: (
        found.append(dict(attributes).get("alt") or "") if tag == "img" else None
    )
    parser.feed(html)
    return found


def printed(notebook: NotebookNode) -> set[Decimal]:
    """Return every number that the reader sees in an output or a slider's frames."""
    texts = [str(model.state.get("value", "")) for model in _models(notebook).values()]
    for cell in _cells(notebook, "code"):
        for output in cell.outputs:
            texts.append(output.get("text", ""))
            for mime, value in output.get("data", {}).items():
                if mime.startswith("text/"):
                    texts.append(value)
    visible = (
        re.sub(r"<style.*?</style>|<[^>]*>", " ", text, flags=re.S) for text in texts
    )
    return {number.value for text in visible for number in numbers(text)}


def _is_paper(url: str) -> bool:
    host, _, path = url.split("://", 1)[1].partition("/")
    listed = any(host == name or host.endswith(f".{name}") for name in PUBLISHERS)
    return listed or path.lower().endswith(".pdf")


def _paper_id(url: str) -> str:
    if arxiv := ARXIV.search(url):
        return arxiv[1]
    if doi := DOI.search(url):
        return doi[1].lower()
    return url.split("://", 1)[1].removeprefix("www.").rstrip("/")
