"""A turn is answered and stored as a whole, or leaves no trace."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.engine.running import call

pytestmark = pytest.mark.engine


def test_health_names_the_model(assistant):
    status, body = call("GET", f"{assistant.url}/health")
    assert status == 200
    assert body["status"] == "ok"
    assert body["model"].startswith("linlitong-")


def test_without_the_token_nothing_is_answered(assistant):
    for method, path in [("GET", "/health"), ("POST", "/turns"), ("POST", "/parse"), ("DELETE", "/conversations/x")]:
        status, body = call(method, f"{assistant.url}{path}", b"{}" if method == "POST" else None, token=None)
        assert (status, body["error"]["code"]) == (401, "http")


def test_a_form_is_interrupted_by_a_question_and_goes_on(assistant):
    said = [
        ("路灯坏了", ["在哪里？"]),
        ("/ask_guide", ["八点到十七点", "在哪里？"]),
        ("3号楼", ["路灯坏了，3号楼，对吗？"]),
        ("/ask_guide", ["八点到十七点", "路灯坏了，3号楼，对吗？"]),
        ("/deny", ["在哪里？"]),
        ("5号楼", ["路灯坏了，5号楼，对吗？"]),
        ("/affirm", ["已上报"]),
        ("/ask_guide", ["八点到十七点"]),
    ]
    assert [(text, assistant.say("form", text)) for text, _ in said] == said


def test_a_form_is_left(assistant):
    assert assistant.say("leave", "路灯坏了") == ["在哪里？"]
    assert assistant.say("leave", "/cancel") == ["已取消"]
    assert assistant.say("leave", "/ask_guide") == ["八点到十七点"]


def test_replies_carry_buttons_and_custom_data(assistant):
    assistant.say("buttons", "路灯坏了")
    _, asked = assistant.post("buttons", "3号楼")
    assert asked["replies"] == [
        {
            "text": "路灯坏了，3号楼，对吗？",
            "buttons": [{"title": "确认", "payload": "/affirm"}, {"title": "修改", "payload": "/deny"}],
            "custom": None,
        }
    ]
    _, filed = assistant.post("buttons", "/affirm")
    assert filed["replies"] == [{"text": "已上报", "buttons": [], "custom": {"kind": "event"}}]


def test_the_parse_ranks_five_intents(assistant):
    _, turn = assistant.post("parse", "你们几点上班")
    assert turn["parse"]["intent"] in ("ask_guide", "nlu_fallback")
    assert turn["parse"]["ranking"][0]["name"] == "ask_guide"
    assert len(turn["parse"]["ranking"]) == 5
    assert call("POST", f"{assistant.url}/parse", {"text": "你们几点上班"}) == (200, turn["parse"])


def test_metadata_reaches_the_actions(assistant):
    assistant.say("metadata", "/greet", {"nickname": "老王"})
    assert assistant.say("metadata", "/share_location", {"location": [32.4, 119.9]}) == ["老王 [32.4, 119.9]"]


@pytest.mark.parametrize("way", ["raise", "sleep"])
def test_a_failing_action_leaves_no_trace_and_the_retry_works(assistant, way):
    sender = f"break-{way}"
    assistant.say(sender, "/greet", {"nickname": "甲"})
    (assistant.state / "break").write_text(way)
    try:
        status, body = assistant.post(sender, "/break_action", "breaks")
    finally:
        (assistant.state / "break").unlink()
    assert (status, body["error"]["code"]) == (503, "turn_failed")
    assert body["error"]["detail"].startswith("action_break")
    status, turn = assistant.post(sender, "/break_action", "breaks")
    assert (status, [reply["text"] for reply in turn["replies"]]) == (200, ["您好", "好了"])
    assert assistant.say(sender, "/share_location") == ["甲 None"]


def test_silence_is_a_failure_and_is_not_stored(assistant):
    assistant.say("mute", "/greet", {"nickname": "甲"})
    status, body = assistant.post("mute", "/mute", metadata={"nickname": "乙"})
    assert (status, body["error"]["code"]) == (503, "silent")
    assert assistant.say("mute", "/share_location") == ["甲 None"]


def test_a_circle_of_actions_is_a_failure_and_is_not_stored(assistant):
    status, body = assistant.post("circle", "/circle")
    assert (status, body["error"]["code"]) == (503, "turn_failed")
    assert assistant.say("circle", "/ask_guide") == ["八点到十七点"]


def test_the_action_server_is_down_and_comes_back(assistant):
    assistant.say("down", "路灯坏了")
    assistant.stop_actions()
    status, body = assistant.post("down", "3号楼", "while-down")
    assert (status, body["error"]["code"]) == (503, "turn_failed")
    assistant.start_actions()
    status, turn = assistant.post("down", "3号楼", "while-down")
    assert (status, turn["replies"][0]["text"]) == (200, "路灯坏了，3号楼，对吗？")


def test_the_same_message_again_is_answered_from_what_was_stored(assistant):
    assistant.say("again", "路灯坏了")
    assistant.say("again", "3号楼")
    first = assistant.post("again", "/affirm", "the-one")
    calls = assistant.calls()
    assistant.kill_engine()
    assistant.start_engine()
    assert assistant.post("again", "/affirm", "the-one") == first
    assert assistant.calls() == calls
    assert f"action_submit_report {'the-one'}" in calls


def test_one_message_many_times_at_once_has_one_effect(assistant):
    assistant.say("storm", "路灯坏了")
    assistant.say("storm", "3号楼")
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: assistant.post("storm", "/affirm", "storm-1"), range(20)))
    assert all(answer == answers[0] for answer in answers)
    assert assistant.calls().count("action_submit_report storm-1") == 1


def test_a_deleted_conversation_is_forgotten(assistant):
    assistant.say("deleted", "/greet", {"nickname": "老王"})
    url = f"{assistant.url}/conversations/deleted"
    assert call("DELETE", url) == (200, {"deleted": True})
    assert call("DELETE", url) == (200, {"deleted": False})
    assert assistant.say("deleted", "/share_location") == ["None None"]


def test_outside_a_form_no_message_costs_a_needless_action_call(assistant):
    calls = assistant.calls()
    assistant.say("frugal", "/ask_guide")
    assert assistant.calls() == calls


@pytest.mark.parametrize(
    "text", ["", " ", "\u0000", "\u200b\u202e", "😀" * 50, "/", "/no_such_intent{", "路" * 10_000, "\ud800", "<b>'; --"]
)
def test_odd_texts_are_answered(assistant, text):
    status, _ = assistant.post("odd", text)
    assert status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        json.dumps({"sender_id": "a", "message_id": "b", "text": "c"}).encode(),
        json.dumps({"sender_id": "a", "message_id": "b", "text": "c", "metadata": {}, "more": 1}).encode(),
        json.dumps({"sender_id": "", "message_id": "b", "text": "c", "metadata": {}}).encode(),
        json.dumps({"sender_id": "a", "message_id": "b\u0000", "text": "c", "metadata": {}}).encode(),
        json.dumps({"sender_id": "a", "message_id": "b", "text": 3, "metadata": {}}).encode(),
        json.dumps({"sender_id": "a", "message_id": "b", "text": "c" * 20_001, "metadata": {}}).encode(),
    ],
)
def test_a_malformed_request_is_refused(assistant, body):
    status, answer = call("POST", f"{assistant.url}/turns", body)
    assert (status, answer["error"]["code"]) == (400, "bad_request")


def test_a_large_body_is_refused(assistant):
    status, _ = call("POST", f"{assistant.url}/turns", b" " * 300_000)
    assert status == 413


def test_the_log_holds_no_word_of_the_residents(assistant):
    secret = "张三的电话13800000000"
    (assistant.state / "break").write_text("raise")
    try:
        assistant.post("quiet", secret)
        assistant.post("quiet", f"/{secret}")
        assistant.post("quiet", "/break_action", metadata={"nickname": secret})
    finally:
        (assistant.state / "break").unlink()
    assert secret not in assistant.log.read_text()


def test_the_engine_never_imports_tensorflow(assistant):
    assert "tensorflow" not in Path(f"/proc/{assistant.engine.pid}/maps").read_text()
