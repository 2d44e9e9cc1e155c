"""A section of a report, and the small pieces of HTML that every section shares."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from html import escape, unescape
from importlib.resources import files
from typing import Any, Literal

from qstats.errors import OptionError, one_of
from qstats.messages import language, say

#: under this type a notebook output carries a section as data, so that no one need parse HTML to find it
MIME = "application/vnd.qstats.section+json"

Kind = Literal["section", "summary"]

_TABLE = re.compile(
    r'(<div class="qs-scroll"[^>]*>\s*)?<table\b[^>]*\bclass="[^"]*\bqs-table\b.*?</table>', re.DOTALL
)
_FIGURE = re.compile(r'<figure\b[^>]*\bclass="[^"]*\bqs-figure\b.*?</figure>', re.DOTALL)
_SVG = re.compile(r"<svg\b.*</svg>", re.DOTALL)
_FIGCAPTION = re.compile(r"<figcaption\b[^>]*>(.*?)</figcaption>", re.DOTALL)
_UNIT = re.compile(r'<span class="qs-unit">.*?</span>', re.DOTALL)
_CAPTION = re.compile(r"<caption\b[^>]*>(.*?)</caption>", re.DOTALL)


@cache
def stylesheet() -> str:
    """Return the style sheet of the sections: every rule is scoped under the class ``qs``."""
    return (files("qstats") / "assets" / "page.css").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Section:
    """One section of a report.

    In JupyterLab it displays as it will look on the page; in the rendered page it becomes
    ``<section id=key><h2>title</h2>body</section>`` and a line of the table of contents.

    Parameters
    ----------
    key : str
        The id of the section: lower-case letters, digits and hyphens, unique on the page.
    title : str
        The heading, plain text, with its number: "一、主要指标".
    body : str
        HTML: tables, figures, paragraphs, lists. Headings inside begin at ``h3``.
    kind : {"section", "summary"}
        A summary is the box of key points that stands before the table of contents.
    simulated : bool
        True when a number in it descends from simulated data; the section then says so.
    lang : {"zh", "en"}, optional
        The language of its labels; see :func:`qstats.messages.language`.
    sources : tuple of str
        Names of the data sets it rests on.

    Raises
    ------
    OptionError
        `key` cannot be an id, or `kind` is not known.

    Examples
    --------
    >>> section = Section("exports", "三、出口商品质量", "<p>合格率为 99.80%。</p>", lang="zh")
    >>> print(section.html())
    <section class="qs-section" id="exports" aria-labelledby="exports-title">
    <div class="qs-head"><h2 id="exports-title">三、出口商品质量</h2></div>
    <p>合格率为 99.80%。</p>
    </section>
    """

    key: str
    title: str
    body: str
    kind: Kind = "section"
    simulated: bool = False
    lang: str | None = None
    sources: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9-]*", self.key):
            raise OptionError(f"key={self.key!r} cannot be an id: use lower-case letters, digits and hyphens")
        one_of("kind", self.kind, ("section", "summary"))
        object.__setattr__(self, "lang", language(self.lang))
        object.__setattr__(self, "sources", tuple(self.sources))

    def html(self, *, more: str = "") -> str:
        """Return the section as HTML, with `more` (text written in the notebook) after its body."""
        classes = "qs-section" + (" qs-summary" if self.kind == "summary" else "")
        badge = (
            f'<p class="qs-badge">{escape(say("page.simulated", self.lang))}</p>' if self.simulated else ""
        )
        return (
            f'<section class="{classes}" id="{self.key}" aria-labelledby="{self.key}-title">\n'
            f'<div class="qs-head"><h2 id="{self.key}-title">{escape(self.title)}</h2>{badge}</div>\n'
            f"{scrollable(self.body)}\n{more}</section>"
        )

    def _repr_html_(self) -> str:
        return (
            f'<style>{stylesheet()}</style><div class="qs" lang="{html_lang(self.lang)}">{self.html()}</div>'
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {
            MIME: {
                "key": self.key,
                "title": self.title,
                "body": self.body,
                "kind": self.kind,
                "simulated": self.simulated,
                "lang": self.lang,
                "sources": list(self.sources),
            },
            "text/html": self._repr_html_(),
            "text/plain": f"Section {self.key}: {self.title}",
        }


def html_lang(lang: str | None, /) -> str:
    """Return the HTML language tag: ``zh-CN`` or ``en``."""
    return "zh-CN" if language(lang) == "zh" else "en"


def scrollable(html: str, /) -> str:
    """Wrap each table and drawing in a region that scrolls on a narrow screen and takes the keyboard.

    The region is named by the caption. What already stands in a ``<div class="qs-scroll">``
    is left alone.
    """
    html = _TABLE.sub(
        lambda match: match[0] if match[1] else _region(match[0], _CAPTION.search(match[0])), html
    )
    return _FIGURE.sub(_scrollable_figure, html)


def _scrollable_figure(match: re.Match[str]) -> str:
    figure = match[0]
    drawing = _SVG.search(figure)
    if drawing is None or 'class="qs-scroll"' in figure:
        return figure
    return figure.replace(drawing[0], _region(drawing[0], _FIGCAPTION.search(figure)))


def _region(inner: str, caption: re.Match[str] | None) -> str:
    name = plain(_UNIT.sub("", caption[1])) if caption else ""
    label = f' role="region" aria-label="{escape(name, quote=True)}"' if name else ""
    return f'<div class="qs-scroll" tabindex="0"{label}>{inner}</div>'


def plain(html: str, /) -> str:
    """Return the text of a piece of HTML in one line.

    Examples
    --------
    >>> plain("表 1 <b>合格率</b><span>(%)</span>")
    '表 1 合格率(%)'
    """
    return " ".join(unescape(re.sub(r"<[^>]*>", "", html)).split())


def math(latex: str, /, *, display: Literal["block", "inline"] = "block") -> str:
    """Return a formula as MathML, which browsers draw without a script.

    Parameters
    ----------
    latex : str
        The formula. Environments that align several lines are refused because the
        converter breaks them: write one formula a line.
    display : {"block", "inline"}
        On a line of its own, or in the text.

    Returns
    -------
    str
        The element ``math``.

    Raises
    ------
    OptionError
        The formula uses an environment, or `display` is not known.

    Examples
    --------
    >>> math(r"F = 100 - E", display="inline").startswith("<math")
    True
    """
    one_of("display", display, ("block", "inline"))
    environment = re.search(r"\\begin\{([^}]*)\}", latex)
    if environment:
        raise OptionError(f"math cannot set the environment {environment[1]!r}: write one formula a line")
    from latex2mathml.converter import convert

    formula = str(convert(latex, display=display))
    formula = re.sub(r"<mi>(&#x[0-9A-Fa-f]+;|[^<])</mi>", _slanted, formula)
    formula = re.sub(r"<mo>(&#x022(?:11|0F);)</mo>", r'<mo class="qs-large">\1</mo>', formula)
    # a long formula scrolls on a narrow screen, so the keyboard must reach it
    reach = ' tabindex="0"' if display == "block" else ""
    return formula.replace("<math ", f'<math aria-label="{escape(latex, quote=True)}"{reach} ', 1)


def _slanted(match: re.Match[str]) -> str:
    kind = ' class="qs-variable"' if unescape(match[1]).isalpha() else ""
    return f"<mi{kind}>{match[1]}</mi>"
