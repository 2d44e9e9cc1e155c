"""How results look in a notebook: HTML of estimates, cells, schemas, frameworks and violations.

In the language of ``QSTATS_LANG``. The heads of columns are words for people; the name to write in code
shows when the pointer rests on them. Nothing here computes, and nothing computed here is rounded elsewhere.
What is shown stands above this module and hands itself in, so its type is not named here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any, Final, NamedTuple

from qstats.messages import language, say
from qstats.wording import label, told, unit_told

#: a longer table shows its first and last rows
MOST_ROWS: Final = 20
#: further columns and longer texts stay in the table
MOST_COLUMNS: Final = 12
LONGEST: Final = 60
NOTHING: Final = "—"

_IN_UNIT: Final = ("estimate", "std_error", "conf_low", "conf_high")
_STYLE: Final = (
    "<style>.qs-shown{margin:.3em 0;line-height:1.45}"
    ".qs-shown table{border-collapse:collapse;border:0;font-size:.92em;margin:.5em 0;"
    "border-top:1.5px solid;border-bottom:1.5px solid;display:table;width:auto}"
    ".qs-shown.qs-shown :is(th,td){text-align:left;padding:.22em .8em;border:0;white-space:nowrap;"
    "vertical-align:top;background:none;max-width:none}"
    ".qs-shown.qs-shown thead th{border-bottom:1px solid;font-weight:600;vertical-align:bottom}"
    ".qs-shown.qs-shown .qs-n{text-align:right;font-variant-numeric:tabular-nums}"
    ".qs-shown th[title]{cursor:help}"
    ".qs-shown .qs-t{font-weight:600}.qs-shown .qs-f{opacity:.75;font-size:.9em}"
    ".qs-shown .qs-s{border:1.5px solid #801650;color:#801650;background:#fff;border-radius:3px;"
    "padding:0 .4em;margin-left:.6em;font-weight:600;font-size:.85em}"
    ".qs-shown .qs-scroll{overflow-x:auto}.qs-shown ul{margin:.2em 0;padding-left:1.3em}</style>"
)


class Head(NamedTuple):
    """A column as shown: its words, the name to write in code, and how its cells stand."""

    text: str
    name: str
    align: str = ""


def panel(
    title: str,
    facts: Sequence[str],
    heads: Sequence[Head],
    rows: Sequence[Sequence[str]],
    *,
    notes: Sequence[str] = (),
    simulated: bool = False,
) -> str:
    """Return a titled table as HTML; every text is escaped here and nowhere before."""
    mark = f'<span class="qs-s">{escape(say("display.simulated"))}</span>' if simulated else ""
    said = escape(" · ".join(fact for fact in facts if fact))
    top = "".join(
        f'<th scope="col"{_class(head)} title="{escape(head.name)}">{escape(head.text)}</th>'
        for head in heads
    )
    body = "".join(
        "<tr>"
        + "".join(f"<td{_class(h)}>{escape(c)}</td>" for h, c in zip(heads, row, strict=True))
        + "</tr>"
        for row in rows
    )
    listed = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return (
        f'<div class="qs-shown" lang="{"en" if language() == "en" else "zh-CN"}">{_STYLE}'
        f'<div class="qs-t">{escape(title)}{mark}</div><div class="qs-f">{said}</div>'
        f'<div class="qs-scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'
        + (f'<ul class="qs-f">{listed}</ul>' if listed else "")
        + "</div>"
    )


def _class(head: Head) -> str:
    return f' class="qs-{head.align}"' if head.align else ""


def written(values: Any, digits: int | None = None) -> list[str]:
    """Return the cells of a column as texts.

    Parameters
    ----------
    values : pandas.Series
    digits : int, optional
        Decimals. Without them whole numbers stay whole and others get four significant digits.
    """
    kind, gone = values.dtype.kind, values.isna()
    if kind == "b":
        words = {True: say("display.yes"), False: say("display.no")}
        return ["" if lost else words[bool(value)] for value, lost in zip(values, gone, strict=True)]
    if kind in "iuf":
        found = [math.nan if lost else float(value) for value, lost in zip(values, gone, strict=True)]
        return [_number(value, _decimals(found) if digits is None else digits) for value in found]
    return ["" if lost else _text(_worded(value)) for value, lost in zip(values, gone, strict=True)]


def _decimals(values: Sequence[float]) -> int | None:
    """Return how many decimals numbers of one column take; None when their sizes differ too much for one."""
    sizes = [abs(v) for v in values if math.isfinite(v) and v]
    if all(size.is_integer() for size in sizes):
        return 0
    if max(sizes) >= 1_000 * min(sizes):
        return None
    return min(max(3 - math.floor(math.log10(max(sizes))), 0), 8)


def _number(value: float, digits: int | None) -> str:
    if math.isnan(value):
        return NOTHING
    if digits is None:
        shown = f"{value:.4g}" if abs(value) < 10_000 else f"{value:,.0f}"
    else:
        shown = f"{value:,.{digits}f}"
    return shown.replace("-", "−")  # a minus sign, not a hyphen


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return say("display.yes") if value else ""
    if isinstance(value, float):
        return _number(value, None)
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _worded(value: Any) -> Any:
    return told(value) if isinstance(value, str) else value


def _key(value: Any) -> str:
    """Return the value of a key: what names a row in code stands behind its words."""
    words = label(value) if isinstance(value, str) else value
    return _text(value if words == value else f"{words} ({value})")


def ends(table: Any) -> Any:
    """Return the rows to show: all, or the first and the last."""
    import pandas as pd

    half = MOST_ROWS // 2
    return table if len(table) <= MOST_ROWS else pd.concat([table.iloc[:half], table.iloc[-half:]])


def _columns(table: Any, digits: dict[str, int], texts: Sequence[str] = ()) -> list[tuple[Head, list[str]]]:
    """Return the columns of a table as shown; those without a value are left out."""
    found = []
    for name in table.columns:
        column = table[name]
        numeric = column.dtype.kind in "iuf" and name not in texts
        cells = [_key(v) for v in column] if name in texts else written(column, digits.get(name))
        found.append((Head(told(str(name)), str(name), "n" if numeric else ""), cells))
    return found


def _shown(columns: list[tuple[Head, list[str]]], count: int) -> tuple[list[Head], list[list[str]]]:
    """Return heads and rows, with a row of dots where rows were left out."""
    rows = [list(row) for row in zip(*(cells for _, cells in columns), strict=True)]
    if count > len(rows):
        rows.insert(len(rows) // 2, ["⋯"] * len(columns))
    return [head for head, _ in columns], rows


def _left_out(count: int, shown: int) -> list[str]:
    return [say("display.rows", of=f"{count:,}", shown=shown)] if count > shown else []


def estimate(found: Any, /) -> str:
    """Return an estimate as HTML: rounded, its interval as one column, flags, notes and sources below."""
    whole = found.table
    table, keys = ends(whole), found.keys
    digits = dict.fromkeys(_IN_UNIT, found.digits) | {"std_error": found.digits + 1}
    columns = _columns(table, digits, keys)
    columns = [c for c in columns if c[0].name in (*keys, "estimate") or _says(c[1])]
    columns = _with_interval(columns, f"{found.level:.0%}")
    spare = [head.text for head, _ in columns[MOST_COLUMNS:]]
    heads, rows = _shown(columns[:MOST_COLUMNS], len(whole))
    left = [say("display.columns", count=len(spare), names=say("display.comma").join(spare))] if spare else []
    unit = unit_told(found.unit)
    facts = [say("display.unit", unit=unit) if unit else "", told(found.basis), told(found.method)]
    sources = (
        [say("display.sources", names=say("display.comma").join(map(told, found.provenance)))]
        if found.provenance
        else []
    )
    return panel(
        told(found.indicator),
        [*facts, say(f"display.inference.{found.inference}")],
        heads,
        rows,
        notes=[*_left_out(len(whole), len(table)), *left, *found.notes, *sources],
        simulated=found.simulated,
    )


def printed(table: Any, always: Sequence[str], /) -> str:
    """Return a table as text, cut as the HTML is: its first and last rows, and at most twelve columns.

    Of a wider one the columns without a value go first, but for those that `always` stand; others are named.
    """
    names = list(table.columns)
    if len(names) > MOST_COLUMNS:
        names = [n for n in names if n in always or _says(written(table[n]))]
    shown = table[names[:MOST_COLUMNS]].to_string(index=False, na_rep=NOTHING, max_rows=MOST_ROWS)
    spare = names[MOST_COLUMNS:]
    return f"{shown}\n{say('display.columns', count=len(spare), names=', '.join(spare))}" if spare else shown


def _says(cells: Sequence[str]) -> bool:
    return any(cell not in ("", NOTHING) for cell in cells)


def _with_interval(columns: list[tuple[Head, list[str]]], level: str) -> list[tuple[Head, list[str]]]:
    """Return the columns with both limits as one."""
    cells = {head.name: texts for head, texts in columns}
    if not {"conf_low", "conf_high"} <= set(cells):
        return columns
    limits = zip(cells["conf_low"], cells["conf_high"], strict=True)
    texts = [NOTHING if low == high == NOTHING else f"{low} – {high}" for low, high in limits]
    head = Head(say("display.interval", level=level), "conf_low, conf_high", "n")
    kept = [(head, texts) if h.name == "conf_low" else (h, c) for h, c in columns]
    return [column for column in kept if column[0].name != "conf_high"]


def cells(found: Any, /) -> str:
    """Return cells as HTML: what was added up, how the rows were drawn, the first and last cells."""
    whole = found.table
    table = ends(whole)
    size = {"count": f"{len(found):,}", "rows": f"{int(found.column('rows').sum()):,}"}
    names = say("display.comma").join(map(label, found.by))
    facts = [
        say("display.cells.size", **size),
        say("display.cells.by", names=names) if names else say("display.cells.whole"),
        say("display.cells.pushed") if found.pushed_down else "",
        " ".join(repr(found.design).split()) if found.design else "",
    ]
    columns = _columns(table, {}, found.keys)
    spare = [head.text for head, _ in columns[MOST_COLUMNS:]]
    heads, rows = _shown(columns[:MOST_COLUMNS], len(whole))
    left = [say("display.columns", count=len(spare), names=say("display.comma").join(spare))] if spare else []
    return panel(
        say("display.cells"), facts, heads, rows, notes=[*_left_out(len(whole), len(table)), *left],
        simulated=any(mark.startswith("simulated") for mark in found.provenance),
    )  # fmt: skip


def schema(found: Any, /) -> str:
    """Return a schema as HTML: a row for each column, the rules between columns below."""
    heads = [
        Head(say("display.column"), "name"),
        Head(say("display.headers"), "headers"),
        Head(say("display.kind"), "kind"),
        Head(label("unit"), "unit"),
        Head(say("display.needed"), "required"),
        Head(say("display.limits"), "limits"),
    ]
    notes = [say("display.unique", names=", ".join(found.key))] if found.key else []
    if found.rules:
        notes.append(say("display.rules", names=", ".join(rule.name for rule in found.rules)))
    title = found.en if language() == "en" else found.zh
    return panel(title, [found.name], heads, [_row(column) for column in found.columns], notes=notes)


def _row(column: Any) -> list[str]:
    low, high = column.limits
    least, most = (f"≥ {low:g}" if low is not None else ""), (f"≤ {high:g}" if high is not None else "")
    return [
        column.name,
        ", ".join(dict.fromkeys(column.headers[1:])),
        say(f"display.kind.{column.kind}"),
        column.unit,
        say("display.yes") if column.required else "",
        " ".join(filter(None, (least, most))),
    ]


def framework(table: Any, /) -> str:
    """Return the tree of an index as HTML: nodes indented below their parents."""
    zh = language() == "zh"
    heads = [
        Head(say("display.node"), "name_zh" if zh else "name_en"),
        Head("", "code"),
        Head(say("display.weight"), "weight", "n"),
        Head(say("display.weight_in_root"), "weight_in_root", "n"),
        Head(say("display.direction"), "direction"),
        Head(say("display.bounds"), "lower, upper", "n"),
        Head(label("unit"), "unit"),
        Head(say("display.provenance"), "weight_provenance, bounds_provenance"),
    ]
    rows = [_node(row, zh) for row in _walk(table.to_dict("records"))]
    size = say("display.framework.size", leaves=int(table["leaf"].sum()), count=len(table))
    return panel(say("display.framework"), [size], heads, rows)


def _walk(nodes: list[dict[str, Any]], parent: str = "") -> list[dict[str, Any]]:
    """Return nodes in the order of the tree, each followed by what is below it."""
    below = [node for node in nodes if node["parent"] == parent]
    return [found for node in below for found in (node, *_walk(nodes, node["code"]))]


def _node(row: dict[str, Any], zh: bool) -> list[str]:
    marks = [label(row[name]) for name in ("weight_provenance", "bounds_provenance") if row[name]]
    limits = "" if math.isnan(row["lower"]) else f"{row['lower']:,g} – {row['upper']:,g}"
    return [
        "\u2003" * row["depth"] + row["name_zh" if zh else "name_en"],
        row["code"],
        f"{row['weight']:.4g}",
        f"{row['weight_in_root']:.2%}",
        {1: "+", -1: "−"}.get(row["direction"], "") if row["leaf"] else "",
        limits,
        label(row["unit"]),
        " · ".join(marks),
    ]


def violations(error: Any, /) -> str:
    """Return an error of a table as HTML: how many of which rule, and the first violations."""
    found = error.violations
    names = [str(name) for name in found.columns]
    heads = [Head(violation_head(name), name, "n" if name == "row" else "") for name in names]
    first = found.head(MOST_ROWS)
    words = {"column": [label(str(name)) for name in first["column"]]}
    words["rule"] = [told(str(rule)) for rule in first["rule"]]
    rows = [
        [_text(cell) if _known(cell) else "" for cell in row]
        for row in first.assign(**words).itertuples(index=False)
    ]
    more = len(found) - len(first)
    notes = [say("display.more", count=f"{more:,}")] if more else []
    return panel(type(error).__name__, [str(error)], heads, rows, notes=notes)


def violation_head(name: str) -> str:
    """Return the words for a column of a table of violations."""
    known = ("column", "value", "rule", "message", "file")
    return (
        say("display.row")
        if name == "row"
        else say(f"display.violation.{name}")
        if name in known
        else label(name)
    )


def _known(cell: Any) -> bool:
    return cell is not None and cell == cell and str(cell) not in ("<NA>", "nan")
