"""What waves in the centre of `monitor` are worth: false alarms and delay, with and without a season."""

import numpy as np
import pandas as pd

from qstats.analysis.monitor import monitor
from qstats.analysis.signals import episodes
from qstats.indicators.inspection_pass_rate import inspection_pass_rate

PRODUCTS = 300
FAULTY = 20
REPEATS = 5
NAMES = [f"p{i:03}" for i in range(PRODUCTS)]


def country(rng: np.random.Generator, a_year: int, base: int, wave: float) -> tuple[pd.DataFrame, list[str]]:
    """Return checks of all products and the periods; some get worse half a year after phase I."""
    T = base + 4 * a_year
    kind, width = {4: ("Q", 1), 12: ("M", 2)}[a_year]
    when = [f"{2010 + i // a_year}{kind}{i % a_year + 1:0{width}}" for i in range(T)]
    n = rng.integers(200, 500, (PRODUCTS, 1)) + rng.integers(0, 40, (PRODUCTS, T))
    place = np.arange(T) / a_year + rng.uniform(size=(PRODUCTS, 1))
    rate = rng.uniform(0.04, 0.12, (PRODUCTS, 1)) * (1 + wave * np.cos(2 * np.pi * place))
    rate[:FAULTY, base + a_year // 2 :] *= 1.5
    keys = {"product": np.repeat(NAMES, T), "period": np.tile(when, PRODUCTS)}
    failed = rng.binomial(n, rate)
    return pd.DataFrame({**keys, "inspected": n.ravel(), "passed": (n - failed).ravel()}), when


def assess(seed: int, a_year: int, base: int, wave: float, spread: str, harmonics: int) -> list[float]:
    """Return false episodes a 100 product-years, per cent found, and the median delay in periods."""
    checks, when = country(np.random.default_rng([seed, a_year, base, round(100 * wave)]), a_year, base, wave)
    rates = inspection_pass_rate(checks, by=["product", "period"])
    runs = episodes(monitor(rates, baseline=base, spread=spread, harmonics=harmonics).signals)
    at, fault = np.array([when.index(p) for p in runs["first"]], int), base + a_year // 2
    true = runs["product"].isin(NAMES[:FAULTY]).to_numpy() & (at >= fault) & runs["direction"].eq("worse")
    first = pd.Series(at[true]).groupby(runs["product"].to_numpy()[true]).min() - fault + 1
    return [100 * (~true).sum() / (4 * PRODUCTS), 100 * len(first) / FAULTY, float(first.median())]


if __name__ == "__main__":
    head = "| periods a year, phase I | wave, % | spread | harmonics | false episodes a 100 product-years |"
    print(head + " found, % | delay, periods |\n|---|---|---|---|---|---|---|")
    for a_year, base in ((12, 36), (12, 60), (4, 20)):
        for wave in (0.0, 0.3):
            for spread in ("laney", "nominal"):
                for harmonics in (0, 1):
                    every = [assess(s, a_year, base, wave, spread, harmonics) for s in range(REPEATS)]
                    false, found, delay = np.nanmean(every, axis=0)
                    said = f"| {a_year}, {base} | {100 * wave:.0f} | `{spread}` | {harmonics} | {false:.2f}"
                    print(f"{said} | {found:.0f} | {delay:.1f} |", flush=True)
