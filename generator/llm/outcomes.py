"""Every way in which a call ends without an answer, with its words, its fix, and whether it is worth another try."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pytest_kernelfalcon.generator.llm.provider import Usage

CHECK_PROXY = "check {url_name}, the network and the proxy settings"
LATER = "try again later, with fewer seeds at a time, or with another model"


@dataclass(frozen=True)
class Entry:
    """text and fix: `{…}` are fields of `About`. again: whether the same call may well succeed soon."""

    text: str
    fix: str
    again: bool = False


class CallOutcome(StrEnum):
    """The ways. A member is its own name in small letters, as events hold it, and carries its words."""

    entry: Entry

    def __new__(cls, name: str, entry: Entry) -> CallOutcome:
        member = str.__new__(cls, name)
        member._value_ = name
        member.entry = entry
        return member

    # fmt: off
    # before any call
    MISSING_KEY = "missing_key", Entry("{key_name} is not set", "set {key_name} in the environment, or in a file .env where pytest is started")
    MISSING_URL = "missing_url", Entry("{url_name} is not set", "set {url_name} in the environment, or in a file .env where pytest is started")
    MISSING_SDK = "missing_sdk", Entry("the Python package {sdk!r} is not installed", "pip install {sdk}")
    WRONG_SETTING = "wrong_setting", Entry("a setting is not valid", "mend it in the environment or in the file .env")
    # what the server refuses
    WRONG_KEY = "wrong_key", Entry("the server does not take the key", "check {key_name}")
    DENIED = "denied", Entry("the server takes the key, but not for this", "use a key with access to {model!r}, or another model")
    NO_CREDIT = "no_credit", Entry("the account has no credit left", "add credit, or raise the account's limit")
    UNKNOWN_MODEL = "unknown_model", Entry("the server has no model {model!r} for this key", "name a model that the server has")
    WRONG_URL = "wrong_url", Entry("nothing answers for {provider} at {url}", "check {url_name}; {url_form}")
    TOO_LONG = "too_long", Entry("the prompt is too long for {model!r}", "use a model with a larger window, or a smaller problem")
    BAD_REQUEST = "bad_request", Entry("the server refuses the request", "see what it says; another model may take it")
    RATE_LIMITED = "rate_limited", Entry("the server limits the rate of calls", LATER, again=True)
    OVERLOADED = "overloaded", Entry("the server is overloaded", LATER, again=True)
    SERVER_ERROR = "server_error", Entry("the server failed", LATER, again=True)
    # what happens on the way
    UNREACHABLE = "unreachable", Entry("{url} cannot be reached", CHECK_PROXY, again=True)
    STALLED = "stalled", Entry("the server fell silent", LATER, again=True)
    TIMEOUT = "timeout", Entry("the answer did not end in time", "ask for less effort, or allow more time")
    CUT = "cut", Entry("the connection broke within the answer", CHECK_PROXY, again=True)
    UNFINISHED = "unfinished", Entry("the answer stopped without its end", CHECK_PROXY, again=True)
    TRUNCATED_JSON = "truncated_json", Entry("a part of the answer is not whole", CHECK_PROXY, again=True)
    MALFORMED = "malformed", Entry("the answer is not of this protocol", "check {url_name}; {url_form}")
    # what the model says
    CONTENT_REFUSED = "content_refused", Entry("the model, or a filter, refuses to answer", "use another model")
    CUT_AT_MAX_TOKENS = "cut_at_max_tokens", Entry("the answer is cut at the most tokens that were allowed", "allow more tokens, or ask for less effort")
    EMPTY = "empty", Entry("the answer has no text", "allow more tokens, or use another model")
    # fmt: on


@dataclass(frozen=True)
class About:
    """What a provider says of itself in messages. url: without a user's name or password. url_form: how it is given."""

    provider: str
    model: str = ""
    key_name: str = ""
    url_name: str = ""
    url: str = ""
    url_form: str = ""
    sdk: str = ""


class CallFailed(Exception):
    """A call that gave no answer. Nothing of it holds a key.

    message, fix: for people. detail: what the server or the system said.
    retry_after: seconds that the server asks to wait. again: whether to try again; the server may have its own view.
    status: of HTTP, where there was one. param: the parameter that the server names.
    usage, partial: tokens and text of the answer until then: both may have cost money.
    """

    def __init__(
        self,
        outcome: CallOutcome,
        about: About,
        detail: str = "",
        *,
        retry_after: float | None = None,
        again: bool | None = None,
        status: int | None = None,
        param: str = "",
        usage: Usage | None = None,
        partial: str = "",
    ) -> None:
        facts = vars(about)
        who = f"{about.provider}/{about.model}" if about.model else about.provider
        self.message = f"{who}: {outcome.entry.text.format(**facts)}" + (f": {detail}" if detail else "")
        self.fix = outcome.entry.fix.format(**facts)
        super().__init__(f"{self.message}. Fix: {self.fix}.")
        self.outcome, self.about, self.detail = outcome, about, detail
        self.again = outcome.entry.again if again is None else again
        self.retry_after, self.status, self.param = retry_after, status, param
        self.usage, self.partial = usage or Usage(), partial
