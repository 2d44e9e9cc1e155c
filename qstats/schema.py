"""`Schema`: what a table must be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

import narwhals as nw

from qstats.errors import kind_of
from qstats.values import read_header

Kind = Literal["count", "amount", "number", "percent", "text", "period", "region", "industry", "edition"]


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Parameters
    ----------
    name : str
        Machine name, the same in Chinese and English tables.
    kind : str
        ``count`` (whole, ≥ 0) | ``amount`` (≥ 0) | ``number`` | ``percent`` | ``text`` |
        ``period`` | ``region`` | ``industry`` (needs an ``edition`` column) | ``edition``.
    zh, en : str
        The header in Chinese and English; both are accepted, and so is `name`.
    aliases : tuple of str
        Other headers in use.
    unit : str
        Base unit. A header such as ``产值(亿元)`` is converted to it.
    required : bool
        Whether every use of the table needs it.
    optional_cells : bool
        Whether single cells may be empty in uses that do not ask for the column.
    minimum, maximum : float, optional
        Limits of the value, inclusive.
    """

    name: str
    kind: Kind
    zh: str
    en: str
    aliases: tuple[str, ...] = ()
    unit: str = ""
    required: bool = True
    optional_cells: bool = False
    minimum: float | None = None
    maximum: float | None = None

    @property
    def numeric(self) -> bool:
        """Whether the column holds numbers."""
        return self.kind in ("count", "amount", "number", "percent")

    @property
    def limits(self) -> tuple[float | None, float | None]:
        """Least and largest value, None where there is no limit; counts and amounts are not negative."""
        low = 0 if self.minimum is None and self.kind in ("count", "amount") else self.minimum
        return low, self.maximum

    @property
    def headers(self) -> tuple[str, ...]:
        """Every header that means this column."""
        return (self.name, self.zh, self.en, *self.aliases)


@dataclass(frozen=True)
class Rule:
    """What must never hold between the columns of a row.

    Parameters
    ----------
    name : str
        Short name in the table of violations.
    message : str
        Key of the message that says what is wrong and what to do; ``{value}`` is filled in.
    columns : tuple of str
        The columns the rule needs; the first is blamed.
    violated : callable
        Returns a narwhals expression, true where the rule is broken.
    """

    name: str
    message: str
    columns: tuple[str, ...]
    violated: Callable[[], nw.Expr]


@dataclass(frozen=True)
class Schema:
    """What a table must be.

    Parameters
    ----------
    name, zh, en : str
        Machine name and titles.
    columns : tuple of Column
        In the order of the entry form. Other columns are let through untouched: any may be a key.
    rules : tuple of Rule
        Conditions between columns.
    key : tuple of str
        Columns that, with the keys asked for, name a row; a repeated key is a violation.
    records : str
        A count column: a table in which it is 1 throughout holds single records, whose keys repeat.
    constant, cell : tuple of str
        Columns that have one value in all rows of a cell (the output of an industry in a region,
        repeated on each of its records), and the keys that make a cell.

    Examples
    --------
    >>> from qstats.checking import check
    >>> stock = Column("stock", "amount", "库存", "stock", unit="元")
    >>> returns = Schema(name="returns", zh="库存", en="stocks", columns=(REGION, stock), key=("region",))
    >>> check({"地区": ["安徽省"], "库存(万元)": [2]}, returns).values.tolist()
    [['安徽', 20000.0]]
    """

    name: str
    zh: str
    en: str
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...] = ()
    key: tuple[str, ...] = ()
    records: str = ""
    constant: tuple[str, ...] = ()
    cell: tuple[str, ...] = ()

    @property
    def all_columns(self) -> tuple[Column, ...]:
        """The columns and the mark of provenance that any table may carry."""
        return (*self.columns, PROVENANCE)

    def column(self, name: str) -> Column | None:
        """Return the column called `name`, if the schema has it."""
        return next((c for c in self.all_columns if c.name == name), None)

    @cached_property
    def headers(self) -> dict[str, str]:
        """Every header, in comparable form, that means a column → its name."""
        return {read_header(header)[0]: c.name for c in self.all_columns for header in c.headers}

    def name_of(self, header: str, /) -> str:
        """Return the name of the column that a header means; a header of no column is its own name.

        Examples
        --------
        >>> from qstats.indicators.inspection_pass_rate import SCHEMA
        >>> SCHEMA.name_of("地区"), SCHEMA.name_of("Province"), SCHEMA.name_of("车间")
        ('region', 'region', '车间')
        """
        return self.headers.get(read_header(header)[0], header)

    def _repr_html_(self) -> str:
        from qstats import display

        return display.schema(self)


def require_schema(value: object, argument: str = "schema", /) -> None:
    """Raise OptionError unless `value` is a Schema: the name of an indicator is none."""
    kind_of(argument, value, Schema, what="a Schema; qs.schema_of(name) gives one")


# columns that many tables share
PERIOD: Final = Column(
    "period", "period", "统计期", "period", ("年份", "时期", "年度", "year"), required=False
)
REGION: Final = Column("region", "region", "地区", "region", ("省份", "省市", "province"), required=False)
EDITION: Final = Column("edition", "edition", "行业分类版本", "edition", ("版本",), required=False)
INDUSTRY: Final = Column("industry", "industry", "行业", "industry", ("行业代码", "行业大类"), required=False)
#: every table may say where it comes from; simulated data do, in each row
PROVENANCE: Final = Column(
    "provenance", "text", "数据来源标记", "provenance", required=False, optional_cells=True
)
