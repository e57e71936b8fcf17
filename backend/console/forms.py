"""Forms as browsers send them, read in pieces: fields into memory, photos cleaned and stored one by one."""

import asyncio
from dataclasses import dataclass, field

from aiohttp import BodyPartReader, web

from backend.errors import BadInput, Forbidden
from backend.media import service as media
from backend.vault import numbers
from backend.web import CLOCK, DATABASE, SETTINGS

FIELD_LIMIT = 64 * 1024
FIELDS = 40
MAX_PHOTOS = 9
# What is no words: keys, codes of our own, a lawyer's licence, and files whose columns are read one by one.
NOT_WORDS = ("csrf", "once", "csv", "phrase", "licence")


@dataclass
class Form:
    """``fields`` by name, with personal numbers masked; ``found`` are those by field; and the keys of the files."""

    fields: dict[str, str] = field(default_factory=dict)
    photos: list[str] = field(default_factory=list)
    found: dict[str, list[numbers.Found]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, "").strip()


async def read_form(request: web.Request, *, csrf: str, phones: bool = True, files: bool = False) -> Form:
    """Return the form, its personal numbers masked (phones not, where what is written is to be published).

    Raises Forbidden unless it carries ``csrf``, before any file of it is looked at.

    A file named ``csv`` becomes a field of text, and is BadInput when it is not in UTF-8; every other one is a photo, or with
    ``files`` a PDF or video too.
    """
    form = await _read(request, csrf=csrf, files=files)
    today = request.app[CLOCK].now().astimezone(request.app[SETTINGS].zone).date()
    for name, value in form.fields.items():
        if not name.startswith(NOT_WORDS):
            form.fields[name], form.found[name] = numbers.take_out(value, today=today, phones=phones)
    return form


async def _read(request: web.Request, *, csrf: str, files: bool) -> Form:
    form = Form()
    if request.content_type != "multipart/form-data":
        form.fields = {key: str(value) for key, value in (await request.post()).items()}
        check_csrf(form, csrf)
        return form
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader) or part.name is None or len(form.fields) > FIELDS:
            raise BadInput
        if part.filename is None:
            form.fields[part.name] = (await read_part(part, FIELD_LIMIT)).decode(errors="replace")
            continue
        check_csrf(form, csrf)
        raw = await read_part(part, request.app[SETTINGS].media_max_bytes)
        if part.name == "csv":
            try:
                form.fields["csv"] = raw.decode("utf-8-sig")
            except UnicodeDecodeError:
                raise BadInput("文件不是UTF-8编码，请另存为“CSV UTF-8”后再导入。", fields=["csv"]) from None
            continue
        if raw:
            if len(form.photos) == MAX_PHOTOS:
                raise BadInput(f"一次最多传 {MAX_PHOTOS} {'个文件' if files else '张照片'}。", code="too_many_photos")
            form.photos.append(await _store(request, raw, part.headers.get("Content-Type", "") if files else None))
    check_csrf(form, csrf)
    return form


def check_csrf(form: Form, csrf: str) -> None:
    if not csrf or form["csrf"] != csrf:
        raise Forbidden("页面放得太久了，请刷新后再试。", code="csrf")


async def read_part(part: BodyPartReader, limit: int) -> bytes:
    """The part's bytes, at most ``limit``. Raises TooLarge as soon as it is known to be more."""
    body = bytearray()
    while chunk := await part.read_chunk(64 * 1024):
        body += chunk
        if len(body) > limit:
            raise media.TooLarge
    return bytes(body)


async def _store(request: web.Request, raw: bytes, claimed: str | None) -> str:
    """Keep a photo, or where a type is ``claimed`` any file that we keep; returns its key."""
    if claimed is None or claimed.startswith("image/"):
        raw, *size = await asyncio.to_thread(media.clean_photo, raw)
        mime = "image/jpeg"
    else:
        size, mime = [], await asyncio.to_thread(media.file_type, raw, claimed)
    settings = request.app[SETTINGS]
    async with request.app[DATABASE].write() as session:
        row = await media.store(
            session,
            settings.home / "media",
            raw,
            mime=mime,
            size=tuple(size) or None,
            resident_id=None,
            now=request.app[CLOCK].now(),
        )
    return row.key
