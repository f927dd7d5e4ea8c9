"""The report: one file that needs nothing else, escapes what it is given, and says what was not modelled."""

import html
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from experiments.drawing import Picture
from experiments.figures import figures
from experiments.limits import not_modelled
from experiments.measures import AXES
from experiments.report import report
from experiments.wording import cell_scale, difference_text, level_text
from tests.experiments.comparisons import tiny, tiny_comparison

VOID = {"meta", "img", "br"}


@pytest.fixture(scope="module")
def page() -> str:
    return report(tiny_comparison(), figures(tiny_comparison()))


class Strict(HTMLParser):
    """Collects links and complains about tags that do not nest."""

    def __init__(self):
        super().__init__()
        self.open, self.links, self.text, self.tags = [], [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name in ("src", "href", "data", "action")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def parsed(page):
    parser = Strict()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser


def test_the_report_is_well_formed_and_asks_nothing_of_the_network(page):
    parser = parsed(page)
    assert parser.links
    assert all(link.startswith("data:image/png;base64,") for link in parser.links)
    assert not {"script", "iframe", "link", "object", "form"} & set(parser.tags)
    without_pictures = re.sub(r"data:image/png;base64,[A-Za-z0-9+/=]+", "", page)
    assert not re.search(r"https?:|//[a-z]|url\(|@import", without_pictures)
    assert len(page) < 1_500_000


def test_what_the_user_wrote_is_escaped(page):
    assert "A &lt;tiny&gt; storm &amp; its &#x27;accounts&#x27;." in page
    assert "<tiny>" not in page


def test_it_says_what_was_compared_the_verdict_its_limits_and_how_to_repeat_it(page):
    text = " ".join(" ".join(parsed(page).text).split())
    for needed in (
        "isolated, cross, portfolio margin, 58 accounts, 3 markets",
        "Bad debt against isolated margin.",
        "paired bootstrap",
        "Re-use of freed margin",
        "What was not modelled",
        "Depth is constant",
        tiny_comparison().scenario_hash,
        "crossmargin compare scenario.toml --seeds 1,2,3,4",
        "conditional on the assumptions of this scenario; it is not advice",
    ):
        assert needed in text, needed


def test_every_picture_has_a_text_for_those_who_cannot_see_it():
    drawn = Picture("verdict", 'A "title"', "caption & more", b"\x89PNG")
    page = report(tiny_comparison(), [drawn])
    assert 'alt="A &quot;title&quot;: caption &amp; more"' in page


def test_limits_depend_on_what_the_scenario_switches_off():
    told = " ".join(not_modelled(tiny()))
    assert "Depth is constant" in told
    assert "one path that happened" not in told
    world = {"markets": [{"name": "A", "price": 1.0}], "price": {"kind": "replay", "prices": [[1.0]] * 25}}
    population = [{"kind": "holder", "count": 2}]
    replayed = tiny(**world, margin={"kind": "cross"}, population=population, depth={"elasticity": 1.0})
    told = " ".join(not_modelled(replayed))
    assert "one path that happened" in told
    assert "Depth is constant" not in told


def rows_of(table: str) -> list[list[str]]:
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", table, re.DOTALL)
    return [[html.unescape(c) for c in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)] for row in rows]


def test_each_row_of_the_report_has_the_cells_of_its_own_measure_and_regime(page: str) -> None:
    comparison = tiny_comparison()
    table = page.split("<h2>All estimates</h2>")[1].split("</table>", maxsplit=1)[0]
    rows = iter(rows_of(table)[2:])
    for axis, measures in AXES.items():
        assert next(rows) == [axis]
        for measure in measures:
            mine = [c for c in comparison.cells if c.measure == measure]
            scale, unit = cell_scale(measure, mine)
            for i, regime in enumerate(("isolated", "cross", "portfolio")):
                row = next(rows)
                if i == 0:
                    title, about = row.pop(0).split("<br>")
                    assert title == measure.title
                    assert about == f"<small>{f'{unit} {measure.about}'.strip()}</small>"
                told = sorted((c for c in mine if c.regime == regime), key=lambda c: c.design)
                assert [c.design for c in told] == ["equal positions", "equal utilisation"]
                assert row == [regime] + [f(c, scale) for c in told for f in (level_text, difference_text)]
    assert next(rows, None) is None


def test_sections_of_the_report_come_in_order_each_with_its_own_content(page: str) -> None:
    found = re.findall(r"<h2>(.*?)</h2>\n(.*?)</section>", page, re.DOTALL)
    begins = {
        "Verdict": '<div class="box">\n<p class="headline">',
        "The three axes": "<figure>",
        "All estimates": "<table>",
        "Solvency in detail": "<figure>",
        "Who hits whom": "<figure>",
        "The worst and the median run": "<p>Chosen by a rule, not by taste",
        "What was not modelled": "<ul>\n<li>",
        "What was compared, and how": "<ul>\n<li>Regimes: ",
        "How to reproduce": '<table class="plain">',
    }
    assert [title for title, _ in found] == list(begins)
    for title, body in found:
        assert body.startswith(begins[title]), title


@pytest.mark.parametrize(
    ("steps", "seconds", "span"),
    [
        (24, 900.0, "24 steps (6 hours)"),
        (47, 3_600.0, "47 steps (47 hours)"),
        (48, 3_600.0, "48 steps (2 days)"),
        (119, 60.0, "119 steps (119 minutes)"),
        (9, 10.0, "9 steps (90 seconds)"),
        (1_500, 86_400.0, "1,500 steps (1,500 days)"),
    ],
)
def test_the_span_of_a_storm_is_told_in_the_largest_unit_that_fits_twice(steps, seconds, span) -> None:
    told = replace(tiny_comparison(), scenario=tiny(steps=steps, step_seconds=seconds))
    assert f"58 accounts, 3 markets, {span}, the same 4 storms for every regime." in report(told, [])
