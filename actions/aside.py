"""What is meant for someone else while a form asks: each form's list of intents, in one place.

A form that finds the message's intent here leaves the message alone (unless it brings what was asked for), it is answered,
and the form asks on.
"""

_LEAVES = {"cancel", "delete_my_data"}
_PERSON = {"request_human", "emergency"}
_SMALL_TALK = {"greet", "goodbye", "thank"}
_UNREADABLE = {"share_voice", "share_sticker", "share_unreadable"}
_SERVICES = {"ask_status", "ask_guide", "vote"}
_NEWS = {"browse_disclosure", "follow_disclosure", "unsubscribe"}
# What is put together over several questions; the forms that take the next words as they are let less pass.
_DRAFT = _LEAVES | _SMALL_TALK | _UNREADABLE | _SERVICES
_LAW = _DRAFT | _PERSON | {"deny", "share_location"}

ASIDE: dict[str, frozenset[str]] = {
    "report_form": frozenset(
        _DRAFT
        | _NEWS
        | {"ask_legal", "apply_subsidy", "subsidy_choice", "data_request", "out_of_scope"}
        | {"show_event", "urge", "supplement", "withdraw", "verify", "rate"}
        | {"list_opinions", "show_opinion", "support_opinion", "rate_opinion"}
    ),
    "opinion_form": frozenset(
        _DRAFT | _PERSON | _NEWS | {"ask_legal", "apply_subsidy", "data_request", "list_opinions", "subscribe"}
    ),
    "legal_form": frozenset(_LAW),
    "mediation_form": frozenset(_LAW),
    "consult_reply_form": frozenset(_LEAVES | _PERSON),
    "speech_form": frozenset(_LEAVES | _PERSON | {"greet", "goodbye", "data_request"}),
    "supplement_form": frozenset(_LEAVES | _PERSON | {"data_request"}),
}
# These are a statement too where they are longer than a question to us would be.
SHORT_QUESTIONS = frozenset(_SERVICES | {"thank", "apply_subsidy"})
