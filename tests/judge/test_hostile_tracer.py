"""Candidates that take the tracer over: whatever they say to the executor, they only lose, and only themselves."""

# ruff: noqa: E501 — tables, one case a line
from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.judge.gates import Patience
from pytest_kernelfalcon.judge.judge import Judge
from pytest_kernelfalcon.judge.verdict import Verdict

Verify = Callable[..., Verdict]

TAKEN_OVER = """
import gc, json, os, resource, signal, socket, struct, sys, threading, time

LINE = next(found for found in gc.get_objects() if type(found).__name__ == "Channel" and found.fileno() >= 0)
LINE.sock.settimeout(None)


def raw(data):
    LINE.sock.sendall(data)


def text(data):
    raw(struct.pack(">I", len(data)) + data)


def say(op, **fields):
    text(json.dumps({"op": op, **fields}).encode())


def hear():
    return LINE.receive()[0]["call"]


def t(call, **changes):
    return {**call["inputs"][0]["t"], **changes}


def launch(call, **changes):
    n = call["inputs"][0]["t"]["shape"][0]
    arguments = {"x_ptr": {"tensor": t(call)}, "y_ptr": {"tensor": t(call, storage=1)}, "n": n, "BLOCK": 256}
    arguments.update(changes.pop("arguments", {}))
    plain = {"kernel": "silu", "grid": [-(-n // 256)], "arguments": arguments, "options": {}, "line": 17}
    say("launch", **{**plain, **changes})


def honest(call):
    say("alloc", storage=1, bytes=call["storages"][0])
    launch(call)
    say("result", tree={"t": t(call, storage=1)})
    say("end")


say("ready")
for _ in range(%d):
    honest(hear())
call = hear()
%s
"""
"""The messages that an honest wrapper would have sent, for some calls; then the attack. n is 2000, in storage 0."""


@dataclass(frozen=True)
class Attack:
    """at: the call in which it happens; 0 is the first trace, without memory, and 1 the first run."""

    code: str
    cause: str
    says: str
    at: int = 0


STAY = "time.sleep(60)"

LIES = {
    "a tensor beyond its storage": ('launch(call, arguments={"x_ptr": {"tensor": t(call, offset=1)}})', "reaches element 2000"),
    "a negative offset": ('launch(call, arguments={"x_ptr": {"tensor": t(call, offset=-1)}})', "an offset is [-1]"),
    "strides that overflow": ('launch(call, arguments={"x_ptr": {"tensor": t(call, stride=[2**61])}})', "reaches element"),
    "a storage that is none": ('launch(call)', "unknown storage 1"),
    "a number of 4300 digits": ('text(b\'{"op":"alloc","storage":1,"bytes":\' + b"9" * 4300 + b"}")', "an allocation of 999"),
    "the sum of such numbers": ('text(b\'{"op":"alloc","storage":1,"bytes":\' + b"9" * 4299 + b"}"); text(b\'{"op":"alloc","storage":2,"bytes":\' + b"9" * 4300 + b"}")', "an allocation of 999"),
    "a number of 5000 digits": ('text(b\'{"op":"alloc","storage":1,"bytes":\' + b"9" * 5000 + b"}")', "not JSON"),
    "a size that is no number": ('text(b\'{"op":"alloc","storage":1,"bytes":NaN}\')', "an allocation of nan"),
    "a key twice": ('text(b\'{"op":"alloc","storage":1,"bytes":8000,"bytes":8}\')', "a key twice"),
    "a key too many": ('say("alloc", storage=1, bytes=8, path="/etc/passwd")', "a message of the keys"),
    "no keys": ('text(b"{}")', "unknown message 'None'"),
    "nesting": ('text(b\'{"op":"alloc","storage":1,"bytes":\' + b"[" * 60 + b"]" * 60 + b"}")', "more than 40 deep"),
    "nesting near Python's limit": ('text(b\'{"op":"alloc","storage":1,"bytes":\' + b"[" * 900 + b"]" * 900 + b"}")', "deep"),
    "nesting past Python's limit": ('text(b\'{"op":\' + b"[" * 30000 + b"]" * 30000 + b"}")', "not JSON"),
    "an unknown kernel": ('launch(call, kernel="other")', "kernel 'other' is not a @triton.jit function of the file"),
    "a kernel as a list": ('launch(call, kernel=["silu"])', "a kernel's name"),
    "an argument too few": ('say("launch", kernel="silu", grid=[1], arguments={}, options={}, line=1)', "the arguments of silu are"),
    "an unhashable dtype": ('launch(call, arguments={"y_ptr": 0, "n": {"dtype": []}})', "tl dtype []"),
    "an unhashable kernel": ('launch(call, arguments={"y_ptr": 0, "n": {"kernel": {}}})', "a kernel that is not in the file, {}"),
    "an unhashable reinterpretation": ('launch(call, arguments={"y_ptr": 0, "n": {"tensor": t(call), "as": []}})', "reinterpretation as []"),
    "a text of control characters": ('launch(call, arguments={"y_ptr": 0, "n": "\\x1b[2J"})', "the text '?[2J'"),
    "an alloc out of order": ('say("alloc", storage=0, bytes=8)', "storage 0 is not the next"),
    "a line beyond all files": ('launch(call, line=10**30)', "the line 1000"),
    "a result with an endless number": ('text(b\'{"op":"result","tree":{"f":1\' + b"0" * 400 + b"}}")', "result {'f'"),
    "a second ready": ('say("ready")', "unknown message 'ready'"),
    "an end without a result": ('say("end")', "unknown message 'end'"),
    "a refusal of its own making": ('say("refuse", cause="accepted", facts={}, line=1)', "a refusal of no known cause"),
    "a refusal by a list": ('say("refuse", cause=["torch_operation"], facts={}, line=1)', "a refusal of no known cause"),
    "a refusal with the judge's cause": ('say("refuse", cause="not_runnable", facts={}, line=1)', "a refusal of no known cause"),
    "garbage in every descriptor": (
        'for fd in range(256):\n    try: os.write(fd, b"\\xff" * 4096)\n    except OSError: pass\n' + STAY,
        "a message of 4294967295 bytes",
    ),
    "a frame of 4 GB": ('raw(b"\\xff\\xff\\xff\\xff")\n' + STAY, "a message of 4294967295 bytes"),
    "a frame that is too long": ('text(b" " * 65537)', "a message of 65537 bytes; at most 65536"),
    "no JSON": ('text(b"accepted")', "not JSON"),
    "a list": ('text(b"[]")', "not a JSON object"),
}  # fmt: skip

OTHERS = {
    "a forbidden launch option": Attack('launch(call, arguments={"y_ptr": 0}, options={"ir_override": "/x"})', "launch_argument", "ir_override"),
    "an option that equals an allowed one": Attack('launch(call, arguments={"y_ptr": 0}, options={"num_warps": 4.0})', "launch_argument", "num_warps=4.0"),
    "too much memory": Attack('say("alloc", storage=1, bytes=1 << 40)', "plan_flood", "allocates 1099511627776 bytes"),
    "too many reads": Attack('say("alloc", storage=1, bytes=8000); launch(call); say("read", tensor=t(call, storage=1, shape=[65]), line=17)', "value_read", "65 elements"),
    "reads of nothing": Attack('say("alloc", storage=1, bytes=8000)\nlaunch(call)\nfor _ in range(80): say("read", tensor=t(call, storage=1, shape=[0]), line=17)\n' + STAY, "value_read", "in 65 reads", at=1),
    "a read of an input": Attack('say("read", tensor=t(call, shape=[1]), line=17)', "value_read", "an element of an input"),
    "a read of an input's copy": Attack('say("alloc", storage=1, bytes=8)\nsay("copy", target=t(call, shape=[2], storage=1), source=t(call, shape=[2]))\nsay("read", tensor=t(call, shape=[1], storage=1), line=17)', "value_read", "an element of an input"),
    "an input as the result": Attack('say("result", tree={"t": t(call)}); say("end")', "passthrough", "nothing that a kernel computed"),
    "an input as the result of a run": Attack('say("alloc", storage=1, bytes=8000); launch(call); say("result", tree={"t": t(call)}); say("end")', "aliases_input", "is the memory of `x`", at=1),
    "a result that was filled in": Attack('say("alloc", storage=1, bytes=8000); launch(call); say("alloc", storage=2, bytes=8000); say("fill", tensor=t(call, storage=2), value=0); say("result", tree={"t": t(call, storage=2)}); say("end")', "passthrough", "nothing that a kernel computed", at=1),
    "a result of other terms": Attack('say("alloc", storage=1, bytes=8000); launch(call); say("result", tree={"v": "\\x1b[31m" * 6000}); say("end")', "result_structure", "?[31m", at=1),
    "a result before its launch": Attack('say("alloc", storage=1, bytes=8000); say("result", tree={"t": t(call, storage=1)}); launch(call); say("end")', "passthrough", "nothing", at=1),
    "its own refusal": Attack('say("refuse", cause="torch_operation", facts={"detail": "\\x1b[2J\\u202e\\ud800" + "x" * 9000, "outcome": "accepted"}, line=3)', "torch_operation", "`?[2J??xxx"),
    "a raise of megabytes": Attack('say("raise", type="E" * 1000, text="\\n\\x00" * 6000, line=3, phase="call")', "wrapper_raised", "EEE: ? ? ?"),
    "a raise of lists": Attack('say("raise", type=[], text={"a": 1}, line=None, phase=7)', "wrapper_raised", "[]: {'a': 1}"),
    "an allocation that there is no room for": Attack('say("alloc", storage=1, bytes=15 << 30)', "not_runnable", "more memory than there is", at=1),
    "a result that there is no room for": Attack('say("alloc", storage=1, bytes=8000); launch(call); say("result", tree={"t": t(call, storage=1, shape=[4_000_000_000], stride=[0])})', "not_runnable", "more memory than there is", at=1),
    "a fill that no int8 holds": Attack('say("alloc", storage=1, bytes=8); say("fill", tensor=t(call, shape=[8], dtype="int8", storage=1), value=300)', "plan_invalid", "a fill of int8 with 300", at=1),
    "a fill with the least integer": Attack('say("alloc", storage=1, bytes=8); say("fill", tensor=t(call, shape=[8], dtype="uint8", storage=1), value=-2**63)', "plan_invalid", "a fill of uint8", at=1),
    "a copy onto itself": Attack('say("alloc", storage=1, bytes=32); say("copy", target=t(call, shape=[7], storage=1), source=t(call, shape=[7], offset=1, storage=1))', "plan_invalid", "torch refuses a copy", at=1),
    "a copy into one element": Attack('say("alloc", storage=1, bytes=8000); say("copy", target=t(call, stride=[0], storage=1), source=t(call))', "plan_invalid", "torch refuses a copy", at=1),
    "a text for a pointer": Attack('say("alloc", storage=1, bytes=8000); launch(call, arguments={"x_ptr": "x"})', "kernel_raised", "`silu` fails", at=1),
    "a host descriptor that Triton would refuse": Attack('launch(call, arguments={"y_ptr": {"descriptor": t(call), "shape": [1000], "strides": [2], "block": [16], "padding": "zero"}})', "plan_invalid", "a descriptor of strides (2,)"),
    "a host descriptor of odd blocks": Attack('launch(call, arguments={"y_ptr": {"descriptor": t(call), "shape": [2000], "strides": [1], "block": [17], "padding": "zero"}})', "plan_invalid", "a descriptor's block (17,)"),
    "leaving": Attack("os._exit(0)", "wrapper_died", "ended"),
    "dying": Attack("os.abort()", "wrapper_died", "ended"),
    "a fault of memory": Attack("import ctypes; ctypes.string_at(0)", "wrapper_died", "ended"),
    "closing the line": Attack("LINE.close()\n" + STAY, "wrapper_died", "ended"),
    "closing it in the middle of a message": Attack('raw(struct.pack(">I", 100) + b"{"); LINE.close()\n' + STAY, "wrapper_died", "ended"),
    "a process beside it": Attack("os.fork()", "wrapper_raised", "PermissionError"),
}  # fmt: skip


def attacked(silu: Any, attack: Attack) -> str:
    return silu.kernel + TAKEN_OVER % (attack.at, attack.code)


@pytest.fixture
def honest(verify: Verify, silu: Any) -> Any:
    """After an attack, the same judge accepts an honest kernel."""
    yield
    assert verify(silu.problem, silu.kernel).outcome == "accepted"


def assert_lost(verdict: Verdict, cause: str, says: str) -> None:
    outcome = "undecided" if cause == "not_runnable" else "refused"
    assert (verdict.outcome, verdict.cause) == (outcome, cause), verdict.message
    assert says in verdict.message, verdict.message
    assert verdict.message.isprintable() and len(verdict.message) < 1000


ATTACKS = {name: Attack(code, "plan_invalid", says) for name, (code, says) in LIES.items()} | OTHERS


@pytest.mark.usefixtures("honest")
@pytest.mark.parametrize("name", ATTACKS)
def test_what_a_tracer_forges_only_loses(verify: Verify, silu: Any, name: str):
    attack = ATTACKS[name]
    assert_lost(verify(silu.problem, attacked(silu, attack)), attack.cause, attack.says)


OPEN = """
import os, stat

KINDS = []
for fd in range(4096):
    try:
        found = os.fstat(fd)
    except OSError:
        continue
    null = found.st_rdev == os.stat("/dev/null").st_rdev
    KINDS.append("socket" if stat.S_ISSOCK(found.st_mode) else "null" if null else f"{fd}:{found.st_mode:o}")
raise OSError(" ".join(KINDS))
"""


def test_the_tracer_has_no_descriptor_but_its_line(verify: Verify, silu: Any):
    verdict = verify(silu.problem, silu.kernel + OPEN)
    assert verdict.cause == "wrapper_import"
    opened = verdict.message.partition("OSError: ")[2].split()
    assert opened[:3] == ["null"] * 3 and opened[3:] == ["socket"], verdict.message


FLOODS = {
    "ten million messages": Attack(
        'for i in range(10**7): say("alloc", storage=i + 1, bytes=0)', "plan_flood", "more than 20000 messages"
    ),
    "ten million messages of megabytes": Attack(
        'for i in range(10**7): say("launch", kernel="silu", grid=[1], arguments={"x_ptr": 1, "y_ptr": 1, "n": {"tuple": [{"tuple": [0.125] * 64}] * 64}, "BLOCK": 1}, options={}, line=1)',
        "plan_flood",
        "bytes of messages",
    ),
    "messages after the result": Attack(
        'say("alloc", storage=1, bytes=8000); launch(call); say("result", tree={"t": t(call, storage=1)})\nfor i in range(10**7): say("ready")',
        "plan_flood",
        "more than 20000 messages",
        at=1,
    ),
    "memory in Python": Attack("whole = []\nwhile True: whole.append(bytes(1 << 28))", "wrapper_raised", "MemoryError"),
    "threads that all talk": Attack(
        'for i in range(50): threading.Thread(target=lambda: [say("end") for _ in range(1000)], daemon=True).start()\n'
        + STAY,
        "wrapper_raised",
        "can't start new thread",
    ),
    "descriptors with each byte": Attack(
        "while True: socket.send_fds(LINE.sock, [b'x'], [0] * 16)", "wrapper_raised", "PermissionError"
    ),
    "descriptors until none is left": Attack(
        "resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))\nwhile True: os.dup(0)", "wrapper_raised", "OSError"
    ),
}


@pytest.mark.usefixtures("honest")
@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_ends_at_its_bound(verify: Verify, silu: Any, name: str):
    attack = FLOODS[name]
    assert_lost(verify(silu.problem, attacked(silu, attack)), attack.cause, attack.says)


STALLS = {
    "says nothing": Attack(STAY, "wrapper_timeout", "1.5 s"),
    "burns its time": Attack("while True: pass", "wrapper_timeout", "1.5 s"),
    "a frame that never ends": Attack('raw(struct.pack(">I", 100) + b"{")\n' + STAY, "wrapper_timeout", "1.5 s"),
    "a byte now and then": Attack(
        'raw(struct.pack(">I", 60000))\nwhile True: raw(b" "); time.sleep(0.2)', "wrapper_timeout", "1.5 s"
    ),
    "a message now and then": Attack(
        'i = 0\nwhile True: i += 1; say("alloc", storage=i, bytes=0); time.sleep(0.2)', "wrapper_timeout", "1.5 s"
    ),
    "a launch now and then": Attack(
        'say("alloc", storage=1, bytes=8000)\nwhile True: launch(call, grid=[0]); time.sleep(0.2)',
        "wrapper_timeout",
        "1.5 s",
        at=1,
    ),
    "no end after the result": Attack(
        "honest(call); call = hear(); say('alloc', storage=1, bytes=8000); launch(call); say('result', tree={'t': t(call, storage=1)})\nwhile True: say('alloc', storage=9, bytes=0); time.sleep(0.2)",
        "wrapper_timeout",
        "1.5 s",
        at=1,
    ),
}


@pytest.fixture(scope="module")
def impatient() -> Iterator[Judge]:
    with Judge("cpu", patience=Patience(trace=1.5)) as one:
        yield one


@pytest.mark.parametrize("name", STALLS)
def test_a_tracer_that_stalls_has_its_time_and_no_more(
    impatient: Judge, inspect: Callable[[str], Contract], silu: Any, name: str
):
    attack = STALLS[name]
    contract = inspect(silu.problem)
    assert_lost(impatient.judge(contract, attacked(silu, attack), "seed", Control()), attack.cause, attack.says)
    assert impatient.judge(contract, silu.kernel, "seed", Control()).outcome == "accepted"


PATCHES = {
    "the recorder": "from pytest_kernelfalcon.judge.roles.tracing.recorder import Telling\nTelling.emit = lambda self, op, **fields: None",
    "the channel": "from pytest_kernelfalcon.judge import wire\nwire.Channel.send = lambda *_: None",
    "every module of ours": "import sys\nfor name in list(sys.modules):\n    if name.startswith('pytest_kernelfalcon'): sys.modules[name] = None",
    "json": 'import json\njson.dumps = lambda message: \'{"op": "accepted"}\'',
}


@pytest.mark.usefixtures("honest")
@pytest.mark.parametrize("name", PATCHES)
def test_our_modules_patched_in_the_tracer_are_patched_there_only(
    impatient: Judge, inspect: Callable[[str], Contract], silu: Any, name: str
):
    """Silence is a timeout, nonsense is no plan; and what the patches leave as it was, is judged as ever."""
    spoiled = silu.edited("x * tl.sigmoid(x)", "x * tl.sigmoid(x) * 1.001") + PATCHES[name]
    verdict = impatient.judge(inspect(silu.problem), spoiled, "seed", Control())
    assert verdict.outcome == "refused"
    assert verdict.cause in ("wrapper_timeout", "plan_invalid", "inaccurate", "wrapper_died"), verdict.message


WRONG, RIGHT = "x * tl.sigmoid(x) * FACTOR * 1.001", "x * tl.sigmoid(x) * FACTOR"
TAMPERING = {
    "the kernel's source": "silu._unsafe_update_src(silu.src.replace(THIS, OTHER))",
    "the kernel's text": "silu.__dict__['_src'] = silu.src.replace(THIS, OTHER); silu.raw_src = [line.replace(THIS, OTHER) for line in silu.raw_src]",
    "the kernel's function": "made({}); silu.fn = made({})['silu'].fn",
    "a kernel made by exec": "globals()['silu'] = made({})['silu']",
    "a kernel of another name": "other = made({})['silu']; other.__name__ = 'silu'; globals()['silu'] = other",
    "the cache of lines": "linecache.cache[__file__] = (1, None, TEXT.replace(THIS, OTHER).splitlines(True), __file__); linecache.checkcache = lambda *_: None",
    "the file": "open(__file__, 'w').write(TEXT.replace(THIS, OTHER))",
    "another file": "open('kernels.py', 'w').write(TEXT.replace(THIS, OTHER)); __file__ = 'kernels.py'",
    "the file's name": "__file__ = __name__ = 'elsewhere.py'; silu.__module__ = 'elsewhere'",
    "Triton's class": "triton.runtime.jit.JITFunction.src = property(lambda self: TEXT.replace(THIS, OTHER))",
    "a constant's value": "FACTOR.value = 1.001 if OTHER == WRONG else 1 / 1.001",
    "a constant": "globals()['FACTOR'] = tl.constexpr(1.001 if OTHER == WRONG else 1 / 1.001)",
}  # fmt: skip
TAMPER = """
import linecache
TEXT, THIS, OTHER, WRONG = open(__file__).read(), {this!r}, {other!r}, {wrong!r}
HEAD = TEXT.partition("def kernel_function")[0]


def made(into):
    linecache.cache["made.py"] = (1, None, HEAD.replace(THIS, OTHER).splitlines(True), "made.py")
    exec(compile(HEAD.replace(THIS, OTHER), "made.py", "exec"), into)
    return into


"""


def tampered(silu: Any, tampering: str, this: str, other: str) -> str:
    text = silu.kernel if this in silu.kernel else silu.edited("x * tl.sigmoid(x)", this)
    text = text.replace("@triton.jit", "FACTOR = tl.constexpr(1.0)\n\n\n@triton.jit")
    return text + TAMPER.format(this=this, other=other, wrong=WRONG) + tampering + "\n"


@pytest.mark.parametrize("name", TAMPERING)
def test_the_text_that_runs_is_the_files(verify: Verify, silu: Any, name: str):
    """Right text that a candidate makes wrong at run time is right, and wrong text that it makes right is wrong."""
    wrong = verify(silu.problem, tampered(silu, TAMPERING[name], WRONG, RIGHT))
    assert (wrong.outcome, wrong.cause) == ("refused", "inaccurate"), wrong.message
    right = verify(silu.problem, tampered(silu, TAMPERING[name], RIGHT, WRONG))
    assert right.outcome == "accepted", right.message


def test_a_kernel_that_only_exec_makes_is_none(verify: Verify, silu: Any):
    verdict = verify(silu.problem, tampered(silu, "globals()['silu'] = made({})['hidden']", "def silu(", "def hidden("))
    assert (verdict.outcome, verdict.cause) == ("refused", "plan_invalid"), verdict.message
    assert "kernel 'hidden' is not a @triton.jit function of the file" in verdict.message
