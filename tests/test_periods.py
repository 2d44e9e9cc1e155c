import pytest

from qstats import periods

YEAR = ["2023", 2023, 2023.0, "2023年", "2023年度", "２０２３年", "2023 annual", " 2023 ", "2023.0"]


@pytest.mark.parametrize("text", YEAR)
def test_a_year_is_a_year_however_it_is_written(text):
    assert periods.normalise(text) == "2023"


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("2023上半年", "2023H1"),
        ("2023年下半年", "2023H2"),
        ("2023h1", "2023H1"),
        ("2023-H2", "2023H2"),
        ("2023年第一季度", "2023Q1"),
        ("2023四季度", "2023Q4"),
        ("2023年3季", "2023Q3"),
        ("2023 q2", "2023Q2"),
        ("2023年5月", "2023M05"),
        ("2023-05", "2023M05"),
        ("2023/12", "2023M12"),
        ("2023.11", "2023M11"),
        ("2023M05", "2023M05"),
        ("２０２３年５月", "2023M05"),
        ("2023 年 1 季度", "2023Q1"),
        ("2023 年 5 月", "2023M05"),
        ("2023\u3000上半年", "2023H1"),
        ("2023.10", "2023M10"),
        ("2023.2", "2023M02"),
        ("2024 batch1(5-6月)", "2024 batch1(5-6月)"),
    ],
)
def test_parts_of_a_year_and_named_batches_are_read(text, period):
    assert periods.normalise(text) == period
    assert periods.normalise(period) == period


@pytest.mark.parametrize(
    "text",
    ["", "今年", "23", "20233", "2023H3", "2023Q5", "2023M13", "2023-00", "第一季度", None, "12.5", "٢٠٢٣"],
)
def test_what_is_no_period_is_none(text):
    assert periods.normalise(text) is None


@pytest.mark.parametrize("value", ["2023.1", 2023.1, "２０２３．１"])
def test_what_a_spreadsheet_makes_of_october_is_not_taken_for_january(value):
    assert periods.normalise(value) is None


@pytest.mark.parametrize(
    ("period", "before"),
    [
        ("2023", "2022"),
        ("2023H2", "2023H1"),
        ("2023H1", "2022H2"),
        ("2023Q1", "2022Q4"),
        ("2023M01", "2022M12"),
        ("2023M11", "2023M10"),
        ("2024 batch1", None),
    ],
)
def test_the_period_before_is_of_the_same_length(period, before):
    assert periods.previous(period) == before


@pytest.mark.parametrize("period", ["2023", "2023H1", "2023Q3", "2023M05"])
def test_going_back_through_a_year_ends_at_the_same_period_of_the_year_before(period):
    steps = {"": 1, "H": 2, "Q": 4, "M": 12}[period[4:5]]
    found = period
    for _ in range(steps):
        found = periods.previous(found)
    assert found == periods.year_before(period)


def test_a_named_batch_has_no_year_before():
    assert periods.year_before("2023 batch2") is None


@pytest.mark.parametrize(
    "ordered",
    [
        ["2022", "2022M12", "2023", "2023M02", "2023M11", "2023 batch2"],
        ["2022Q4", "2023", "2023Q1", "2023Q2", "2024"],
        ["2022H2", "2023", "2023H1", "2023H2", "2023 batch1", "2024H1"],
    ],
)
def test_periods_sort_by_time_with_the_year_before_its_parts_and_batches_after(ordered):
    backwards = ordered[::-1]
    assert sorted(backwards, key=periods.sort_key) == ordered


def test_a_month_lies_in_its_quarter_half_and_year_and_a_batch_in_none():
    assert periods.containing("2023M05") == ("2023Q2", "2023H1", "2023")
    assert periods.containing("2023M12") == ("2023Q4", "2023H2", "2023")
    assert periods.containing("2023Q2") == ("2023H1", "2023")
    assert periods.containing("2023H2") == ("2023",)
    assert periods.containing("2023") == periods.containing("2023 batch2") == ()


@pytest.mark.parametrize("month", range(1, 13))
def test_every_month_lies_in_the_quarter_and_half_that_hold_it(month):
    quarter, half, year = periods.containing(f"2023M{month:02}")
    assert month in range(3 * int(quarter[-1]) - 2, 3 * int(quarter[-1]) + 1)
    assert month in range(6 * int(half[-1]) - 5, 6 * int(half[-1]) + 1)
    assert year == "2023"
