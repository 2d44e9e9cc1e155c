"""A folder of returns: collected, checked, and who is missing, twice, wrong or reports for another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, get_args

from qstats import values
from qstats.checking import examine
from qstats.errors import DataError, kind_of, names_of
from qstats.examination import header_of
from qstats.files import Layout, Reading, read_table
from qstats.messages import language, say
from qstats.places import COLUMNS, placed
from qstats.schema import Schema, require_schema
from qstats.senders import expected_regions, owner, sender_of

if TYPE_CHECKING:
    import pandas as pd

Status = Literal["received", "missing", "duplicate", "wrong", "elsewhere"]
STATUSES: Final = get_args(Status)
#: columns that say where a row came from
SOURCE: Final = ("source_file", "source_sheet", "source_row")
_MARKS: Final = (".ds_store", "thumbs.db", "desktop.ini")
_KINDS: Final = (".csv", ".txt", ".tsv", ".xlsx", ".xlsm", ".xls")


class Collection(NamedTuple):
    """What came of a folder.

    Attributes
    ----------
    table : pandas.DataFrame
        All rows of the returns taken, canonical, with ``source_file, source_sheet, source_row``.
    status : pandas.DataFrame
        ``region, status, file, rows, message``: every expected region, then files of nobody. ``status``
        is ``received`` (taken) | ``missing`` | ``duplicate`` | ``wrong`` | ``elsewhere``.
    violations : pandas.DataFrame
        Everything wrong with any file, one a row: ``file, sheet, row, cell, column, value, rule, message``;
        ``cell`` is ``C7`` where it is known. A file that cannot be read or taken as a whole has the rule
        ``file``, ``elsewhere`` or ``duplicate``.
    seen : pandas.DataFrame
        What was understood of each file and what was left out: ``file, sheet, row, what, text, why``.
    notes : tuple of str
        How files were read.
    expected : tuple of str
        The regions that were to report.
    """

    table: pd.DataFrame
    status: pd.DataFrame
    violations: pd.DataFrame
    seen: pd.DataFrame
    notes: tuple[str, ...]
    expected: tuple[str, ...]

    @property
    def taken(self) -> tuple[str, ...]:
        """The expected regions whose return was taken."""
        got = set(self.status.loc[self.status["status"] == "received", "region"])
        return tuple(region for region in self.expected if region in got)

    @property
    def complete(self) -> bool:
        """Whether every expected region was taken and nothing else is the matter."""
        return len(self.taken) == len(self.expected) and bool((self.status["status"] == "received").all())

    def __repr__(self) -> str:
        return f"{self._heading()}\n{self.status.to_string(index=False, max_rows=40, max_colwidth=60)}"

    def _heading(self) -> str:
        counts = {"taken": len(self.taken), "expected": len(self.expected), "rows": len(self.table)}
        return say("returns.summary", **counts)

    def _repr_html_(self) -> str:
        from html import escape

        body = self.status.to_html(index=False, border=0, escape=True)
        return f"<div><p><b>{escape(self._heading())}</b></p>{body}</div>"


class _File(NamedTuple):
    """One file, examined."""

    name: str
    sender: str
    status: Status
    message: str
    table: Any
    found: Any
    seen: Any
    notes: list[str]


class _Line(NamedTuple):
    """A line of the table of statuses."""

    region: str
    status: Status
    file: str
    rows: int
    message: str


def collect(
    folder: Path | str,
    schema: Schema,
    /,
    *,
    expected: Sequence[str] | None = None,
    period: str | None = None,
    need: Iterable[str] = (),
    layout: Layout | None = None,
    lang: str | None = None,
) -> Collection:
    r"""Read and check every return in a folder, and say who is missing or wrong.

    A return is of the region that its file name tells (or the folder it lies in), else of the regions in
    its rows. A return with a violation is not taken, nor are two that differ for one region; of two
    with the same content one is. A return without a column of regions is given the region of its name.

    Parameters
    ----------
    folder : path
        Searched with its subfolders, in the order of names; what systems and spreadsheets leave behind
        (``~$…``, ``._…``, ``.DS_Store``, folders that begin with ``.``) is passed over.
    schema : Schema
        What a return must be; it must have a region.
    expected : sequence of str, optional
        Regions that are to report; by default the 31 provinces.
    period : str, optional
        The period that every row must have.
    need : iterable of str
        Columns needed beyond the required ones.
    layout : Layout, optional
        By which rules sheets are read.
    lang : {"zh", "en"}, optional
        Language of messages.

    Returns
    -------
    Collection

    Raises
    ------
    OptionError
        The name of an indicator, say, in place of its schema.
    DataError
        The folder does not exist, the schema has no region, an expected region is not known.

    Examples
    --------
    >>> from qstats.indicators import schema_of
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "安徽.csv").write_text("地区,检验数,合格数\n安徽,100,90\n", encoding="utf-8")
    >>> _ = (folder / "江苏.csv").write_text("地区,检验数,合格数\n浙江,100,90\n", encoding="utf-8")
    >>> found = collect(folder, schema_of("inspection_pass_rate"), expected=["安徽", "江苏"])
    >>> found.status[["region", "status"]].values.tolist()
    [['安徽', 'received'], ['江苏', 'elsewhere']]
    """
    kind_of("folder", folder, (str, Path), what="the path of a folder")
    require_schema(schema)
    kind_of("layout", layout, (Layout, type(None)), what="a Layout")
    root = Path(folder)
    if not root.is_dir():
        raise DataError(say("returns.no_folder", lang, path=root))
    if schema.column("region") is None:
        raise DataError(say("returns.no_region", lang, name=schema.name))
    regions = expected_regions(expected, lang)
    dated = ["period"] if period is not None else []
    asked = list(dict.fromkeys(["region", *names_of("need", need), *dated]))
    files = [
        _examined(path, root, schema, asked, period, regions, layout, lang)
        for path in sorted(root.rglob("*"), key=lambda p: p.relative_to(root).as_posix())
        if not path.is_dir() and not _left_behind(path.relative_to(root))
    ]
    lines, taken = _settled(files, regions, lang)
    return Collection(_stacked(taken), _statuses(lines, regions), *_told(files, lines), regions)


def _left_behind(path: Path) -> bool:
    """Whether a file is none of a sender's: locks and marks of systems and spreadsheets."""
    hidden = any(part.startswith(".") for part in path.parts[:-1])
    return hidden or path.name.startswith(("~$", "._", ".~")) or path.name.lower() in _MARKS


def _examined(
    path: Path,
    root: Path,
    schema: Schema,
    need: list[str],
    period: str | None,
    expected: tuple[str, ...],
    layout: Layout | None,
    lang: str | None,
) -> _File:
    """Return what one file is; whatever is wrong with it is said of it and stops no other."""
    name = path.relative_to(root).as_posix()
    senders = sender_of(path.relative_to(root), expected)
    sender = senders[0] if len(senders) == 1 else ""

    def refused(message: str, reading: Reading | None = None, found: Any = None) -> _File:
        return _File(name, sender, "wrong", message, None, found, reading and reading.seen, [])

    if not path.resolve().is_relative_to(root.resolve()):
        return refused(say("returns.outside", lang))
    if path.suffix.lower() not in _KINDS:
        return refused(say("returns.kind", lang))
    if len(senders) > 1:
        return refused(say("returns.names", lang, names=", ".join(senders)))
    try:
        reading = read_table(path, layout=layout or Layout(), is_header=header_of(schema), lang=lang)
    except DataError as error:
        return refused(str(error).replace(str(path), name))
    if not any(map(header_of(schema), reading.table.columns)):
        wanted = ", ".join(c.zh if language(lang) == "zh" else c.en for c in schema.columns if c.required)
        return refused(say("returns.no_header", lang, names=wanted), reading)
    notes: list[str] = []
    if not _has_region(reading, schema):
        if not sender:
            return refused(say("returns.nobody", lang), reading)
        reading.table.insert(0, "region", sender)
        notes.append(say("returns.from_name", lang, file=name, region=sender))
    table, found, said = examine(reading, schema, need=need, lang=lang)
    if found.empty and period is not None:
        found = _other_periods(table, reading, period, lang)
    if len(found):
        found = placed(found, reading, schema)
        first = _first(found, schema, lang)
        return refused(say("returns.wrong", lang, count=len(found), first=first), reading, found)
    clash = next((column for column in SOURCE if column in table.columns), None)
    if clash:
        return refused(say("returns.reserved", lang, name=clash), reading)
    source = dict(zip(SOURCE, (name, reading.sheets, reading.lines), strict=True))
    notes += [f"{name}: {note}" for note in said]
    file = _File(name, sender, "received", "", table.assign(**source), None, reading.seen, notes)
    return _of_its_sender(file, reading, schema, expected, lang)


def _has_region(reading: Reading, schema: Schema) -> bool:
    column = schema.column("region")
    known = {values.read_header(h)[0] for h in column.headers} if column else set()
    return any(values.read_header(header)[0] in known for header in reading.table.columns)


def _first(found: Any, schema: Schema, lang: str | None) -> str:
    """Return the first violation: its cell, its column as people call it, what is wrong."""
    first = found.iloc[0]
    column = schema.column(first["column"])
    label = str(first["column"]) if column is None else column.zh if language(lang) == "zh" else column.en
    place = " ".join(part for part in (first["cell"], label) if part)
    return say("returns.first", lang, place=place, message=first["message"]) if place else first["message"]


def _other_periods(table: Any, reading: Reading, period: str, lang: str | None) -> Any:
    """Return a violation for each row of another period."""
    import pandas as pd

    wanted = values.read_period(period, lang)
    if isinstance(wanted, values.Fault):
        raise DataError(wanted.message)
    rows = [
        (line, "period", found, "period", say("returns.period", lang, found=found, wanted=wanted))
        for line, found in zip(reading.lines, table["period"].tolist(), strict=True)
        if found != wanted
    ]
    return pd.DataFrame(rows, columns=["row", "column", "value", "rule", "message"])


def _of_its_sender(
    file: _File, reading: Reading, schema: Schema, expected: tuple[str, ...], lang: str | None
) -> _File:
    """Refuse a return with rows of a region other than its sender's, or that nobody asked for."""
    owners = {name: owner(name, expected) for name in set(file.table["region"])}
    inside = sorted(set(owners.values()))
    other = [name for name in inside if name != file.sender] if file.sender else []
    strange = [name for name in inside if name not in expected]
    if other:
        message = say("returns.elsewhere", lang, sender=file.sender, found=", ".join(other))
    elif strange:
        message = say("returns.unexpected", lang, found=", ".join(strange))
    else:
        return file
    rows = file.table[file.table["region"].map(owners).isin(other or strange)]
    found = _of_regions(rows["source_row"], rows["region"], "elsewhere", message)
    return file._replace(status="elsewhere", message=message, found=placed(found, reading, schema))


def _of_regions(lines: Any, names: Any, rule: str, message: str) -> Any:
    """Return a violation for each row of a region."""
    import pandas as pd

    rows = [(line, "region", name, rule, message) for line, name in zip(lines, names, strict=True)]
    return pd.DataFrame(rows, columns=["row", "column", "value", "rule", "message"])


def _settled(
    files: list[_File], expected: tuple[str, ...], lang: str | None
) -> tuple[list[_Line], list[Any]]:
    """Return the lines of the statuses, and the rows of each region taken."""
    lines = [
        _Line(f.sender, f.status, f.name, 0 if f.table is None else len(f.table), f.message)
        for f in files
        if f.status != "received"
    ]
    sent = _parts(files, expected)
    heard = {line.region for line in lines}
    for region in expected:
        if region in sent:
            lines += _compared(region, sent[region], lang)
        elif region not in heard:
            lines.append(_Line(region, "missing", "", 0, say("returns.missing", lang)))
    one = {line.region for line in lines if line.status == "received"}
    return lines, [parts[0][1] for region, parts in sent.items() if region in one]


def _parts(files: list[_File], expected: tuple[str, ...]) -> dict[str, list[tuple[str, Any]]]:
    """Return for each expected region, in their order, the files and the rows they have of it."""
    found: dict[str, list[tuple[str, Any]]] = {region: [] for region in expected}
    for file in files:
        if file.status == "received":
            owners = file.table["region"].map(
                {name: owner(name, expected) for name in set(file.table["region"])}
            )
            for region, part in file.table.groupby(owners, sort=False):
                found[region].append((file.name, part))
    return {region: parts for region, parts in found.items() if parts}


def _compared(region: str, sent: list[tuple[str, Any]], lang: str | None) -> list[_Line]:
    """Return a line for each file of one region: one is taken, or none when they differ."""
    first = sent[0][0]
    if not all(_content(part).equals(_content(sent[0][1])) for _, part in sent):
        below = len({name for _, part in sent for name in set(part["region"])}) > 1
        key = "returns.twice_below" if below else "returns.twice"
        said = say(key, lang, count=len(sent), files=", ".join(name for name, _ in sent))
        return [_Line(region, "duplicate", name, len(part), said) for name, part in sent]
    lines = [
        _Line(region, "duplicate", name, len(p), say("returns.copy", lang, other=first)) for name, p in sent
    ]
    rows = len(sent[0][1])
    return [_Line(region, "received", first, rows, say("returns.received", lang, rows=rows)), *lines[1:]]


def _content(part: Any) -> Any:
    plain = part.drop(columns=list(SOURCE))
    return plain[sorted(plain.columns)].reset_index(drop=True)


def _stacked(taken: list[Any]) -> Any:
    import pandas as pd

    if not taken:
        return pd.DataFrame(columns=["region", *SOURCE])
    table = pd.concat(taken, ignore_index=True)
    return table[[c for c in table.columns if c not in SOURCE] + list(SOURCE)]


def _statuses(lines: list[_Line], expected: tuple[str, ...]) -> Any:
    import pandas as pd

    place = {region: at for at, region in enumerate(expected)}
    ordered = sorted(lines, key=lambda x: (place.get(x.region, len(place)), x.region, x.file))
    return pd.DataFrame(ordered, columns=list(_Line._fields))


def _told(files: list[_File], lines: list[_Line]) -> tuple[Any, Any, tuple[str, ...]]:
    """Return the violations and the previews of all files under their names, and the notes."""
    import pandas as pd

    looked = {f.name for f in files if f.found is not None}
    whole = [
        (line.file, "", None, "", "", "", "file" if line.status == "wrong" else line.status, line.message)
        for line in lines
        if line.status not in ("received", "missing") and line.file not in looked
    ]
    frames = []
    for what, columns in (("found", COLUMNS), ("seen", ("sheet", "row", "what", "text", "why"))):
        parts = [(f.name, getattr(f, what)) for f in files if getattr(f, what) is not None]
        rows = [(name, *line) for name, part in parts for line in part[list(columns)].itertuples(index=False)]
        rows = sorted([*rows, *whole], key=lambda row: str(row[0])) if what == "found" else rows
        frame = pd.DataFrame(rows, columns=["file", *columns], dtype=object)
        frames.append(frame.astype({"row": "Int64"}))
    return frames[0], frames[1], tuple(note for f in files for note in f.notes)
