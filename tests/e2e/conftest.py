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
            results = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}})
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
        self.prints(path)


def _drawn_texts(page) -> list[dict]:
    """Return, for each text node, its text, its weight, whether it may borrow, and the fonts that drew it."""
    page.evaluate(
        """() => {
            const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            window.drawn = [];
            while (walker.nextNode()) {
                const parent = walker.currentNode.parentElement;
                if (walker.currentNode.data.trim() && !parent.closest('style, title, desc, metadata'))
                    window.drawn.push(walker.currentNode);
            }
        }"""
    )
    cdp = page.context.new_cdp_session(page)
    for domain in ("DOM", "CSS"):
        cdp.send(f"{domain}.enable")
    cdp.send("DOM.getDocument", {"depth": -1, "pierce": True})
    found = []
    for index in range(page.evaluate("window.drawn.length")):
        handle = cdp.send("Runtime.evaluate", {"expression": f"window.drawn[{index}]"})["result"]["objectId"]
        node = cdp.send("DOM.requestNode", {"objectId": handle})["nodeId"]
        fonts = cdp.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
        about = page.evaluate(
            """i => {
                const node = window.drawn[i], parent = node.parentElement;
                return {text: node.data.trim(), bold: +getComputedStyle(parent).fontWeight >= 600,
                        name: !!parent.closest('[data-from=data], .qs-name'),
                        code: !!parent.closest('code, pre')};
            }""",
            index,
        )
        found.append(
            about | {"fonts": [(f["familyName"], f["postScriptName"], f["glyphCount"]) for f in fonts]}
        )
    return found


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


@pytest.fixture(scope="module")
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
