"""A weight, a bound or a band is changed in a csv, and the index is rebuilt without Python being touched."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import qstats as qs
from qstats.index.inputs import published_indicators

ROOT = Path(__file__).parents[2]
SCRIPT = """
import json
import qstats as qs
from qstats.index.inputs import published_indicators
values = published_indicators("ht_capability", region=["安徽", "湖北"], period=2023)
index = qs.bands(qs.competitiveness_index(values, "ht_capability"), scheme="stages", lang="en")
table = index.where(node="development_capability", region="安徽").table.iloc[0]
print(json.dumps([table["estimate"], table["band"], len(index.table)]))
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """Return a copy of the library and its data."""
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copytree(ROOT / "qstats", folder / "qstats", ignore=shutil.ignore_patterns("fonts", "__pycache__"))
    shutil.copytree(ROOT / "data", folder / "data")
    return folder


def rebuilt(folder):
    """Return score, band and rows as a new process finds them."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def edit(path, code, column, value, *, key="code"):
    """Change one cell of a csv, as text."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    table.loc[table[key] == code, column] = value
    table.to_csv(path, index=False, encoding="utf-8-sig")  # as a spreadsheet does


def test_weights_bounds_and_bands_are_read_from_the_csv(checkout):
    values = published_indicators("ht_capability", region="安徽", period=2023)
    here = qs.competitiveness_index(values, "ht_capability")
    before = here.value(node="development_capability")
    assert 80 <= before < 84  # preliminary
    tree = checkout / "data/frameworks/ht_capability.csv"
    edit(tree, "rd_intensity", "weight", "0.8")
    edit(tree, "renovation_intensity", "weight", "0.2")
    weighted = rebuilt(checkout)[0]
    score = here.table.set_index("node")["estimate"]
    tilt = 0.3 * (score["rd_intensity"] - score["renovation_intensity"]) / 3
    assert weighted == pytest.approx(before + tilt, rel=1e-12)
    assert abs(tilt) > 0.1
    edit(tree, "average_revenue", "upper", "20")
    value, low = values["average_revenue"].value(), 1.88169
    moved = (60 + 40 * (value - low) / (20 - low) - score["average_revenue"]) / 6
    bounded = rebuilt(checkout)[0]
    assert bounded == pytest.approx(weighted + moved, rel=1e-12)
    bands = checkout / "data/frameworks/bands.csv"
    table = pd.read_csv(bands, dtype=str, keep_default_na=False)
    stages = table["scheme"] == "stages"
    table.loc[stages & (table["position"] == "1"), "upper"] = "70"
    table.loc[stages & (table["position"] == "2"), ["lower", "upper"]] = ["70", "72"]
    table.loc[stages & (table["position"] == "3"), "lower"] = "72"
    table.to_csv(bands, index=False)
    assert 72 <= bounded < 90
    assert rebuilt(checkout) == [bounded, "medium", 2 * len(here.table)]


def test_a_fault_in_the_csv_is_told_and_nothing_is_built(checkout):
    edit(checkout / "data/frameworks/ht_capability.csv", "export_share", "upper", "0")
    with pytest.raises(AssertionError, match="export_share"):
        rebuilt(checkout)
