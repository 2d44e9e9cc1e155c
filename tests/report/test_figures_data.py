"""The marks of the figures stand at the numbers; intervals where they are known and nowhere else."""

import numpy as np
import pandas as pd
import pytest

import qstats as qs
from qstats.analysis.funnel import funnel as judged
from qstats.errors import DataError, OptionError
from qstats.index.contributions import change_contributions
from qstats.indicators.inspection_pass_rate import inspection_pass_rate
from qstats.report.figure import Drawing
from qstats.report.lines import period_axis
from tests.report.drawn import NAN, estimate, lines_of, overlaps, segments, texts

TREE = pd.DataFrame(
    {"code": ["all", "pass", "loss"], "parent": ["", "all", "all"], "direction": [1, 1, -1],
     "weight": [1, 0.75, 0.25], "weight_provenance": "user", "lower": [0, 60, 0], "upper": [0, 100, 2],
     "bounds_provenance": ["", "user", "user"], "unit": ["", "%", "%"]}
)  # fmt: skip


def index(*periods):
    """Return an index of passes and losses that moves from 88.5 to 90.5."""
    values = [("pass", p, 88 + 2 * i) for i, p in enumerate(periods)]
    values += [("loss", p, 0.5 - 0.1 * i) for i, p in enumerate(periods)]
    return qs.competitiveness_index(pd.DataFrame(values, columns=["indicator", "period", "estimate"]), TREE)


def widths(axes):
    """Return the left ends and the widths of horizontal bars."""
    found = [(p.get_x(), p.get_width()) for p in axes.patches if hasattr(p, "get_width")]
    return [(round(x, 9), round(w, 9)) for x, w in found]


def shown(figure):
    return [text for text, _ in texts(figure)]


def test_forest_marks_stand_at_the_estimates_and_strokes_at_the_known_intervals_only():
    found = estimate([("a", 1.0), ("b", 2.0), ("c", 4.0)], ["region"])
    table = found.table
    table.loc[1, "conf_high"] = NAN  # half an interval is none
    figure = qs.plot.forest(found.replace(table), lang="en")
    marks = np.concatenate(lines_of(figure, "s"))
    assert sorted(map(tuple, marks)) == [(1.0, 0.0), (2.0, 1.0), (4.0, 2.0)]
    assert segments(figure).tolist() == [[[0, 0], [2, 0]], [[3, 2], [5, 2]]]
    assert "2.00" in shown(figure)
    assert "1.00 (0.00–2.00)" in shown(figure)


def test_forest_of_ranks_begins_with_the_first_and_draws_the_intervals_of_ranks():
    more = {"rank": [2, 1, pd.NA], "rank_low": [1, 1, pd.NA], "rank_high": [3, 2, pd.NA]}
    found = estimate([("a", 1.0), ("b", 2.0), ("c", NAN)], ["region"], **more)
    figure = qs.plot.forest(found, of="rank", lang="en")
    assert np.concatenate(lines_of(figure, "s")).tolist()[:2] == [[1, 0], [2, 1]]
    assert segments(figure).tolist() == [[[1, 0], [2, 0]], [[1, 1], [3, 1]]]
    assert "b 1 (1–2), a 2 (1–3), c no data" in figure.alt


def test_bars_begin_at_zero_and_end_at_the_numbers():
    found = estimate([("a", -2.0), ("b", 3.0), ("c", 1.0)], ["cause"], intervals=False)
    figure = qs.plot.bars(found, lang="en")
    assert widths(figure.axes[0]) == [(0.0, 3.0), (0.0, 1.0), (0.0, -2.0)]
    assert segments(figure).size == 0
    given = qs.plot.bars(found, order="given", lang="en")
    assert widths(given.axes[0]) == [(0.0, -2.0), (0.0, 3.0), (0.0, 1.0)]


def test_bars_draw_intervals_where_they_are_known():
    figure = qs.plot.bars(estimate([("a", 2.0), ("b", NAN)], ["cause"]), lang="en")
    assert segments(figure).tolist() == [[[1, 0], [3, 0]]]
    assert "no data" in shown(figure)


def test_a_waterfall_of_contributions_ends_at_the_score():
    figure = qs.plot.waterfall(qs.contributions(index("2022")), lang="en")
    assert widths(figure.axes[0]) == [(0.0, 66.0), (66.0, 22.5), (0.0, 88.5)]
    assert "88.50" in shown(figure)


def test_a_waterfall_of_a_change_leads_from_the_earlier_score_to_the_later_one():
    moved = change_contributions(index("2022", "2023"))
    figure = qs.plot.waterfall(moved, start=88.5, lang="en")
    assert widths(figure.axes[0]) == [(88.5, 1.5), (90.0, 0.5)]
    assert "from 88.50 to 90.50" in figure.alt
    assert "+1.50 ▲" in shown(figure)


def test_a_waterfall_of_a_deeper_cut_keeps_the_branches_that_end_above_it():
    figure = qs.plot.waterfall(qs.contributions(index("2022")), depth=3, lang="en")
    assert widths(figure.axes[0])[:2] == [(0.0, 66.0), (66.0, 22.5)]


def test_a_waterfall_of_a_decomposition_has_its_effects():
    checks = {"period": ["2022", "2022", "2023", "2023"], "size": ["large", "small"] * 2,
              "inspected": [900, 100, 300, 700], "passed": [855, 60, 288, 448]}  # fmt: skip
    split = qs.decompose(
        inspection_pass_rate(checks, by=["period", "size"]), by="size", earlier="2022", later="2023"
    )
    figure = qs.plot.waterfall(split, start=91.5, lang="en")
    assert [text for text in ("mix", "rate") if text in shown(figure)] == ["mix", "rate"]
    assert "from 91.50 to 73.60" in figure.alt
    assert len(segments(figure)) == 2


def test_the_tree_writes_the_weights_within_the_parent_and_the_scores():
    figure = qs.plot.tree(index("2022"), framework=TREE, lang="en")
    assert {"75%", "25%", "88.50", "88.00", "90.00"} <= set(shown(figure))
    plain = qs.plot.tree(TREE.assign(weight_provenance=["", "hypothesis", "user"]), lang="en")
    dashed = [p for p in plain.axes[0].patches if p.get_linestyle() != "-" and p.get_linestyle() != "solid"]
    assert len(dashed) == 1
    assert len([p for p in figure.axes[0].patches if p.get_linestyle() in ("-", "solid")]) == 3


def test_a_control_chart_has_every_point_and_marks_its_signals():
    months = [f"201{y}M{m:02}" for y in range(1, 6) for m in range(1, 13)]
    alerts = qs.published("RAPEX_notifications_monthly").where(period=months)
    found = qs.monitor(alerts, baseline="2013M12", kind="c", direction=-1)
    figure = qs.plot.control(found, digits=0, lang="en")
    marked = np.concatenate([*lines_of(figure, "^"), *lines_of(figure, "v")])
    signals = np.flatnonzero(found.points["signal"])
    assert sorted(marked[:, 0]) == signals.tolist()
    drawn = {tuple(p) for each in (lines_of(figure, "o"), [marked]) for line in each for p in line}
    assert drawn == set(enumerate(found.points["value"]))
    memory = qs.plot.control(found, chart="ewma", lang="en")
    late = found.points[found.points["phase"] == "II"]["ewma"].to_numpy()
    assert {p[1] for line in lines_of(memory, "o") for p in line} <= set(late)


def test_a_chart_with_a_memory_shows_both_sums_against_the_decision_interval():
    months = [f"201{y}M{m:02}" for y in range(1, 6) for m in range(1, 13)]
    alerts = qs.published("RAPEX_notifications_monthly").where(period=months)
    found = qs.monitor(alerts, baseline="2013M12", kind="c", direction=-1)
    late = found.points[found.points["phase"] == "II"].reset_index(drop=True)
    assert late["cusum_limit"].eq(4.77).all()
    assert found.points.loc[found.points["phase"] == "I", "cusum_limit"].isna().all()
    figure = qs.plot.control(found, chart="cusum", lang="en")
    lines = [line.get_ydata().tolist() for line in figure.axes[0].lines]
    assert late["cusum_up"].tolist() in lines
    assert (-late["cusum_down"]).tolist() in lines
    assert [4.77] * 2 * len(late) in lines
    assert [-4.77] * 2 * len(late) in lines
    both = qs.plot.control(found, chart="memory", lang="en")
    assert len(both.axes) == 2
    assert both.alt.count("signals") == 2
    assert both.get_figheight() > figure.get_figheight()
    marked = np.concatenate([*lines_of(figure, "^"), *lines_of(figure, "v")])
    assert sorted(marked[:, 0]) == np.flatnonzero(late["signal"]).tolist()
    with pytest.raises(DataError, match="cusum_limit"):
        qs.plot.control(found.points.drop(columns="cusum_limit"), chart="cusum", lang="en")
    with pytest.raises(OptionError, match="'memory'"):
        qs.plot.control(found, chart="memmory")


@pytest.mark.parametrize(
    ("low", "high", "en", "zh"),
    [
        (NAN, 2.0, "upper limit 2.00 only", "只有上限2.00"),
        (0.5, NAN, "lower limit 0.50 only", "只有下限0.50"),
        (0.5, 2.0, "limits 0.50 to 2.00", "控制限0.50至2.00"),
    ],
)
def test_a_control_chart_with_one_limit_says_which(low, high, en, zh):
    points = pd.DataFrame({"period": ["2022", "2023"], "phase": "I", "value": 1.0, "centre": 1.0})
    points = points.assign(low=low, high=high, ewma=NAN, ewma_limit=NAN, outside=False, signal=False)
    for lang, said in (("en", f"centre 1.00 batches, {en}. "), ("zh", f"中心线1.00批次，{zh}。")):
        assert said in qs.plot.control(points, unit="批次", lang=lang).alt


def test_a_control_chart_of_several_series_is_refused():
    points = pd.DataFrame({"region": ["a", "b"], "period": "2023", "phase": "I", "value": 1.0, "centre": 1.0})
    points = points.assign(low=0.0, high=2.0, ewma=NAN, ewma_limit=NAN, outside=False, signal=False)
    with pytest.raises(DataError, match="region"):
        qs.plot.control(points, lang="en")
    assert qs.plot.control(points[points["region"] == "a"], lang="en").alt.endswith("No signal.")


@pytest.mark.parametrize("spread", ["none", "phi", "tau2"])
def test_the_limits_of_a_funnel_pass_through_those_of_the_units(spread):
    n = np.array([60, 130, 400, 900, 2500])
    checks = {
        "region": ["北京", "天津", "河北", "山西", "辽宁"],
        "inspected": n,
        "passed": [50, 125, 380, 800, 2300],
    }
    found = judged(inspection_pass_rate(checks, by="region"), overdispersion=spread)
    figure = qs.plot.funnel(found, lang="en")
    curves = [line for line in lines_of(figure) if len(line) > 100]
    assert len(curves) == 4
    table = found.table.set_index("denominator")
    for curve, column in zip(curves, ["low_95", "high_95", "low_998", "high_998"], strict=True):
        at = np.interp([60, 2500], curve[:, 0], curve[:, 1])
        assert at == pytest.approx(table[column].loc[[60, 2500]].to_numpy(), rel=1e-9)
    marks = np.concatenate([line for m in "o^v" for line in lines_of(figure, m)])
    assert set(map(tuple, table["estimate"].reset_index().to_numpy(float))) <= set(map(tuple, marks))


def test_a_fan_is_as_wide_as_its_limits_and_joins_the_last_value():
    rate = qs.published("MQR", region="全国", industry="制造业", period=[2020, 2021, 2022, 2023, 2024])
    found = qs.forecast(rate, horizon=2)
    figure = qs.plot.fan(found, history=rate, lang="en")
    low, high = found.table[["low_95", "high_95"]].to_numpy().T
    widest = figure.axes[0].collections[0].get_paths()[0].vertices
    assert {round(float(y), 9) for y in widest[:, 1]} == {round(float(y), 9) for y in [93.93, *low, *high]}
    assert (figure.axes[0].get_ylim()[0] < low.min()) and (figure.axes[0].get_ylim()[1] > high.max())
    assert "2024 actual 93.93" in figure.alt
    assert "actual" not in qs.plot.fan(found, lang="en").alt


def test_a_fan_refuses_the_history_of_something_else():
    rate = qs.published("MQR", region="全国", industry="制造业", period=[2020, 2021, 2022, 2023, 2024])
    with pytest.raises(DataError, match="index"):
        qs.plot.fan(qs.forecast(rate), history=rate.replace(unit="index"), lang="en")


def test_heat_shades_follow_the_numbers_and_what_is_missing_is_no_zero():
    rows = [("a", "x", 1.0), ("a", "y", 100.0), ("b", "x", 2.0), ("b", "y", 200.0), ("c", "x", 3.0)]
    found = estimate(rows, ["plant", "node"])
    figure = qs.plot.heat(found, rows="plant", lang="en")
    cells = [p.get_facecolor() for p in figure.axes[0].patches[:6]]
    dark = [sum(c[:3]) for c in cells]  # a-x, a-y, b-x, b-y, c-x, c-y
    assert dark[0] > dark[2] > dark[4] > dark[1] > dark[3]
    assert shown(figure).count("0.00") == 0
    own = qs.plot.heat(found, rows="plant", shade="column", lang="en")
    cells = [p.get_facecolor() for p in own.axes[0].patches[:6]]
    assert cells[0] == cells[1]  # lowest of its own column
    assert cells[3] == cells[4]


def test_heat_of_several_estimates_has_a_column_each_and_joins_on_the_rows():
    one = estimate([("安徽", 93.0), ("北京", 95.0)], ["region"], indicator="x")
    two = estimate([("北京", 1.5)], ["region"], indicator="y", unit="index")
    figure = qs.plot.heat([one, two], lang="en")
    assert "2 rows, 2 columns, 3 numbers, 1 missing" in figure.alt
    assert "y: highest Beijing 1.50" in figure.alt
    assert shown(figure).index("Beijing") < shown(figure).index("Anhui")  # the order of the classification


def test_slopes_run_between_the_places_of_both_periods():
    rows = [("2022", "a", 3.0), ("2022", "b", 2.0), ("2022", "c", 1.0), ("2022", "d", 9.0)]
    rows += [("2023", "a", 1.0), ("2023", "b", 2.0), ("2023", "c", 3.0)]
    found = estimate(rows, ["period", "plant"])
    figure = qs.plot.slopes(found, lang="en")
    ends = {tuple(line[:, 1]) for line in lines_of(figure, "None") + lines_of(figure, "")}
    assert ends == {(0.0, 2.0), (1.0, 1.0), (2.0, 0.0)}
    assert "1 rose, 1 fell, 1 unchanged" in figure.alt
    assert "No data: d." in figure.alt
    lowest = qs.plot.slopes(found, direction=-1, lang="en")
    assert "a 3rd→1st" in lowest.alt


def test_slopes_are_dashed_where_the_intervals_of_ranks_overlap():
    rows = [("2022", "a", 3.0), ("2022", "b", 2.0), ("2023", "a", 1.0), ("2023", "b", 2.0)]
    more = {"rank": [1, 2, 2, 1], "rank_low": [1, 1, 2, 1], "rank_high": [1, 2, 2, 2]}
    figure = qs.plot.slopes(estimate(rows, ["period", "plant"], **more), lang="en")
    dashed = [
        line.is_dashed()
        for line in figure.axes[0].get_lines()
        if len(line.get_xdata()) == 2 and line.get_linestyle() != "None"
    ]
    assert sorted(dashed) == [False, True]
    assert "Dashed: the intervals of the two ranks overlap" in shown(figure)


def test_slopes_between_other_periods_are_others():
    rows = [
        (p, k, v)
        for p, a, b in (("2021", 1, 2), ("2022", 2, 1), ("2023", 1, 2))
        for k, v in (("a", a), ("b", b))
    ]
    found = estimate(rows, ["period", "plant"])
    assert "2 unchanged" in qs.plot.slopes(found, lang="en").alt
    assert "1 rose" in qs.plot.slopes(found, between=(2021, 2022), lang="en").alt
    with pytest.raises(OptionError, match="2024"):
        qs.plot.slopes(found, between=(2021, 2024), lang="en")


def test_importance_stands_across_and_performance_up_with_crosses_where_known():
    more = {"performance": [70.0, 80.0], "performance_std_error": [1.0, NAN]}
    found = estimate(
        [("QUAL", 0.5), ("VAL", 0.3)], ["construct"], unit="points per point", intervals=False, **more
    )
    figure = qs.plot.importance(found, model="acsi", lang="en")
    marks = np.concatenate([*lines_of(figure, "o"), *lines_of(figure, "D")])
    assert sorted(map(tuple, marks)) == [(0.3, 80.0), (0.5, 70.0)]
    assert segments(figure) == pytest.approx(
        np.array([[[0.5, 70 - 1.959964], [0.5, 70 + 1.959964]]]), rel=1e-6
    )
    assert figure.alt.endswith("Improve first: perceived quality.")


def test_paths_are_direct_effects_and_dashed_where_not_clear():
    rows = [("B", "A", "direct", 0.8), ("C", "B", "direct", 0.5), ("C", "A", "indirect", 0.4)]
    figure = qs.plot.paths(estimate(rows, ["to", "from", "effect"], unit=""), lang="en")
    assert "3 constructs, 2 paths, 0 with intervals that leave out 0" in figure.alt
    assert {"0.80", "0.50"} <= set(shown(figure))
    assert "0.40" not in shown(figure)
    circle = [("B", "A", "direct", 0.8), ("A", "B", "direct", 0.5)]
    with pytest.raises(DataError, match="circle: A, B"):
        qs.plot.paths(estimate(circle, ["to", "from", "effect"]), lang="en")


def test_no_arrow_of_a_path_diagram_crosses_the_box_of_another_construct():
    from qstats.report.path_diagram import _BOX, MOST, _distance, _edge, _places

    for count in range(2, MOST + 1):
        at = {k: np.array(v) for k, v in _places([str(i) for i in range(count)]).items()}
        for a in at:
            for b in at:
                if a < b:
                    line = _edge(at[a], at[b]), _edge(at[b], at[a])
                    others = [p for k, p in at.items() if k not in (a, b)]
                    assert all(_distance(p, *line) > _BOX[1] / 2 for p in others), (count, a, b)


def test_multiples_share_one_scale_and_the_reference_stands_in_each():
    rows = [(p, r, v) for r, v in (("全国", 93.0), ("安徽", 92.0), ("江苏", 97.0)) for p in ("2022", "2023")]
    figure = qs.plot.multiples(estimate(rows, ["period", "region"]), lang="en")
    assert len(figure.axes) == 2
    assert len({axes.get_ylim() for axes in figure.axes}) == 1
    for axes in figure.axes:
        assert any((line.get_ydata() == 93.0).all() for line in axes.get_lines())
    alone = qs.plot.multiples(estimate(rows, ["period", "region"]), reference="", lang="en")
    assert len(alone.axes) == 3


@pytest.mark.parametrize(
    ("axis", "first"),
    [
        ([f"20{y}M{m:02}" for y in range(11, 16) for m in range(1, 13)], "2011-01"),
        ([f"20{y}Q{q}" for y in range(11, 31) for q in range(1, 5)], "2011Q1"),
    ],
)
def test_parts_of_a_year_are_written_from_its_first_one_on(axis, first):
    figure = Drawing(figsize=(6, 3))
    axes = figure.add_axes((0.1, 0.1, 0.7, 0.8))
    period_axis(axes, axis, "en")
    written = [label.get_text() for label in axes.get_xticklabels()]
    assert written[0] == first
    assert {text[4:] for text in written} <= {first[4:], "-04", "-07", "-10", "Q3"}


def test_parts_of_a_year_are_in_words_on_a_chinese_axis():
    axes = Drawing(figsize=(6, 3)).add_axes((0.1, 0.1, 0.7, 0.8))
    period_axis(axes, [f"20{y}Q{q}" for y in range(11, 17) for q in range(1, 5)], "zh")
    assert axes.get_xticklabels()[0].get_text() == "2011年第一季度"


def test_values_of_points_that_lie_close_stand_on_both_sides_of_the_line():
    rows = [
        (str(y), v) for y, v in zip(range(2005, 2025), [79, 80, 81, 81.2, 82, *[None] * 14, 86], strict=True)
    ]
    figure = qs.plot.lines(estimate([r for r in rows if r[1] is not None], ["period"]), lang="zh")
    assert overlaps(figure) == []


def test_targets_are_drawn_from_the_table_that_judges_them():
    rate = qs.published("MQR", region="全国", industry="制造业", period=2024)
    judged_ = qs.targets({"national_rpq": rate}, "national")
    figure = qs.plot.targets(judged_, lang="en")
    assert "93.93%, target ≥94.00%, near" in figure.alt
    assert "制造业产品质量合格率93.93%" in qs.plot.targets(judged_, lang="zh").alt


def test_a_target_of_rank_is_a_number_without_unit():
    row = {"indicator": ["r"], "value": [11.0], "target": [10.0], "operator": ["rank<="], "unit": ["rank"]}
    figure = qs.plot.targets(pd.DataFrame(row).assign(status="near", digits=0), lang="en")
    assert "r: 11, target ≤10, near" in figure.alt
