"""The only way out: the backend's internal API. Every call is done or raises within CALL_SECONDS."""

from typing import Any

import aiohttp

CALL_SECONDS = 4


class BackendError(Exception):
    """The backend did not answer, or not as it should: the turn fails and is tried again."""


class Refused(Exception):
    """The backend said no, with a sentence for the resident."""

    def __init__(self, code: str, sentence: str, status: int) -> None:
        super().__init__(code)
        self.code, self.sentence, self.status = code, sentence, status


class Backend:
    """A client bound to one address and token; ``close`` it in the end."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/") + "/internal/v1"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._session: aiohttp.ClientSession | None = None

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        """Return the JSON answer. Raises Refused for 4xx, BackendError for anything else."""
        return await self._call("GET", path, query=query)

    async def post(self, path: str, body: dict[str, Any], *, key: str | None = None, **query: str) -> dict[str, Any]:
        """Return the JSON answer; ``key`` makes an effect happen once. Raises as ``get`` does."""
        return await self._call("POST", path, query=query, body=body, key=key)

    async def _call(
        self, method: str, path: str, *, query: dict[str, str], body: dict[str, Any] | None = None, key: str | None = None
    ) -> dict[str, Any]:
        if self._session is None:
            self._session = aiohttp.ClientSession(headers=self._headers, timeout=aiohttp.ClientTimeout(total=CALL_SECONDS))
        headers = {"Idempotency-Key": key} if key else {}
        try:
            async with self._session.request(method, self._url + path, params=query, json=body, headers=headers) as response:
                answer = await response.json()
                if response.status < 400:
                    return answer
                error = answer["error"]
                if response.status < 500 and response.status != 401:
                    raise Refused(error["code"], error["sentence"], response.status)
                raise BackendError(error["code"])
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError) as error:
            raise BackendError(type(error).__name__) from None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
