"""The intent classifier of the pipeline."""

from __future__ import annotations

import logging
from typing import Any

import jieba
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.constants import DEFAULT_NLU_FALLBACK_INTENT_NAME
from rasa.shared.nlu.constants import INTENT, INTENT_RANKING_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.engine.components.linear_model import LinearModel

RANKING_LENGTH = 5


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class LinearIntentClassifier(GraphComponent):
    """Says what a message wants, how sure that is, and nlu_fallback when it is not sure enough.

    The ranking always holds the likeliest intents themselves, so that they can be offered.
    """

    def __init__(
        self, config: dict[str, Any], storage: ModelStorage, resource: Resource, model: LinearModel | None = None
    ) -> None:
        jieba.setLogLevel(logging.WARNING)
        self._config = config
        self._storage = storage
        self._resource = resource
        self._model = model

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """wrong_confident: the share of held-out examples that may be answered wrongly without asking back.
        guard_precision: the share of held-out examples taken for emergencies that must be some.
        """
        return {"wrong_confident": 0.04, "guard_precision": 0.85, "seed": 20201}

    @staticmethod
    def required_packages() -> list[str]:
        """The packages that must be importable."""
        return ["jieba", "sklearn", "opencc_purepy", "pypinyin"]

    @classmethod
    def create(
        cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> LinearIntentClassifier:
        """A component that has not been trained."""
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> LinearIntentClassifier:
        """A component as it was trained. Raises ValueError when the model holds none."""
        with model_storage.read_from(resource) as folder:
            return cls(config, model_storage, resource, LinearModel.read(folder))

    def train(self, training_data: TrainingData) -> Resource:
        """Train on the examples and keep the model."""
        examples = [example for example in training_data.intent_examples if example.get(TEXT)]
        texts = [example.get(TEXT) for example in examples]
        labels = [example.get(INTENT) for example in examples]
        self._model = LinearModel.fit(
            texts, labels, self._config["seed"], self._config["wrong_confident"], self._config["guard_precision"]
        )
        with self._storage.write_to(self._resource) as folder:
            self._model.write(folder)
        return self._resource

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Nothing to add: no later component learns from what this one finds."""
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Set the intent and the ranking of each message."""
        for message in messages:
            judgement = self._model.judge(message.get(TEXT) or "")
            ranking = [{"name": name, "confidence": p} for name, p in judgement.ranking[:RANKING_LENGTH]]
            likeliest = ranking[0]
            if not judgement.sure:
                likeliest = {**likeliest, "name": DEFAULT_NLU_FALLBACK_INTENT_NAME}
            message.set(INTENT, likeliest, add_to_output=True)
            message.set(INTENT_RANKING_KEY, ranking, add_to_output=True)
        return messages
