"""What a channel is to the rest of the gateway: a name and a way to send."""

from typing import Any, Protocol


class SendFailed(Exception):
    """A message was not taken; ``str()`` is the reason, for the record. Never what was written."""


class RetryAfter(SendFailed):
    """The channel asks to wait ``seconds`` before this message is tried again."""

    def __init__(self, seconds: float, reason: str = "asked to wait") -> None:
        super().__init__(reason)
        self.seconds = seconds


class Unreachable(SendFailed):
    """Nobody answered, or not for sure: try again with growing pauses."""


class Blocked(SendFailed):
    """The resident does not want messages from us, or the chat is gone."""


class Rejected(SendFailed):
    """The channel will never take this message."""


class Channel(Protocol):
    """``send`` returns the channel's own id of the message, or None where it has none; raises SendFailed.

    ``message`` is {message_id, sequence, at, author, kind, text, buttons: [{title, payload}], media: [{key, mime}]}.
    """

    name: str

    async def send(self, address: str, message: dict[str, Any]) -> str | None: ...
