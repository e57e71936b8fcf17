"""The document and the code say the same."""

from jsonschema import Draft202012Validator

from tests.backend.staff.town import Town


async def test_every_route_is_in_the_document_and_the_other_way_round(town: Town) -> None:
    routed = {
        (route.method.lower(), route.resource.canonical)
        for route in town.client.app.router.routes()
        if route.resource.canonical.startswith("/api/") and route.method != "HEAD"
    }
    documented = {(method, path) for path, entry in town.api.document["paths"].items() for method in entry}
    assert routed == documented


async def test_every_operation_says_what_it_is_and_its_schemas_are_sound(town: Town) -> None:
    document = town.api.document
    assert document["openapi"] == "3.1.0"
    for path, entry in document["paths"].items():
        for method, facts in entry.items():
            assert facts["summary"], (method, path)
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    names = [facts["operationId"] for entry in document["paths"].values() for facts in entry.values()]
    assert len(names) == len(set(names))


async def test_an_unknown_path_and_a_wrong_method_answer_in_json(town: Town) -> None:
    for method, path, status in (("GET", "/api/v1/nothing", 404), ("PUT", "/api/v1/events", 405)):
        async with town.client.request(method, path) as response:
            assert (response.status, response.content_type) == (status, "application/json")
            assert set((await response.json())["error"]) == {"code", "sentence"}


async def test_what_is_no_json_is_said_to_be_none(town: Town) -> None:
    for body in (b"{", b"\xff", b"[]", b""):
        async with town.client.post("/api/v1/sessions", data=body) as response:
            assert response.status == 422, body
