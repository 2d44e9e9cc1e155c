"""How a table is held against its schema: headers, cells, rules, repeated keys."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import narwhals as nw

from qstats import values
from qstats.errors import DataError, OptionError, nearest
from qstats.files import Reading, read_table
from qstats.messages import language, say
from qstats.schema import Column, Schema, require_schema

#: a column of regions or industries with more distinct texts is another column: no hints, they take time
_HINTED: Final = 1_000

#: whole numbers above this have no exact double
MAX_COUNT: Final = 2**53

if TYPE_CHECKING:
    import pandas as pd


class Examination:
    """One pass over one table; afterwards ``frame``, ``violations()`` and ``notes`` hold what was found."""

    def __init__(self, data: Any, schema: Schema, need: Iterable[str], lang: str | None) -> None:
        require_schema(schema)
        reading = _reading(data, schema, lang)
        self.schema = schema
        self.lang = language(lang)
        asked = [schema.name_of(name) for name in _names(need)]
        self.need = list(dict.fromkeys([*(c.name for c in schema.columns if c.required), *asked]))
        self._asked = set(asked)
        #: labels asked for (keys of `by`) tell rows and cells apart, beside those of the schema
        self._labels = [k for k in asked if (c := schema.column(k)) is None or not c.numeric]
        self.raw = _eager(reading.table if reading else data)
        self.frame = self.raw
        self.notes: list[str] = list(reading.notes) if reading else []
        self._lines: Sequence[int] = reading.lines if reading else range(1, len(self.raw) + 1)
        self._merged = reading.merged if reading else set()
        self._found: list[tuple[int | None, str, Any, str, str]] = []

    def run(self) -> None:
        """Examine headers, then cells, then rules over the rows that can be read."""
        headers = self._match_headers()
        if len(self.raw) == 0:
            self._say(None, "", "", "empty", "check.empty")
            self.frame = self.raw.select(**{name: nw.col(h) for name, h in headers.items()})
            return
        headers = {name: header for name, header in headers.items() if not self._unused(name, header)}
        columns = {name: self._column(name, header) for name, header in headers.items()}
        if "industry" in columns and self.schema.column("industry"):
            columns["industry"] = self._industries(columns)
        self.frame = self.raw.select(**columns) if columns else self.raw
        self._apply_rules()
        self._find_repeats()
        self._find_unequal()

    def violations(self) -> pd.DataFrame:
        """Return one row a violation, in the order of the rows."""
        import pandas as pd

        found = sorted(self._found, key=lambda v: -1 if v[0] is None else v[0])
        table = pd.DataFrame(found, columns=["row", "column", "value", "rule", "message"])
        return table.astype({"row": "Int64", "column": "string", "rule": "string", "message": "string"})

    def _say(self, at: int | None, column: str, found: Any, rule: str, key: str, /, **fields: Any) -> None:
        text = say(key, self.lang, **fields)
        self._found.append((None if at is None else self._lines[at], column, _shown(found), rule, text))

    def _blame(self, at: int, column: str, value: Any, fault: values.Fault) -> None:
        self._found.append((self._lines[at], column, _shown(value), fault.rule, fault.message))

    def _match_headers(self) -> dict[str, str]:
        """Return machine name → header; report repeated and missing headers."""
        own = self.schema.all_columns
        found: dict[str, list[str]] = {}
        for header in self.raw.columns:
            found.setdefault(self.schema.name_of(header), []).append(header)
        for name, headers in found.items():
            if len(headers) > 1:
                said = ", ".join(headers)
                self._say(None, name, said, "header", "check.header_twice", column=name, headers=said)
            column = self.schema.column(name)
            if column and column.numeric and (odd := values.odd_unit(headers[0], column.kind)):
                said = headers[0]
                self._say(None, name, said, "header", "check.header_unit", header=said, unit=odd)
        strangers = [headers[0] for name, headers in found.items() if self.schema.column(name) is None]
        for name in (need for need in self.need if need not in found):
            self._report_absent(name, strangers)
        self._note_strangers(strangers, [c for c in own if c.name not in found and c.name not in self.need])
        numeric = [c.name for c in self.schema.columns if c.numeric]
        if numeric and not {*numeric} & {*found, *self.need}:
            self._report_absent(numeric[0], strangers)
        return {name: headers[0] for name, headers in found.items()}

    def _note_strangers(self, strangers: list[str], absent: list[Column]) -> None:
        """Note unknown headers that look like a column of the schema: they are let through as keys."""
        known = {values.read_header(h)[0]: c for c in absent for h in c.headers}
        for header in strangers:
            near = nearest(values.read_header(header)[0], known, cutoff=0.75)
            if near:
                label = known[near].zh if self.lang == "zh" else known[near].en
                self.notes.append(say("check.stranger", self.lang, header=header, near=label))

    def _unused(self, name: str, header: str) -> bool:
        """Whether a column of the schema that nobody needs is empty in every row: it is as if absent."""
        if name in self.need or self.schema.column(name) is None:
            return False
        raw = _hashable(self.raw[header])
        return values.is_missing(raw[0]) and all(map(values.is_missing, set(raw)))

    def _report_absent(self, name: str, strangers: list[str]) -> None:
        column = self.schema.column(name)
        asked = column.headers if column else (name,)
        plain = {values.read_header(h)[0]: h for h in strangers}
        near = next((plain[n] for a in asked if (n := nearest(values.read_header(a)[0], plain))), None)
        label = (column.zh if self.lang == "zh" else column.en) if column else name
        hint = (
            say("check.header.near", self.lang, near=near, column=label)
            if near
            else say("check.header.none", self.lang)
        )
        self._say(None, name, near or "", "header", "check.header", label=label, column=name, hint=hint)

    def _column(self, name: str, header: str) -> nw.Series[Any]:
        column, series = self.schema.column(name), self.raw[header].alias(name)
        if column is None:
            return self._text(name, series, needed=name in self.need)
        if column.numeric:
            return self._numbers(column, header, series)
        raw = _hashable(series)
        if column.kind in ("period", "region", "edition"):
            distinct = values.each_distinct(raw, self._reader(column.kind, raw))
            return self._collected(column, raw, distinct, raw)
        return self._text(name, series, needed=self._needs_cells(column))

    def _reader(self, kind: str, raw: list[Any]) -> Callable[[Any], Any]:
        if kind == "region":
            hints = len(set(raw)) <= _HINTED
            return lambda value: values.read_region(value, self.lang, hints=hints)
        read = values.read_period if kind == "period" else values.read_edition
        return lambda value: read(value, self.lang)

    def _needs_cells(self, column: Column) -> bool:
        """Whether no cell of a column may be empty: always, or because this use asks for it."""
        return not column.optional_cells or column.name in self._asked

    def _text(self, name: str, series: nw.Series[Any], *, needed: bool) -> nw.Series[Any]:
        """Let a column of labels through; a key must have a label in every row."""
        if not needed:
            return series
        raw = _hashable(series)
        missing = {value for value in set(raw) if values.is_missing(value)}
        if missing:
            for at in (at for at, value in enumerate(raw) if value in missing):
                self._say(at, name, "", "missing", "check.missing")
        return series

    def _collected(
        self, column: Column, raw: list[Any], read: Mapping[Any, Any], keys: Sequence[Hashable]
    ) -> nw.Series[Any]:
        """Report faults among read values; return a text column with None in their places.

        `keys` are what `read` knows the rows by. An industry without a reading and without a fault is
        not reported: empty cells were, as text, and an edition that cannot be read is its own violation.
        """
        bad = {k for k, v in read.items() if isinstance(v, values.Fault) or v is None}
        for at in (at for at, key in enumerate(keys) if key in bad) if bad else ():
            fault = read[keys[at]]
            if fault is not None:
                self._blame(at, column.name, raw[at], fault)
            elif self._needs_cells(column) and column.kind != "industry":
                self._say(at, column.name, "", "missing", "check.missing")
        return self._series(column.name, [None if k in bad else read[k] for k in keys], nw.String)

    def _series(self, name: str, items: list[Any], dtype: Any) -> nw.Series[Any]:
        return nw.new_series(name, items, dtype, backend=self.raw.implementation)

    def _industries(self, columns: dict[str, nw.Series[Any]]) -> nw.Series[Any]:
        """Read industries with the edition of their own row: a division means nothing without it."""
        column = self.schema.column("industry")
        assert column is not None
        if "edition" not in columns:
            self._report_absent("edition", [])
            return columns["industry"]
        raw = columns["industry"].to_list()
        pairs = list(zip(columns["edition"].to_list(), raw, strict=True))
        distinct = set(pairs)
        known: dict[Any, Any] = dict.fromkeys(distinct)
        for edition, value in distinct:
            if not values.is_missing(edition) and not values.is_missing(value):
                known[edition, value] = values.read_industry(
                    value, edition, self.lang, hints=len(distinct) <= _HINTED
                )
        return self._collected(column, raw, known, pairs)

    def _numbers(self, column: Column, header: str, series: nw.Series[Any]) -> nw.Series[Any]:
        """Read a column of numbers: cells, then units, then limits."""
        factor = values.read_header(header)[1]
        scale = values.FACTORS[factor]
        if factor:
            self.notes.append(
                say("check.unit", self.lang, header=header, unit=factor, factor=f"{scale:,.0f}")
            )
        if series.dtype.is_numeric():
            read = series.cast(nw.Float64)
        else:
            read = self._series(
                column.name, self._cells(column, header, _hashable(series), factor), nw.Float64
            )
        read = read * scale if factor else read
        self._limits(column, read, series)
        return read

    def _cells(self, column: Column, header: str, raw: list[Any], factor: str) -> list[float | None]:
        read = values.each_distinct(raw, lambda value: values.read_number(value, self.lang))
        numbers = [n for n in read.values() if isinstance(n, values.Number)]
        cleaned = {value for value, n in read.items() if isinstance(n, values.Number) and n.cleaned}
        if cleaned:
            count = sum(value in cleaned for value in raw)
            self.notes.append(say("check.fullwidth", self.lang, header=header, count=count))
        units = {n.factor for n in numbers} - {""}
        named = ", ".join(sorted(units))
        # under a header with a unit plain numbers are right, and those that carry one are not
        mixed = units and not factor and any(not n.factor and n.value for n in numbers)
        if units and not mixed and not factor:
            self.notes.append(say("check.cell_units", self.lang, header=header))
        odd = {
            v
            for v, n in read.items()
            if isinstance(n, values.Fault) or (n is not None and (mixed or n.factor))
        }
        for at in (at for at, value in enumerate(raw) if value in odd) if odd else ():
            item = read[raw[at]]
            if isinstance(item, values.Fault):
                self._blame(at, column.name, raw[at], item)
            elif item.factor and factor:
                self._say(at, column.name, raw[at], "unit_twice", "check.unit_twice", unit=factor)
            elif not item.factor and item.value:
                self._say(at, column.name, raw[at], "mixed_units", "check.mixed_units", units=named)
        found = {value: n.value if isinstance(n, values.Number) else None for value, n in read.items()}
        return [found[value] for value in raw]

    def _limits(self, column: Column, read: nw.Series[Any], raw: nw.Series[Any]) -> None:
        """Report missing, infinite, fractional, share-like and out-of-range numbers."""
        missing = read.is_null() | read.is_nan()
        blamed = {v[0] for v in self._found if v[1] == column.name}
        if self._needs_cells(column):
            for at in missing.arg_true().to_list():
                if self._lines[at] not in blamed:
                    self._say(at, column.name, "", "missing", "check.missing")
        known = ~missing
        finite = known & (read.abs() < float("inf"))
        low, high = column.limits
        faults: list[tuple[nw.Series[Any], str, dict[str, Any]]] = [(known & ~finite, "infinite", {})]
        if low is not None:
            faults.append((known & (read < low), "minimum", {"minimum": low}))
        if high is not None:
            faults.append((known & (read > high), "maximum", {"maximum": high}))
        if column.kind == "count":
            share = known & (read > 0) & (read < 1)
            whole = (read - read.round(0)).abs() <= 1e-6
            faults += [(share, "share", {}), (finite & ~whole & ~share, "whole", {})]
            faults.append((finite & (read.abs() > MAX_COUNT), "large", {}))
        if column.kind == "percent" and known.any() and (read.filter(known).abs() <= 1).all():
            faults.append((known & (read != 0), "percent_share", {}))
        shown = raw.to_list() if any(mask.any() for mask, *_ in faults) else []
        for mask, fault, fields in faults:
            for at in mask.arg_true().to_list():
                rule = "share" if fault == "percent_share" else fault
                self._say(at, column.name, shown[at], rule, f"check.{fault}", **fields)
        self._report_merged(column, read)

    def _report_merged(self, column: Column, read: nw.Series[Any]) -> None:
        """Report numbers copied from a merged cell: a sum would count them more than once."""
        plain = {values.read_header(h)[0] for h in column.headers}
        cells = [at for at, name in sorted(self._merged) if values.read_header(name)[0] in plain]
        shown = read.to_list() if cells else []
        for at in cells:
            self._say(at, column.name, shown[at], "merged", "check.merged")

    def _apply_rules(self) -> None:
        for rule in self.schema.rules:
            if not set(rule.columns) <= set(self.frame.columns):
                continue
            broken = self.frame.select(bad=rule.violated())["bad"].fill_null(False)
            shown = self.frame[rule.columns[0]].to_list() if broken.any() else []
            for at in broken.arg_true().to_list():
                value = shown[at]
                said = f"{value:g}" if isinstance(value, float) else value
                self._say(at, rule.columns[0], value, rule.name, rule.message, value=said)

    def _present(self, keys: Iterable[str]) -> list[str]:
        """Return these keys and the labels asked for, as far as the table has them."""
        return [k for k in dict.fromkeys([*keys, *self._labels]) if k in self.frame.columns]

    def _find_unequal(self) -> None:
        """Report values that differ within a cell from the least of them, where all must be one."""
        keys = self._present(self.schema.cell)
        for name in self.schema.constant:
            if name not in self.frame.columns:
                continue
            least = nw.col(name).min().over(keys) if keys else nw.col(name).min()
            differs = self.frame.select(bad=nw.col(name) > least)["bad"].fill_null(False)
            shown = self.frame[name].to_list() if differs.any() else []
            for at in differs.arg_true().to_list():
                value = shown[at]
                self._say(at, name, value, f"{name}_constant", f"rule.{name}_constant", value=value)

    def _find_repeats(self) -> None:
        """Report rows whose key stood before, unless the table holds single records."""
        keys = self._present(self.schema.key)
        records = self.schema.records
        if (
            not self.schema.key
            or not keys
            or (records in self.frame.columns and bool((self.frame[records] == 1).all()))
        ):
            return
        repeated = self.frame.select(keys).is_duplicated()
        first: dict[tuple[Any, ...], int] = {}
        rows = self.frame.select(keys).filter(repeated).iter_rows()
        for at, key in zip(repeated.arg_true().to_list(), rows, strict=True):
            if any(map(values.is_missing, key)):
                continue
            before = first.setdefault(key, at)
            if before != at:
                said = ", ".join(f"{k}={v}" for k, v in zip(keys, key, strict=True))
                row = self._lines[before]
                self._say(at, keys[0], key[0], "duplicate", "check.duplicate", first=row, keys=said)


def _reading(data: Any, schema: Schema, lang: str | None) -> Reading | None:
    """Return a file as read: the headers of the schema find the table in it."""
    if isinstance(data, str | Path):
        return read_table(data, is_header=header_of(schema), lang=lang)
    return data if isinstance(data, Reading) else None


def _names(need: Any) -> list[str]:
    """Return the columns asked for: one name or several."""
    names = [need] if isinstance(need, str) else list(need) if isinstance(need, Iterable) else [need]
    if not all(isinstance(name, str) for name in names):
        raise OptionError(
            f"need={need!r:.200} is not a list of names of columns", argument="need", value=need
        )
    return names


def _hashable(series: nw.Series[Any]) -> list[Any]:
    """Return the values; lists and the like, which are no value of a cell, as their text."""
    return [value if isinstance(value, Hashable) else str(value) for value in series.to_list()]


def _shown(value: Any) -> Any:
    """Return a value as it can be shown and written; half a surrogate pair, which no file holds, escaped."""
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value


def header_of(schema: Schema, /) -> Callable[[str], bool]:
    """Return the test whether a text is a header of the schema."""
    return lambda text: values.read_header(text)[0] in schema.headers


def _eager(data: Any) -> nw.DataFrame[Any]:
    if isinstance(data, dict | list):
        import pandas as pd

        try:
            data = pd.DataFrame(data)
        except ValueError as error:
            raise DataError(say("cells.ragged", error=error)) from None
    try:
        with warnings.catch_warnings():
            # of a package to come that would take over Dask; it cannot be installed yet
            warnings.filterwarnings("ignore", "Dask support is moving", FutureWarning)
            frame = nw.from_native(data)
    except nw.exceptions.DuplicateError as error:
        raise DataError(say("check.names_twice", error=error)) from None
    except TypeError:
        raise DataError(say("check.no_table", kind=type(data).__name__)) from None
    odd = [name for name in frame.collect_schema() if not isinstance(name, str)]
    if odd:
        raise DataError(say("cells.labels", value=repr(odd[0])))
    return frame.collect() if isinstance(frame, nw.LazyFrame) else frame
