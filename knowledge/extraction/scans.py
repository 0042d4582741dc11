"""Pages of a PDF that hold no text: rendered by PDFium and read by text recognition."""

from collections.abc import Iterator
from contextlib import closing
from functools import cached_property

from PIL import Image
from pypdfium2 import PdfDocument, PdfiumError

from knowledge import wording
from knowledge.errors import OcrMissing
from knowledge.extraction import Notice, ocr
from knowledge.extraction.image import MAX_SIDE


class Scans:
    """The pages of one PDF as pictures, and how many of them could not be read."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._without_ocr = 0
        self._failed = 0

    def text(self, number: int) -> str:
        """What stands on the page (from 1); "" where it is blank or can't be read."""
        try:
            image = self._image(number)
            if len(set(image.getextrema())) == 1:
                return ""
            if ocr.installed():
                return ocr.recognise(image).text
            self._without_ocr += 1
        except (PdfiumError, ocr.OcrFailed):
            self._failed += 1
        return ""

    def notices(self, total: int, *, text_found: bool) -> Iterator[Notice]:
        """What to tell of pages that were not read. Raises OcrMissing where that was everything."""
        if self._without_ocr and not text_found:
            raise OcrMissing()
        if self._without_ocr:
            yield Notice(wording.PAGES_WITHOUT_OCR.format(pages=self._without_ocr, total=total))
        if self._failed:
            yield Notice(wording.PAGES_UNREAD.format(pages=self._failed, total=total))

    @cached_property
    def _document(self) -> PdfDocument:
        return PdfDocument(self._data)

    def _image(self, number: int) -> Image.Image:
        """The page in shades of grey, its longer side of MAX_SIDE pixels."""
        with closing(self._document[number - 1]) as page:
            scale = MAX_SIDE / max(*page.get_size(), 1)
            image: Image.Image = page.render(scale=scale, grayscale=True).to_pil()
            return image
