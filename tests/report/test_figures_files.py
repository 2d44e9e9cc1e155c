"""Files and themes: fonts embedded, alternative text inside, palettes that print, images as they were."""

import io
import re
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.testing.compare import compare_images
from PIL import Image

import qstats as qs
from qstats.errors import OptionError
from qstats.report.theme import GREYS, PALETTE, contrast, ink_on, luminance
from qstats.report.theme import palette as in_force
from tests.report.drawn import estimate

BASELINES = Path(__file__).parent / "baselines"


def figure(lang="zh", **options):
    return qs.plot.forest(estimate([("安徽", 93.6), ("江苏", 94.1)], ["region"]), lang=lang, **options)


def saved(drawing, form, **options):
    buffer = io.BytesIO()
    drawing.savefig(buffer, format=form, **options)
    return buffer.getvalue()


def test_a_saved_svg_carries_its_font_and_its_alternative_text(tmp_path):
    drawing = figure()
    drawing.savefig(tmp_path / "forest.svg")
    text = (tmp_path / "forest.svg").read_text(encoding="utf-8")
    assert re.search(r"@font-face\{font-family:'QStats Sans SC'.*?data:font/woff2;base64,", text)
    assert f"<title>{drawing.alt}</title>" in text
    assert "安徽" in text
    assert "http" not in re.sub(
        r'xmlns(:\w+)?="[^"]*"|"-//W3C[^>]*>|https?://(purl|creativecommons|www\.w3)\.org[^"]*', "", text
    )
    assert len(text) < 60_000


def test_a_saved_svg_may_have_outlines_instead_of_text():
    with qs.plot.theme(svg="paths"):
        text = saved(figure(), "svg").decode()
    assert "<text" not in text
    assert "@font-face" not in text


def test_a_saved_pdf_embeds_our_font_as_truetype_and_has_no_date():
    raw = saved(figure(), "pdf", metadata={"Title": "t"})
    assert b"QStatsSansSC" in raw
    assert b"/FontFile2" in raw
    assert b"/Type3" not in raw
    assert b"/CreationDate" not in raw
    assert raw == saved(figure(), "pdf", metadata={"Title": "t"})


def test_a_saved_png_has_its_alternative_text():
    drawing = figure()
    image = Image.open(io.BytesIO(saved(drawing, "png")))
    assert image.info["Description"] == drawing.alt
    assert image.size[0] == int(170 / 25.4 * 200)


def test_a_notebook_shows_a_figure_as_png_and_reads_its_alternative_text():
    drawing = figure()
    drawing.alt = 'a "quoted" <b>'
    assert drawing._repr_png_().startswith(b"\x89PNG")
    html = drawing._repr_html_()
    assert 'alt="a &quot;quoted&quot; &lt;b&gt;"' in html
    assert len(html) < 30_000


def test_a_theme_holds_inside_its_block_and_in_blocks_within_it_only():
    own = ("#112233",) * 6
    with qs.plot.theme(palette="grey"):
        with qs.plot.theme():
            assert in_force() == GREYS
        with qs.plot.theme(palette=own):
            assert in_force() == own
        assert in_force() == GREYS
    assert in_force() == PALETTE


def test_marks_take_the_colours_of_the_theme():
    with qs.plot.theme(palette="grey"):
        grey = np.asarray(Image.open(io.BytesIO(saved(figure(), "png"))).convert("RGB")).astype(int)
    colour = np.asarray(Image.open(io.BytesIO(saved(figure(), "png"))).convert("RGB")).astype(int)
    assert np.ptp(grey, axis=2).max() <= 2  # no colour at all
    assert np.ptp(colour, axis=2).max() > 40


def test_a_font_of_ones_own_comes_first_and_ours_after_it():
    with qs.plot.theme(font="DejaVu Sans"):
        assert matplotlib.rcParams["font.family"][:2] == ["DejaVu Sans", "QStats Sans SC"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"palette": "gray"}, "grey"),
        ({"palette": ["#12436D"] * 5}, "6"),
        ({"palette": [*PALETTE[:5], "#FFFFAA"]}, "#FFFFAA"),
        ({"palette": [*PALETTE[:5], "blurple"]}, "blurple"),
        ({"font": "QStats Sans"}, "QStats Sans SC"),
        ({"svg": "glyphs"}, "paths"),
    ],
)
def test_a_choice_of_theme_that_does_not_exist_is_refused_and_leaves_nothing(options, says):
    before = dict(matplotlib.rcParams)
    with pytest.raises(OptionError, match=re.escape(says)), qs.plot.theme(**options):
        pass
    assert dict(matplotlib.rcParams) == before
    assert in_force() == PALETTE


def test_colours_have_contrast_on_white_and_neighbours_differ_in_grey():
    assert min(contrast(colour) for colour in (*PALETTE, *GREYS)) >= 3
    better, worse = luminance(PALETTE[0]), luminance(PALETTE[3])
    assert (worse + 0.05) / (better + 0.05) > 3  # up and down, in print without colour
    assert (ink_on("#12436D"), ink_on("#E3ECF4")) == ("#FFFFFF", "#000000")


def deficient(colour, missing):
    """Return a colour as protanopes or deuteranopes see it (Viénot, Brettel and Mollon, 1999)."""
    linear = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]) ** 2.2
    cones = np.array(
        [[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]]
    )
    seen = cones @ linear
    if missing == "protan":
        seen[0] = 2.02344 * seen[1] - 2.52581 * seen[2]
    else:
        seen[1] = 0.494207 * seen[0] + 1.24827 * seen[2]
    return np.clip(np.linalg.solve(cones, seen), 0, 1) ** (1 / 2.2)


@pytest.mark.parametrize("missing", ["protan", "deutan"])
def test_the_first_four_colours_stay_apart_without_red_or_green(missing):
    seen = [deficient(colour, missing) for colour in PALETTE[:4]]
    apart = [np.abs(a - b).max() for i, a in enumerate(seen) for b in seen[i + 1 :]]
    assert min(apart) > 0.1


IMAGES = {
    "forest": figure,
    "waterfall": lambda: qs.plot.waterfall(
        estimate([("a", 2.0), ("b", -1.0), ("c", 0.5)], ["part"]), start=10, lang="en"
    ),
    "slopes": lambda: qs.plot.slopes(
        estimate(
            [(p, k, v) for p, s in (("2022", 1), ("2023", -1)) for k, v in (("a", s), ("b", 0.0), ("c", -s))],
            ["period", "plant"],
        ),
        lang="en",
    ),
    "tree": lambda: qs.plot.tree("ht_capability", lang="zh"),
}


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_is_as_it_was(name, tmp_path):
    now = tmp_path / f"{name}.png"
    IMAGES[name]().savefig(now, dpi=50)
    before = BASELINES / f"{name}.png"
    assert before.stat().st_size <= 30_000
    assert compare_images(str(before), str(now), tol=6) is None
