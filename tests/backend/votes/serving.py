"""The backend's internal API in a process that can be killed: ``python -m tests.backend.votes.serving PORT``.

The classifier of matters is not prepared: it takes longer than everything else here, and no vote needs it.
"""

import sys

from aiohttp import web

from backend.app import internal_app
from backend.db import Database
from backend.settings import Settings

if __name__ == "__main__":
    settings = Settings()
    app = internal_app(settings, Database(settings.url))
    app.on_startup.clear()
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
