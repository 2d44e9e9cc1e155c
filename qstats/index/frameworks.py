"""Frameworks: the tree of an index, as a plain table that was checked."""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from qstats import values
from qstats.errors import FrameworkError, OptionError, kind_of, nearest
from qstats.files import data_root, read_table
from qstats.index import own_steps, shown
from qstats.messages import language, say

if TYPE_CHECKING:
    import pandas as pd

REQUIRED: Final = (
    "code",
    "parent",
    "direction",
    "weight",
    "weight_provenance",
    "lower",
    "upper",
    "bounds_provenance",
    "unit",
)
#: columns that may be absent; another that is spelt nearly so would be ignored
_COMPUTED: Final = ("target", "numerator", "denominator", "scale", *own_steps.TEXTS, own_steps.COVERAGE)
PROVENANCE: Final = ("official", "derived", "hypothesis", "user")

_NUMBERS: Final = ("direction", "weight", "lower", "upper")
#: a spreadsheet writes a third as 0.333333333; twelve such roundings add up to less than this
_SUM_TOLERANCE: Final = 1e-8

#: a decimal comma: 0,5
_DECIMAL_COMMA: Final = re.compile(r"[-+]?(\d+)[,，](\d+)")

#: name → cells of the nodes
Columns = dict[str, Any]


def framework(source: str | Path | pd.DataFrame, /, *, lang: str | None = None) -> pd.DataFrame:
    """Load and check the tree of an index.

    A framework is a table with one row a node. The root has an empty ``parent``; a node that is
    nobody's parent is a leaf, an indicator. Branches may differ in depth. To try other
    weights or bounds, change the table and pass it.

    Parameters
    ----------
    source : str, Path or DataFrame
        A bundled framework (``"qci"``, ``"ht_capability"``), a CSV or XLSX file (commas or
        semicolons, with or without byte-order mark), or a table.
    lang : {"zh", "en"}, optional
        Language of the faults.

    Returns
    -------
    pandas.DataFrame
        The columns of the source, typed: ``code, parent`` (text), ``direction`` (1 or −1),
        ``weight`` (within the parent, summing to 1), ``lower, upper`` (L and U, in ``unit``),
        ``weight_provenance, bounds_provenance`` (official, derived, hypothesis, user).
        ``name_zh, name_en`` are the code where there are none. Where they are given, ``target`` and
        ``min_coverage`` are numbers, and ``imputation, treatment, normalisation`` of single leaves and
        ``aggregation`` of single nodes are those of :func:`qstats.specified_index`. Added: ``depth`` (the
        root is 0), ``leaf``, ``weight_in_root`` (product of the weights above).

    Raises
    ------
    FrameworkError
        All that is wrong, in ``faults``: columns missing or misspelt (the nearest is named); codes empty or
        repeated; no root or several; a parent that does not exist; a circle; weights that
        are negative or do not sum to 1 within a node; directions other than ±1; U ≤ L;
        no unit; a provenance that does not exist.
    OptionError
        No bundled framework has that name.
    DataError
        The file cannot be read.

    Examples
    --------
    >>> tree = framework("qci")
    >>> int(tree["leaf"].sum()), tree.loc[tree["parent"] == "qci", "weight"].tolist()
    (12, [0.5, 0.5])
    """
    return shown.Framework(checked(source, lang))


def checked(source: str | Path | pd.DataFrame, lang: str | None, /) -> Columns:
    """Return the columns of :func:`framework` by name, without the work of a table; the same errors."""
    name, table = _read(source, lang)
    faults = _header_faults(table, lang)
    if not faults:
        columns, faults = _typed(table, lang)
        faults += _code_faults(columns, lang) + _tree_faults(columns, lang)
        faults += _weight_faults(columns, lang) + _leaf_faults(columns, lang)
        faults += own_steps.read(columns, lang)[1]
    if faults:
        raise FrameworkError(say("framework.faults", lang, name=name, count=len(faults)), faults)
    return columns | _measured(columns)


def name_of(source: str | Path | pd.DataFrame, /) -> str:
    """Return what to call a framework in messages and provenance."""
    return Path(source).stem if isinstance(source, str | Path) else "table"


def _read(source: str | Path | pd.DataFrame, lang: str | None) -> tuple[str, pd.DataFrame]:
    import pandas as pd

    language(lang)
    kind_of("framework", source, (str, Path, pd.DataFrame), what="a table, a file or the name of a framework")
    name = name_of(source)
    if isinstance(source, pd.DataFrame):
        return name, source
    if isinstance(source, Path) or Path(source).name != source or Path(source).suffix:
        return name, read_table(source, lang=lang).table
    bundled = {path.stem: path for path in (data_root() / "frameworks").glob("*.csv")}
    if source in bundled and _is_tree(table := read_table(bundled[source], lang=lang).table):
        return name, table
    known = sorted(stem for stem, path in bundled.items() if _is_tree(read_table(path, lang=lang).table))
    hint = _hint(source, known, lang)
    raise OptionError(say("framework.unknown", lang, name=source, names=", ".join(known), hint=hint))


def _is_tree(table: pd.DataFrame) -> bool:
    """Return whether a table is meant to be a tree; models and bands lie beside those that come bundled."""
    return bool({"parent", "weight"} & set(map(str, table.columns)))


def _hint(value: object, options: Any, lang: str | None) -> str:
    near = nearest(value, options)
    return say("framework.near", lang, near=near) if near else ""


def _header_faults(table: pd.DataFrame, lang: str | None) -> list[str]:
    have = [str(column) for column in table.columns]
    spare = [column for column in have if column not in REQUIRED]
    faults = [
        say("framework.column", lang, column=column, hint=_hint(column, spare, lang))
        for column in REQUIRED
        if column not in have
    ]
    faults += [
        say("framework.column_unknown", lang, column=column, near=near)
        for column in spare
        if column not in _COMPUTED and (near := nearest(column, _COMPUTED, cutoff=0.8)) and near not in have
    ]
    faults += [say("framework.column_twice", lang, column=c) for c, k in Counter(have).items() if k > 1]
    if table.empty and not faults:
        faults.append(say("framework.empty", lang))
    return faults


def _typed(table: pd.DataFrame, lang: str | None) -> tuple[Columns, list[str]]:
    """Return the columns with text and numbers told apart, and the cells that are no numbers."""
    typed: Columns = {str(name): column.array for name, column in table.items()}
    faults = []
    for column in ("code", "parent", "unit", "weight_provenance", "bounds_provenance"):
        typed[column] = [_text(cell) for cell in _cells(typed[column])]
    for column in ("name_zh", "name_en"):
        names = [_text(cell) for cell in _cells(typed[column])] if column in typed else typed["code"]
        typed[column] = [name or code for name, code in zip(names, typed["code"], strict=True)]
    for column in own_steps.TEXTS:
        if column in typed:
            typed[column] = [_text(cell) for cell in _cells(typed[column])]
    for column in (*_NUMBERS, *(name for name in ("target", own_steps.COVERAGE) if name in typed)):
        cells = _cells(typed[column])
        read = [_number(cell, lang) for cell in cells]
        for code, number, cell in zip(typed["code"], read, cells, strict=True):
            if number == math.inf:
                said = say("framework.number", lang, code=code, column=column, value=_text(cell))
                faults.append(said + _pointed(_text(cell), lang))
        typed[column] = read
    return typed, faults


def _cells(column: Any) -> list[Any]:
    return list(column.to_numpy(object).tolist())


def _text(cell: Any) -> str:
    return _word(cell) if type(cell) is str else "" if values.is_missing(cell) else values.plain(cell)


@lru_cache(4096)
def _word(text: str) -> str:
    return "" if values.is_missing(text) else values.plain(text)


def _pointed(text: str, lang: str | None) -> str:
    """Return how a number with a decimal comma is to be written."""
    if not _DECIMAL_COMMA.fullmatch(text):
        return ""
    return say("framework.decimal_comma", lang, value=re.sub("[,，]", ".", text))


def _number(cell: Any, lang: str | None) -> float:
    """Return a number, NaN where the cell is empty and infinity where it holds no number."""
    if type(cell) is float and math.isfinite(cell):
        return cell
    if values.is_missing(cell):
        return math.nan
    read = values.read_number(cell, lang)
    return read.value if isinstance(read, values.Number) else math.inf


def _code_faults(typed: Columns, lang: str | None) -> list[str]:
    empty = [say("framework.code_empty", lang, row=i + 1) for i, code in enumerate(typed["code"]) if not code]
    counts = Counter(code for code in typed["code"] if code)
    return empty + [
        say("framework.code_twice", lang, code=code, count=count)
        for code, count in counts.items()
        if count > 1
    ]


def _tree_faults(typed: Columns, lang: str | None) -> list[str]:
    parents = {code: parent for code, parent in zip(typed["code"], typed["parent"], strict=True) if code}
    roots = [code for code, parent in parents.items() if not parent]
    faults = []
    if not roots:
        faults.append(say("framework.no_root", lang))
    if len(roots) > 1:
        faults.append(say("framework.roots", lang, count=len(roots), codes=", ".join(roots)))
    faults += [
        say("framework.parent", lang, code=code, parent=parent, hint=_hint(parent, parents, lang))
        for code, parent in parents.items()
        if parent and parent not in parents
    ]
    return faults + [say("framework.cycle", lang, codes=" → ".join(found)) for found in _cycles(parents)]


def _cycles(parents: dict[str, str]) -> list[list[str]]:
    """Return every circle once, each closed: ``[a, b, a]``."""
    found, seen = [], set[str]()
    for node in parents:
        path: list[str] = []
        while node in parents and node not in seen and node not in path:
            path.append(node)
            node = parents[node]
        if node in path:
            found.append([*path[path.index(node) :], node])
        seen.update(path)
    return found


def _weight_faults(typed: Columns, lang: str | None) -> list[str]:
    columns = ("code", "parent", "weight", "weight_provenance")
    below = [row for row in zip(*(typed[name] for name in columns), strict=True) if row[1]]
    faults = [
        say("framework.number", lang, code=code, column="weight", value="")
        for code, _, weight, _ in below
        if math.isnan(weight)
    ]
    faults += [
        say("framework.weight_negative", lang, code=code, value=f"{weight:g}")
        for code, _, weight, _ in below
        if weight < 0
    ]
    families: dict[str, list[float]] = {}
    for _, parent, weight, _ in below:
        families.setdefault(parent, []).append(weight)
    for node, weights in families.items():
        total = math.fsum(weights) if all(map(math.isfinite, weights)) else math.nan
        if abs(total - 1) > _SUM_TOLERANCE:
            faults.append(say("framework.weight_sum", lang, node=node, sum=f"{total:.10g}"))
    return faults + [
        say("framework.provenance", lang, code=code, column="weight_provenance", value=given)
        for code, _, _, given in below
        if given not in PROVENANCE
    ]


def _leaf_faults(typed: Columns, lang: str | None) -> list[str]:
    faults, parents = [], set(typed["parent"])
    columns = ("code", "direction", "lower", "upper", "unit", "bounds_provenance")
    for code, direction, *bounds, unit, given in zip(*(typed[c] for c in columns), strict=True):
        if code in parents:
            continue
        if abs(direction) != 1 and direction != math.inf:
            shown = "" if math.isnan(direction) else f"{direction:g}"
            faults.append(say("framework.direction", lang, code=code, value=shown))
        faults += [
            say("framework.number", lang, code=code, column=column, value="")
            for column, bound in zip(("lower", "upper"), bounds, strict=True)
            if math.isnan(bound)
        ]
        if math.inf not in bounds and bounds[1] <= bounds[0]:
            limits = {"lower": f"{bounds[0]:g}", "upper": f"{bounds[1]:g}"}
            faults.append(say("framework.bounds", lang, code=code, **limits))
        if not unit:
            faults.append(say("framework.unit", lang, code=code))
        if given not in PROVENANCE:
            told = {"column": "bounds_provenance", "value": given}
            faults.append(say("framework.provenance", lang, code=code, **told))
    return faults


def _measured(typed: Columns) -> Columns:
    """Return for each node how deep it lies and what it weighs in the whole."""
    codes, above = typed["code"], typed["parent"]
    parents = dict(zip(codes, above, strict=True))
    own = [weight if parent else 1.0 for weight, parent in zip(typed["weight"], above, strict=True)]
    weights, inner = dict(zip(codes, own, strict=True)), set(above)
    lines = [_line(code, parents) for code in codes]
    return {
        "weight": own,
        "depth": [len(line) - 1 for line in lines],
        "leaf": [code not in inner for code in codes],
        "weight_in_root": [math.prod(weights[code] for code in line) for line in lines],
    }


def _line(code: str, parents: dict[str, str]) -> list[str]:
    """Return a node and all above it."""
    line = [code]
    while parents[line[-1]]:
        line.append(parents[line[-1]])
    return line
