"""The embedded font: exactly the characters a page uses, as WOFF2 in a ``data:`` address.

The source is a GB 2312 subset of Noto Sans CJK SC under its own name, ``QStats Sans SC``
(SIL Open Font License 1.1). All digits have one width, so columns of numbers line up.
"""

from __future__ import annotations

import base64
import io
import unicodedata
from functools import cache
from importlib.resources import as_file, files
from typing import Literal

FAMILY = "QStatsSansSC"
#: required by the licence wherever the font goes
COPYRIGHT = "© 2014-2021 Adobe (http://www.adobe.com/), with Reserved Font Name 'Source'"

Weight = Literal["Regular", "Bold"]


@cache
def characters(weight: Weight = "Regular") -> frozenset[str]:
    """Return every character that the font can draw."""
    from fontTools.ttLib import TTFont

    with as_file(_file(weight)) as path, TTFont(path, lazy=True) as font:
        return frozenset(map(chr, font.getBestCmap()))


def missing(text: str, /) -> list[str]:
    """Return the characters of `text` that the font cannot draw, in order of code point.

    Spaces, controls and invisible operators need no glyph.

    Examples
    --------
    >>> missing("合格率 93.65% ▲")
    []
    >>> missing("朱镕基")
    ['镕']
    """
    return sorted(c for c in set(text) - characters() if _visible(c))


def face(text: str, /, weight: Weight = "Regular") -> str:
    """Return an ``@font-face`` rule with the characters of `text`; empty when there are none.

    The same characters give the same bytes.
    """
    wanted = "".join(sorted(set(text) & characters(weight)))
    if not wanted:
        return ""
    data = base64.b64encode(_subset(wanted, weight)).decode("ascii")
    number = 700 if weight == "Bold" else 400
    return (
        f'@font-face{{font-family:"{FAMILY}";font-weight:{number};font-style:normal;'
        f'src:url(data:font/woff2;base64,{data}) format("woff2")}}'
    )


@cache
def _subset(wanted: str, weight: Weight) -> bytes:
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont

    options = Options(
        hinting=False,
        layout_features=["tnum"],
        notdef_outline=True,
        name_IDs=[0, 1, 2, 4, 6, 13, 14],
        glyph_names=False,
    )
    with (
        as_file(_file(weight)) as path,
        TTFont(path, lazy=True, recalcBBoxes=False, recalcTimestamp=False) as font,
    ):
        subsetter = Subsetter(options)
        subsetter.populate(text=wanted)
        subsetter.subset(font)
        font.flavor = "woff2"
        buffer = io.BytesIO()
        font.save(buffer)
    return buffer.getvalue()


def _file(weight: Weight):  # type: ignore[no-untyped-def]
    return files("qstats") / "assets" / "fonts" / f"{FAMILY}-{weight}.ttf"


def _visible(character: str) -> bool:
    return unicodedata.category(character) not in ("Cc", "Cf", "Zl", "Zp", "Mn") and not character.isspace()
