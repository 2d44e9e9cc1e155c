"""The composite index: frameworks, scores, contributions."""

from functools import cache
from typing import TYPE_CHECKING, Any

if not TYPE_CHECKING:  # a type checker looks for the modules themselves

    def __getattr__(name: str) -> Any:
        from importlib import import_module

        if name in _modules():
            return import_module(f"{__name__}.{name}")
        raise AttributeError(f"qstats.index has no module {name!r}; it has {', '.join(_modules())}")

    def __dir__() -> list[str]:
        return list(_modules())


@cache
def _modules() -> tuple[str, ...]:
    """Return the names of the modules, each of which is imported when it is asked for."""
    from pkgutil import iter_modules

    return tuple(sorted(m.name for m in iter_modules(__path__)))
