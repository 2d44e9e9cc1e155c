r"""Hadamard matrices: entries ±1, :math:`H H' = B I`, the first column constant.

Sylvester's doubling of Paley's matrices of prime order. Orders that need prime powers (52, 92, 100 …)
are passed over for the next one.

References
----------
Paley (1933), On orthogonal matrices, Journal of Mathematics and Physics 12, 311–320.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def hadamard(least: int) -> Array:
    """Return the smallest Hadamard matrix known here of an order of at least `least`.

    Parameters
    ----------
    least : int
        1, 2, 3 …

    Returns
    -------
    ndarray, shape (B, B)

    Examples
    --------
    >>> hadamard(2).tolist(), len(hadamard(17))
    ([[1.0, 1.0], [1.0, -1.0]], 20)
    """
    order = least if least <= 2 else 4 * -(-least // 4)
    while (H := _of_order(order)) is None:
        order += 4
    H = H * H[0]
    return np.asarray(H * H[:, :1], float)


def _of_order(B: int) -> Array | None:
    if B == 1:
        return np.ones((1, 1))
    if B % 4 == 0 and _is_prime(B - 1):
        return _first_kind(B - 1)
    if B % 4 == 0 and (B // 2 - 1) % 4 == 1 and _is_prime(B // 2 - 1):
        return _second_kind(B // 2 - 1)
    half = _of_order(B // 2) if B % 2 == 0 else None
    return None if half is None else np.asarray(np.kron([[1.0, 1.0], [1.0, -1.0]], half), float)


def _jacobsthal(q: int) -> Array:
    r"""Return Q, :math:`Q_{ij} = \chi(i - j)`: 1 for squares modulo the prime q, −1 for others, 0 for 0."""
    chi = np.full(q, -1.0)
    chi[np.arange(1, q, dtype=np.int64) ** 2 % q] = 1
    chi[0] = 0
    return np.asarray(chi[np.subtract.outer(np.arange(q), np.arange(q)) % q], float)


def _bordered(q: int, sign: float) -> Array:
    S = np.zeros((q + 1, q + 1))
    S[0, 1:], S[1:, 0], S[1:, 1:] = 1, sign, _jacobsthal(q)
    return S


def _first_kind(q: int) -> Array:
    """Return I + S of order q + 1, for q = 3 modulo 4."""
    return _bordered(q, -1) + np.eye(q + 1)


def _second_kind(q: int) -> Array:
    """Return the matrix of order 2(q + 1), for q = 1 modulo 4."""
    S = _bordered(q, 1)
    return np.kron(S, [[1.0, 1.0], [1.0, -1.0]]) + np.kron(np.eye(q + 1), [[1.0, -1.0], [-1.0, -1.0]])


def _is_prime(n: int) -> bool:
    return n > 1 and all(n % k for k in range(2, int(n**0.5) + 1))
