"""The launch plan's vocabulary: hostile messages in, checked steps out.

A wrapper can say only this, one JSON object a message, each with exactly these keys:
    {"op": "alloc", "storage", "bytes"}                  a new storage, numbered in order
    {"op": "fill", "tensor", "value"}                    every element becomes one scalar
    {"op": "copy", "target", "source"}                   same shape and dtype
    {"op": "launch", "kernel", "grid", "arguments", "options", "line"}
    {"op": "read", "tensor", "line"}                     a few scalars back into Python, counted
    {"op": "tune", "kernel", "count", "pick"}            an autotuned launch: how many configurations, which is used
    {"op": "result", "tree"}                             ends a call
    {"op": "refuse", "cause", "facts", "line"}           the tracer's own word: something that has no message
    {"op": "raise", "type", "text", "line", "phase"}     the wrapper raised
    {"op": "ready"}, {"op": "end"}                       the module is imported; a call is over
A tensor is a `TensorSpec`; `storage` numbers the call's storages, its inputs first. call.py checks a call's messages,
one by one; roles/conversation.py holds their number, their size and their time to the bounds.
"""

from pytest_kernelfalcon.judge.launch_plan.arguments import all_tensors
from pytest_kernelfalcon.judge.launch_plan.bounds import Bounds, Invalid, line_of, shown
from pytest_kernelfalcon.judge.launch_plan.call import Call
from pytest_kernelfalcon.judge.launch_plan.steps import Alloc, Copy, Fill, Launch, Read, Result, Step, Tune

__all__ = [
    "Alloc",
    "Bounds",
    "Call",
    "Copy",
    "Fill",
    "Invalid",
    "Launch",
    "Read",
    "Result",
    "Step",
    "Tune",
    "all_tensors",
    "line_of",
    "shown",
]
