"""qstats: from the matrix of answers to the paths, and to their bootstrap errors."""

import sys
import time

import numpy as np
from path_answers import BLOCKS, PATHS, answers

from qstats.stats import path_bootstrap, path_moments, pathmodel

n, B, repeats = (int(a) for a in sys.argv[1:4])
X, _ = answers(n)
names = list(BLOCKS)
blocks = np.repeat(np.arange(len(names)), list(BLOCKS.values()))
paths = np.array([[int(p in PATHS.get(c, [])) for p in names] for c in names])
model = pathmodel.specify(blocks, paths)
for _ in range(repeats):
    start = time.perf_counter()
    found = path_moments.moments(X, np.ones(n))
    fit = pathmodel.fit(found.covariance, model)
    if B:
        W = path_bootstrap.resamples(n, B, seed=1)
        made = path_bootstrap.bootstrap(X, W, model, path_bootstrap.parameters, start=fit.standardised)
        path_bootstrap.std_error(made.values["paths"])
    print("seconds", time.perf_counter() - start)
print("said", f"{float(np.max(fit.paths)):.9f}")
