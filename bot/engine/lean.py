"""Keeps out of a process what it does not need: TensorFlow, and copies for a log that nobody reads.

Rasa imports TensorFlow wherever it imports a policy, through two modules that only train neural
networks. Our components have none, so the serving process puts empty modules in their place:
it starts in a third of the time and a third of the memory (docs/adr/0003-engine-as-library.md).
Training uses the real ones.
"""

from __future__ import annotations

import copy
import sys
import types
from typing import Any

# What other Rasa modules import from them, by name, at import time.
NEURAL_MODULES = {
    "rasa.utils.tensorflow.callback": ("RasaTrainingLogger", "RasaModelCheckpoint"),
    "rasa.utils.tensorflow.data_generator": ("RasaBatchDataGenerator",),
}


def leave_out_tensorflow() -> None:
    """Put empty modules in the place of Rasa's neural ones. Call before Rasa is imported.

    Raises RuntimeError when Rasa's own are imported already: it is too late then.
    """
    for module_name, class_names in NEURAL_MODULES.items():
        if module_name in sys.modules:
            raise RuntimeError(f"{module_name} is imported already")
        module = types.ModuleType(module_name, "Left out by bot.engine.lean.")
        for class_name in class_names:
            setattr(module, class_name, type(class_name, (), {}))
        sys.modules[module_name] = module


def copy_nothing_for_the_log() -> None:
    """Let Rasa hand what it would log as it is. It copies all of it deeply before it asks whether anybody listens, and where it
    does so it copies for nothing else."""
    from rasa.core import processor
    from rasa.core.actions import forms
    from rasa.core.policies import rule_policy

    for module in (processor, forms, rule_policy):
        module.copy = _AsItIs


class _AsItIs:
    copy = staticmethod(copy.copy)

    @staticmethod
    def deepcopy(value: Any) -> Any:
        return value
