"""Pages under ``zh/`` are Chinese, with the words of the theme; translations link to each other."""

import gettext
from pathlib import Path

import pydata_sphinx_theme
import sphinx


def _chinese():
    """Return the words of the theme and of Sphinx in Chinese."""
    own = {
        "Search": "搜索",
        "Search the docs ...": "搜索文档……",
        "On this page": "本页内容",
        "Skip to main content": "跳到正文",
        "Back to top": "回到顶部",
        "Section Navigation": "章节",
        "Site navigation": "全站导航",
        "light/dark": "明暗",
    }
    folders = (Path(pydata_sphinx_theme.__file__).parent / "locale", Path(sphinx.__file__).parent / "locale")
    found = gettext.NullTranslations()
    for folder in reversed(folders):
        for language in ("zh_CN", "zh"):
            if gettext.find("sphinx", folder, [language]):
                more = gettext.translation("sphinx", folder, [language])
                more.add_fallback(found)
                found = more
                break

    class Words(gettext.NullTranslations):
        def gettext(self, message):
            return own.get(message) or found.gettext(message)

        def ngettext(self, one, many, n):
            return found.ngettext(one, many, n)

    return Words()


def speak(app, pagename, templatename, context, doctree):
    """Set the language of a page, and where its translation is."""
    zh = pagename.startswith("zh/")
    environment = getattr(app.builder.templates, "environment", None)
    if environment is not None:
        environment.install_gettext_translations(app.chinese if zh else app.translator)
    if zh:
        context["language"] = "zh-CN"
    other = pagename.removeprefix("zh/") if zh else f"zh/{pagename}"
    exact = other in app.env.all_docs
    context["other_page"] = other if exact else ("index" if zh else "zh/index")
    context["other_name"] = "English" if zh else "中文"
    context["other_lang"] = "en" if zh else "zh-CN"


def setup(app):
    app.chinese = _chinese()
    app.connect("html-page-context", speak)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
