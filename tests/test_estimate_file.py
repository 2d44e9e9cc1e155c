"""An estimate that was saved is the estimate that is loaded: numbers, meaning and joint error."""

import json
from base64 import b64encode
from io import BytesIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats import estimate_file
from qstats.errors import DataError, OptionError
from qstats.estimate import Estimate
from qstats.simulation import simulate
from qstats.survey.cells import Cells, cells
from qstats.survey.design import Design
from qstats.survey.estimators import mean

PLAN = Design(weight="weight", strata="stratum", singleton="average")
META = ("indicator", "unit", "method", "basis", "level", "inference", "provenance", "notes", "digits")


@pytest.fixture(scope="module")
def scores():
    answers = simulate("satisfaction", year=2023, seed=5, size=600)
    return mean(answers, y="SAT1", by="service", design=PLAN)


def there_and_back(estimate, folder):
    estimate.save(folder / "kept.parquet")
    return Estimate.load(folder / "kept.parquet")


def test_nothing_is_lost(scores, tmp_path):
    mixed = scores.replace(level=0.9, digits=1, notes=["甲", "乙"], basis="受访者", errors=scores.errors)
    found = there_and_back(mixed, tmp_path)
    pd.testing.assert_frame_equal(found.table, mixed.table)
    assert [getattr(found, name) for name in META] == [getattr(mixed, name) for name in META]
    assert found.keys == mixed.keys
    assert found.simulated
    assert found.errors.sample == mixed.errors.sample
    np.testing.assert_array_equal(found.covariance(), mixed.covariance())
    np.testing.assert_array_equal(found.draws(20, seed=3), mixed.draws(20, seed=3))


def test_what_has_no_joint_error_and_unknown_errors_stays_so(scores, tmp_path):
    table = scores.table.assign(std_error=[0.1, np.nan, 0.3, 0.0], clear=pd.array([True, None, False, None]))
    plain = scores.replace(table)
    found = there_and_back(plain, tmp_path)
    assert found.errors is None
    pd.testing.assert_frame_equal(found.table, plain.table)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=6))
def test_every_digit_is_kept(tmp_path_factory, values):
    table = pd.DataFrame({"place": [f"{i}" for i in range(len(values))], "estimate": values})
    table = table.assign(std_error=np.nan, conf_low=np.nan, conf_high=np.nan, n=np.nan)
    some = Estimate(table, indicator="a", unit="", method="m")
    assert there_and_back(some, tmp_path_factory.getbasetemp()).table["estimate"].tolist() == values


def test_a_large_joint_error_keeps_its_covariance_and_says_what_it_lost(scores, tmp_path, monkeypatch):
    monkeypatch.setattr(estimate_file, "LARGEST", 100)
    found = there_and_back(scores, tmp_path)
    np.testing.assert_allclose(found.covariance(), scores.covariance(), rtol=1e-10)
    assert found.errors.sample != scores.errors.sample
    assert found.errors.levels[0].Z.shape == (4, 4)
    assert len(found.notes) == len(scores.notes) + 1
    drawn = found.draws(4000, seed=1).std(axis=0)
    np.testing.assert_allclose(drawn, scores.table["std_error"], rtol=0.05)


def test_a_joint_error_of_many_rows_is_left_out_and_the_notes_say_so(scores, tmp_path, monkeypatch):
    monkeypatch.setattr(estimate_file, "LARGEST", 15)
    found = there_and_back(scores, tmp_path)
    assert found.errors is None
    assert found.notes[-1].startswith("4 ")
    assert found.table["std_error"].tolist() == scores.table["std_error"].tolist()


def test_what_is_no_estimate_is_refused(scores, tmp_path, monkeypatch):
    monkeypatch.setenv("QSTATS_LANG", "en")
    with pytest.raises(DataError, match="no file"):
        Estimate.load(tmp_path / "nowhere.parquet")
    (tmp_path / "text.parquet").write_text("no parquet")
    with pytest.raises(DataError, match="cannot be read"):
        Estimate.load(tmp_path / "text.parquet")
    assert not estimate_file.holds(tmp_path / "text.parquet")
    scores.table.to_parquet(tmp_path / "bare.parquet")
    with pytest.raises(DataError, match=r"not written by Estimate\.save"):
        Estimate.load(tmp_path / "bare.parquet")
    with pytest.raises(DataError, match="cannot be written"):
        scores.save(tmp_path / "text.parquet" / "a.parquet")
    with pytest.raises(DataError, match="mixes text and numbers"):
        scores.replace(scores.table.assign(odd=["a", 1, 2, 3])).save(tmp_path / "odd.parquet")
    monkeypatch.setattr(estimate_file, "FORMAT", 2)
    scores.save(tmp_path / "later.parquet")
    monkeypatch.setattr(estimate_file, "FORMAT", 1)
    with pytest.raises(DataError, match="version 2"):
        Estimate.load(tmp_path / "later.parquet")


def test_cells_and_estimates_are_told_apart(scores, tmp_path):
    scores.save(tmp_path / "estimate.parquet")
    records = pd.DataFrame({"region": ["a", "b"], "passed": [1, 0]})
    cells(records, by="region", sums=["passed"]).save(tmp_path / "cells.parquet")
    assert estimate_file.holds(tmp_path / "estimate.parquet")
    assert not estimate_file.holds(tmp_path / "cells.parquet")
    with pytest.raises(DataError):
        Cells.load(tmp_path / "estimate.parquet")
    with pytest.raises(DataError):
        Estimate.load(tmp_path / "cells.parquet")


def tampered(estimate, folder, change, table=None):
    """Return a file of an estimate whose metadata (and table) were changed by hand."""
    estimate.save(folder / "sound.parquet")
    data = pq.read_table(folder / "sound.parquet")
    meta = json.loads(data.schema.metadata[b"qstats.estimate"])
    mark = change(meta)
    if table is not None:
        data = pa.Table.from_pandas(table, preserve_index=False)
    mark = mark if isinstance(mark, bytes) else json.dumps(meta).encode()
    pq.write_table(data.replace_schema_metadata({b"qstats.estimate": mark}), folder / "changed.parquet")
    return folder / "changed.parquet"


@pytest.mark.parametrize("value", [None, 5, -1, True, [1], {"a": 1}, 1e300], ids=repr)
@pytest.mark.parametrize("name", META)
def test_what_was_changed_by_hand_is_refused_by_the_name_of_the_file(scores, tmp_path, name, value):
    path = tampered(scores, tmp_path, lambda meta: meta.update({name: value}))
    if (name, value) == ("digits", 5):
        assert Estimate.load(path).digits == 5
        return
    with pytest.raises(DataError, match=r"changed\.parquet"):
        Estimate.load(path)


def huge(meta):
    """Put a joint error into a file that unpacks to much more than it takes."""
    into = BytesIO()
    parts = {"data": [1.0], "indices": [0], "indptr": [0, 1], "shape": [1, 1], "count": [1], "scale": [1]}
    np.savez_compressed(into, group=np.zeros(100_000_000, np.int8), **parts)
    meta["errors"]["levels"] = [b64encode(into.getvalue()).decode()]


def outside(meta):
    """Put a joint error into a file that points outside its matrix."""
    into = BytesIO()
    parts = {"data": [1.0], "indptr": [0, 1, 1, 1, 1], "shape": [4, 1], "group": [0], "count": [1]}
    np.savez_compressed(into, indices=[10**9], scale=[1.0], **parts)
    meta["errors"]["levels"] = [b64encode(into.getvalue()).decode()]


@pytest.mark.parametrize(
    "change",
    [
        lambda meta: b'{"format":',
        lambda meta: b"[1]",
        lambda meta: b"\xff\xfe",
        lambda meta: b"[" * 100_000,
        lambda meta: meta.pop("format") and None,
        lambda meta: meta.pop("unit") and None,
        lambda meta: meta.update(more=1),
        lambda meta: meta["errors"].update(levels=["!!!"]),
        lambda meta: meta["errors"].update(levels=[meta["errors"]["levels"][0][:40]]),
        lambda meta: meta["errors"].update(levels=[]),
        lambda meta: meta["errors"].update(sample=5),
        huge,
        outside,
    ],
)
def test_metadata_that_mean_nothing_are_refused(scores, tmp_path, change):
    with pytest.raises(DataError, match=r"changed\.parquet"):
        Estimate.load(tampered(scores, tmp_path, change))


@pytest.mark.parametrize("n", [-5, "many"])
def test_a_number_observed_is_a_count(scores, tmp_path, n):
    path = tampered(scores, tmp_path, lambda meta: None, scores.table.assign(n=n))
    with pytest.raises(DataError, match=r"changed\.parquet"):
        Estimate.load(path)


def test_a_name_that_no_file_can_have_is_refused(scores):
    with pytest.raises(DataError):
        scores.save("a\0b")
    with pytest.raises(DataError):
        Estimate.load("a" * 5000)
    with pytest.raises(OptionError):
        Estimate.load(5)
