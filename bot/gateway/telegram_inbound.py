"""What a resident sent in a private chat, in the gateway's words."""

from dataclasses import dataclass
from typing import Any

from telegram import CallbackQuery, Message, Update
from telegram.ext import filters

from bot.gateway.pages.inbound import PAYLOAD

CHANNEL = "telegram"
COMMANDS = {"/start": ("/start", "开始"), "/help": ("/show_menu", "帮助"), "/menu": ("/show_menu", "菜单")}
CHOSEN = "（选择）"
VOUCHED = ('/vouch_phone{"sent":"1"}', "（已发送手机号）")


@dataclass(frozen=True)
class Attachment:
    """A file that has yet to be fetched. ``kind`` is the backend's: photo or file; ``size`` in bytes, where told."""

    file_id: str
    kind: str
    mime: str
    size: int


def read_message(message: Message, *, edited: bool) -> tuple[dict[str, Any], Attachment | None] | None:
    """The message as the backend takes it, and what has to be fetched for it; None when it says nothing.

    An edited message is a correction: of its words alone, where it has any, since its photo was taken already.
    """
    words = message.text or message.caption
    if edited and words:
        content, attachment = {"kind": "text", "text": words}, None
    elif edited and message.location:  # a live location moves on
        return None
    else:
        content, attachment = _content(message)
        if not content:
            return None
    stamp = f"e{message.message_id}:{int(message.edit_date.timestamp())}" if edited else f"m{message.message_id}"
    return _inbound(message, external_id=stamp, edited=edited) | content, attachment


def read_press(query: CallbackQuery) -> dict[str, Any] | None:
    """A pressed button. All presses under one message share an id: the first counts, whatever is pressed after it.

    None for a payload that is not on the message's keyboard: some apps can send what we never offered.
    """
    message, payload = query.message, query.data or ""
    title = CHOSEN
    if isinstance(message, Message):
        titles = {payload: title for title, payload in buttons_of(message)}
        if payload not in titles:
            return None
        title = titles[payload]
    elif not PAYLOAD.fullmatch(payload):
        return None
    sender = {"display_name": query.from_user.full_name, "kind": "button", "text": payload, "title": title}
    return {"channel": CHANNEL, "address": str(message.chat.id), "external_id": f"b{message.message_id}"} | sender


def buttons_of(message: Message) -> list[tuple[str, str]]:
    """(title, payload) of each button under the message."""
    rows = message.reply_markup.inline_keyboard if message.reply_markup else ()
    return [(button.text, button.callback_data) for row in rows for button in row if button.callback_data]


def read_raw(raw: dict[str, Any]) -> dict[str, Any] | None:
    """An update that could not be understood, so that its sender is answered; None when it has no private sender."""
    message = raw.get("message")
    match message:
        case {"message_id": int(number), "chat": {"id": int(chat), "type": "private"}}:
            stamp = {"channel": CHANNEL, "external_id": f"m{number}", "address": str(chat)}
            return stamp | {"kind": "unreadable"}
    return None


def _inbound(message: Message, *, external_id: str, edited: bool) -> dict[str, Any]:
    return {
        "channel": CHANNEL,
        "external_id": external_id,
        "address": str(message.chat.id),
        "display_name": message.from_user.full_name if message.from_user else "",
        "sent_at": message.date.isoformat(),
        "edited": edited,
    }


def _content(message: Message) -> tuple[dict[str, Any], Attachment | None]:
    """({kind, text, ...}, what to fetch); ({}, None) for a chat's own news: a pinned message, a new timer."""
    attachment, kind = _attachment(message), _kind(message)
    if attachment:
        return {"kind": kind, "text": message.caption or ""}, attachment
    if message.text is not None:
        return _text(message.text), None
    if place := message.location:
        words = f"{message.venue.title}，{message.venue.address}" if message.venue else ""
        return {"kind": "location", "text": words, "location": {"latitude": place.latitude, "longitude": place.longitude}}, None
    card, sender = message.contact, message.from_user
    if card and sender and card.user_id == sender.id:  # their own number, and Telegram says so; a friend's card is no proof
        payload, title = VOUCHED
        return {"kind": "button", "text": payload, "title": title, "contact": card.phone_number}, None
    if kind == "unreadable" and filters.StatusUpdate.ALL.check_update(Update(0, message=message)):
        return {}, None
    return {"kind": kind, "text": message.caption or ""}, None


def _kind(message: Message) -> str:
    document = message.document
    kinds = {
        "photo": message.photo or (document and _is_image(document.mime_type)),
        "video": message.video or message.video_note or message.animation,
        "file": document,
        "voice": message.voice or message.audio,
        "sticker": message.sticker or message.dice,
    }
    return next((kind for kind, there in kinds.items() if there), "unreadable")


def _attachment(message: Message) -> Attachment | None:
    if message.photo:
        largest = max(message.photo, key=lambda size: size.width * size.height)
        return Attachment(largest.file_id, "photo", "image/jpeg", largest.file_size or 0)
    if note := message.video_note:
        return Attachment(note.file_id, "file", "video/mp4", note.file_size or 0)
    if file := message.video or message.animation or message.document:
        mime = file.mime_type or "application/octet-stream"
        return Attachment(file.file_id, "photo" if _is_image(mime) else "file", mime, file.file_size or 0)
    return None


def _is_image(mime: str | None) -> bool:
    return (mime or "").startswith("image/")


def _text(text: str) -> dict[str, Any]:
    command = text.split(maxsplit=1)[0].partition("@")[0].lower() if text.startswith("/") else ""
    if command in COMMANDS:
        payload, title = COMMANDS[command]
        return {"kind": "button", "text": payload, "title": title}
    return {"kind": "text", "text": text}
