"""One resident message, one turn: understood, answered and stored as a whole, or not at all."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import traceback
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import rasa.shared.utils.io
from rasa.core.actions.action import Action, ActionExecutionRejection
from rasa.core.channels.channel import OutputChannel, UserMessage
from rasa.core.lock_store import InMemoryLockStore
from rasa.core.nlg import NaturalLanguageGenerator
from rasa.core.policies.policy import PolicyPrediction
from rasa.core.processor import MessageProcessor
from rasa.engine import loader
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.engine.runner.interface import GraphRunner
from rasa.engine.storage.local_model_storage import MODEL_ARCHIVE_METADATA_FILE, LocalModelStorage
from rasa.engine.storage.storage import ModelMetadata
from rasa.shared.core.events import ActionExecutionRejected, BotUttered, Event, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.common import TempDirectoryPath, get_temp_dir_name

from bot.engine import lean
from bot.engine.action_server import ActionFailed, ActionServer
from bot.engine.rules import index_rules
from bot.engine.tracker_store import BoundedTrackerStore

logger = logging.getLogger(__name__)

RANKING_LENGTH = 5

index_rules()
lean.copy_nothing_for_the_log()


class TurnFailed(Exception):
    """A turn came to nothing, and nothing of it was stored. The same message can be sent again."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True)
class Reply:
    """One message to the resident."""

    text: str | None
    buttons: list[dict[str, str]]
    custom: dict[str, Any] | None


@dataclass(frozen=True)
class Parse:
    """What a message was understood as: the intent with its confidence, and the likeliest ones."""

    intent: str | None
    confidence: float
    ranking: list[dict[str, Any]]
    entities: list[dict[str, Any]]

    @classmethod
    def from_rasa(cls, parse_data: dict[str, Any]) -> Parse:
        """Rasa's parse data in our shape; ranking is a list of {name, confidence}, likeliest first."""
        ranking = parse_data.get("intent_ranking", [])[:RANKING_LENGTH]
        return cls(
            intent=parse_data["intent"]["name"],
            confidence=parse_data["intent"]["confidence"],
            ranking=[{"name": each["name"], "confidence": each["confidence"]} for each in ranking],
            entities=parse_data["entities"],
        )


@dataclass(frozen=True)
class Turn:
    """What came of a message."""

    message_id: str
    replies: list[Reply]
    parse: Parse

    @classmethod
    def from_events(cls, events: list[Event]) -> Turn:
        """The turn that wrote these events."""
        message = next(event for event in events if isinstance(event, UserUttered))
        return cls(
            message_id=message.message_id,
            replies=[
                Reply(event.text, event.data.get("buttons") or [], event.data.get("custom") or None)
                for event in events
                if isinstance(event, BotUttered)
            ],
            parse=Parse.from_rasa(message.parse_data),
        )

    def as_json(self) -> dict[str, Any]:
        """The turn as dicts and lists."""
        return asdict(self)


class Silence(OutputChannel):
    """Sends nothing: the replies are read from what the turn wrote."""

    @classmethod
    def name(cls) -> str:
        """The channel's name, which responses in the domain can be written for."""
        return "linlitong"

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Nothing."""


class PredictionStorage(LocalModelStorage):
    """A model as far as it predicts: the classes of its training graph are not imported."""

    @staticmethod
    def _load_metadata(directory: Path) -> ModelMetadata:
        serialized = rasa.shared.utils.io.read_json_file(directory / MODEL_ARCHIVE_METADATA_FILE)
        return ModelMetadata.from_dict({**serialized, "train_schema": {"nodes": {}}})


class InOrderRunner(DaskGraphRunner):
    """Runs the few nodes of a prediction one after the other, which needs no scheduler and its threads."""

    def run(self, inputs: dict[str, Any] | None = None, targets: list[str] | None = None) -> dict[str, Any]:
        """The outputs of the targets by name."""
        outputs = {name: (name, value) for name, value in (inputs or {}).items()}

        def output(name: str) -> tuple[str, Any]:
            if name not in outputs:
                needed = self._graph_schema.nodes[name].needs.values()
                outputs[name] = self._instantiated_nodes[name](*map(output, needed))
            return outputs[name]

        return dict(map(output, targets or self._graph_schema.target_names))


class TurnProcessor(MessageProcessor):
    """Rasa's processor, which does not hide what fails. It parses at once, and takes turns when connected."""

    def __init__(self, model_path: Path) -> None:
        super().__init__(
            model_path,
            tracker_store=None,
            lock_store=InMemoryLockStore(),
            generator=None,
            on_circuit_break=_break_circuit,
        )

    def connect(self, store: BoundedTrackerStore, action_server: ActionServer) -> None:
        """Say where conversations are kept and who runs the custom actions."""
        self.tracker_store = store
        self.action_endpoint = action_server
        self.nlg = NaturalLanguageGenerator.create(None, self.domain)

    @staticmethod
    def _load_model(model_path: str | Path) -> tuple[str, ModelMetadata, GraphRunner]:
        with TempDirectoryPath(get_temp_dir_name()) as folder:
            model_metadata, runner = loader.load_predict_graph_runner(
                Path(folder), Path(model_path), PredictionStorage, InOrderRunner
            )
        return Path(model_path).name, model_metadata, runner

    async def turn(self, message: UserMessage) -> Turn:
        """Understand, act, answer and store. Raises TurnFailed, with nothing stored."""
        tracker = await self.log_message(message, should_save_tracker=False)
        await self.run_action_extract_slots(message.output_channel, tracker)
        await self._run_prediction_loop(message.output_channel, tracker)
        turn = Turn.from_events(tracker.new_events)
        if not turn.replies:
            raise TurnFailed("silent", f"nothing was said to intent {turn.parse.intent}")
        await self.save_tracker(tracker)
        return turn

    async def parse(self, text: str) -> Parse:
        """What a text is understood as, outside any conversation."""
        return Parse.from_rasa(await self.parse_message(UserMessage(text)))

    async def _run_action(
        self,
        action: Action,
        tracker: DialogueStateTracker,
        output_channel: OutputChannel,
        nlg: NaturalLanguageGenerator,
        prediction: PolicyPrediction,
    ) -> bool:
        """Run one action; Rasa's own goes on when it fails, ours lets the failure end the turn."""
        seen_by_action = tracker
        if prediction.events:  # which are discarded when the action rejects to run
            seen_by_action = tracker.copy()
            seen_by_action.update_with_events(prediction.events, self.domain)
        try:
            events = await action.run(output_channel, nlg, seen_by_action, self.domain)
        except ActionExecutionRejection:
            tracker.update(ActionExecutionRejected(action.name(), prediction.policy_name, prediction.max_confidence))
            return self.should_predict_another_action(action.name())
        self._log_action_on_tracker(tracker, action, events, prediction)
        if any(isinstance(event, UserUttered) for event in events):
            await self.run_action_extract_slots(output_channel, tracker)
        return self.should_predict_another_action(action.name())


class Engine:
    """A loaded model with its conversations: one turn at a time in each, many conversations at once."""

    def __init__(self, processor: TurnProcessor, store: BoundedTrackerStore) -> None:
        self._processor = processor
        self._store = store
        # A lock lives as long as somebody holds or awaits it.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def model(self) -> str:
        """The file name of the loaded model."""
        return self._processor.model_filename

    async def turn(self, sender_id: str, message_id: str, text: str, metadata: dict[str, Any]) -> Turn:
        """The turn of this message; the stored one when it was processed before. Raises TurnFailed."""
        async with self._alone(sender_id):
            written = await self._store.events_of_turn(sender_id, message_id)
            if written:
                return Turn.from_events(written)
            message = UserMessage(
                text,
                output_channel=Silence(),
                sender_id=sender_id,
                input_channel=Silence.name(),
                message_id=message_id,
                metadata=metadata,
            )
            try:
                return await self._processor.turn(message)
            except TurnFailed:
                raise
            except ActionFailed as failure:
                raise TurnFailed("turn_failed", str(failure)) from failure
            # Whatever a rule, a form or the database raises, the answer is the same: not done. The log
            # gets the place, not the error's words, which may quote the resident.
            except Exception as error:
                place = "".join(traceback.format_tb(error.__traceback__))
                logger.error("turn %s failed with %s at\n%s", message_id, type(error).__name__, place)
                raise TurnFailed("turn_failed", type(error).__name__) from error

    async def parse(self, text: str) -> Parse:
        """What a text is understood as, outside any conversation."""
        return await self._processor.parse(text)

    async def forget(self, sender_id: str) -> bool:
        """Delete a conversation. Returns whether there was one."""
        async with self._alone(sender_id):
            return await self._store.delete(sender_id)

    @contextlib.asynccontextmanager
    async def _alone(self, sender_id: str) -> AsyncIterator[None]:
        lock = self._locks.get(sender_id)
        if lock is None:
            lock = self._locks[sender_id] = asyncio.Lock()
        async with lock:
            yield


def _break_circuit(tracker: DialogueStateTracker, _channel: OutputChannel, _nlg: NaturalLanguageGenerator) -> None:
    raise TurnFailed("turn_failed", f"the rules go in a circle after {tracker.latest_action_name}")
