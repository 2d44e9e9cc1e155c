"""The data catalogue, made of ``data/datapackage.json`` when the pages are built: ``{data-catalogue}``."""

import json
from pathlib import Path

from sphinx.util.docutils import SphinxDirective

PACKAGE = Path(__file__).parents[2] / "data" / "datapackage.json"
WORDS = {
    "en": {
        "head": "name | content | rows | years | evidence | licence",
        "official": "official",
        "repost": "re-post",
    },
    "zh": {
        "head": "名称 | 内容 | 行数 | 年份 | 证据 | 许可",
        "official": "官方",
        "repost": "转载",
        "facts, compiled from public sources": "事实，整理自公开来源",
    },
}
KINDS = {
    "published": {"en": "Published figures", "zh": "公布数据"},
    "classification": {"en": "Classifications", "zh": "分类标准"},
    "standard": {"en": "Standards of indicators", "zh": "指标标准"},
    "labels": {"en": "Names", "zh": "名称"},
    "framework": {"en": "Frameworks", "zh": "指标框架"},
    "target": {"en": "Targets", "zh": "目标"},
    "report": {"en": "Reports", "zh": "报告"},
}


def markdown(lang):
    """Return the catalogue as Markdown: a table for each kind of data."""
    resources = json.loads(PACKAGE.read_text(encoding="utf-8"))["resources"]
    lines = []
    for kind in dict.fromkeys(r["kind"] for r in resources):
        lines += [f"**{KINDS.get(kind, {}).get(lang, kind)}**", "", f"| {WORDS[lang]['head']} |"]
        lines += ["|---|---|--:|---|---|---|"]
        lines += [_row(r, lang) for r in resources if r["kind"] == kind]
        lines.append("")
    return "\n".join(lines)


def _row(resource, lang):
    en = lang == "en"
    title = resource["titleEn"] if en else resource["title"]
    caveat = resource.get("caveatEn" if en else "caveat") or ""
    evidence = resource.get("evidence") or {}
    cells = [
        f"`{Path(resource['path']).with_suffix('').as_posix().removeprefix('published/')}`",
        f"{title}{': ' if en else '：'}*{caveat}*" if caveat else title,
        f"{resource['rows']:,}",
        "–".join(dict.fromkeys(resource.get("periods") or [])) or "",
        ", ".join(f"{WORDS[lang][k]} {v:,}" for k, v in evidence.items() if k in WORDS[lang]),
        "; ".join(dict.fromkeys(_licence(licence, lang) for licence in resource["licenses"])),
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _licence(licence, lang):
    title = licence.get("title") or licence["name"]
    return WORDS[lang].get(title, title)


class DataCatalogue(SphinxDirective):
    """Every data set: name, content with its caveat, rows, years, evidence, licence."""

    optional_arguments = 1

    def run(self):
        self.env.note_dependency(str(PACKAGE))
        return self.parse_text_to_nodes(markdown(self.arguments[0] if self.arguments else "en"))


def setup(app):
    app.add_directive("data-catalogue", DataCatalogue)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
