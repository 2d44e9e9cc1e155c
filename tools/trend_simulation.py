"""Type I error and power of trend tests under autocorrelation, coverage of drift forecasts; prints tables.

With the argument ``spread`` the table of `qstats.stats.whitening` instead.
"""

import sys

import numpy as np

from qstats.stats import autocorrelation, backtest, forecast, trend, whitening

REPEATS = 2000


def ar1(rng: np.random.Generator, m: int, n: int, rho: float) -> np.ndarray:
    """Return m autoregressive series of n values."""
    e = rng.normal(size=(m, n + 60))
    y = np.zeros_like(e)
    for t in range(1, n + 60):
        y[:, t] = rho * y[:, t - 1] + e[:, t]
    return y[:, 60:]


def rejected(p: np.ndarray) -> str:
    """Return the share of p-values of 5 % or less, in per cent."""
    return f"{100 * np.mean(p <= 0.05):.1f}"


def sizes(rng: np.random.Generator) -> None:
    """Print the share of series without trend in which a trend is found."""
    print("| n | ρ | none | calibrated | prewhiten | prewhiten-raw | block | hamed-rao |")
    print("|---|---|---|---|---|---|---|---|")
    for n in (12, 20, 40, 80):
        for rho in (0.0, 0.3, 0.5, 0.7):
            Y = ar1(rng, REPEATS, n, rho)
            raw = np.clip(autocorrelation.acf(Y, 1)[:, 0], 0, 0.99)
            found = [
                trend.mann_kendall(Y).p,
                whitening.whitened(Y).p,
                autocorrelation.prewhitened(Y).p,
                autocorrelation.prewhitened(Y, r=raw).p,
                autocorrelation.block_permuted(Y[:400], rng=rng, draws=199).p,
                autocorrelation.hamed_rao(Y).p,
            ]
            print(f"| {n} | {rho} | {' | '.join(map(rejected, found))} |")


def power(rng: np.random.Generator) -> None:
    """Print the share of series in which a trend is found that is there: 3 standard deviations in all."""
    print("| n | ρ | none | calibrated | prewhiten | prewhiten-raw |\n|---|---|---|---|---|---|")
    for n in (12, 24, 40):
        for rho in (0.0, 0.3, 0.5, 0.7):
            Y = np.sqrt(1 - rho**2) * ar1(rng, REPEATS, n, rho) + 3 / n * np.arange(n)
            raw = np.clip(autocorrelation.acf(Y, 1)[:, 0], 0, 0.99)
            found = [
                trend.mann_kendall(Y).p,
                whitening.whitened(Y).p,
                autocorrelation.prewhitened(Y).p,
                autocorrelation.prewhitened(Y, r=raw).p,
            ]
            print(f"| {n} | {rho} | {' | '.join(map(rejected, found))} |")


def families(rng: np.random.Generator) -> None:
    """Print the share of families of 31 series without trend in which Bonferroni's adjustment finds one."""
    print("| n | ρ | none | calibrated | prewhiten |\n|---|---|---|---|---|")
    for n in (12, 24, 40):
        for rho in (0.0, 0.3, 0.5, 0.7):
            Y = ar1(rng, 31 * REPEATS, n, rho)
            found = [trend.mann_kendall(Y).p, whitening.whitened(Y).p, autocorrelation.prewhitened(Y).p]
            said = " | ".join(rejected(31 * p.reshape(-1, 31).min(axis=1)) for p in found)
            print(f"| {n} | {rho} | {said} |")


def equal_values(rng: np.random.Generator) -> None:
    """Print how often a trend of 3 standard deviations is found in series with many equal values."""
    print("| n | values | none | calibrated | prewhiten |\n|---|---|---|---|---|")
    for n in (12, 24, 40):
        Y = rng.normal(size=(REPEATS, n)) + 3 / n * np.arange(n)
        kinds = {"all different": Y, "whole numbers": np.round(Y), "cut at 1": np.minimum(Y, 1.0)}
        for name, part in kinds.items():
            found = [
                trend.mann_kendall(part).p,
                whitening.whitened(part).p,
                autocorrelation.prewhitened(part).p,
            ]
            print(f"| {n} | {name} | {' | '.join(map(rejected, found))} |")


def spread(rng: np.random.Generator) -> None:
    """Print the spread of z after whitening, a row for each length."""
    for n in whitening._LENGTHS:
        row = []
        for rho in whitening._RHO:
            Y = ar1(rng, 20_000 if n <= 80 else 8_000, n, rho)
            test = whitening.whitened(Y)
            plain = trend.standardised(test.S, test.variance / whitening.spread(n, test.r) ** 2)
            row.append(np.quantile(np.abs(plain), 0.95) / 1.96)
        print(f"({', '.join(f'{k:.3f}' for k in row)}),")


def coverage(rng: np.random.Generator) -> None:
    """Print how often one to three values ahead lie within 95 % limits of drift."""
    print("| n | normal | t | widened, t |\n|---|---|---|---|")
    for n in (5, 8, 12, 15):
        inside = np.zeros((3, 3))
        for _ in range(REPEATS):
            y = np.cumsum(0.3 + rng.normal(size=n + 3))
            path = forecast.drift(y[:n], 3)
            k = backtest.widening(backtest.rolling("drift", y[:n], 3))
            for row, (factor, df) in enumerate(((1.0, np.inf), (1.0, n - 2), (k, n - 2))):
                low, high = forecast.limits(path._replace(std_error=factor * path.std_error, df=df), 0.95)
                inside[row] += (y[n:] >= low) & (y[n:] <= high)
        shown = [" ".join(f"{100 * v / REPEATS:.0f}" for v in row) for row in inside]
        print(f"| {n} | {' | '.join(shown)} |")


if __name__ == "__main__":
    generator = np.random.default_rng(20240101)
    if sys.argv[1:] == ["spread"]:
        spread(generator)
    else:
        sizes(generator)
        power(generator)
        coverage(generator)
        families(generator)
        equal_values(generator)
