"""Type I error of trend tests under autocorrelation, and coverage of drift forecasts; prints two tables."""

import numpy as np

from qstats.stats import autocorrelation, backtest, forecast, trend

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
    print("| n | ρ | none | prewhiten | prewhiten-raw | block | hamed-rao |\n|---|---|---|---|---|---|---|")
    for n in (12, 20, 40, 80):
        for rho in (0.0, 0.3, 0.5, 0.7):
            Y = ar1(rng, REPEATS, n, rho)
            raw = np.clip(autocorrelation.acf(Y, 1)[:, 0], 0, 0.99)
            found = [
                trend.mann_kendall(Y).p,
                autocorrelation.prewhitened(Y).p,
                autocorrelation.prewhitened(Y, r=raw).p,
                autocorrelation.block_permuted(Y[:400], rng=rng, draws=199).p,
                autocorrelation.hamed_rao(Y).p,
            ]
            print(f"| {n} | {rho} | {' | '.join(map(rejected, found))} |")


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
    sizes(generator)
    coverage(generator)
