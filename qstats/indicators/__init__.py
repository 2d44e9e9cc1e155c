"""One module an indicator: its SCHEMA and one public function."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from qstats.errors import one_of

if TYPE_CHECKING:
    from qstats.schema import Schema


def names() -> tuple[str, ...]:
    """Return the names of all indicators: a module in this folder is one."""
    return tuple(sorted(m.name for m in iter_modules(__path__) if not m.name.startswith("_")))


def schema_of(name: str, /) -> Schema:
    """Return the schema of the table an indicator takes.

    Parameters
    ----------
    name : str
        Name of the indicator.

    Raises
    ------
    OptionError
        There is no such indicator; the list and the nearest are named.

    Examples
    --------
    >>> schema_of("inspection_pass_rate").key[:2]
    ('period', 'region')
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
