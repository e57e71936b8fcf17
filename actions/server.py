"""The action server's HTTP interface: what rasa_sdk's own server answers, from one process instead of three."""

import logging
from typing import Any

from aiohttp import web
from rasa_sdk.executor import ActionExecutor
from rasa_sdk.interfaces import ActionExecutionRejection, ActionMissingDomainException, ActionNotFoundException

logger = logging.getLogger(__name__)

EXECUTOR = web.AppKey("executor", ActionExecutor)
BODY_BYTES = 4 * 2**20  # the domain comes along when it is asked for
DOMAIN_NEEDED = 449

routes = web.RouteTableDef()


@routes.post("/webhook")
async def webhook(request: web.Request) -> web.Response:
    """{events, responses}; 400 when the action rejects to run, 404 when there is none, 449 when the domain is needed."""
    call = await request.json()
    try:
        result = await request.app[EXECUTOR].run(call)
    except ActionExecutionRejection as error:
        return _refusal(error, 400)
    except ActionNotFoundException as error:
        return _refusal(error, 404)
    except ActionMissingDomainException as error:
        return _refusal(error, DOMAIN_NEEDED)
    except Exception as error:  # the process's edge: the engine lets the turn fail, and it comes again
        name = call.get("next_action")
        logger.error("%s failed with %s", name, type(error).__name__, exc_info=_without_words(error))
        return web.json_response({"error": type(error).__name__, "action_name": name}, status=500)
    return web.json_response({"events": result.events, "responses": result.responses} if result else None)


@routes.get("/health")
async def health(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


def action_app(executor: ActionExecutor) -> web.Application:
    app = web.Application(client_max_size=BODY_BYTES)
    app[EXECUTOR] = executor
    app.add_routes(routes)
    return app


def _refusal(error: Any, status: int) -> web.Response:
    return web.json_response({"error": error.message, "action_name": error.action_name}, status=status)


def _without_words(error: Exception) -> Any:
    """The traceback without the error's own words, which may quote a resident."""
    return (RuntimeError, RuntimeError(type(error).__name__), error.__traceback__)
