"""What is asked: constructs, the items that measure them, and what depends on what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qstats import datasets
from qstats.errors import DataError, FrameworkError, OptionError, nearest, one_of, text
from qstats.messages import language, say
from qstats.satisfaction.options import ends
from qstats.schema import PERIOD, REGION, Column, Schema
from qstats.stats.path_specification import Mode, Model, PathModelError, specify

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Array = NDArray[np.float64]

#: models that come with the library
PRESETS: Final = ("ccsi", "ecsi", "acsi")
#: what may describe a respondent, besides keys of one's own
KEYS: Final = (
    PERIOD,
    REGION,
    Column("sector", "text", "调查领域", "sector", ("服务行业", "领域"), required=False),
    Column("brand", "text", "品牌", "brand", required=False),
)


class Questionnaire(NamedTuple):
    """A model of satisfaction with its names; positions follow the table.

    Attributes
    ----------
    name : str
        Of the preset, or ``"user"``.
    constructs : tuple of str, shape (C,)
    labels : dict of str → (zh, en)
        Of constructs and items; their own names where none is given.
    items : tuple of str, shape (p,)
    model : Model
        The same in numbers.
    provenance : tuple of str, shape (C,)
        official | derived | hypothesis | user, of each construct and its paths.

    Examples
    --------
    >>> found = questionnaire("ccsi")
    >>> found.constructs, found.labels["SAT"]
    (('IMAG', 'EXPE', 'QUAL', 'VAL', 'SAT', 'LOY'), ('顾客满意度', 'customer satisfaction'))
    """

    name: str
    constructs: tuple[str, ...]
    labels: dict[str, tuple[str, str]]
    items: tuple[str, ...]
    model: Model
    provenance: tuple[str, ...]

    def construct_of(self, item: str) -> str:
        """Return the construct that an item measures."""
        return self.constructs[int(self.model.blocks[self.items.index(item)])]

    def position(self, construct: str, argument: str = "index_of") -> int:
        """Return the position of a construct."""
        text(argument, construct)
        if construct not in self.constructs:
            near = nearest(construct, self.constructs)
            raise OptionError(
                say(
                    "satisfaction.no_construct",
                    argument=argument,
                    value=construct,
                    known=", ".join(self.constructs),
                    near=near or "—",
                ),
                argument=argument,
                value=construct,
                options=self.constructs,
            )
        return self.constructs.index(construct)

    def label(self, name: str, lang: str | None = None) -> str:
        """Return what a construct or item is called."""
        return self.labels[name][0 if language(lang) == "zh" else 1]

    def labelled(self, names: Iterable[str]) -> dict[str, list[str]]:
        """Return the columns ``zh`` and ``en`` of constructs or items."""
        every = [self.labels[name] for name in names]
        return {"zh": [zh for zh, _ in every], "en": [en for _, en in every]}

    def without(self, item: str) -> Questionnaire:
        """Return the questionnaire without an item, which must not be the only one of its construct."""
        at = self.items.index(item)
        blocks = np.delete(self.model.blocks, at)
        return self._replace(
            items=tuple(i for i in self.items if i != item),
            model=specify(blocks, self.model.paths, modes=self.model.modes),
        )


def questionnaire(model: str | pd.DataFrame, /, *, mode: Mode | Mapping[str, Mode] = "A") -> Questionnaire:
    """Return a model of satisfaction, checked; every fault is listed.

    Parameters
    ----------
    model : {"ccsi", "ecsi", "acsi"} or DataFrame
        A table has ``construct``, ``parents`` (the constructs it depends on) and ``items`` (columns of
        the answers), lists separated by ``;``; and may have ``label_zh, label_en, items_zh, items_en,
        provenance``. The paths of ``ccsi`` are a hypothesis: the standard could not be read.
    mode : {"A", "B"} or mapping of construct → mode
        Items that reflect the construct, or that form it. A mapping leaves the others in A.

    Returns
    -------
    Questionnaire
        Names, labels, items and the model in numbers.

    Raises
    ------
    FrameworkError
        With all ``faults``: an item twice, an unknown parent, a construct without items or paths, a cycle.

    Examples
    --------
    >>> found = questionnaire("acsi")
    >>> found.constructs, found.items[-1]
    (('EXPE', 'QUAL', 'VAL', 'SAT', 'COMP', 'LOY'), 'LOY2')
    """
    name, table = _table(model)
    constructs = [str(c).strip() for c in table["construct"]]
    parents, items = (_lists(table[column]) for column in ("parents", "items"))
    faults = _faults(constructs, parents, items)
    if faults:
        raise FrameworkError(say("satisfaction.faults", name=name), faults)
    paths = np.array([[int(other in own) for other in constructs] for own in parents])
    blocks = np.repeat(np.arange(len(constructs)), [len(own) for own in items])
    modes = _modes(mode, constructs)
    alone = [c for c, own, m in zip(constructs, items, modes, strict=True) if m == "B" and len(own) == 1]
    if alone:
        raise OptionError(say("satisfaction.one_formed", construct=", ".join(alone)))
    try:
        specified = specify(blocks, paths, modes=modes)
    except PathModelError as error:
        said = ", ".join(constructs[c] for c in error.constructs)
        key = "apart" if "no path" in str(error) else "cycle"
        raise FrameworkError(
            say("satisfaction.faults", name=name), [say(f"satisfaction.{key}", constructs=said)]
        ) from error
    return Questionnaire(
        name,
        tuple(constructs),
        _labels(table, constructs, items),
        tuple(item for own in items for item in own),
        specified,
        tuple(table["provenance"].astype(str)) if "provenance" in table else ("user",) * len(table),
    )


def schema(
    asked: Sequence[str], labels: Mapping[str, tuple[str, str]], *, numbers: Sequence[str] = ()
) -> Schema:
    """Return the schema of a survey with these items; cells may be empty, their range is not checked.

    `numbers` are further columns that hold numbers (weights).
    """
    columns = [Column(i, "number", *labels.get(i, (i, i)), optional_cells=True) for i in asked]
    columns += [Column(i, "number", i, i, optional_cells=True) for i in dict.fromkeys(numbers)]
    return Schema(
        name="customer_satisfaction",
        zh="顾客满意度调查",
        en="customer satisfaction survey",
        columns=(*KEYS, *columns),
    )


def scales(scale: Any, questions: Questionnaire, /) -> tuple[Array, Array]:
    """Return the lowest and the highest answer of each item, shape (p,) each.

    Parameters
    ----------
    scale : (lowest, highest), or mapping of item or construct → (lowest, highest)
        A mapping covers every item, by itself or by its construct.
    """
    found = []
    strange = set(scale) - {*questions.items, *questions.constructs} if isinstance(scale, Mapping) else set()
    for item in questions.items:
        own = scale
        if isinstance(scale, Mapping):
            own = scale.get(item, scale.get(questions.construct_of(item)))
        limits = ends(own)
        if strange or limits is None:
            item = ", ".join(sorted(map(str, strange))) or item
            said = say("satisfaction.scale", scale=f"{scale!r:.200}", item=item)
            raise OptionError(said, argument="scale", value=scale)
        found.append(limits)
    lower, upper = np.array(found).T
    return lower, upper


def _table(model: str | pd.DataFrame) -> tuple[str, pd.DataFrame]:
    if isinstance(model, pd.DataFrame):
        lacking = [c for c in ("construct", "parents", "items") if c not in model]
        if lacking:
            raise DataError(say("satisfaction.columns", lacking=", ".join(lacking)))
        return "user", model.reset_index(drop=True)
    if not isinstance(model, str) or model not in PRESETS:
        near = nearest(model, PRESETS)
        raise OptionError(
            say("satisfaction.no_model", value=model, known=", ".join(PRESETS), near=near or "—"),
            argument="model",
            value=model,
            options=PRESETS,
        )
    return model, datasets.load(f"frameworks/{model}")


def _lists(column: pd.Series) -> list[list[str]]:
    texts = column.where(column.notna(), "").astype(str)
    return [[part.strip() for part in text.replace("；", ";").split(";") if part.strip()] for text in texts]


def _faults(constructs: list[str], parents: list[list[str]], items: list[list[str]]) -> list[str]:
    every = [item for own in items for item in own]
    twice = [n for names in (constructs, every) for n in sorted({n for n in names if names.count(n) > 1})]
    found = [say("satisfaction.twice", name=name) for name in twice]
    for construct, own, above in zip(constructs, items, parents, strict=True):
        if not own:
            found.append(say("satisfaction.no_items", construct=construct))
        for parent in above:
            if parent not in constructs:
                near = nearest(parent, constructs) or "—"
                found.append(say("satisfaction.no_parent", construct=construct, parent=parent, near=near))
    return found


def _modes(mode: Mode | Mapping[str, Mode], constructs: list[str]) -> list[Mode]:
    for each in mode.values() if isinstance(mode, Mapping) else [mode]:
        one_of("mode", each, get_args(Mode))
    if not isinstance(mode, Mapping):
        return [mode] * len(constructs)
    strange = sorted(map(str, set(mode) - set(constructs)))
    if strange:
        raise OptionError(
            say(
                "satisfaction.no_construct",
                argument="mode",
                value=strange[0],
                known=", ".join(constructs),
                near=nearest(strange[0], constructs) or "—",
            )
        )
    return [mode.get(c, "A") for c in constructs]


def _labels(table: pd.DataFrame, constructs: list[str], items: list[list[str]]) -> dict[str, tuple[str, str]]:
    """Return Chinese and English labels by name; what has none is called by its name."""
    found: dict[str, tuple[str, str]] = {}
    for place, (construct, own) in enumerate(zip(constructs, items, strict=True)):
        said = [_said(table, f"label_{lang}", place) or construct for lang in ("zh", "en")]
        found[construct] = (said[0], said[1])
        texts = [_lists(pd.Series([_said(table, f"items_{lang}", place)]))[0] for lang in ("zh", "en")]
        for said_of in texts:
            if said_of and len(said_of) != len(own):
                raise FrameworkError(
                    say("satisfaction.faults", name=construct),
                    [say("satisfaction.labels", construct=construct, labels=len(said_of), items=len(own))],
                )
        for j, item in enumerate(own):
            found[item] = (texts[0][j] if texts[0] else item, texts[1][j] if texts[1] else item)
    return found


def _said(table: pd.DataFrame, column: str, place: int) -> str:
    value = table[column].iloc[place] if column in table else ""
    return "" if pd.isna(value) else str(value)
