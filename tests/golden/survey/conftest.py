"""Reads the oracle into arrays."""

import csv
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent


def read(name):
    """Columns of a csv by name: numbers where every value is one (or empty: NaN), texts otherwise."""
    with (HERE / name).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {key: column([row[key].strip() for row in rows]) for key in rows[0]}


def column(texts):
    try:
        return np.array([float(text) if text else np.nan for text in texts])
    except ValueError:
        return np.array(texts)


@pytest.fixture(scope="session")
def survey_csv():
    """The reader, for names relative to this folder."""
    return read


@pytest.fixture(scope="session")
def inspections():
    return read("data/syn_inspect.csv")
