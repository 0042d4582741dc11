"""Files that are made to hurt whoever reads them: generated here, never stored.

Each module has BOMBS: what a bomb is, by what it is called, as the file's name and its maker.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

Bombs = dict[str, tuple[str, Callable[[], bytes]]]
# What external entities ask for: whoever lets a bomb off puts something there that is known again.
SECRET = Path(tempfile.gettempdir()) / f"askwell-secret-{os.getpid()}.txt"
