"""Checks of a finished page in Chromium, for any page: ``def test_…(page_checks): page_checks.axe(path)``."""

from __future__ import annotations

import base64
import io
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
# what passes is counted by rule, not node by node: all rules run all the same
AXE = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
FAMILY = "QStats Sans SC"
INVISIBLE = "\u200b\u2061\u2062\u2063\u2064\ufeff"
PHONE = {"width": 360, "height": 740}


def require(tool: str, found: object) -> None:
    """Skip the test by name when a tool is absent, or fail it when QSTATS_REQUIRE=all."""
    if found:
        return
    if os.environ.get("QSTATS_REQUIRE") == "all":
        pytest.fail(f"{tool} is required and was not found")
    pytest.skip(f"{tool} was not found")


#: the places, in the order of the page, that a key must reach
_REACHED = """() => {
    window.places = [...document.querySelectorAll('a[href], summary, [tabindex="0"]')]
        .filter(e => e.checkVisibility());
    return places.map((_, i) => i);
}"""
_FOCUSED = """() => {
    const at = document.activeElement;
    if (!at || at === document.body) return null;
    const box = at.getBoundingClientRect(), style = getComputedStyle(at);
    return {place: places.indexOf(at), html: at.outerHTML.slice(0, 120),
            seen: at.matches(':focus-visible') && box.width > 0 && box.height > 0 && box.left >= -1
                && box.left < innerWidth && box.bottom > 0 && box.top < innerHeight
                && (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0)};
}"""


class PageChecks:
    """What a page must pass, in a Chromium without network and without any Chinese font."""

    def __init__(self, browser):
        self.browser = browser

    def opened(self, path: Path, **options):
        """Open the page offline; every request but the file itself is refused and noted."""
        context = self.browser.new_context(offline=True, **options)
        page = context.new_page()
        requests: list[str] = []

        def judge(route):
            requests.append(route.request.url)
            if len(requests) == 1:
                route.continue_()
            else:
                route.abort()

        page.route("**/*", judge)
        page.goto(path.resolve().as_uri(), wait_until="load")
        page.evaluate("() => document.fonts.ready.then(() => true)")
        page.requests = requests
        return page

    def requests(self, path: Path) -> None:
        """The page asks for nothing but itself."""
        page = self.opened(path)
        page.wait_for_timeout(200)
        asked, kinds = (
            list(page.requests),
            page.evaluate("performance.getEntriesByType('resource').map(e => e.name)"),
        )
        page.context.close()
        assert asked == [path.resolve().as_uri()]
        assert [name for name in kinds if not name.startswith("data:")] == []

    def axe(self, path: Path) -> None:
        """axe-core finds nothing, on a desk and on a phone."""
        from axe_playwright_python.sync_playwright import Axe

        for viewport in ({"width": 1280, "height": 900}, PHONE):
            page = self.opened(path, viewport=viewport)
            results = Axe().run(page, options=AXE)
            page.context.close()
            assert results.response["passes"], "axe ran no rule"
            found = [(v["id"], [n["html"][:160] for n in v["nodes"]]) for v in results.response["violations"]]
            assert found == []

    def readable_without_scripts(self, path: Path) -> None:
        """With JavaScript off the same text stands on the page, and there is no script at all."""
        texts = []
        for enabled in (True, False):
            page = self.opened(path, java_script_enabled=enabled)
            assert page.locator("script").count() == 0
            texts.append(page.locator("main").inner_text())
            page.context.close()
        assert texts[0] == texts[1] != ""

    def glyphs(self, path: Path) -> None:
        """Every text is drawn by the embedded font in its weight; names and code may borrow what it lacks."""
        page = self.opened(path)
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        nodes = _drawn_texts(page)
        page.context.close()
        assert len(nodes) > 10
        embedded = _embedded(path.read_text(encoding="utf-8"))
        wrong = [node for node in nodes if not _well_drawn(node, embedded)]
        assert wrong == []

    def phone(self, path: Path) -> None:
        """At 360 pixels nothing overflows the screen sideways."""
        page = self.opened(path, viewport=PHONE)
        width, wide = page.evaluate(
            """() => [document.documentElement.scrollWidth,
                [...document.querySelectorAll('body *')]
                    .filter(e => e.getBoundingClientRect().right > innerWidth + 1
                        && !e.closest('.qs-scroll, math, svg'))
                    .map(e => e.outerHTML.slice(0, 120))]"""
        )
        page.context.close()
        assert wide == []
        assert width <= PHONE["width"]

    def keyboard(self, path: Path) -> None:
        """Tab reaches every link, fold and scrolled table in the order of the page, and shows where it is."""
        page = self.opened(path)
        wanted = page.evaluate(_REACHED)
        walked = []
        for _ in range(len(wanted) + 1):
            page.keyboard.press("Tab")
            at = page.evaluate(_FOCUSED)
            if at is None:
                break
            walked.append(at["place"])
            assert at["seen"], f"the focus cannot be seen on {at['html']}"
        assert walked == wanted and len(walked) > 1
        page.context.close()
        page = self.opened(path)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.matches('.qs-skip')")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.matches('main')")
        page.keyboard.press("Tab")
        assert page.evaluate("!!document.activeElement.closest('main')")
        for at in range(page.locator("details > summary").count()):
            fold = page.locator("details > summary").nth(at)
            fold.focus()
            before = page.evaluate("document.activeElement.parentElement.open")
            page.keyboard.press("Enter")
            assert page.evaluate("document.activeElement.parentElement.open") is not before
        page.context.close()

    def prints(self, path: Path) -> bytes:
        """Print to PDF: every page is A4; the code is not printed. Returns the PDF."""
        page = self.opened(path)
        page.emulate_media(media="print")
        assert not page.locator("details.qs-code").is_visible()
        pdf = page.pdf(prefer_css_page_size=True, print_background=True, tagged=True, outline=True)
        page.context.close()
        boxes = re.findall(rb"/MediaBox\s*\[\s*0\s+0\s+([\d.]+)\s+([\d.]+)\s*\]", pdf)
        assert boxes
        assert {(round(float(w)), round(float(h))) for w, h in boxes} == {(595, 842)}
        return pdf

    def screenshot(
        self, path: Path, to: Path, *, width: int = 1280, height: int = 900, whole: bool = True
    ) -> None:
        """Draw the page into a PNG, to be looked at."""
        page = self.opened(path, viewport={"width": width, "height": height})
        page.screenshot(path=to, full_page=whole)
        page.context.close()

    def all(self, path: Path) -> None:
        """Everything above."""
        self.requests(path)
        self.axe(path)
        self.readable_without_scripts(path)
        self.glyphs(path)
        self.phone(path)
        self.keyboard(path)
        self.prints(path)


#: text nodes below the body, in document order, blank ones left out
_TEXTS = """() => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
    while (walker.nextNode()) {
        const node = walker.currentNode, parent = node.parentElement, style = getComputedStyle(parent);
        found.push({text: node.data, bold: +style.fontWeight >= 600,
                    drawn: !parent.closest('style, title, desc, metadata'),
                    name: !!parent.closest('[data-from=data], .qs-name'),
                    code: !!parent.closest('code, pre'),
                    face: [style.fontFamily, style.fontWeight, style.fontStyle, style.fontSize,
                           style.fontVariant, parent.closest('[lang]').lang, parent.namespaceURI].join()});
    }
    return found;
}"""


def _drawn_texts(page) -> list[dict]:
    """Return, for each text node, its text, its weight, whether it may borrow, and the fonts that drew it.

    A text in one face is drawn by the same fonts wherever it stands, so it is asked about once.
    """
    nodes = [node for node in page.evaluate(_TEXTS) if node["text"].strip()]
    cdp = page.context.new_cdp_session(page)
    for domain in ("DOM", "CSS"):
        cdp.send(f"{domain}.enable")
    root = cdp.send("DOM.getDocument", {"depth": -1, "pierce": True})["root"]
    known = [node for node in _text_nodes(_body(root)) if node["nodeValue"].strip()]
    assert [node["nodeValue"][:200] for node in known] == [node["text"][:200] for node in nodes]
    fonts, found = {}, []
    for node, in_tree in zip(nodes, known, strict=True):
        if not node["drawn"]:
            continue
        key = node["text"], node["face"]
        if key not in fonts:
            said = cdp.send("CSS.getPlatformFontsForNode", {"nodeId": in_tree["nodeId"]})["fonts"]
            fonts[key] = [(f["familyName"], f["postScriptName"], f["glyphCount"]) for f in said]
        found.append(node | {"text": node["text"].strip(), "fonts": fonts[key]})
    return found


def _body(root: dict) -> dict:
    html = next(child for child in root["children"] if child["nodeName"] == "HTML")
    return next(child for child in html["children"] if child["nodeName"] == "BODY")


def _text_nodes(node: dict) -> Iterator[dict]:
    if node["nodeType"] == 3:
        yield node
    for child in node.get("children", []):
        yield from _text_nodes(child)


def _embedded(html: str) -> dict[bool, set[str]]:
    """Return the characters of the embedded fonts: bold or not."""
    from fontTools.ttLib import TTFont

    found = {False: set(), True: set()}
    for weight, data in re.findall(r"@font-face\{[^}]*?font-weight:(\d+)[^}]*?;base64,([^)]*)\)", html):
        font = TTFont(io.BytesIO(base64.b64decode(data)))
        found[weight == "700"] |= set(map(chr, font.getBestCmap()))
    return found


def _well_drawn(node: dict, embedded: dict[bool, set[str]]) -> bool:
    # Chromium draws an empty box with the page's own font, so the fonts it names are not enough
    from qstats.report.fonts import characters

    own = [face for family, face, _ in node["fonts"] if family.startswith(FAMILY)]
    borrowed = sum(count for family, _, count in node["fonts"] if not family.startswith(FAMILY))
    needed = {
        character for character in node["text"] if not character.isspace() and character not in INVISIBLE
    }
    allowed = 0
    if node["name"] or node["code"]:
        needed &= characters()
        allowed = sum(character not in characters() for character in node["text"])
    if node["code"]:
        needed = {character for character in needed if character >= "\u2000"}
        allowed += sum(character < "\u2000" for character in node["text"])
    weight = all(face.endswith("-Bold" if node["bold"] else "-Regular") for face in own)
    return borrowed <= allowed and weight and needed <= embedded[node["bold"]]


@pytest.fixture(scope="package")
def page_checks(tmp_path_factory) -> Iterator[PageChecks]:
    """Give the checks, in a Chromium that sees one Latin font and no Chinese one."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    require("Chromium", executable)
    import matplotlib
    from playwright.sync_api import sync_playwright

    folder = tmp_path_factory.mktemp("fonts")
    shutil.copy(Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf", folder)
    config = folder / "fonts.conf"
    config.write_text(f"<fontconfig><dir>{folder}</dir><cachedir>{folder / 'cache'}</cachedir></fontconfig>")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, args=FLAGS, env=os.environ | {"FONTCONFIG_FILE": str(config)}
        )
        yield PageChecks(browser)
        browser.close()
