import numpy as np
import pandas as pd
import pytest

from qstats.datasets import load
from qstats.errors import OptionError
from qstats.estimate import Estimate, assemble
from qstats.index.bands import bands

NAN = np.nan


def scores(values, low=None, high=None):
    n = len(values)
    known = {"conf_low": low or [NAN] * n, "conf_high": high or [NAN] * n}
    table = assemble(
        pd.DataFrame({"unit": [str(i) for i in range(n)]}),
        estimate=np.array(values, float),
        std_error=np.full(n, NAN),
        **{name: np.array(limits, float) for name, limits in known.items()},
        n=np.full(n, NAN),
    )
    return Estimate(table, indicator="qci", unit="index", method="given", provenance=("user",))


@pytest.mark.parametrize(
    ("scheme", "values", "positions"),
    [
        ("2008", [59.99, 60, 74.99, 75, 80, 94.99, 95, 100], [None, 1, 1, 2, 3, 3, 4, 4]),
        ("2011", [60, 74.99, 75, 80, 84.99, 85, 90, 100], [1, 1, 2, 3, 3, 4, 5, 5]),
        ("stages", [60, 79.99, 80, 83.99, 84, 89.99, 90, 100], [1, 1, 2, 2, 3, 3, 4, 4]),
    ],
)
def test_a_score_on_a_limit_belongs_to_the_higher_band(scheme, values, positions):
    found = bands(scores(values), scheme=scheme).table["band_position"]
    assert [None if pd.isna(p) else int(p) for p in found] == positions


def test_scores_are_classed_as_they_are_and_not_as_they_are_printed():
    assert bands(scores([79.999]), scheme="stages").table["band_position"].tolist() == [1]


def test_schemes_contradict_each_other():
    found = {
        s: bands(scores([85]), scheme=s, lang="en").table["band"].item() for s in ("2008", "2011", "stages")
    }
    assert found == {"2008": "fairly strong", "2011": "medium", "stages": "medium"}


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_labels_are_in_the_language_asked_for(lang):
    labels = load("frameworks/bands").query("scheme == '2011'").sort_values("position")[f"label_{lang}"]
    found = bands(scores([70, 77, 82, 87, 92]), scheme="2011", lang=lang).table["band"]
    assert found.tolist() == labels.tolist()


def test_below_the_scheme_and_without_a_score_there_is_no_band():
    found = bands(scores([50, NAN]), scheme="2008", lang="en").table
    assert found["band"].tolist() == ["outside the scheme", "no data"]
    assert found[["band_position", "band_lower", "band_upper"]].isna().all(axis=None)


def test_limits_are_given_and_open_ones_are_missing():
    found = bands(scores([70, 82, 92]), scheme="2011").table
    np.testing.assert_array_equal(found["band_lower"], [NAN, 80, 90])
    np.testing.assert_array_equal(found["band_upper"], [75, 85, NAN])


def test_a_band_is_clear_when_the_whole_interval_lies_in_it():
    index = scores([82, 82, 82, 90], [80, 79.9, NAN, 90], [84.9, 84.9, NAN, 99])
    found = bands(index, scheme="2011").table["band_clear"]
    assert [None if pd.isna(x) else bool(x) for x in found] == [True, False, None, True]


def test_the_numbers_stay_and_where_the_scheme_is_from_is_said():
    index = scores([82])
    found = bands(index, scheme="stages", lang="en")
    pd.testing.assert_frame_equal(found.table[index.table.columns], index.table)
    assert found.provenance == ("user", "bands:stages derived")
    assert found.notes[-1].startswith("Scheme of bands stages (derived)")


def test_an_unknown_scheme_is_answered_with_those_there_are():
    with pytest.raises(OptionError, match="stages"):
        bands(scores([82]), scheme="2010")


def test_without_a_scheme_the_schemes_are_listed():
    with pytest.raises(OptionError, match=r"none is the default: name one with scheme \(2008, 2011"):
        bands(scores([85]), lang="en")
    with pytest.raises(OptionError, match="没有默认方案"):
        bands(scores([85]), lang="zh")


def test_a_panel_tells_by_how_many_bands_each_unit_moved():
    keys = pd.DataFrame({"region": list("ABCAB"), "period": ["2023", "2023", "2023", "2022", "2022"]})
    of = scores([95, 70, 82, 79, 85]).table.drop(columns="unit")
    panel = Estimate(pd.concat([keys, of], axis=1), indicator="qci", unit="index", method="given")
    found = bands(panel, scheme="stages").table["band_change"]
    assert found.tolist() == [3, -2, pd.NA, pd.NA, pd.NA]
    assert "band_change" not in bands(panel.where(period="2023"), scheme="stages").table
