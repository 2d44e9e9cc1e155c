"""Other scales a model may be fitted on, logarithm and arcsine, and the way back to the data.

References
----------
Rao & Molina (2015), Small Area Estimation.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import one_of, within_0_1

Array = NDArray[np.float64]
Transform = Literal["none", "log", "arcsine"]
TRANSFORMS: Final = ("none", "log", "arcsine")


def forward(y: ArrayLike, D: ArrayLike, transform: Transform) -> tuple[Array, Array]:
    r"""Return direct estimates and their variances on the scale of the model.

    ``log``: :math:`\log y` and :math:`D/y^2`; ``arcsine`` of a fraction: :math:`\arcsin\sqrt y` and
    :math:`D/(4y(1-y))`; to first order.

    Parameters
    ----------
    y, D : array_like, same shape
        Estimates and their variances.
    transform : {"none", "log", "arcsine"}

    Returns
    -------
    z, s : ndarray
        NaN where y is outside, or on the edge, of the domain.

    Raises
    ------
    OptionError
        A transform that does not exist.

    Examples
    --------
    >>> z, s = forward([0.5, 0.0], [0.01, 0.01], "arcsine")
    >>> (z / np.pi).round(12).tolist(), s.round(12).tolist()
    ([0.25, nan], [0.01, nan])
    """
    one_of("transform", transform, TRANSFORMS)
    y, D = np.asarray(y, float), np.asarray(D, float)
    if transform == "none":
        return y.copy(), D.copy()
    inside = (y > 0) if transform == "log" else (y > 0) & (y < 1)
    y = np.where(inside, y, np.nan)
    if transform == "log":
        return np.log(y), D / y**2
    return np.arcsin(np.sqrt(y)), D / (4 * y * (1 - y))


def backward(z: ArrayLike, s: ArrayLike, transform: Transform) -> tuple[Array, Array]:
    r"""Return mean and variance on the scale of the data, for a normal error of variance s about z.

    ``log``: :math:`e^{z+s/2}` and :math:`e^{2z+s}(e^s-1)`; ``arcsine``, with
    :math:`\sin^2 u = \tfrac12(1-\cos 2u)`: :math:`\tfrac12(1-e^{-2s}\cos 2z)` and
    :math:`\tfrac18(1 + e^{-8s}\cos 4z) - \tfrac14 e^{-4s}\cos^2 2z`.

    Parameters
    ----------
    z, s : array_like, same shape
        Estimate and its variance on the scale of the model.
    transform : {"none", "log", "arcsine"}

    Returns
    -------
    mean, variance : ndarray

    Raises
    ------
    OptionError
        A transform that does not exist.

    Examples
    --------
    >>> mean, variance = backward([0.0], [0.5], "log")
    >>> mean.round(4).tolist(), variance.round(4).tolist()
    ([1.284], [1.0696])
    """
    one_of("transform", transform, TRANSFORMS)
    z, s = np.asarray(z, float), np.asarray(s, float)
    if transform == "none":
        return z.copy(), s.copy()
    if transform == "log":
        return np.exp(z + s / 2), np.exp(2 * z + s) * np.expm1(s)
    mean = (1 - np.exp(-2 * s) * np.cos(2 * z)) / 2
    return mean, (1 + np.exp(-8 * s) * np.cos(4 * z)) / 8 - np.exp(-4 * s) * np.cos(2 * z) ** 2 / 4


def slope(z: ArrayLike, transform: Transform) -> Array:
    """Return the derivative of the way back at z: 1, exp z, or sin 2z.

    Parameters
    ----------
    z : array_like
        Estimate on the scale of the model.
    transform : {"none", "log", "arcsine"}

    Returns
    -------
    ndarray

    Raises
    ------
    OptionError
        A transform that does not exist.

    Examples
    --------
    >>> slope(np.pi / 4, "arcsine").round(12).item(), slope(0.0, "log").item()
    (1.0, 1.0)
    """
    one_of("transform", transform, TRANSFORMS)
    z = np.asarray(z, float)
    return np.asarray({"none": np.ones(z.shape), "log": np.exp(z), "arcsine": np.sin(2 * z)}[transform])


def limits(z: ArrayLike, s: ArrayLike, transform: Transform, level: float) -> tuple[Array, Array]:
    r"""Return the limits :math:`z \mp u\sqrt s` brought to the scale of the data, u the normal quantile.

    Parameters
    ----------
    z, s : array_like, same shape
        Estimate and its variance on the scale of the model.
    transform : {"none", "log", "arcsine"}
    level : float
        Confidence, in (0, 1).

    Returns
    -------
    low, high : ndarray

    Raises
    ------
    OptionError
        A transform that does not exist; a level outside (0, 1).

    Examples
    --------
    >>> [end.round(3).item() for end in limits(0.0, 0.04, "log", 0.95)]
    [0.676, 1.48]
    """
    from scipy.stats import norm

    one_of("transform", transform, TRANSFORMS)
    within_0_1("level", level)
    z, half = np.asarray(z, float), norm.ppf((1 + level) / 2) * np.sqrt(np.asarray(s, float))
    ends = z - half, z + half
    if transform == "log":
        return np.exp(ends[0]), np.exp(ends[1])
    if transform == "arcsine":
        low, high = (np.sin(np.clip(end, 0, np.pi / 2)) ** 2 for end in ends)
        return np.asarray(low), np.asarray(high)
    return ends
