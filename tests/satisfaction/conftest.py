import numpy as np
import pandas as pd
import pytest

ITEMS = ["q1", "q2", "q3", "s1", "s2", "s3", "l1", "l2"]


def _answers(n, seed, level=6.5):
    """Answers of n respondents from 1 to 10, their brand, region-like stratum, cluster of five, weight."""
    rng = np.random.default_rng(seed)
    quality = rng.normal(size=n)
    satisfaction = 0.6 * quality + 0.8 * rng.normal(size=n)
    loyalty = 0.5 * satisfaction + 0.85 * rng.normal(size=n)
    latent = np.column_stack([quality, satisfaction, loyalty])[:, [0, 0, 0, 1, 1, 1, 2, 2]]
    spread = np.array([1.2, 1.6, 1.4, 1.1, 1.8, 1.5, 1.3, 1.7])
    shift = np.array([0.4, -0.2, 0.0, 0.5, -0.6, 0.1, 0.2, -0.3])
    raw = level + shift + spread * (latent + 0.6 * rng.normal(size=(n, 8)))
    table = pd.DataFrame(np.clip(np.rint(raw), 1, 10), columns=ITEMS)
    return table.assign(
        brand=rng.choice(["a", "b", "c"], n),
        stratum=np.arange(n) % 4,
        cluster=np.arange(n) // 5,
        weight=rng.integers(1, 4, n),
    ).assign(stratum=lambda t: t["cluster"] % 4)


@pytest.fixture
def answers():
    return _answers


@pytest.fixture(scope="module")
def module_answers():
    return _answers


@pytest.fixture
def survey():
    return _answers(240, 5)


@pytest.fixture(autouse=True)
def _english(monkeypatch):
    monkeypatch.setenv("QSTATS_LANG", "en")
