"""A figure as a small piece of SVG that can stand inside a page.

What matplotlib writes is made fit for a page: no prolog, date or style sheet of its own
(which would reach the rest of the page), ids that begin with the key of the figure, two
decimals, no empty groups, and text that uses the font of the page.
"""

from __future__ import annotations

import re
import warnings
from html import escape
from io import BytesIO
from typing import Final
from xml.etree import ElementTree

from matplotlib.figure import Figure

from qstats.report.drawing import NAME
from qstats.report.theme import theme

_FONT: Final = (
    "font-family:QStatsSansSC,'QStats Sans SC',sans-serif;stroke-linejoin:round;stroke-linecap:butt"
)
_DECIMAL: Final = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
_REFERENCE: Final = re.compile(r"#([A-Za-z_][\w.-]*)")
_POINT_ONLY: Final = re.compile(r"\s*M\s*[-\d.e]+\s+[-\d.e]+\s*z?\s*")
_IDENTITY: Final = re.compile(r"rotate\(-?0(?:\.0*)? [^)]*\)")
_GONE: Final = ("metadata", "style")


def svg(figure: Figure, /, *, key: str, title: str, alt: str) -> str:
    """Return a figure as inline SVG, the same bytes each time.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Any figure.
    key : str
        Begins every id inside, so that two figures on a page do not mix.
    title : str
        Short name.
    alt : str
        What the figure shows, in a sentence, for those who do not see it.

    Returns
    -------
    str
        ``<svg …>…</svg>``, as wide as its place allows.
    """
    root = ElementTree.fromstring(_drawn(figure))
    used = _references(root)
    names = {old: f"{key}-{number}" for number, old in enumerate(used, start=1)}
    box = " ".join(_short(part) for part in root.attrib["viewBox"].split())
    body = "".join(_write(child, names, name=False) for child in root)
    return (
        f'<svg viewBox="{box}" width="100%" role="img" aria-label="{escape(alt)}" style="{_FONT}">'
        f"<title>{escape(title)}</title>{body}</svg>"
    )


def _drawn(figure: Figure) -> bytes:
    buffer = BytesIO()
    with theme(svg="text"), warnings.catch_warnings():
        # a rare character in a name is drawn by the reader's own fonts
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from", category=UserWarning)
        Figure.savefig(figure, buffer, format="svg", metadata={"Date": None})  # the page has the font
    return buffer.getvalue()


def _references(root: ElementTree.Element) -> list[str]:
    """Return the ids that something points at, in order of first use."""
    found: dict[str, None] = {}
    for element in root.iter():
        for name, value in element.attrib.items():
            if name != "id" and "#" in value:
                found |= dict.fromkeys(_REFERENCE.findall(value))
    ids = {element.get("id") for element in root.iter()}
    return [reference for reference in found if reference in ids]


def _write(element: ElementTree.Element, names: dict[str, str], *, name: bool) -> str:
    tag = element.tag.rpartition("}")[2]
    if tag in _GONE or _POINT_ONLY.fullmatch(element.get("d", "")):
        return ""
    name = name or element.get("id") == NAME
    attributes = _attributes(tag, element.attrib, names)
    if tag in ("text", "tspan"):
        inner = escape(element.text or "", quote=False)
        inner += "".join(
            _write(c, names, name=False) + escape(c.tail or "", quote=False).strip("\n") for c in element
        )
        return f"<{tag}{f' class={chr(34)}{NAME}{chr(34)}' if name else ''}{attributes}>{inner}</{tag}>"
    inner = "".join(_write(child, names, name=name) for child in element)
    if tag in ("g", "defs") and not inner:
        return ""
    if tag == "g" and not attributes:
        return inner
    return f"<{tag}{attributes}>{inner}</{tag}>" if inner else f"<{tag}{attributes}/>"


def _attributes(tag: str, given: dict[str, str], names: dict[str, str]) -> str:
    kept = {}
    for full, value in given.items():
        attribute = full.rpartition("}")[2]
        if attribute == "id":
            if value not in names:
                continue
            value = names[value]
        elif attribute == "transform" and tag == "text" and _IDENTITY.fullmatch(value):
            continue
        else:
            value = _REFERENCE.sub(lambda m: "#" + names.get(m[1], m[1]), value)
            value = _DECIMAL.sub(lambda m: _short(m[0]), value)
            value = _tight(attribute, value)
        kept[attribute] = value
    return "".join(f' {attribute}="{escape(value)}"' for attribute, value in kept.items())


def _short(number: str) -> str:
    """Return a number with two decimals at most."""
    text = f"{float(number):.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _tight(attribute: str, value: str) -> str:
    if attribute == "d":
        return re.sub(r"\s*([A-Za-z])\s*", r"\1", " ".join(value.split()))
    if attribute == "style":
        kept = (part.strip().replace(": ", ":") for part in value.split(";"))
        return ";".join(part for part in kept if part and not part.startswith("font-family"))
    return value
