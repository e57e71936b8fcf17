"""The OpenAPI document, made from the table of operations and the schemas themselves."""

import re
from collections.abc import Sequence
from typing import Any

from pydantic.json_schema import models_json_schema

from backend.api.operations import Operation
from backend.api.schemas import Error

REFERENCE = "#/components/schemas/{model}"
ERRORS = {
    "401": "Not signed in, or not any more.",
    "403": "Known, but not yours to do.",
    "404": "Not there, or outside your scope.",
    "409": "Not possible in the present state.",
    "413": "Too large.",
    "422": "The input is wrong; details name the fields.",
    "429": "Too many tries.",
}


def document(operations: Sequence[Operation], *, version: str) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of ``operations``."""
    answers = {o.answer for o in operations if o.answer}
    bodies = {o.body for o in operations if o.body}
    inputs = [(model, "validation") for model in sorted(bodies, key=lambda m: m.__name__)]
    outputs = [(model, "serialization") for model in sorted(answers | {Error}, key=lambda m: m.__name__)]
    names, definitions = models_json_schema([*inputs, *outputs], ref_template=REFERENCE)
    paths: dict[str, dict[str, Any]] = {}
    for o in operations:
        entry: dict[str, Any] = {
            "operationId": o.name,
            "summary": o.summary,
            "responses": {str(o.status): _answer(o, names)}
            | {
                status: {
                    "description": text,
                    "content": {"application/json": {"schema": names[(Error, "serialization")]}},
                }
                for status, text in ERRORS.items()
            },
        }
        if o.open_to_all:
            entry["security"] = []
        if parameters := _parameters(o):
            entry["parameters"] = parameters
        if o.body:
            schema = names[(o.body, "validation")]
            entry["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
        if o.upload:
            entry["requestBody"] = {"required": True, "content": {o.upload: {}}}
        paths.setdefault(o.path, {})[o.method.lower()] = entry
    return {
        "openapi": "3.1.0",
        "info": {"title": "Linlitong staff API", "version": version},
        "paths": paths,
        "components": {
            "schemas": definitions["$defs"],
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"bearer": []}],
    }


def _answer(o: Operation, names: dict[Any, Any]) -> dict[str, Any]:
    if o.answer:
        return {"description": "Done.", "content": {"application/json": {"schema": names[(o.answer, "serialization")]}}}
    return {"description": "Done.", "content": {o.media: {}}} if o.media else {"description": "Done."}


def _parameters(o: Operation) -> list[dict[str, Any]]:
    found = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", o.path)
    ]
    if o.query:
        schema = o.query.model_json_schema()
        inline = schema.get("$defs", {})
        for name, facts in schema["properties"].items():
            found.append({"name": name, "in": "query", "required": False, "schema": _inlined(facts, inline)})
    return found


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """``schema`` with its references to ``definitions`` written out."""
    if isinstance(schema, list):
        return [_inlined(part, definitions) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(definitions[schema["$ref"].rsplit("/", 1)[1]], definitions)
    return {key: _inlined(value, definitions) for key, value in schema.items()}
