"""One table of what the staff HTTP API offers. Routes are made from it, and so is the OpenAPI document."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ValidationError

from backend.errors import BadInput, NotFound, NotSignedIn
from backend.staff.service import SignedIn, check, who
from backend.vault.numbers import Found, take_out
from backend.web import CLOCK, DATABASE, SETTINGS, body_of

Answer = BaseModel | web.StreamResponse | None


@dataclass(frozen=True)
class Call:
    """A checked request: who asks, with what body and query, each as the operation's schema.

    Personal numbers are masked in the body's words; ``found`` are they, by field.
    """

    request: web.Request
    body: Any
    query: Any
    found: dict[str, list[Found]]
    _signed: SignedIn | None

    @property
    def signed(self) -> SignedIn:
        if self._signed is None:
            raise NotSignedIn
        return self._signed


@dataclass(frozen=True)
class Operation:
    """``answer`` is the schema of the answer; None with ``media`` for files, None without for an empty one. Without ``phones``
    those of the body stay: they are an office's.
    """

    method: str
    path: str
    name: str
    summary: str
    work: Callable[[Call], Awaitable[Answer]]
    status: int = 200
    answer: type[BaseModel] | None = None
    media: str | None = None
    body: type[BaseModel] | None = None
    upload: str | None = None
    query: type[BaseModel] | None = None
    open_to_all: bool = False
    phones: bool = True

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Check who asks and what they sent, do the work, and answer JSON."""
        signed = None if self.open_to_all else await signed_in(request)
        body = await body_of(request, self.body) if self.body else None
        query = query_of(request, self.query) if self.query else None
        found: dict[str, list[Found]] = {}
        if body is not None:
            today = request.app[CLOCK].now().astimezone(request.app[SETTINGS].zone).date()
            body, found = without_numbers(body, today=today, phones=self.phones)
            if signed is not None:
                await still_in(request, bearer(request))
        answer = await self.work(Call(request, body, query, found, signed))
        if isinstance(answer, web.StreamResponse):
            return answer
        if answer is None:
            return web.Response(status=self.status)
        return web.json_response(text=answer.model_dump_json(), status=self.status)


OPERATIONS: list[Operation] = []
NOT_WORDS = frozenset(("username", "password", "once", "csv"))  # a list's numbers are taken out row by row


def without_numbers(body: BaseModel, *, today: date, phones: bool) -> tuple[BaseModel, dict[str, list[Found]]]:
    """The body with the personal numbers in its words masked, and those numbers by field."""
    words = {
        name: take_out(value, today=today, phones=phones)
        for name, value in body
        if type(value) is str and name not in NOT_WORDS
    }
    found = {name: numbers for name, (_, numbers) in words.items() if numbers}
    return body.model_copy(update={name: words[name][0] for name in found}), found


def operation(method: str, path: str, **facts: Any) -> Callable[[Callable[[Call], Awaitable[Answer]]], Operation]:
    """Enter a handler into the table; its docstring is the summary, its name the operation's id."""

    def enter(work: Callable[[Call], Awaitable[Answer]]) -> Operation:
        entry = Operation(method, path, work.__name__, (work.__doc__ or "").strip(), work, **facts)
        OPERATIONS.append(entry)
        return entry

    return enter


def bearer(request: web.Request) -> str:
    """The token of ``Authorization: Bearer``. Raises NotSignedIn; cookies do not count here, so forged forms cannot."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotSignedIn
    return token.strip()


def id_in(request: web.Request, name: str = "conversation_id") -> int:
    """The id in the path. Raises NotFound for what is no number."""
    given = request.match_info[name]
    if not given.isascii() or not given.isdecimal() or len(given) > 18:
        raise NotFound
    return int(given)


async def signed_in(request: web.Request) -> SignedIn:
    async with request.app[DATABASE].read() as session:
        return await who(session, bearer(request), now=request.app[CLOCK].now())


async def still_in(request: web.Request, token: str) -> None:
    """Raises NotSignedIn where the sign-in ended while the request was being read, however long that took."""
    async with request.app[DATABASE].read() as session:
        await check(session, token, now=request.app[CLOCK].now())


def query_of(request: web.Request, schema: type[BaseModel]) -> BaseModel:
    """The query string as ``schema``. Raises BadInput naming the parameters that are wrong."""
    try:
        return schema.model_validate(dict(request.query))
    except ValidationError as error:
        raise BadInput(fields=sorted({".".join(str(p) for p in e["loc"]) for e in error.errors()})) from None
