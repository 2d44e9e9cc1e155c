"""How a sheet is understood: which row is the header, which rows are data, what is left out and why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from qstats import headings
from qstats.errors import DataError, OptionError, names_of, one_of, text, whole_number
from qstats.headings import plain
from qstats.messages import say
from qstats.readings import Part, Seen, letter
from qstats.workbooks import Grid, IsHeader

if TYPE_CHECKING:
    import pandas as pd

Leave = Literal["drop", "keep", "refuse"]
Hidden = Literal["refuse", "read", "drop"]
Formulas = Literal["refuse", "empty"]
_CHOICES: Final = {
    "totals": get_args(Leave),
    "footnotes": get_args(Leave),
    "hidden": get_args(Hidden),
    "formulas": get_args(Formulas),
}
_UNIT_ABOVE: Final = re.compile(
    r"(?:^|[\s(\uff08])(?:计量|金额)?单位\s*[:\uff1a]?\s*([百千万亿十][^\s)\uff09]*)"
)


@dataclass(frozen=True)
class Layout:
    r"""The rules by which a sheet is read; what cannot be known is refused until a rule says it.

    For :func:`qstats.read_table` and :func:`qstats.collect`; on the command line ``--rule hidden=drop``.

    Parameters
    ----------
    sheet : str, optional
        The sheet; ``*`` for all that are shown, one below the other; by default the only one with
        the headers that are looked for.
    header : int, optional
        Row of the header (its last row, if it has two), as a spreadsheet numbers it; by default it is found.
    header_rows : {1, 2}, optional
        Rows of the header; by default it is found.
    totals : {"drop", "keep", "refuse"}
        What becomes of rows called 合计, 总计, 小计 …: added to the rows they count everything twice.
    footnotes : {"drop", "keep", "refuse"}
        What becomes of notes below the table (注：, 资料来源：, 填表人： …).
    hidden : {"refuse", "read", "drop"}
        What becomes of rows and columns that are not shown: filtered away, or only folded?
    formulas : {"refuse", "empty"}
        What becomes of cells whose formula was saved without its value.
    fill_down : tuple of str
        Headers under which an empty cell means the value above it. Merged cells are always filled.
    unit_columns : tuple of str
        Headers of the columns that a unit above the table (单位：万元) is for; with none such a
        table is refused.
    total_words : tuple of str
        What a row of totals is called.
    footnote_marks : tuple of str
        What a note begins with, before a colon or a number.

    Examples
    --------
    >>> import qstats as qs
    >>> path = getfixture("tmp_path") / "returns.csv"
    >>> rows = ["地区,检验数,合格数", "安徽,100,90", "合计,100,90"]
    >>> _ = path.write_text("\n".join(rows), encoding="utf-8")
    >>> [len(qs.read_table(path, layout=Layout(totals=what)).table) for what in ("drop", "keep")]
    [1, 2]
    """

    sheet: str | None = None
    header: int | None = None
    header_rows: int | None = None
    totals: Leave = "drop"
    footnotes: Leave = "drop"
    hidden: Hidden = "refuse"
    formulas: Formulas = "refuse"
    fill_down: tuple[str, ...] = ()
    unit_columns: tuple[str, ...] = ()
    total_words: tuple[str, ...] = headings.TOTALS
    footnote_marks: tuple[str, ...] = headings.FOOTNOTES

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            one_of(name, getattr(self, name), choices)
        one_of("header_rows", self.header_rows, (None, 1, 2))
        if self.header is not None:
            whole_number("header", self.header, least=1)
        if self.sheet is not None:
            text("sheet", self.sheet, empty=False)
        for name in ("fill_down", "unit_columns", "total_words", "footnote_marks"):
            object.__setattr__(self, name, tuple(names_of(name, getattr(self, name))))


#: everything below the header is data
PLAIN: Final = Layout(totals="keep", footnotes="keep", hidden="read", formulas="empty")


def layout_of(rules: Sequence[str], /) -> Layout:
    """Return the layout that ``name=value`` texts declare, as on a command line.

    Lists are parted by commas. A rule that does not exist is answered with those that do.

    Examples
    --------
    >>> layout_of(["hidden=drop", "fill_down=地区,行业", "header=3"]).fill_down
    ('地区', '行业')
    """
    known = {field.name: field for field in fields(Layout)}
    found: dict[str, Any] = {}
    for rule in rules:
        name, _, text = (part.strip() for part in rule.partition("="))
        one_of("layout", name, list(known))
        if name in ("header", "header_rows"):
            if not text.isdecimal():
                raise OptionError(say("layout.not_whole", name=name, text=text[:80]))
            found[name] = int(text)
        elif isinstance(known[name].default, tuple):
            found[name] = tuple(p.strip() for p in text.replace("\uff0c", ",").split(",") if p.strip())
        else:
            found[name] = text
    return Layout(**found)


def understood(
    path: Path, grid: Grid, layout: Layout, is_header: IsHeader | None, lang: str | None, /
) -> Part:
    """Return the table of one sheet, and say what was understood and what was left out.

    Raises
    ------
    DataError
        The sheet is empty; a unit stands above the header and no column is named for it; something
        is left out by no rule (hidden rows, formulas without values, totals that are refused).
    """
    rows = [list(row) for row in grid.rows]
    copied = _fill(rows, grid.areas)
    filled = [i for i, row in enumerate(rows) if any(row)]
    if not filled:
        raise DataError(say("file.empty", lang, path=path))
    head = headings.heading(rows, filled, grid.areas, layout.header, layout.header_rows, is_header)
    teller = _Teller(grid.name, lang)
    unit = _titles(rows, [i for i in filled if i < head.first], layout, teller)
    body = _body(rows, [i for i in filled if i > head.last], head, grid, layout, teller)
    if not grid.name:
        _refuse_wide(path, rows, body, len(rows[head.last]), lang)
    width = max(
        (j + 1 for i in (head.last, *body) for j in range(len(rows[i]) - 1, -1, -1) if rows[i][j]), default=0
    )
    width = max(width, len(head.names))
    columns = headings.names((list(head.names) + [None] * width)[:width], unit, layout.unit_columns)
    teller.see(head.last, "header", " | ".join(columns), f"header.{1 + (head.first < head.last)}")
    hidden = _hidden_columns(columns, rows, body, grid, layout, teller)
    _refuse_unsaved(columns, body, grid, layout, teller)
    copied |= _fill_down(rows, body, columns, layout)
    kept = [c for c in range(width) if c not in hidden]
    table = _frame(rows, body, columns, kept)
    place = {i: at for at, i in enumerate(body)}
    merged = {(place[r], columns[c]) for r, c in copied if r in place and c in set(kept)}
    if merged:
        teller.notes.append(say("file.merged", lang, count=len(merged)))
        teller.see(
            None, "filled", ", ".join(sorted({name for _, name in merged})), "filled", count=len(merged)
        )
    _check_totals(rows, body, columns, teller)
    teller.see_runs(body)
    letters = {columns[c]: letter(c) for c in kept}
    return Part(table, [i + 1 for i in body], teller.notes, merged, teller.in_order(), letters)


class _Teller:
    """Collects the lines of the preview and the notes of one sheet."""

    def __init__(self, sheet: str, lang: str | None) -> None:
        self.sheet = sheet
        self.lang = lang
        self.notes: list[str] = []
        self.seen: list[Seen] = []
        self.totals: list[int] = []

    def see(self, at: int | None, what: str, text: str, why: str, /, **fields: Any) -> None:
        row = None if at is None else at + 1
        self.seen.append(Seen(self.sheet, row, what, text, say(f"layout.{why}", self.lang, **fields)))

    def left_out(self, rows: list[list[str | None]], at: int, what: str) -> None:
        self.see(at, what, " | ".join(cell for cell in rows[at] if cell), what)

    def see_runs(self, body: list[int]) -> None:
        """See rows of data that follow each other as one line."""
        start = 0
        for end in range(1, len(body) + 1):
            if end == len(body) or body[end] != body[end - 1] + 1:
                first, last = body[start] + 1, body[end - 1] + 1
                self.see(body[start], "data", f"{first}—{last}", "data", count=end - start)
                start = end

    def in_order(self) -> list[Seen]:
        return sorted(self.seen, key=lambda line: -1 if line.row is None else line.row)


def _fill(rows: list[list[str | None]], areas: tuple[tuple[int, int, int, int], ...]) -> set[tuple[int, int]]:
    """Give every cell that a merged area covers its value; return the cells filled.

    An area of one row is a title or a heading over columns: it is left as it is.
    """
    copied: set[tuple[int, int]] = set()
    for top, bottom, left, right in areas:
        if top == bottom:
            continue
        for r, c in product(range(top, bottom + 1), range(left, right + 1)):
            if (r, c) != (top, left):
                rows[r][c] = rows[top][left]
                copied.add((r, c))
    return copied


def _titles(rows: list[list[str | None]], above: list[int], layout: Layout, teller: _Teller) -> str:
    """See the rows above the header; return the unit that stands there, if columns are named for it."""
    unit = ""
    titles = [next(filter(None, rows[i])) for i in above]
    for i in above:
        teller.left_out(rows, i, "title")
        for cell in filter(None, rows[i]):
            if match := _UNIT_ABOVE.search(cell):
                if not layout.unit_columns:
                    raise DataError(say("file.unit_above", teller.lang, title=cell, row=i + 1))
                unit = match[1]
                teller.see(i, "unit", unit, "unit", columns=", ".join(layout.unit_columns))
    if titles:
        teller.notes.append(say("file.titles", teller.lang, titles="; ".join(map(str, titles))))
    return unit


def _body(
    rows: list[list[str | None]],
    below: list[int],
    head: headings.Heading,
    grid: Grid,
    layout: Layout,
    teller: _Teller,
) -> list[int]:
    """Return the rows of data; see, note or refuse the others."""
    notes = set(headings.footnotes(rows, below, layout.footnote_marks))
    kinds: dict[int, str] = {}
    for i in below:
        if i in notes:
            kinds[i] = "footnote"
        elif any(rows[i] == rows[h] for h in range(head.first, head.last + 1)):
            kinds[i] = "again"
        elif headings.is_total(rows[i], layout.total_words):
            kinds[i] = "total"
        elif i in grid.hidden_rows:
            kinds[i] = "hidden"
    policy = {"footnote": layout.footnotes, "total": layout.totals, "hidden": layout.hidden, "again": "drop"}
    for what, name in (("total", "totals"), ("footnote", "footnotes"), ("hidden", "hidden")):
        found = [i for i, kind in kinds.items() if kind == what]
        if found and policy[what] == "refuse":
            told = ", ".join(str(i + 1) for i in found[:20])
            raise DataError(say(f"layout.refuse_{name}", teller.lang, rows=told, sheet=grid.name or "—"))
    dropped = [i for i, kind in kinds.items() if policy[kind] == "drop"]
    for i in dropped:
        teller.left_out(rows, i, kinds[i])
    for what in ("total", "footnote", "hidden", "again"):
        told = ", ".join(str(i + 1) for i in dropped if kinds[i] == what)
        if told:
            teller.notes.append(say(f"layout.dropped.{what}", teller.lang, rows=told))
    teller.totals = [i for i in dropped if kinds[i] == "total"]
    return [i for i in below if i not in set(dropped)]


def _refuse_wide(
    path: Path, rows: list[list[str | None]], body: list[int], wanted: int, lang: str | None
) -> None:
    """Refuse a row of a text file with more cells than the header: 12,000 in it may be one number or two."""
    for i in body:
        if any(rows[i][wanted:]):
            told = {"row": i + 1, "found": len(rows[i]), "wanted": wanted}
            raise DataError(say("file.wide_row", lang, path=path, **told))


def _hidden_columns(
    columns: list[str],
    rows: list[list[str | None]],
    body: list[int],
    grid: Grid,
    layout: Layout,
    teller: _Teller,
) -> set[int]:
    """Return the hidden columns to leave out."""
    hidden = sorted(
        c
        for c in grid.hidden_columns
        if c < len(columns) and any(c < len(rows[i]) and rows[i][c] for i in body)
    )
    if not hidden or layout.hidden == "read":
        return set()
    told = ", ".join(columns[c] for c in hidden)
    if layout.hidden == "refuse":
        raise DataError(say("layout.refuse_columns", teller.lang, columns=told, sheet=grid.name or "—"))
    teller.see(None, "hidden", told, "hidden_columns")
    teller.notes.append(say("layout.dropped.columns", teller.lang, columns=told))
    return set(hidden)


def _refuse_unsaved(columns: list[str], body: list[int], grid: Grid, layout: Layout, teller: _Teller) -> None:
    """Refuse, or see, cells of data whose formula has no value."""
    kept = set(body)
    cells = sorted((r, c) for r, c in grid.unsaved if r in kept and c < len(columns))
    if not cells:
        return
    told = ", ".join(f"{letter(c)}{r + 1} {columns[c]}" for r, c in cells[:10])
    if layout.formulas == "refuse":
        raise DataError(say("layout.refuse_formulas", teller.lang, count=len(cells), cells=told))
    teller.see(None, "formula", told, "formula", count=len(cells))
    teller.notes.append(say("layout.formula", teller.lang, count=len(cells)))


def _fill_down(
    rows: list[list[str | None]], body: list[int], columns: list[str], layout: Layout
) -> set[tuple[int, int]]:
    """Give empty cells under the named headers the value above; return the cells filled."""
    filled: set[tuple[int, int]] = set()
    for name in layout.fill_down:
        one_of("fill_down", plain(name), [plain(column) for column in columns])
        c = [plain(column) for column in columns].index(plain(name))
        above: str | None = None
        for r in body:
            rows[r] += [None] * (c + 1 - len(rows[r]))
            if rows[r][c] is None and above is not None:
                rows[r][c] = above
                filled.add((r, c))
            above = rows[r][c]
    return filled


def _check_totals(rows: list[list[str | None]], body: list[int], columns: list[str], teller: _Teller) -> None:
    """Note where the one grand total says other than the whole numbers above it add up to."""
    grand = [i for i in teller.totals if headings.is_grand(rows[i])]
    if len(grand) != 1:
        return
    for c, cell in enumerate(rows[grand[0]]):
        told = headings.whole_number(cell)
        parts = [headings.whole_number(rows[i][c]) if c < len(rows[i]) else None for i in body]
        if told is None or not parts or None in parts or c >= len(columns):
            continue
        added = sum(part for part in parts if part is not None)
        if added != told:
            said = {"column": columns[c], "told": f"{told:,}", "added": f"{added:,}"}
            teller.see(grand[0], "sum", cell or "", "sum", **said)
            teller.notes.append(say("layout.sum", teller.lang, **said))


def _frame(
    rows: list[list[str | None]], body: list[int], columns: list[str], kept: list[int]
) -> pd.DataFrame:
    import pandas as pd

    width = len(columns)
    cells = [
        row if len(row) == width else (row + [None] * width)[:width] for row in map(rows.__getitem__, body)
    ]
    table = pd.DataFrame(cells, columns=columns, dtype=object)
    return table if len(kept) == width else table.iloc[:, kept]
