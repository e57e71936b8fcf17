"""Every table in one place, for the migrations and for create_all in tests."""

from backend.db import Base

metadata = Base.metadata
