"""Photos and files from residents and staff: checked, re-encoded without metadata, stored under a random key."""

import hashlib
import io
import secrets
from datetime import datetime
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.errors import BadInput, NotFound
from backend.media.models import Media, Upload
from backend.media.scan import is_active

MAX_SIDE = 2048
MAX_PIXELS = 60_000_000
MAX_RAW_SIDE = 30_000


class NotAnImage(BadInput):
    code = "not_an_image"
    sentence = "这个文件不是能打开的照片，请换一张照片发来。"


class TooLarge(BadInput):
    status = 413
    code = "too_large"
    sentence = "这张照片太大了，请换一张小一点的（20 MB 以内）。"


def clean_photo(raw: bytes) -> tuple[bytes, int, int]:
    """Return (JPEG bytes, width, height) without any metadata, upright, at most MAX_SIDE on a side.

    Only the first frame of an animation is read. Raises NotAnImage or TooLarge, before decoding where it can.
    """
    try:
        with Image.open(io.BytesIO(raw), formats=("JPEG", "PNG", "WEBP", "GIF", "BMP")) as image:
            width, height = image.size
            if width * height > MAX_PIXELS or max(width, height) > MAX_RAW_SIDE:
                raise TooLarge
            image.draft("RGB", (MAX_SIDE, MAX_SIDE))
            image.seek(0)
            upright = ImageOps.exif_transpose(image).convert("RGB")
            upright.thumbnail((MAX_SIDE, MAX_SIDE))
            out = io.BytesIO()
            upright.save(out, "JPEG", quality=85)
            return out.getvalue(), *upright.size
    except Image.DecompressionBombError:
        raise TooLarge from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        raise NotAnImage from None


async def store(
    session: AsyncSession,
    folder: Path,
    content: bytes,
    *,
    mime: str,
    size: tuple[int, int] | None,
    resident_id: int | None,
    now: datetime,
) -> Media:
    """Write the file, then its row. A file whose row was rolled back is harmless: nothing names it."""
    key = secrets.token_urlsafe(16)
    path = path_of(folder, key)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part")
    temporary.write_bytes(content)
    temporary.rename(path)
    media = Media(
        key=key,
        resident_id=resident_id,
        sha256=hashlib.sha256(content).hexdigest(),
        mime=mime,
        size=len(content),
        width=size[0] if size else None,
        height=size[1] if size else None,
        created_at=now,
    )
    session.add(media)
    if resident_id is None:
        session.add(Upload(key=key, stored_at=now))
    await session.flush()
    return media


def path_of(folder: Path, key: str) -> Path:
    return folder / key[:2] / key


def file_type(raw: bytes, claimed: str) -> str:
    """The type of a file we keep, checked by its first bytes. Raises BadInput for anything else, and for a PDF that is more
    than paper.
    """
    if raw.startswith(b"%PDF-"):
        if is_active(raw):
            raise BadInput("这个 PDF 里带着会自己运行的东西，不能收，请拍照发来。", code="active_content")
        return "application/pdf"
    if raw[4:8] == b"ftyp":
        return "video/quicktime" if claimed == "video/quicktime" else "video/mp4"
    if raw.startswith(b"\x1a\x45\xdf\xa3"):
        return "video/webm"
    raise BadInput("这种文件我打不开，照片、视频或 PDF 可以。", code="unknown_file_type")


async def get(session: AsyncSession, key: str) -> Media:
    """Return the row of ``key``. Raises NotFound."""
    media = await session.scalar(select(Media).where(Media.key == key))
    if media is None:
        raise NotFound
    return media


async def types(session: AsyncSession, keys: list[str]) -> dict[str, str]:
    """Return {key: mime} for the keys that exist."""
    if not keys:
        return {}
    rows = await session.execute(select(Media.key, Media.mime).where(Media.key.in_(keys)))
    return dict(rows.all())
