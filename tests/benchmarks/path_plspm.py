"""plspm: the same model."""

import sys
import time

import pandas as pd
from path_answers import BLOCKS, PATHS, answers
from plspm.config import MV, Config, Structure
from plspm.mode import Mode
from plspm.plspm import Plspm
from plspm.scheme import Scheme

if __name__ == "__main__":
    n, B, repeats = (int(a) for a in sys.argv[1:4])
    X, names = answers(n)
    data = pd.DataFrame(X, columns=names)
    structure = Structure()
    for child, parents in PATHS.items():
        structure.add_path(parents, [child])
    config = Config(structure.path(), scaled=True)
    for name, size in BLOCKS.items():
        config.add_lv(name, Mode.A, *(MV(f"{name.lower()}{j + 1}") for j in range(size)))
    for _ in range(repeats):
        start = time.perf_counter()
        found = Plspm(
            data,
            config,
            Scheme.PATH,
            iterations=300,
            tolerance=1e-10,
            bootstrap=B > 0,
            bootstrap_iterations=max(B, 1),
            processes=2,
        )
        print("seconds", time.perf_counter() - start)
    print("said", f"{float(found.path_coefficients().to_numpy().max()):.9f}")
