"""Change between two estimates."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


class Measured(NamedTuple):
    """Estimates with their limits and standard errors, arrays of one shape; NaN where unknown."""

    estimate: ArrayLike
    low: ArrayLike
    high: ArrayLike
    std_error: ArrayLike


class Difference(NamedTuple):
    """A difference with its limits and standard error; see :func:`difference`."""

    estimate: Array
    low: Array
    high: Array
    std_error: Array


def difference(earlier: Measured, later: Measured, /) -> Difference:
    r"""Return later minus earlier of two independent estimates, with its MOVER interval.

    .. math:: d &= \hat\theta_2 - \hat\theta_1, \qquad
              \operatorname{se} d = \sqrt{\operatorname{se}_1^2 + \operatorname{se}_2^2} \\
              l &= d - \sqrt{(\hat\theta_2 - l_2)^2 + (u_1 - \hat\theta_1)^2}, \qquad
              u  = d + \sqrt{(u_2 - \hat\theta_2)^2 + (\hat\theta_1 - l_1)^2}

    The limits are built from those of the two estimates ("variance estimates recovery"), so they keep
    their asymmetry near 0 and 100 % and exist where a standard error does not. From Wilson's
    intervals it is Newcombe's method 10; from normal ones the usual normal interval.

    Parameters
    ----------
    earlier, later : Measured
        Limits at one level of confidence.

    Returns
    -------
    Difference
        At that level. NaN wherever something it needs is not known.

    References
    ----------
    Zou & Donner (2008), Statistics in Medicine 27, 1693–1702; Newcombe (1998), ibid. 17, 873–890.

    Examples
    --------
    >>> nan = float("nan")
    >>> change = difference(Measured(93.65, nan, nan, nan), Measured(93.93, nan, nan, nan))
    >>> float(change.estimate.round(2)), float(change.low)
    (0.28, nan)
    """
    x1, l1, u1, se1 = (np.asarray(a, float) for a in earlier)
    x2, l2, u2, se2 = (np.asarray(a, float) for a in later)
    d = x2 - x1
    return Difference(
        estimate=np.asarray(d),
        low=np.asarray(d - np.hypot(x2 - l2, u1 - x1)),
        high=np.asarray(d + np.hypot(u2 - x2, x1 - l1)),
        std_error=np.asarray(np.hypot(se1, se2)),
    )
