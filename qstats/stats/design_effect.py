r"""The variance that simple random sampling of as many elements would have had.

.. math:: \operatorname{deff} = \hat V(\hat\theta) / V_{srs}(\hat\theta), \qquad
          V_{srs} = \left(1 - \frac{n}{N}\right) \frac{N^2 s_e^2}{n X^2}, \qquad
          s_e^2 = \frac{n}{n - 1} \cdot \frac{\sum w (e - \bar e)^2}{\sum w}

with N = Σw, and with :math:`e = y - \theta x` for a ratio, e = y for a total (X = 1), x = 1 for a
mean. With replacement the factor 1 − n/N is absent. Of a domain, n and N are its own.

References
----------
Kish (1965), Survey Sampling, section 8.2; Särndal, Swensson & Wretman (1992), section 2.10.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def srs_mean_variance(
    n: ArrayLike, w: ArrayLike, y: ArrayLike, yy: ArrayLike, *, replacement: bool = False
) -> Array:
    r"""Return the variance of a mean, :math:`(1 - n/N)\, s_y^2 / n`.

    Parameters
    ----------
    n, w, y, yy : array_like, same shape
        Number of elements, Σw, Σwy and Σwy².
    replacement : bool
        Whether elements would be drawn with replacement.

    Returns
    -------
    ndarray
        NaN where n < 2; negative nowhere but where n exceeds Σw, when weights are no inverse
        probabilities: NaN there too, unless with replacement.

    Examples
    --------
    Four elements of weight 5, three with y = 1: p (1 − p) / (n − 1).

    >>> srs_mean_variance(4, 20, 15, 15, replacement=True).tolist()
    0.0625
    """
    return srs_ratio_variance(n, w, y, w, yy, y, w, replacement=replacement)


def srs_total_variance(
    n: ArrayLike, w: ArrayLike, y: ArrayLike, yy: ArrayLike, *, replacement: bool = False
) -> Array:
    r"""Return the variance of a total, :math:`(1 - n/N)\, N^2 s_y^2 / n`.

    Parameters
    ----------
    n, w, y, yy, replacement
        As for :func:`srs_mean_variance`.

    Returns
    -------
    ndarray
        NaN where that of the mean is.

    Examples
    --------
    Four elements of weight 5, three with y = 1: 20² times the variance 0.0625 of the mean.

    >>> srs_total_variance(4, 20, 15, 15, replacement=True).tolist()
    25.0
    """
    size = np.asarray(w, float)
    return np.asarray(size**2 * srs_mean_variance(n, w, y, yy, replacement=replacement), float)


def srs_ratio_variance(
    n: ArrayLike,
    w: ArrayLike,
    y: ArrayLike,
    x: ArrayLike,
    yy: ArrayLike,
    yx: ArrayLike,
    xx: ArrayLike,
    *,
    replacement: bool = False,
) -> Array:
    r"""Return the variance of a ratio, :math:`(1 - n/N)\, N^2 s_e^2 / (n X^2)`.

    Parameters
    ----------
    n, w, y, x, yy, yx, xx : array_like, same shape
        Number of elements, Σw, Σwy, Σwx, Σwy², Σwyx and Σwx² (the weight to the first power).
    replacement : bool
        As for :func:`srs_mean_variance`.

    Returns
    -------
    ndarray
        NaN where n < 2 or X = 0.

    Examples
    --------
    With x = 1 it is the variance of a mean; without replacement 4/20 is taken off:

    >>> sums = 4, 20, 15, 20, 15, 15, 20
    >>> [round(float(srs_ratio_variance(*sums, replacement=how)), 9) for how in (True, False)]
    [0.0625, 0.05]
    """
    sums = (np.asarray(a, float) for a in (n, w, y, x, yy, yx, xx))
    n, w, y, x, yy, yx, xx = np.broadcast_arrays(*sums)
    unknown = np.full(n.shape, np.nan)
    theta = np.divide(y, x, out=unknown.copy(), where=x != 0)
    squares = np.maximum(yy - 2 * theta * yx + theta**2 * xx, 0.0)
    known = (n > 1) & (x != 0) & (replacement | (n <= w))
    variance = np.divide(w * squares, (n - 1) * x**2, out=unknown, where=known)
    share = np.zeros(n.shape) if replacement else np.divide(n, w, out=np.ones(n.shape), where=w > 0)
    return np.asarray((1 - share) * variance, float)
