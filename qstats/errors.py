"""Everything qstats raises. A message says what was found, its value, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from difflib import SequenceMatcher, get_close_matches
from math import isfinite
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


#: how a notebook shows an error, as "lines" and as "html"; the package says, for errors know no language
NOTEBOOK: Final[dict[str, Callable[[Any], Any]]] = {}


class QStatsError(Exception):
    """Any error that qstats raises on purpose; a notebook shows it short."""

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows in place of a traceback."""
        lines: list[str] = NOTEBOOK["lines"](self)
        return lines


class OptionError(QStatsError, ValueError):
    """A choice that does not exist; the message lists the choices and the nearest.

    Attributes
    ----------
    argument, value, options
        What was given for which argument, and what could have been; empty when the error is
        not about one choice. With them the message can be told in another language.
    key, words
        The message in the catalogue that says the same, and what fills its fields; empty when it has none.
    """

    def __init__(
        self,
        message: str,
        *,
        argument: str = "",
        value: object = None,
        options: Sequence[Any] = (),
        key: str = "",
        words: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.key = key
        self.words = dict(words or {})
        self.argument = argument
        self.value = value
        self.options = tuple(options)


class DataError(QStatsError):
    """A table that breaks its schema.

    Attributes
    ----------
    violations : pandas.DataFrame
        One row a violation: ``row, column, value, rule, message``. Empty when the
        error is not about single cells.
    """

    def __init__(self, message: str, violations: pd.DataFrame | None = None) -> None:
        super().__init__(message)
        self._violations = violations

    @property
    def violations(self) -> pd.DataFrame:
        """The table of violations (a copy)."""
        import pandas as pd

        if self._violations is None:
            return pd.DataFrame(columns=["row", "column", "value", "rule", "message"])
        return self._violations.copy()

    def _repr_html_(self) -> str:
        html: str = NOTEBOOK["html"](self)
        return html


class FrameworkError(QStatsError):
    """An index framework with faults; all of them are listed.

    Attributes
    ----------
    faults : tuple of str
        One sentence a fault.
    """

    def __init__(self, message: str, faults: Iterable[str] = ()) -> None:
        self.faults = tuple(faults)
        super().__init__("\n  - ".join([message, *self.faults]))


class DesignError(QStatsError):
    """A sampling design that cannot be used as declared."""


class QStatsWarning(UserWarning):
    """Something was read or assumed that the user should know of."""


def nearest(value: object, options: Iterable[Any], *, cutoff: float = 0.5) -> str | None:
    """Return the option most like `value`, or None when none is as near as `cutoff` (0 to 1).

    Of options that are equally near, one that begins alike: 江芬 is 江苏 rather than 浙江.

    Examples
    --------
    >>> nearest("江芬", ["浙江", "江苏"])
    '江苏'
    """
    texts = {str(option).casefold(): str(option) for option in options}
    text = str(value)[:100].casefold()
    found = get_close_matches(text, texts, n=5, cutoff=cutoff)
    best = [t for t in found if _likeness(text, t) == _likeness(text, found[0])]
    return texts[max(best, key=lambda t: t[:1] == text[:1])] if found else None


def _likeness(text: str, other: str) -> float:
    return SequenceMatcher(None, other, text).ratio()


def one_of(argument: str, value: object, options: Sequence[Any]) -> None:
    """Raise OptionError unless `value` is one of `options`."""
    if any(value is option or _equal(value, option) for option in options):
        return
    hint = nearest(value, options)
    did = f" Did you mean {hint!r}?" if hint else ""
    said = f"{argument}={value!r:.200} is not one of {', '.join(map(repr, options))}.{did}"
    raise OptionError(said, argument=argument, value=value, options=options)


def _equal(value: object, option: object) -> bool:
    """Return whether these are the same choice; an array, a table or a missing value is none."""
    try:
        return isinstance(value, Hashable) and bool(value == option)
    except (TypeError, ValueError):
        return False


def within_0_1(argument: str, value: object, /, *, hint: str = "95 % is 0.95") -> None:
    """Raise OptionError unless `value` is one number strictly between 0 and 1."""
    if isinstance(value, Real) and 0 < float(value) < 1:
        return
    raise OptionError(
        f"{argument}={value!r:.200} is not between 0 and 1; {hint}",
        argument=argument,
        value=value,
        key="option.within_0_1",
        words={"hint": hint},
    )


def real_number(
    argument: str,
    value: object,
    /,
    *,
    above: float | None = None,
    least: float | None = None,
    below: float | None = None,
    most: float | None = None,
) -> None:
    """Raise OptionError unless `value` is one finite number within these limits; true and false are none."""
    if not isinstance(value, bool) and isinstance(value, Real) and isfinite(value):
        x = float(value)
        if (
            (above is None or x > above)
            and (least is None or x >= least)
            and (below is None or x < below)
            and (most is None or x <= most)
        ):
            return
    limits = {"above": above, "of at least": least, "below": below, "of at most": most}
    known = {word: limit for word, limit in limits.items() if limit is not None}
    said = " and ".join(f"{word} {limit:g}" for word, limit in known.items())
    raise OptionError(
        f"{argument}={value!r:.200} is not a number {said}".rstrip(),
        argument=argument,
        value=value,
        key="option.number" if known else "option.any_number",
        words={"limits": known},
    )


def whole_number(argument: str, value: object, /, *, least: int) -> None:
    """Raise OptionError unless `value` is one whole number, `least` or more."""
    if not isinstance(value, bool) and isinstance(value, Integral) and int(value) >= least:
        return
    raise OptionError(
        f"{argument}={value!r:.200} is not a whole number of at least {least}",
        argument=argument,
        value=value,
        key="option.whole",
        words={"least": least},
    )


def yes_or_no(argument: str, value: object, /) -> None:
    """Raise OptionError unless `value` is True or False: no other value is taken for one of them."""
    if not isinstance(value, bool):
        raise OptionError(
            f"{argument}={value!r:.200} is neither True nor False",
            argument=argument,
            value=value,
            key="option.yes_or_no",
        )


def text(argument: str, value: object, /, *, empty: bool = True) -> None:
    """Raise OptionError unless `value` is a text, and not an `empty` one where that says nothing."""
    if isinstance(value, str) and not value and not empty:
        said = f"{argument} is empty; say what it is"
        raise OptionError(said, argument=argument, value=value, key="option.empty")
    if not isinstance(value, str):
        raise OptionError(
            f"{argument}={value!r:.200} is a {type(value).__name__}, not a text; write it in quotes",
            argument=argument,
            value=value,
            key="option.text",
            words={"kind": type(value).__name__},
        )


def names_of(argument: str, value: object, /, *, empty: bool = True) -> list[str]:
    """Return one name, or several, as a list; raise OptionError for what is none, or an `empty` list."""
    if isinstance(value, str):
        return [value]
    if (
        isinstance(value, Iterable)
        and not isinstance(value, Mapping | bytes)
        and not hasattr(value, "columns")
    ):
        names = list(value)
        if not (names or empty):
            said = f"{argument} is empty; say what it is"
            raise OptionError(said, argument=argument, value=value, key="option.empty")
        if all(isinstance(name, str) for name in names):
            return names
    raise OptionError(
        f"{argument}={value!r:.200} is neither a name nor a list of names",
        argument=argument,
        value=value,
        key="option.names",
    )


def numbers_of(argument: str, value: object, /) -> NDArray[np.float64]:
    """Return one number, or an array of them, as an array; raise OptionError for what is none."""
    import numpy as np

    try:
        return np.asarray(value, float)
    except (TypeError, ValueError):
        raise OptionError(
            f"{argument}={value!r:.200} is neither a number nor an array of numbers",
            argument=argument,
            value=value,
            key="option.numbers",
        ) from None


def mapping(argument: str, value: object, /, *, of: str) -> None:
    """Raise OptionError unless `value` is a mapping; `of` says of what to what: ``"region to group"``."""
    if not isinstance(value, Mapping):
        raise OptionError(
            f"{argument}={value!r:.200} is a {type(value).__name__}, not a mapping of {of}",
            argument=argument,
            value=value,
            key="option.mapping",
            words={"kind": type(value).__name__, "of": of},
        )


def kind_of(argument: str, value: object, kinds: type | tuple[type, ...], /, *, what: str) -> None:
    """Raise OptionError unless `value` is of one of these kinds; `what` says what it should be."""
    if not isinstance(value, kinds):
        raise OptionError(
            f"{argument}={value!r:.200} is a {type(value).__name__}, not {what}",
            argument=argument,
            value=value,
            key="option.kind",
            words={"kind": type(value).__name__, "what": what},
        )


def __dir__() -> list[str]:
    """Return what is raised, and nothing of what raises it."""
    return sorted(
        name for name, kind in globals().items() if isinstance(kind, type) and kind.__module__ == __name__
    )
