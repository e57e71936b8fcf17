"""Photos are decoded, cleaned and bounded; whatever is not one is refused with a kind sentence."""

import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from backend.clock import FakeClock
from backend.db import Database
from backend.media import service


def photo(size: tuple[int, int] = (640, 480), kind: str = "JPEG", **options: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "steelblue").save(out, kind, **options)
    return out.getvalue()


def test_a_photo_loses_where_it_was_taken() -> None:
    exif = Image.Exif()
    exif[0x8825] = {1: "N", 2: (32.0, 29.0, 0.0), 3: "E", 4: (119.0, 55.0, 0.0)}
    exif[0x010F] = "SomePhone"
    raw = photo(exif=exif)
    assert b"SomePhone" in raw
    cleaned, width, height = service.clean_photo(raw)
    assert (width, height) == (640, 480)
    assert b"SomePhone" not in cleaned
    assert dict(Image.open(io.BytesIO(cleaned)).getexif()) == {}


def test_a_photo_lying_on_its_side_is_put_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    _, width, height = service.clean_photo(photo(exif=exif))
    assert (width, height) == (480, 640)


def test_a_large_photo_is_made_smaller() -> None:
    _, width, height = service.clean_photo(photo((6000, 4000)))
    assert (width, height) == (2048, 1365)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_what_phones_send_can_be_read(kind: str) -> None:
    cleaned, *_ = service.clean_photo(photo(kind=kind))
    assert cleaned.startswith(b"\xff\xd8")


def png_of(width: int, height: int) -> bytes:
    """A tiny PNG file that claims to be enormous."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(50_000, 50_000), (100_000, 1), (20_000, 20_000)])
def test_a_picture_bomb_is_refused_before_it_is_decoded(size: tuple[int, int]) -> None:
    with pytest.raises(service.TooLarge):
        service.clean_photo(png_of(*size))


def test_a_bomb_of_frames_costs_one_frame() -> None:
    frames = [Image.new("P", (500, 500), colour) for colour in range(200)]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=10)
    _, width, height = service.clean_photo(out.getvalue())
    assert (width, height) == (500, 500)


@pytest.mark.parametrize("raw", [b"", b"hello, I am text", photo()[:300], b"GIF89a" + b"\xff" * 50, b"\0" * 10_000])
def test_what_is_no_photo_is_refused(raw: bytes) -> None:
    with pytest.raises(service.NotAnImage):
        service.clean_photo(raw)


async def test_a_photo_is_stored_under_a_random_key(database: Database, clock: FakeClock, tmp_path: Path) -> None:
    async with database.write() as session:
        media = await service.store(
            session, tmp_path, b"jpeg", mime="image/jpeg", size=(1, 1), resident_id=None, now=clock.now()
        )
        again = await service.store(
            session, tmp_path, b"jpeg", mime="image/jpeg", size=(1, 1), resident_id=None, now=clock.now()
        )
    assert media.key != again.key
    assert service.path_of(tmp_path, media.key).read_bytes() == b"jpeg"


@pytest.mark.parametrize(
    ("raw", "claimed", "mime"),
    [
        (b"%PDF-1.7 ...", "application/octet-stream", "application/pdf"),
        (b"\0\0\0\x18ftypmp42", "video/mp4", "video/mp4"),
        (b"\x1a\x45\xdf\xa3xx", "video/webm", "video/webm"),
    ],
)
def test_a_file_is_known_by_its_first_bytes(raw: bytes, claimed: str, mime: str) -> None:
    assert service.file_type(raw, claimed) == mime


def object_stream(objects: bytes) -> bytes:
    packed = zlib.compress(objects)
    head = b"1 0 obj <</Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length %d>> stream\r\n" % len(packed)
    return b"%PDF-1.7\n" + head + packed + b"\nendstream endobj"


@pytest.mark.parametrize(
    ("pdf", "kept"),
    [
        (b"%PDF-1.7 1 0 obj <</Type /Catalog /Title (about JS and Launch)>> endobj", True),
        (object_stream(b"<</Type /Page>>"), True),
        (b"%PDF-1.7 <</OpenAction <</S /JavaScript /JS (app.alert(1))>>>>", False),
        (b"%PDF-1.7 <</S /#4aavaScript>>", False),
        (b"%PDF-1.7 <</Type /EmbeddedFile>>", False),
        (b"%PDF-1.7 <</S /Launch /F (cmd.exe)>>", False),
        (object_stream(b"<</S /JavaScript /JS 7 0 R>>"), False),
        (object_stream(b"a" * 3_000_000), False),
        (b"%PDF-1.7 <</Type /ObjStm>> stream\nnot compressed", False),
    ],
)
def test_a_pdf_is_scanned_for_what_runs_or_is_hidden_in_it(pdf: bytes, kept: bool) -> None:
    if kept:
        assert service.file_type(pdf, "application/pdf") == "application/pdf"
    else:
        with pytest.raises(service.BadInput):
            service.file_type(pdf, "application/pdf")


def test_a_text_that_calls_itself_a_film_is_refused() -> None:
    with pytest.raises(service.BadInput):
        service.file_type(b"<script>alert(1)</script>", "video/mp4")
