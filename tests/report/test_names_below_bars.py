"""Names below the bars of a Pareto figure are whole."""

import pandas as pd
import pytest

from qstats.report.charts import pareto

CAUSES = [
    "microbial contamination", "organic contaminants", "edible farm products", "vegetable products",
    "beverages", "starch and starch products", "pesticide residues", "veterinary drug residues",
]  # fmt: skip


@pytest.mark.parametrize("count", [4, 8])
def test_no_letter_of_a_name_is_lost_and_only_words_too_wide_are_hyphenated(count):
    table = pd.DataFrame({"name": CAUSES[:count], "value": range(20, 20 - count, -1)})
    figure = pareto(table, lang="en")
    shown = [tick.get_text() for tick in figure.axes[0].get_xticklabels()]
    assert [text.replace("-\n", "").replace("\n", " ") for text in shown] == CAUSES[:count]
    assert any("-\n" in text for text in shown) == (count == 8)
