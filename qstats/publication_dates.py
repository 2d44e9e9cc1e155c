"""When a source was published, as far as its title or its address says so; nothing is guessed.

Three things are taken for a date of publication: a full date in the title (``人民日报 2012-02-29``), the date
that a site writes into an address (``/2013-01/23/``, ``t20180418_``), and the edition of a yearbook
(``年鉴2024``). A year in any other place of a title is mostly that of the figures.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

_FULL: Final = re.compile(r"(?<!\d)((?:19|20)\d\d)-(\d\d)-(\d\d)(?!\d)")
_ADDRESS: Final = (
    re.compile(r"(?<!\d)((?:19|20)\d\d)[-/](\d\d?)[-/](\d\d?)(?=/)"),
    re.compile(r"(?<!\d)((?:19|20)\d\d)[-/]?(\d\d)[-/]?(\d\d)(?!\d)"),
)
_EDITION: Final = re.compile(r"(?:Yearbook(?: on [A-Za-z& ]+?)?|\u5e74\u9274) ?((?:19|20)\d\d)(?!\d)")
_YEAR: Final = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")


def published_on(title: str, address: str = "", /) -> str:
    """Return when a source was published: a day, the year of an edition, or nothing.

    Parameters
    ----------
    title : str
        Of the source.
    address : str
        Where it stands, if that is known.

    Returns
    -------
    str
        ``2012-02-29``, ``2024``, or an empty text where neither says it. The title comes first.

    Examples
    --------
    >>> published_on("人民日报 2012-02-29 2011年产品质量合格率87.5%")
    '2012-02-29'
    >>> published_on("A bulletin", "http://www.example.cn/2013-01/23/content_16168061.htm")
    '2013-01-23'
    >>> published_on("China Statistical Yearbook on Science and Technology 2024 Table 2-23 (2023年)")
    '2024'
    >>> published_on("2020年国民经济和社会发展统计公报")
    ''
    """
    for text, pattern in ((title, _FULL), *((address, pattern) for pattern in _ADDRESS)):
        days = [day for parts in pattern.findall(text) if (day := _day(*parts))]
        if days:
            return max(days)
    return max(_EDITION.findall(title), default="")


def _day(year: str, month: str, day: str) -> str:
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return ""


def edition_of(title: str, /) -> str:
    """Return the newest year in the name of a standard, a document or an article, or nothing.

    Examples
    --------
    >>> edition_of("GB/T 4754-2011, GB/T 4754-2017"), edition_of("国发〔2012〕9号"), edition_of("GB/T 2260")
    ('2017', '2012', '')
    """
    return max(_YEAR.findall(title), default="")
