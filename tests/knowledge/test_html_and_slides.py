"""HTML and PPTX: what people see, under its headings."""

import io
import re
import zipfile
from typing import Any

import pytest
from pptx.chart.data import CategoryChartData, XyChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from knowledge.errors import DamagedFile, NoText
from knowledge.extraction import Part, Progress, extract, pieces
from tests.knowledge.office import member, pptx, repacked

PAGE = b"""<!DOCTYPE html><html><head><title>Guide</title><style>p { color: red }</style></head>
<body onload="x()"><nav>Menu</nav>
<h1>Leave</h1><p>One &amp; <b>two</b>
  three<br>four</p>
<h2>Sick <i>days</i></h2><ul><li>First<li>Second</ul>Tail
<table><tr><th>Kind<th>Days</tr><tr><td><p>Paid</p><td>25</table>
<pre>a
  b</pre><img alt="A lighthouse" src="x.png"></body></html>"""
UNSEEN = [
    "<script>SECRET</script>",
    "<style>SECRET</style>",
    "<!-- SECRET -->",
    "<div hidden>SECRET</div>",
    '<div style="color: red; display : NONE">SECRET</div>',
    '<span style="visibility:hidden">SECRET</span>',
    "<template>SECRET</template>",
    "<noscript>SECRET</noscript>",
    "<svg><text>SECRET</text></svg>",
    '<input type="hidden" value="SECRET">',
    '<a href="https://SECRET/">x</a>',
    "<?php SECRET ?>",
]


# What makes charts has no types.
CHART: Any = CategoryChartData
POINTS: Any = XyChartData


def texts(name: str, data: bytes) -> list[tuple[int | None, str, str]]:
    return [(part.page, part.heading, part.text) for part in extract(name, data).parts]


def test_html_is_read_under_its_headings() -> None:
    assert texts("a.html", PAGE) == [
        (None, "Guide", "Menu"),
        (None, "Guide > Leave", "One & two three\nfour"),
        (
            None,
            "Guide > Leave > Sick days",
            "- First\n\n- Second\n\nTail\n\nKind | Days\n\nPaid | 25\n\na\n  b\n\nA lighthouse",
        ),
    ]


@pytest.mark.parametrize("unseen", UNSEEN)
def test_what_a_browser_would_not_show_is_left_out(unseen: str) -> None:
    page = f"<html><body><p>before {unseen} after</p></body></html>"
    assert " ".join(texts("a.html", page.encode())[0][2].replace(" x ", " ").split()) == (
        "before after"
    )


def test_tables_that_lay_out_a_page_keep_its_blocks() -> None:
    page = b"<table><tr><td><h1>Left</h1><table><tr><td>a<td>b</table></td></tr></table>"
    assert texts("a.html", page) == [(None, "Left", "a | b")]


@pytest.mark.parametrize(
    "page",
    [
        "<meta charset=windows-1251><p>Отпуск</p>".encode("cp1251"),
        "<p>Отпуск</p>".encode(),
        '<?xml version="1.0" encoding="utf-8"?><html><p>Отпуск</p></html>'.encode(),
        "<html><p>Отпуск</p></html>".encode("utf-16"),
        "<meta charset=nonsense><p>Отпуск</p>".encode(),
    ],
)
def test_html_is_read_in_its_encoding(page: bytes) -> None:
    assert texts("a.html", page)[0][2] == "Отпуск"


def test_control_characters_around_what_is_unseen_do_no_harm() -> None:
    page = b"<p>a&#1;\x02<script>x()</script>&#3;\x04b</p>"
    assert texts("a.html", page) == [(None, "", "ab")]


def test_the_encoding_that_a_page_names_counts_more_than_a_guess() -> None:
    page = "<meta charset=iso-8859-15><p>Größe: €5</p>".encode("iso-8859-15")
    assert texts("a.html", page)[0][2] == "Größe: €5"


def test_what_lies_hundreds_of_elements_deep_is_read() -> None:
    page = f"{'<div>' * 500}deep{'</div>' * 500}<p>after"
    assert texts("a.html", page.encode())[0][2] == "deep\n\nafter"


@pytest.mark.parametrize("tag", ["div", "table", "b", "ul", "h1"])
def test_elements_within_elements_without_end_do_no_harm(tag: str) -> None:
    page = f"<p>Before</p>{f'<{tag}>' * 50_000}deep"
    assert "Before" in " ".join(part.text for part in extract("a.html", page.encode()).parts)


def test_entities_of_a_page_of_its_own_stay_as_they_are() -> None:
    declared = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    page = f'<!DOCTYPE html [<!ENTITY e0 "lol">{declared}]><p>&e9;</p>'
    assert sum(len(part.text) for part in extract("a.html", page.encode()).parts) < 1000


def test_a_page_without_words_holds_no_text() -> None:
    with pytest.raises(NoText):
        extract("a.html", b"<html><body><script>x()</script><img src=a.png></body></html>")


def deck(show: Any) -> None:
    slide = show.slides.add_slide(show.slide_layouts[1])
    slide.shapes.title.text = "Leave\nfor all"
    slide.placeholders[1].text = "Twenty-five days."
    group = slide.shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame.text = "In a group."
    table = slide.shapes.add_table(2, 2, 0, 0, Inches(4), Inches(1)).table
    for number, cell in enumerate(table.iter_cells()):
        cell.text = f"c{number}"
    table.cell(0, 0).merge(table.cell(0, 1))
    slide.notes_slide.notes_text_frame.text = "Say that it is paid."
    show.slides.add_slide(show.slide_layouts[6])
    only = show.slides.add_slide(show.slide_layouts[5])
    only.shapes.title.text = "Questions?"


def test_a_slide_is_a_page_with_its_title_tables_groups_and_notes() -> None:
    assert texts("a.pptx", pptx(deck)) == [
        (
            1,
            "Leave for all",
            "Twenty-five days.\n\nIn a group.\n\nc0 c1\n\nc2 | c3\n\nSay that it is paid.",
        ),
        (3, "Questions?", "Questions?"),
    ]


def charts(show: Any) -> None:
    slide = show.slides.add_slide(show.slide_layouts[6])
    bars, points = CHART(), POINTS()
    bars.categories = ["Q1", "Q2"]
    bars.add_series("Revenue", (12, 13.5))
    bars.add_series("Costs", (None, 4))
    points.add_series("Height").add_data_point(1, 2)
    for kind, data in ((XL_CHART_TYPE.BAR_CLUSTERED, bars), (XL_CHART_TYPE.XY_SCATTER, points)):
        slide.shapes.add_chart(kind, 0, 0, Inches(4), Inches(3), data)


def test_the_values_of_a_chart_are_read() -> None:
    read = texts("a.pptx", pptx(charts))
    assert read == [(1, "", "Q1 | Revenue: 12\n\nQ2 | Revenue: 13.5 | Costs: 4")]


def test_a_chart_of_an_unknown_kind_is_left_out() -> None:
    data = pptx(charts)
    inside = zipfile.ZipFile(io.BytesIO(data)).namelist()
    names = [name for name in inside if re.search(r"charts/chart\d+\.xml$", name)]
    changed = {n: member(data, n).replace(b"c:barChart", b"c:stockChart") for n in names}
    deck_and_words = repacked(pptx(charts), changed)
    with pytest.raises(NoText):
        extract("a.pptx", deck_and_words)


def test_slides_tell_how_far_they_are() -> None:
    told = [piece for piece in pieces("pptx", pptx(deck)) if not isinstance(piece, Part)]
    assert told == [Progress(number, 3) for number in range(4)]


def test_a_deck_without_slides_holds_no_text() -> None:
    with pytest.raises(NoText):
        extract("a.pptx", pptx(lambda show: None))


def test_a_slide_that_is_damaged_is_refused() -> None:
    with pytest.raises(DamagedFile):
        extract("a.pptx", repacked(pptx(), {"ppt/slides/slide1.xml": b"<p:sld"}))
