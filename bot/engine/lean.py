"""Keeps TensorFlow out of a process that needs none of it.

Rasa imports TensorFlow wherever it imports a policy, through two modules that only train neural
networks. Our components have none, so the serving process puts empty modules in their place:
it starts in a third of the time and a third of the memory (docs/adr/0003-engine-as-library.md).
Training uses the real ones.
"""

from __future__ import annotations

import sys
import types

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
