"""One module an indicator: its SCHEMA and one public function."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from qstats.errors import one_of

if TYPE_CHECKING:
    from qstats.schema import Schema


def names() -> tuple[str, ...]:
    """Return the names of all indicators: a module in this folder is one.

    Returns
    -------
    tuple of str
        In alphabetical order.

    Examples
    --------
    >>> names()[:3]
    ('acceptance_rate', 'customer_satisfaction', 'event_rate')
    """
    return tuple(sorted(m.name for m in iter_modules(__path__) if not m.name.startswith("_")))


def schema_of(name: str, /) -> Schema:
    """Return the schema of the table an indicator takes, for ``check``, ``collect`` and ``entry_form``.

    Parameters
    ----------
    name : str
        Name of the indicator.

    Returns
    -------
    Schema
        Its columns with kind, unit and headers in Chinese and English, its key, its rules.

    Raises
    ------
    OptionError
        There is no such indicator; the list and the nearest are named.

    Examples
    --------
    >>> import qstats as qs
    >>> schema = schema_of("inspection_pass_rate")
    >>> [column.name for column in schema.columns if column.required]
    ['inspected', 'passed']
    >>> qs.check({"地区": ["安徽"], "检验数": ["１，２００"], "合格数": [1140]}, schema)["inspected"].tolist()
    [1200.0]
    """
    one_of("schema", name, names())
    schema: Schema = import_module(f"qstats.indicators.{name}").SCHEMA
    return schema


if not TYPE_CHECKING:  # a type checker looks for the modules themselves

    def __getattr__(name: str) -> object:
        if name in names():
            return import_module(f"qstats.indicators.{name}")
        raise AttributeError(f"qstats.indicators has no {name!r}; it has {', '.join(names())}")

    def __dir__() -> list[str]:
        return [*names(), "names", "schema_of"]
