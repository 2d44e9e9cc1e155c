"""Completion shows the public face of each part, and each name that it shows is there."""

import subprocess
import sys
from importlib import import_module

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

import qstats as qs

PARTS = sorted(name for name in set(dir(qs)) - set(qs.__all__) if not name.startswith("_"))


@pytest.fixture(scope="module")
def completions():
    shell = InteractiveShell.instance()
    shell.run_cell("import qstats as qs")

    def complete(text, jedi):
        shell.Completer.use_jedi = jedi
        with provisionalcompleter():
            return {found.text.lstrip(".") for found in shell.Completer.completions(text, len(text))}

    yield complete
    InteractiveShell.clear_instance()


def test_completion_shows_the_public_face_and_nothing_else(completions):
    face = {*qs.__all__, *PARTS}
    assert not face & {"import_module", "Any"}
    assert all(import_module(f"qstats.{part}") for part in PARTS)
    assert completions("qs.", False) == completions("qs.", True) == face


@pytest.mark.parametrize("part", PARTS)
def test_a_part_shows_what_is_its_own(part, completions):
    shown = completions(f"qs.{part}.", False)
    assert shown
    assert not shown & {"annotations", "Any", "TYPE_CHECKING", "import_module", "np", "pd"}
    module = import_module(f"qstats.{part}")
    assert all(getattr(module, name) is not None for name in shown)


@pytest.mark.parametrize("part", ["stats", "index", "analysis"])
def test_a_module_of_a_part_is_there_without_being_imported(part):
    name = dir(import_module(f"qstats.{part}"))[0]
    code = f"import qstats; assert qstats.{part}.{name}.__name__ == 'qstats.{part}.{name}'"
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match=f"no module 'nothing'; it has {name}"):
        _ = import_module(f"qstats.{part}").nothing
