"""The HTTP contract with the city's SMS gateway (docs/sms.md). One try each; what it says is returned, never raised."""

import json
import re
from datetime import datetime
from email.utils import parsedate_to_datetime

import aiohttp

from backend.sms.service import Letter, Outcome

SECONDS = 10
_MOST_BYTES = 4096
_CODE = re.compile(r"[a-z0-9_]{1,32}")
_ID = re.compile(r"[\x21-\x7e]{1,64}")


class Gateway:
    """``url`` takes one text message per POST, with ``token`` as its bearer."""

    def __init__(self, url: str, token: str, *, seconds: float = SECONDS) -> None:
        self.url, self.token = url, token
        self.timeout = aiohttp.ClientTimeout(total=seconds)

    async def send(self, client: aiohttp.ClientSession, letter: Letter, *, now: datetime) -> Outcome:
        """Try once."""
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": letter.key}
        body = {"id": letter.key, "to": letter.to, "text": letter.text, "expires": letter.good_until.isoformat()}
        try:
            async with client.post(
                self.url, json=body, headers=headers, timeout=self.timeout, allow_redirects=False
            ) as response:
                said = _said(await response.content.read(_MOST_BYTES))
                return _outcome(response.status, said, response.headers.get("Retry-After", ""), now)
        except TimeoutError:
            return Outcome("retry", "timeout")
        except (aiohttp.ClientError, ValueError):
            return Outcome("retry", "unreachable")


def _said(raw: bytes) -> dict[str, object]:
    try:
        found = json.loads(raw)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _outcome(status: int, said: dict[str, object], retry_after: str, now: datetime) -> Outcome:
    """The table of docs/sms.md."""
    error = said.get("error")
    reason = error if isinstance(error, str) and _CODE.fullmatch(error) else f"http_{status}"
    if status in (200, 201, 202):
        taken = said.get("id")
        if isinstance(taken, str) and _ID.fullmatch(taken):
            return Outcome("sent", external_id=taken)
        return Outcome("retry", "no_id")  # somebody else answers there
    if status == 409:
        return Outcome("sent")
    after = _seconds(retry_after, now) if status in (429, 503) else None
    # 401 and the like: the settings are wrong, and may be mended
    for_good = 400 <= status < 500 and status not in (401, 403, 404, 408, 429)
    return Outcome("refused" if for_good else "retry", reason, retry_after=after)


def _seconds(value: str, now: datetime) -> float | None:
    """Retry-After as seconds or as a date (RFC 9110, 10.2.3), at least 1; None where it is neither."""
    if value.isascii() and value.isdecimal() and len(value) < 9:
        return max(float(value), 1.0)
    try:
        return max((parsedate_to_datetime(value) - now).total_seconds(), 1.0)
    except (ValueError, TypeError):
        return None
