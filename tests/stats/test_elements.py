from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.errors import DesignError
from qstats.stats import elements, sampling

seeds = st.integers(0, 2**32 - 1)
quick = settings(deadline=None, max_examples=30)


def records(seed, n=60):
    rng = np.random.default_rng(seed)
    stratum = np.append(rng.integers(0, 3, n), [3])  # stratum 3 has one element
    domain = np.append(rng.integers(0, 4, n), [0])
    return stratum, domain, rng.uniform(1, 5, n + 1), rng.normal(6, 3, n + 1), rng.uniform(1, 3, n + 1)


def both_ways(seed, *, kind, population, **policy):
    """(estimate, errors) of domains 0, 1, 2 and their margin, from rows and from moments; 3 is in no row."""
    stratum, domain, w, y, x = records(seed)
    row = np.concatenate([domain, np.full(domain.size, 3)])
    keep = np.tile(domain < 3, 2)
    H = 4
    wy, wx = (np.tile(w * v, 2) for v in (y, x))
    every = sampling.Sample(stratum, population(np.bincount(stratum)))
    where = {
        "row": row[keep],
        "unit": np.tile(np.arange(domain.size), 2)[keep],
        "rows": 4,
        "units": domain.size,
    }
    if kind == "total":
        by_rows = sampling.total_influence(wy[keep], **where)
    else:
        by_rows = sampling.influence(wy[keep], wx[keep], **where)
    by_rows = by_rows[0], sampling.linearised(by_rows[1], every, **policy)

    cells, cell = np.unique(domain * H + stratum, return_inverse=True)
    merged = sampling.Sample(cells % H, every.population, count=np.bincount(cell).astype(float))
    pairs, pair = np.unique(row * cells.size + np.tile(cell, 2), return_inverse=True)
    r, u = np.divmod(pairs, cells.size)
    used = cells[u] // H < 3
    moments = [np.bincount(pair, v)[used] for v in (wy, wx, wy * wy, wy * wx, wx * wx)]
    to = {"row": r[used], "unit": u[used], "rows": 4, "sample": merged, **policy}
    if kind == "total":
        return by_rows, elements.total(moments[0], moments[2], **to)
    return by_rows, elements.ratio(elements.Moments(*moments), **to)


POLICIES = [
    {"singleton": "remove"},
    {"singleton": "certainty"},
    {"singleton": "adjust"},
    {"singleton": "average"},
    {"singleton": "adjust", "singleton_domain": True},
    {"singleton": "average", "singleton_domain": True},
]


@pytest.mark.parametrize("kind", ["ratio", "total"])
@pytest.mark.parametrize("policy", POLICIES, ids=lambda p: "-".join(map(str, p.values())))
@quick
@given(seed=seeds, finite=st.booleans())
def test_cells_of_elements_are_as_good_as_elements(kind, policy, seed, finite):
    population = (lambda m: m + 20.0) if finite else (lambda m: np.full(m.size, np.inf))
    (theta, errors), (found, merged) = both_ways(seed, kind=kind, population=population, **policy)
    np.testing.assert_allclose(found, theta, rtol=1e-12)
    V = sampling.covariance(errors)
    np.testing.assert_allclose(sampling.variance(merged), np.diag(V), rtol=1e-10)
    root = np.sqrt(np.diag(V))
    assert (np.abs(sampling.covariance(merged) - V) <= 1e-10 * np.outer(root, root)).all()


def test_cells_inside_primary_units_are_as_good_as_elements():
    rng = np.random.default_rng(8)
    stratum, psu = np.repeat([0, 1], 3), np.repeat(np.arange(6), 8)
    design = {"stratum": stratum, "population": np.array([9.0, 5]), "subpopulation": np.full(6, 20.0)}
    w, y, x, domain = (
        rng.uniform(1, 4, 48),
        rng.normal(5, 2, 48),
        rng.uniform(1, 2, 48),
        rng.integers(0, 2, 48),
    )
    where = {"row": domain, "unit": np.arange(48), "rows": 2, "units": 48}
    theta, Z = sampling.influence(w * y, w * x, **where)
    expected = sampling.linearised(Z, sampling.Sample(**design, psu=psu))
    cells, cell = np.unique(psu * 2 + domain, return_inverse=True)
    merged = sampling.Sample(**design, psu=cells // 2, count=np.bincount(cell).astype(float))
    moments = (np.bincount(cell, v) for v in (w * y, w * x, (w * y) ** 2, w * w * y * x, (w * x) ** 2))
    to = {"row": cells % 2, "unit": np.arange(cells.size), "rows": 2, "sample": merged}
    found, errors = elements.ratio(elements.Moments(*moments), **to)
    np.testing.assert_allclose(found, theta, rtol=1e-13)
    np.testing.assert_allclose(sampling.covariance(errors), sampling.covariance(expected), rtol=1e-11)
    df = sampling.degrees_of_freedom(cells % 2, np.arange(cells.size), merged, rows=2)
    assert df.tolist() == [4, 4]


def test_noise_of_cells_has_their_covariance():
    _, (_, errors) = both_ways(1, kind="ratio", population=lambda m: m + 20.0, singleton="remove")
    V, n = sampling.covariance(errors), 20_000
    drawn = sampling.noise(errors, np.random.default_rng(0), n)
    sigma = np.sqrt((np.outer(np.diag(V), np.diag(V)) + V**2) / n)
    assert (np.abs(drawn.T @ drawn / n - V) < 5 * sigma).all()


def test_what_the_sample_must_say():
    sample = sampling.Sample(np.zeros(2, int), np.array([np.inf]), count=np.array([2.0, 3]))
    with pytest.raises(DesignError, match="give count"):
        elements.total([1.0], [1.0], row=[0], unit=[0], rows=1, sample=replace(sample, count=None))
    with pytest.raises(DesignError, match="1 entries repeat a unit"):
        elements.total([1.0, 2.0], [1.0, 2.0], row=[0, 0], unit=[1, 1], rows=1, sample=sample)
    _, errors = elements.total([1.0], [1.0], row=[0], unit=[0], rows=2, sample=sample)
    np.testing.assert_array_equal(np.isnan(sampling.variance(errors)), [False, True])
