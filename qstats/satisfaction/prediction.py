"""Whether the model of a study foretells the answers of respondents that it has not seen."""

from __future__ import annotations

from typing import Any, Final, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qstats.errors import DataError, OptionError, one_of, whole_number
from qstats.messages import say
from qstats.satisfaction.groups import clusters_of, strata_of
from qstats.satisfaction.options import check_seed
from qstats.satisfaction.studies import Fitted, Study, fitted, require_study
from qstats.stats import path_predict
from qstats.stats.path_predict import Measure, Predicted

Array = NDArray[np.float64]

_COLUMNS: Final = ("", "lm_", "mean_")


def predictive_power(
    of: Study,
    /,
    *,
    folds: int = 10,
    repeats: int = 10,
    seed: int | None = 0,
    measure: Measure = "rmse",
) -> pd.DataFrame:
    r"""Return how well the items of endogenous constructs are predicted by those of exogenous ones.

    PLSpredict: respondents are dealt into folds; the model of all folds but one predicts the answers of that
    one. So do two benchmarks, the regression of each item on all exogenous items (``lm``) and its mean.

    .. math:: Q^2_j = 1 - \frac{\sum v (x_j - \hat x_j)^2}{\sum v (x_j - m_j)^2}

    Parameters
    ----------
    of : Study
        With weights of each group.
    folds, repeats : int
        How many, and how often they are drawn anew; errors are averaged over repeats.
    seed : int or None
        0 is a seed like any other; None draws anew.
    measure : {"rmse", "mae"}
        What ``better`` and the classes compare: RMSE, or MAE where errors are far from symmetric.

    Returns
    -------
    DataFrame
        Keys of the groups, ``construct, item, zh, en``, ``n`` (answers predicted), ``rmse, mae, lm_rmse,
        lm_mae, mean_rmse, mean_mae`` in steps of the scale, ``q2_predict``, ``better`` (than the linear model
        by `measure`, and than the mean), ``power`` and ``power_of_model``: ``high`` where all items of the
        construct (of the model) are better, ``medium`` for half or more, ``low`` for fewer, ``none``. Not
        known where exogenous items are collinear and there is no linear model. Suppressed groups are not
        listed.

    Raises
    ------
    DataError
        A group of too few respondents (or clusters) for the folds, or a training sample without a fit.
    DesignError
        Clusters that are not known.

    Notes
    -----
    Weights of the design enter fits and errors. Primary clusters stay in one fold, strata are spread over the
    folds. The classes are those of Shmueli et al. (2019); they judge the model against a regression of the
    same answers, not whether the errors are small.

    References
    ----------
    Shmueli, Ray, Velasquez Estrada, Chatla (2016), Journal of Business Research 69, 4552–4564; Shmueli,
    Sarstedt, Hair, Cheah, Ting, Vaithilingam, Ringle (2019), European Journal of Marketing 53, 2322–2347;
    Wieczorek, Guerin, McMahon (2022), Stat 11, e454.

    Examples
    --------
    >>> from qstats.simulation import simulate
    >>> answers = simulate("satisfaction", year=2023, size=300, seed=4)
    >>> from qstats.satisfaction.studies import study
    >>> one = study(answers, replicates=10, seed=1)
    >>> found = predictive_power(one, folds=5, repeats=1)
    >>> bool((found["q2_predict"] > 0).all()), found["power_of_model"].unique().tolist()
    (True, ['medium'])
    """
    require_study(of)
    whole_number("folds", folds, least=2)
    whole_number("repeats", repeats, least=1)
    check_seed(seed)
    one_of("measure", measure, get_args(Measure))
    if of.how.outer == "pooled":
        raise OptionError(say("path_predict.pooled"), argument="outer", value=of.how.outer)
    options: dict[str, Any] = {"folds": folds, "repeats": repeats, "seed": seed}
    parts = []
    for g, own in enumerate(fitted(of, "standardised")[0]):
        if own is not None:
            parts.append(_told(of, g, own, _predicted(of, g, own, options), measure))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _predicted(of: Study, g: int, own: Fitted, options: dict[str, Any]) -> Predicted:
    """Return the errors of one group, or say which group cannot be predicted."""
    try:
        return path_predict.predict(
            of.survey.X[own.rows][:, own.at],
            own.questions.model,
            weights=of.survey.drawn.weight[own.rows],
            unit=clusters_of(of, own.rows),
            stratum=strata_of(of, own.rows),
            missing=of.survey.missing,
            how=of.how.fitting("standardised"),
            **options,
        )
    except DataError as error:
        raise DataError(f"{of.survey.named(g)}: {error}") from error


def _told(of: Study, g: int, own: Fitted, found: Predicted, measure: Measure) -> pd.DataFrame:
    """Return the table of one group."""
    q = own.questions
    names = [q.items[j] for j in found.items]
    constructs = np.array([q.construct_of(name) for name in names], dtype=object)
    error, linear, _ = path_predict.errors_by(found, measure)
    better = pd.array((error < linear) & (found.q2 > 0), dtype="boolean")
    better[~np.isfinite(linear)] = pd.NA
    power = {
        c: path_predict.power(error[at], linear[at], found.q2[at])
        for c in dict.fromkeys(constructs)
        for at in [np.flatnonzero(constructs == c)]
    }
    errors = {
        f"{whose}{what}": values
        for whose, *both in zip(_COLUMNS, found.rmse, found.mae, strict=True)
        for what, values in zip(("rmse", "mae"), both, strict=True)
    }
    return of.survey.keyed([g] * len(names)).assign(
        construct=constructs,
        item=names,
        **q.labelled(names),
        n=found.n,
        **errors,
        q2_predict=found.q2,
        better=better,
        power=[power[c] for c in constructs],
        power_of_model=path_predict.power(error, linear, found.q2),
    )
