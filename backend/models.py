"""Every table in one place, for the migrations and for create_all in tests."""

import backend.catalogue.models
import backend.conversations.models
import backend.events.models
import backend.feedback.models
import backend.grids.models
import backend.idempotency
import backend.media.models
import backend.outbox.models
import backend.residents.models
import backend.staff.models
import backend.statutes.models
from backend.db import Base

metadata = Base.metadata
