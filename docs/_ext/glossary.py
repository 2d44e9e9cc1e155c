"""``{glossary-table} en``, made of ``glossary.csv``, and ``{code-table} en``, the codes of results."""

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
CODES = Path(__file__).parents[2] / "qstats" / "assets" / "messages" / "told.csv"
CODE_TOPICS = {
    "flag": {"en": "Flags", "zh": "标记"},
    "verdict": {"en": "Verdicts", "zh": "判定"},
    "rule": {"en": "Rules of tables", "zh": "表的规则"},
    "error": {"en": "Errors and intervals", "zh": "误差与区间"},
    "sample": {"en": "Samples", "zh": "抽样"},
    "indicator": {"en": "Indicators", "zh": "指标"},
    "index": {"en": "The index", "zh": "指数"},
    "satisfaction": {"en": "Satisfaction", "zh": "满意度"},
    "analysis": {"en": "Questions", "zh": "分析"},
    "unit": {"en": "Units and columns", "zh": "单位与列"},
    "source": {"en": "Sources", "zh": "来源"},
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


def codes(lang):
    """Return the codes of results as Markdown: a table for each topic."""
    with CODES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    lines = []
    for topic, words in CODE_TOPICS.items():
        own = [row for row in rows if row["key"].split(".")[1] == topic]
        head = "| code | 中文 |" if lang == "en" else "| 代码 | 中文显示 |"
        lines += [f"**{words[lang]}**", "", head, "|---|---|"]
        lines += [f"| `{row['en']}` | {row['zh']} |" for row in own]
        lines.append("")
    return "\n".join(lines)


class CodeTable(SphinxDirective):
    """The codes of results and their Chinese words."""

    required_arguments = 1

    def run(self):
        self.env.note_dependency(str(CODES))
        return self.parse_text_to_nodes(codes(self.arguments[0]))


class GlossaryTable(SphinxDirective):
    """Terms in Chinese and English, each with a line of meaning and where to read on."""

    required_arguments = 1

    def run(self):
        self.env.note_dependency(str(TERMS))
        return self.parse_text_to_nodes(markdown(self.arguments[0]))


def setup(app):
    app.add_directive("glossary-table", GlossaryTable)
    app.add_directive("code-table", CodeTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
