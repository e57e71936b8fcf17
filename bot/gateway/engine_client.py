"""The engine's HTTP interface: one message in, replies out."""

from typing import Any

import aiohttp

PATIENCE = 10.0  # seconds a resident's message may take


class EngineFailed(Exception):
    """The engine gave no answer that can be sent; ``code`` says why: timeout, unreachable, silent, or the engine's own."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class EngineClient:
    def __init__(self, http: aiohttp.ClientSession, url: str, token: str, *, patience: float = PATIENCE) -> None:
        self._http, self._url = http, url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"}
        self._timeout = aiohttp.ClientTimeout(total=patience)

    async def answer(self, turn: dict[str, Any]) -> list[dict[str, Any]]:
        """The replies to a claimed turn: at least one of {text, buttons, media}. Raises EngineFailed."""
        body = {
            "sender_id": turn["tracker_key"],
            "message_id": str(turn["message_id"]),
            "text": turn["text"],
            "metadata": turn["metadata"],
        }
        try:
            async with self._http.post(f"{self._url}/turns", json=body, headers=self._headers, timeout=self._timeout) as answer:
                told = await answer.json()
        except TimeoutError:
            raise EngineFailed("timeout") from None
        except (aiohttp.ClientError, OSError):
            raise EngineFailed("unreachable") from None
        except ValueError:
            raise EngineFailed("no_json") from None
        if answer.status != 200:
            raise EngineFailed(_code(told) or f"status_{answer.status}")
        replies = [
            {"text": reply["text"] or "", "buttons": reply["buttons"] or [], "media": []}
            for reply in told["replies"]
            if reply["text"] or reply["buttons"]
        ]
        if not replies:
            raise EngineFailed("silent")
        return replies

    async def tells_of_danger(self, text: str) -> bool:
        """Whether ``text`` is understood as an emergency. Raises EngineFailed."""
        try:
            async with self._http.post(
                f"{self._url}/parse", json={"text": text}, headers=self._headers, timeout=self._timeout
            ) as answer:
                told = await answer.json()
        except TimeoutError:
            raise EngineFailed("timeout") from None
        except (aiohttp.ClientError, OSError, ValueError):
            raise EngineFailed("unreachable") from None
        if answer.status != 200:
            raise EngineFailed(_code(told) or f"status_{answer.status}")
        return told["intent"] == "emergency"

    async def healthy(self) -> bool:
        try:
            timeout = aiohttp.ClientTimeout(total=2)
            async with self._http.get(f"{self._url}/health", headers=self._headers, timeout=timeout) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False


def _code(told: Any) -> str:
    error = told.get("error") if isinstance(told, dict) else None
    return str(error.get("code", ""))[:64] if isinstance(error, dict) else ""
