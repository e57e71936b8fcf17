"""A PDF is looked through for what runs by itself or carries other files; one that has it is not kept.

Names may be written with #xx, and objects may lie in compressed object streams (ISO 32000-1, 7.3.5 and 7.5.7): both are read.
"""

import re
import zlib

LARGEST = 2_000_000  # bytes of one object stream; papers that people send stay far below
BEFORE = 400  # bytes before a stream in which its dictionary stands
# Long names only: in 20 MB of a picture's bytes a short one such as /JS stands by chance. A script's action has /JavaScript.
_ACTIVE = re.compile(rb"/(?:JavaScript|Launch|EmbeddedFiles?|RichMedia)(?![A-Za-z])")
_ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")
_STREAM = re.compile(rb"stream\r?\n")


def is_active(pdf: bytes) -> bool:
    """Whether the PDF holds scripts, starts programs or carries files, or hides what it holds."""
    if _ACTIVE.search(_plain(pdf)):
        return True
    for found in _STREAM.finditer(pdf):
        if b"/ObjStm" not in _plain(pdf[max(found.start() - BEFORE, 0) : found.start()]):
            continue
        reader = zlib.decompressobj()
        try:
            objects = reader.decompress(memoryview(pdf)[found.end() :], LARGEST)
        except zlib.error:
            return True
        if reader.unconsumed_tail or _ACTIVE.search(_plain(objects)):
            return True
    return False


def _plain(raw: bytes) -> bytes:
    """With names as they are read: #4a is J."""
    return _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), raw)
