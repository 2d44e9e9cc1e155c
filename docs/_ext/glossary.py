"""The glossary, made of ``glossary.csv``: ``{glossary-table} en``."""

import csv
from pathlib import Path

from sphinx.util.docutils import SphinxDirective

TERMS = Path(__file__).parents[1] / "glossary.csv"
TOPICS = {
    "sample": {"en": "Samples", "zh": "抽样"},
    "number": {"en": "Numbers and their errors", "zh": "数值与误差"},
    "indicator": {"en": "Indicators", "zh": "指标"},
    "index": {"en": "The index", "zh": "指数"},
    "question": {"en": "Questions", "zh": "分析"},
    "decision": {"en": "Decisions and publication", "zh": "判定与发布"},
}
HEADS = {"en": "| English | 中文 | meaning | more |", "zh": "| 术语 | English | 含义 | 详见 |"}


def terms():
    """Return the rows of the glossary."""
    with TERMS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="|"))


def markdown(lang):
    """Return the glossary as Markdown: a table for each topic."""
    lines = []
    for topic, words in TOPICS.items():
        lines += [f"**{words[lang]}**", "", HEADS[lang], "|---|---|---|---|"]
        lines += [_row(term, lang) for term in terms() if term["topic"] == topic]
        lines.append("")
    return "\n".join(lines)


def _row(term, lang):
    first, second = ("en", "zh") if lang == "en" else ("zh", "en")
    page = term["link"].rpartition("/")[2].replace("_", " ")
    return (
        f"| **{term[first]}** | {term[second]} | {term[f'meaning_{lang}']} | [{page}](/{term['link']}.md) |"
    )


class GlossaryTable(SphinxDirective):
    """Terms in Chinese and English, each with a line of meaning and where to read on."""

    required_arguments = 1

    def run(self):
        self.env.note_dependency(str(TERMS))
        return self.parse_text_to_nodes(markdown(self.arguments[0]))


def setup(app):
    app.add_directive("glossary-table", GlossaryTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
