"""Every table in one place: whoever uses some, and their foreign keys, imports this."""

from importlib import import_module
from pathlib import Path

import backend.idempotency  # noqa: F401 - a table outside the rooms
from backend.db import Base

for _room in sorted(Path(__file__).parent.glob("*/models.py")):
    import_module(f"backend.{_room.parent.name}.models")

metadata = Base.metadata
