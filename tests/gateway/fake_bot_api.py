"""Telegram's servers, as far as we use them, and stricter than they are: a parameter that a method does not know, or one
that is missing or of a wrong type, is refused with 400. What it does is written at https://core.telegram.org/bots/api."""

import asyncio
import contextlib
import json
import re
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import aiohttp
from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Json, ValidationError, model_validator

TOKEN = "123456:AAtestTokenOfNobody"
BOT = {"id": 123456, "is_bot": True, "first_name": "邻里通", "username": "linlitong_test_bot"}
FILE_LIMIT = 20 * 1024 * 1024


def _units(limit: int) -> Any:
    def check(text: str) -> str:
        if len(text.encode("utf-16-le")) // 2 > limit:
            raise ValueError("message is too long")
        return text

    return AfterValidator(check)


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Button(Strict):
    text: str = Field(min_length=1)
    callback_data: str | None = None
    url: str | None = Field(None, pattern=r"^https://t\.me/")

    @model_validator(mode="after")
    def one_use(self) -> "Button":
        if (self.callback_data is None) == (self.url is None):
            raise ValueError("exactly one of the optional fields")
        if self.callback_data is not None and not 1 <= len(self.callback_data.encode()) <= 64:
            raise ValueError("BUTTON_DATA_INVALID")
        return self


class Keyboard(Strict):
    inline_keyboard: list[list[Button]]


class OwnNumber(Strict):
    text: str = Field(min_length=1)
    request_contact: Literal[True]


class NumberKeyboard(Strict):
    keyboard: list[list[OwnNumber]]
    resize_keyboard: bool
    one_time_keyboard: bool


class LinkPreview(Strict):
    is_disabled: bool


class Command(Strict):
    command: str = Field(pattern=r"^[a-z0-9_]{1,32}$")
    description: str = Field(min_length=1, max_length=256)


class AlbumPhoto(Strict):
    type: Literal["photo"]
    media: str = Field(pattern=r"^attach://")


class GetMe(Strict):
    pass


class GetUpdates(Strict):
    offset: int | None = None
    limit: int = Field(100, ge=1, le=100)
    timeout: int = Field(0, ge=0, le=50)
    allowed_updates: Json[list[str]] | None = None


class SetWebhook(Strict):
    url: str
    max_connections: int = Field(40, ge=1, le=100)
    allowed_updates: Json[list[str]] | None = None
    secret_token: str | None = Field(None, pattern=r"^[A-Za-z0-9_-]{1,256}$")


class DeleteWebhook(Strict):
    drop_pending_updates: bool = False


class SetMyCommands(Strict):
    commands: Json[list[Command]]


class ToChat(Strict):
    chat_id: int
    reply_markup: Json[Keyboard] | None = None


class SendMessage(ToChat):
    reply_markup: Json[Keyboard | NumberKeyboard] | None = None
    text: Annotated[str, Field(min_length=1), _units(4096)]
    link_preview_options: Json[LinkPreview] | None = None


class SendPhoto(ToChat):
    photo: bytes = Field(min_length=1)
    caption: Annotated[str, _units(1024)] = ""


class SendDocument(ToChat):
    document: bytes = Field(min_length=1)


class SendMediaGroup(Strict):
    chat_id: int
    media: Json[list[AlbumPhoto]] = Field(min_length=2, max_length=10)
    files: dict[str, bytes]


class AnswerCallbackQuery(Strict):
    callback_query_id: str
    text: str = Field("", max_length=200)


class EditMessageReplyMarkup(Strict):
    chat_id: int
    message_id: int
    reply_markup: Json[Keyboard] | None = None


class GetFile(Strict):
    file_id: str


METHODS: dict[str, type[Strict]] = {
    model.__name__[0].lower() + model.__name__[1:]: model
    for model in (
        GetMe, GetUpdates, SetWebhook, DeleteWebhook, SetMyCommands, SendMessage, SendPhoto, SendDocument, SendMediaGroup,
        AnswerCallbackQuery, EditMessageReplyMarkup, GetFile,
    )
}  # fmt: skip


class Refused(Exception):
    def __init__(self, status: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.status, self.description, self.parameters = status, description, parameters


@dataclass
class Fault:
    """What the next call of a method meets: an answer of ``status``, or silence, or a broken connection.

    ``after``: the method is carried out first, and only its answer is lost.
    """

    status: int = 0
    description: str = "Too Many Requests: retry after"
    retry_after: int = 0
    hang: float = 0.0
    reset: bool = False
    after: bool = False


@dataclass
class FakeBotApi:
    """``sent`` holds what arrived in chats, ``presses`` what was answered to buttons, ``refusals`` the calls whose parameters
    were wrong. ``strict`` asks for one message a second in a chat. ``files`` maps an id to the content; of ``lies`` the
    size is not told."""

    strict: bool = False
    sent: list[dict[str, Any]] = field(default_factory=list)
    presses: dict[str, str] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    blocked: set[int] = field(default_factory=set)
    unknown_chats: set[int] = field(default_factory=set)
    files: dict[str, bytes] = field(default_factory=dict)
    lies: set[str] = field(default_factory=set)
    faults: dict[str, list[Fault]] = field(default_factory=lambda: defaultdict(list))
    updates: list[dict[str, Any]] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    webhook: SetWebhook | None = None
    commands: list[Command] = field(default_factory=list)
    _open_presses: set[str] = field(default_factory=set)
    _ids: int = 100
    _poll: int = 0
    _bell: asyncio.Event = field(default_factory=asyncio.Event)
    _last: dict[int, float] = field(default_factory=dict)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=60 * 1024 * 1024)
        app.router.add_post("/bot{token}/{method}", self.call)
        app.router.add_get("/file/bot{token}/{path}", self.file)
        return app

    # ---- what residents do ---------------------------------------------------------------------------------

    def next_id(self) -> int:
        self._ids += 1
        return self._ids

    def give(self, **content: Any) -> dict[str, Any]:
        """Queue an update, which is returned."""
        update = {"update_id": self.next_id() * 10, **content}
        self.updates.append(update)
        self._bell.set()
        return update

    def message(self, chat: int, *, group: bool = False, **content: Any) -> dict[str, Any]:
        """A message as Telegram describes it, not queued."""
        kind = {"type": "group", "title": "三号楼邻居群"} if group else {"type": "private", "first_name": "王"}
        sender = {"id": abs(chat), "is_bot": False, "first_name": "王", "last_name": "阿姨"}
        return {"message_id": self.next_id(), "date": int(time.time()), "chat": {"id": chat} | kind, "from": sender, **content}

    def say(self, chat: int, text: str, **content: Any) -> dict[str, Any]:
        if text.startswith("/"):
            command = {"type": "bot_command", "offset": 0, "length": len(text.split(maxsplit=1)[0])}
            content = {"entities": [command]} | content
        return self.give(message=self.message(chat, text=text, **content))

    def membership(self, chat: int, status: str) -> dict[str, Any]:
        """The resident blocks the bot ("kicked") or lets it in again ("member")."""
        member, until = {"user": BOT}, {"until_date": 0}
        states = [member | {"status": "member"}, member | until | {"status": "kicked"}]
        old, new = states if status == "kicked" else states[::-1]
        about = {key: value for key, value in self.message(chat).items() if key != "message_id"}
        return self.give(my_chat_member=about | {"old_chat_member": old, "new_chat_member": new})

    def photo(self, chat: int, content: bytes, *, caption: str | None = None, **more: Any) -> dict[str, Any]:
        sizes = []
        for side, file_id in ((90, "small"), (1280, f"photo-{self.next_id()}")):
            self.files[file_id] = content if side > 90 else b"thumbnail"
            size = {"file_id": file_id, "file_unique_id": f"u{file_id}", "width": side, "height": side}
            sizes.append(size | {"file_size": len(self.files[file_id])})
        words = {"caption": caption} if caption else {}
        return self.give(message=self.message(chat, photo=sizes, **words, **more))

    def attach(self, chat: int, kind: str, content: bytes, **about: Any) -> dict[str, Any]:
        """A video, document, voice, ... of ``content``."""
        file_id = f"{kind}-{self.next_id()}"
        self.files[file_id] = content
        file = {"file_id": file_id, "file_unique_id": f"u{file_id}", "file_size": len(content), **about}
        return self.give(message=self.message(chat, **{kind: file}))

    def press(self, message: dict[str, Any], title: str, *, data: str | None = None) -> dict[str, Any]:
        """Press the button that is called ``title`` under a sent message, or send ``data`` as a strange app does."""
        if data is None:
            buttons = [button for row in message["reply_markup"]["inline_keyboard"] for button in row]
            data = next(button["callback_data"] for button in buttons if button["text"] == title)
        sender = {"id": message["chat"]["id"], "is_bot": False, "first_name": "王"}
        query = {"id": str(self.next_id()), "from": sender, "chat_instance": "1"}
        self._open_presses.add(query["id"])
        return self.give(callback_query=query | {"data": data, "message": json.loads(json.dumps(message))})

    async def post(self, http: aiohttp.ClientSession, url: str, update: dict[str, Any], secret: str | None = None) -> int:
        """Call the webhook at ``url`` with an update, as Telegram does."""
        headers = {} if secret is None else {"X-Telegram-Bot-Api-Secret-Token": secret}
        async with http.post(url, json=update, headers=headers) as answer:
            return answer.status

    # ---- the Bot API ---------------------------------------------------------------------------------------

    async def call(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        self.calls.append(method)
        fault = self.faults[method].pop(0) if self.faults[method] else Fault()
        try:
            if fault.status and not fault.after:
                more = {"retry_after": fault.retry_after} if fault.retry_after else {}
                raise Refused(fault.status, fault.description, **more)
            result = None if (fault.hang or fault.reset) and not fault.after else await self._carry_out(request, method)
        except Refused as refused:
            body = {"ok": False, "error_code": refused.status, "description": refused.description}
            if refused.parameters:
                body["parameters"] = refused.parameters
            return web.json_response(body, status=refused.status)
        if fault.hang:
            await asyncio.sleep(fault.hang)
        if (fault.reset or fault.hang) and request.transport:
            request.transport.abort()
        return web.json_response({"ok": True, "result": result})

    async def _carry_out(self, request: web.Request, method: str) -> Any:
        if request.match_info["token"] != TOKEN:
            raise Refused(401, "Unauthorized")
        if (model := METHODS.get(method)) is None:
            raise Refused(404, "Not Found")
        try:
            given = model.model_validate(await _parameters(request, method))
        except ValidationError as error:
            problem = error.errors()[0]
            where = ".".join(str(part) for part in problem["loc"])
            self.refusals.append(f"{method}: {where}: {problem['msg']}")
            raise Refused(400, f"Bad Request: {where}: {problem['msg']}") from None
        handler: Callable[[Any], Any] = getattr(self, re.sub("[A-Z]", lambda capital: f"_{capital[0].lower()}", method))
        return await handler(given)

    async def get_me(self, _: GetMe) -> Any:
        return {**BOT, "can_join_groups": True, "can_read_all_group_messages": False, "supports_inline_queries": False}

    async def get_updates(self, asked: GetUpdates) -> Any:
        if self.webhook:
            raise Refused(409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook")
        self._poll += 1
        mine = self._poll
        self._bell.set()  # who has been waiting gives way
        await asyncio.sleep(0)
        if asked.offset is not None:
            self.offsets.append(asked.offset)
            self.updates = [update for update in self.updates if update["update_id"] >= asked.offset]
        end = time.monotonic() + asked.timeout
        while not self.updates and (left := end - time.monotonic()) > 0:
            self._bell.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._bell.wait(), left)
            if mine != self._poll:
                raise Refused(409, "Conflict: terminated by other getUpdates request; make sure that only one is running")
        return self.updates[: asked.limit]

    async def set_webhook(self, asked: SetWebhook) -> bool:
        if not asked.url.startswith("https://"):
            raise Refused(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        self.webhook = asked
        return True

    async def delete_webhook(self, _: DeleteWebhook) -> bool:
        self.webhook = None
        return True

    async def set_my_commands(self, asked: SetMyCommands) -> bool:
        self.commands = asked.commands
        return True

    async def send_message(self, asked: SendMessage) -> Any:
        text = asked.text.strip()
        if not text:
            raise Refused(400, "Bad Request: message text is empty")
        return self._sent(asked, text=text)

    async def send_photo(self, asked: SendPhoto) -> Any:
        return self._sent(asked, photo_bytes=asked.photo, caption=asked.caption)

    async def send_document(self, asked: SendDocument) -> Any:
        return self._sent(asked, document_bytes=asked.document)

    async def send_media_group(self, asked: SendMediaGroup) -> Any:
        names = [photo.media.removeprefix("attach://") for photo in asked.media]
        if sorted(names) != sorted(asked.files):
            raise Refused(400, "Bad Request: wrong file identifier")
        markup = ToChat(chat_id=asked.chat_id)
        first = self._sent(markup, photo_bytes=asked.files[names[0]])
        return [first, *(self._sent(markup, paced=False, photo_bytes=asked.files[name]) for name in names[1:])]

    def _sent(self, asked: ToChat, *, paced: bool = True, **content: Any) -> Any:
        chat = asked.chat_id
        if chat in self.unknown_chats:
            raise Refused(400, "Bad Request: chat not found")
        if chat in self.blocked:
            raise Refused(403, "Forbidden: bot was blocked by the user")
        now = time.monotonic()
        if self.strict and paced and now - self._last.get(chat, 0.0) < 0.98:
            raise Refused(429, "Too Many Requests: retry after 1", retry_after=1)
        self._last[chat] = now
        kind = {"type": "private", "first_name": "王"} if chat > 0 else {"type": "group", "title": "群"}
        message = {"message_id": self.next_id(), "date": int(time.time()), "chat": {"id": chat} | kind, "from": BOT}
        if asked.reply_markup:
            message["reply_markup"] = asked.reply_markup.model_dump(exclude_none=True)
        seen = {key: value for key, value in content.items() if not key.endswith("_bytes")}
        self.sent.append(message | content | {"at": now})
        return message | seen

    async def answer_callback_query(self, asked: AnswerCallbackQuery) -> bool:
        if asked.callback_query_id not in self._open_presses:
            raise Refused(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        self._open_presses.discard(asked.callback_query_id)
        self.presses[asked.callback_query_id] = asked.text
        return True

    async def edit_message_reply_markup(self, asked: EditMessageReplyMarkup) -> Any:
        for message in self.sent:
            if (message["chat"]["id"], message["message_id"]) == (asked.chat_id, asked.message_id):
                wanted = asked.reply_markup.model_dump(exclude_none=True) if asked.reply_markup else None
                if message.get("reply_markup") == wanted:
                    raise Refused(400, "Bad Request: message is not modified")
                message["reply_markup"] = wanted
                return {key: message[key] for key in ("message_id", "date", "chat", "from")}
        raise Refused(400, "Bad Request: message to edit not found")

    async def get_file(self, asked: GetFile) -> Any:
        content = self.files.get(asked.file_id)
        if content is None:
            raise Refused(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        told = {} if asked.file_id in self.lies else {"file_size": len(content)}
        if told and len(content) > FILE_LIMIT:
            raise Refused(400, "Bad Request: file is too big")
        return {"file_id": asked.file_id, "file_unique_id": f"u{asked.file_id}", "file_path": asked.file_id, **told}

    async def file(self, request: web.Request) -> web.StreamResponse:
        self.calls.append("file")
        fault = self.faults["file"].pop(0) if self.faults["file"] else Fault()
        if fault.hang:
            await asyncio.sleep(fault.hang)
        if fault.status or request.match_info["token"] != TOKEN:
            return web.Response(status=fault.status or 404)
        if fault.reset and request.transport:
            request.transport.abort()
        return web.Response(body=self.files[request.match_info["path"]])


async def _parameters(request: web.Request, method: str) -> dict[str, Any]:
    """The call's parameters; the bytes of an uploaded file stand where its name was."""
    given: dict[str, Any] = dict(request.query)
    files: dict[str, bytes] = {}
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            files[name] = value.file.read()
        else:
            given[name] = value
    if method == "sendMediaGroup":
        return given | {"files": files}
    for name, value in given.items():
        if isinstance(value, str) and value.startswith("attach://"):
            given[name] = files.pop(value.removeprefix("attach://"))
    return given | files
