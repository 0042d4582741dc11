"""PPTX through python-pptx: a slide is a page, its title the heading."""

import io
from collections.abc import Iterable, Iterator

from lxml.etree import LxmlError
from pptx import Presentation
from pptx.chart.chart import Chart
from pptx.exc import PythonPptxError
from pptx.shapes.autoshape import Shape
from pptx.shapes.base import BaseShape
from pptx.shapes.graphfrm import GraphicFrame
from pptx.shapes.group import GroupShape
from pptx.slide import Slide
from pptx.table import Table

from knowledge.errors import DamagedFile, TooLarge
from knowledge.extraction import Part, Progress, archive

MAX_SLIDES = 2000
FAULTS = (*archive.OFFICE_FAULTS, LxmlError, PythonPptxError)


def read(data: bytes) -> Iterator[Part | Progress]:
    """Each slide's texts, tables and charts, then its notes."""
    try:
        archive.check(data, "PPTX")
        slides = Presentation(io.BytesIO(data)).slides
        if (total := len(slides)) > MAX_SLIDES:
            raise TooLarge(f"{total} slides; the limit is {MAX_SLIDES}")
        yield Progress(0, total)
        for number, slide in enumerate(slides, start=1):
            yield _part(number, slide)
            yield Progress(number, total)
    except FAULTS as error:
        raise DamagedFile("the PPTX can't be read; open it, save it anew and add that") from error


def _part(number: int, slide: Slide) -> Part:
    title = slide.shapes.title
    heading = "" if title is None else " ".join(title.text_frame.text.split())
    shapes = [shape for shape in slide.shapes if title is None or shape.shape_id != title.shape_id]
    lines = [*_lines(shapes), *_notes(slide)]
    return Part(number, heading, "\n\n".join(lines))


def _lines(shapes: Iterable[BaseShape]) -> Iterator[str]:
    for shape in shapes:
        if isinstance(shape, GroupShape):
            yield from _lines(shape.shapes)
        elif isinstance(shape, GraphicFrame) and shape.has_table:
            yield from _rows(shape.table)
        elif isinstance(shape, GraphicFrame) and shape.has_chart:
            yield from _chart(shape.chart)
        elif isinstance(shape, Shape) and (text := shape.text_frame.text.strip()):
            yield text


def _rows(table: Table) -> Iterator[str]:
    for row in table.rows:
        cells = (cell.text_frame.text.split() for cell in row.cells if not cell.is_spanned)
        yield " | ".join(" ".join(cell) for cell in cells)


def _chart(chart: Chart) -> Iterator[str]:
    """A line for each category with its value in every series; none of kinds that have neither."""
    try:
        plots = [
            (list(plot.categories), [(series.name, series.values) for series in plot.series])
            for plot in chart.plots
        ]
    except FAULTS:  # python-pptx doesn't know every kind
        return
    for categories, columns in plots:
        for number, category in enumerate(categories):
            values = ((name, values[number]) for name, values in columns if number < len(values))
            told = [f"{name}: {value:.15g}" for name, value in values if value is not None]
            yield " | ".join([str(category), *told])


def _notes(slide: Slide) -> Iterator[str]:
    frame = slide.notes_slide.notes_text_frame if slide.has_notes_slide else None
    if frame is not None and (text := frame.text.strip()):
        yield text
