"""The catalogue: every way in which a problem or a candidate can fail, with its words and the fix.

A cause without a message cannot exist: a member of `Cause` is made of it. `{…}` are filled with the facts
of the case at hand; a fact that is missing is a programming error and raises KeyError.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Outcome = Literal["accepted", "specialised", "refused", "undecided", "no_kernel", "inadmissible", "broken"]


@dataclass(frozen=True)
class Entry:
    """outcome: what the cause leads to. text: what happened. fix: what its reader can do about it."""

    outcome: Outcome
    text: str
    fix: str = ""


class Cause(StrEnum):
    """The catalogue. A member is its own name in small letters, as verdicts hold it, and carries its words."""

    entry: Entry

    def __new__(cls, name: str, entry: Entry) -> Cause:
        member = str.__new__(cls, name)
        member._value_ = name
        member.entry = entry
        return member

    @property
    def outcome(self) -> Outcome:
        return self.entry.outcome

    @classmethod
    def named(cls, name: str) -> Cause:
        """The member that a verdict's or a message's text names. Raises KeyError."""
        return cls[name.upper()]

    # fmt: off
    # the problem file
    PROBLEM_SYNTAX = "problem_syntax", Entry("broken", "syntax error: {detail}", "mend the problem file")
    PROBLEM_UNREADABLE = "problem_unreadable", Entry("broken", "cannot be read: {detail}", "a problem is a UTF-8 Python file")
    PROBLEM_NO_MODEL = "problem_no_model", Entry("broken", "defines no class `Model`", "a problem defines `Model`, `get_inputs()` and `get_init_inputs()`")
    PROBLEM_NO_INPUTS = "problem_no_inputs", Entry("broken", "defines no function `{detail}`", "a problem defines `Model`, `get_inputs()` and `get_init_inputs()`")
    PROBLEM_IMPORT = "problem_import", Entry("broken", "raises at import: {detail}", "mend the problem file")
    PROBLEM_INIT = "problem_init", Entry("broken", "`Model(*get_init_inputs())` raises: {detail}", "mend `Model` or `get_init_inputs()`")
    PROBLEM_INPUTS = "problem_inputs", Entry("broken", "`get_inputs()` fails: {detail}", "return a list of tensors and plain values that `forward` takes")
    PROBLEM_FORWARD = "problem_forward", Entry("broken", "`forward` raises: {detail}", "`Model(*get_init_inputs())(*get_inputs())` must run in plain PyTorch on the CPU")
    PROBLEM_NO_TENSOR = "problem_no_tensor", Entry("broken", "`forward` returns no tensor, but {detail}", "return a tensor, or a list, tuple or dict of tensors")
    PROBLEM_RANDOM = "problem_random", Entry("broken", "`forward` is random: two calls on the same inputs differ ({detail})", "draw random numbers in `get_inputs()`, or with dropout modules, which are judged in eval mode")
    PROBLEM_HANG = "problem_hang", Entry("broken", "does not end: still in {detail} after {seconds:.0f} s", "make it smaller, or mend the endless loop")
    PROBLEM_EXIT = "problem_exit", Entry("broken", "leaves the process in {detail}", "remove the call of `exit` or `os._exit`")
    PROBLEM_MEMORY = "problem_memory", Entry("broken", "takes too much memory in {detail}", "make its sizes smaller, or name them as module constants so that they can be shrunk")
    PROBLEM_CRASH = "problem_crash", Entry("broken", "crashes in {detail}", "mend the problem file: it ends the process that runs it")
    PROBLEM_STATE_NAMES = "problem_state_names", Entry("broken", "two pieces of state would be the same argument: {detail}", "rename one of them")
    PROBLEM_VALUES = "problem_values", Entry("broken", "uses a value that cannot be an argument: {detail}", "pass tensors, numbers, strings, or lists, tuples and dicts of them")
    # reading the candidate
    SOURCE_UNREADABLE = "source_unreadable", Entry("refused", "the source cannot be read: {detail}", "write plain UTF-8 Python")
    SOURCE_SYNTAX = "source_syntax", Entry("refused", "syntax error: {detail}", "mend the syntax")
    NO_ENTRY_POINT = "no_entry_point", Entry("refused", "defines no function `kernel_function`", "define `kernel_function(*inputs, **state)`, or a module `ModelNew`")
    KERNEL_CONSTRUCT = "kernel_construct", Entry("refused", "kernel `{kernel}`: {detail}", "use tl functions, arithmetic, literals and other @triton.jit functions only")
    KERNEL_DUPLICATE = "kernel_duplicate", Entry("refused", "kernel `{kernel}` is defined more than once", "give every kernel one definition, at module level")
    # tracing the wrapper
    WRAPPER_IMPORT = "wrapper_import", Entry("refused", "importing the candidate raises {detail}", "the module must import with torch and triton alone")
    WRAPPER_RAISED = "wrapper_raised", Entry("refused", "`kernel_function` raises {detail}", "mend the wrapper there; it is called with `get_inputs()` positionally and the model's state by keyword, dots as underscores")
    UNSUPPORTED_DECLARED = "unsupported_declared", Entry("refused", "`kernel_function` says it does not support the problem's own sizes: {detail}", "serve the sizes that the problem file has; only others may be unsupported")
    TORCH_OPERATION = "torch_operation", Entry("refused", "`{detail}` computes outside a kernel", "outside @triton.jit only allocation, fills, views and same-dtype copies are allowed: compute it in a kernel")
    HOST_DATA = "host_data", Entry("refused", "{detail}", "data reaches a kernel only from its inputs and from other kernels")
    KEPT_TENSOR = "kept_tensor", Entry("refused", "{detail}", "keep no tensors between calls: allocate workspaces in each call")
    DTYPE_CAST = "dtype_cast", Entry("refused", "a cast {detail} outside a kernel", "cast inside the kernel")
    SIDE_STREAM = "side_stream", Entry("refused", "`{detail}` is used: a wrapper launches on the caller's stream, in each call", "launch on the current stream, and capture no graph")
    VALUE_READ = "value_read", Entry("refused", "{detail}", "only a few scalars that a kernel computed may be read back")
    LAUNCH_ARGUMENT = "launch_argument", Entry("refused", "launch of `{kernel}`: {detail}", "pass tensors, numbers, tl dtypes or kernels, and of launch options num_warps (a power of 2 up to 32), num_stages, num_ctas, maxnreg and enable_fp_fusion only")
    PLAN_INVALID = "plan_invalid", Entry("refused", "the wrapper's messages make no launch plan: {detail}", "use torch's allocation and view functions and `kernel[grid](…)`")
    PLAN_CHANGES = "plan_changes", Entry("refused", "the wrapper does something else in trace {call} of the same call: {detail}", "let what it does hang on its arguments alone")
    PLAN_FLOOD = "plan_flood", Entry("refused", "the wrapper does too much: {detail}", "allocate less, and fill, copy and launch less often")
    WRAPPER_DIED = "wrapper_died", Entry("refused", "the wrapper's process ended ({detail})", "do not exit, fork or exhaust memory in the wrapper")
    WRAPPER_TIMEOUT = "wrapper_timeout", Entry("refused", "the wrapper did not finish within {seconds:.1f} s", "look for an endless loop in `kernel_function` or at import")
    RESULT_STRUCTURE = "result_structure", Entry("refused", "returns {detail}", "return tensors in the structure that `forward` returns")
    # compiling
    COMPILE_ERROR = "compile_error", Entry("refused", "`{kernel}` does not compile for {target}: {detail}", "mend the kernel at this line")
    OUT_OF_RESOURCES = "out_of_resources", Entry("refused", "`{kernel}` fits no target: {detail}", "use smaller blocks, fewer stages or fewer warps")
    COMPILE_TIMEOUT = "compile_timeout", Entry("refused", "compiling did not finish within {seconds:.0f} s", "use smaller blocks or fewer unrolled iterations")
    COMPILE_CRASH = "compile_crash", Entry("refused", "the compiler ends abnormally ({detail})", "simplify the kernel; Triton's issue tracker may know this crash")
    # running
    KERNEL_RAISED = "kernel_raised", Entry("refused", "`{kernel}` fails: {detail}", "mend the kernel there")
    OUT_OF_BOUNDS = "out_of_bounds", Entry("refused", "`{kernel}`: {detail}", "mask the access, or correct its strides")
    RACE = "race", Entry("refused", "`{kernel}`: {detail}", "let each element be written by one program, or use atomics")
    ADDRESS_OVERFLOW = "address_overflow", Entry("refused", "`{kernel}`: {detail}", "compute offsets in int64")
    KERNEL_CRASHED = "kernel_crashed", Entry("refused", "the process that ran `{kernel}` ended ({detail})", "look for wild addresses and unbounded memory")
    KERNEL_TIMEOUT = "kernel_timeout", Entry("refused", "`{kernel}` did not finish within {seconds:.1f} s", "look for an endless loop in the kernel")
    SANITIZER = "sanitizer", Entry("refused", "`{kernel}`: compute-sanitizer's {tool}: {detail}", "memcheck: mask the access, or correct its strides; initcheck: write a workspace before it is read, and mask what is not written")
    # comparing
    OUTPUT_SHAPE = "output_shape", Entry("refused", "output {output} has shape {got}, expected {want}", "allocate the output with the shape that `forward` returns")
    OUTPUT_DTYPE = "output_dtype", Entry("refused", "output {output} has dtype {got}, expected {want}", "allocate the output with the dtype that `forward` returns")
    NAN_MISMATCH = "nan_mismatch", Entry("refused", "output {output} is wrong about NaN at {count} of {total} elements: NaN where a number must be, or a number where NaN must be", "look for unwritten elements, missing masks, 0/0 and inf-inf; where an input is NaN, pass it on as `forward` does (`tl.max` and `tl.maximum` drop it unless told)")
    INF_MISMATCH = "inf_mismatch", Entry("refused", "output {output} is wrong about infinity at {count} of {total} elements: infinite where a number must be, or finite where infinity must be", "look for overflow in an intermediate value, a division by zero, and a clamp that `forward` has not")
    VALUES_DIFFER = "values_differ", Entry("refused", "output {output} differs at {count} of {total} elements", "an integer or boolean must be what eager or fp64 gives: look at the worst element, at comparisons with equality, and at which of equal elements is taken")
    INACCURATE = "inaccurate", Entry("refused", "output {output} is too far from the fp64 result: RMS error {rms:.3g} times eager's (at most {rms_bound:g}), worst {top:.3g} times (at most {top_bound:g})", "look at the worst element and the case; sum in fp32, use no TF32 (`input_precision=\"ieee\"`) and no narrower type than the inputs', and subtract a maximum or mean before exp and variance")
    STALE = "stale", Entry("refused", "right at first, wrong when the same tensors hold new values: {detail}", "keep no results, values or tensors between calls: work each call out from its arguments")
    # memory
    UNWRITTEN_OUTPUT = "unwritten_output", Entry("refused", "output {output}: {count} of {total} elements are never written", "launch enough programs and check the store's mask")
    INPUT_MODIFIED = "input_modified", Entry("refused", "`{detail}` is modified, which `forward` does not do", "write to a tensor that the wrapper allocated")
    ALIASES_INPUT = "aliases_input", Entry("refused", "output {output} is the memory of {detail}", "return a tensor that the wrapper allocated")
    ALIASES_OUTPUT = "aliases_output", Entry("refused", "outputs {other} and {output} are the same memory, which those of `forward` are not", "allocate each output by itself")
    PASSTHROUGH = "passthrough", Entry("refused", "output {output} holds nothing that a kernel computed", "launch a kernel that writes it: fills and copies alone are no computation")
    # used for real
    NOT_CONFORMING = "not_conforming", Entry("refused", "used for real, it does something else than what was judged: {detail}", "let the wrapper do the same whatever it sees of its tensors, its process and the clock")
    # not decidable here
    NOT_RUNNABLE = "not_runnable", Entry("undecided", "cannot be run on this platform: {detail}", "judge it with --platform cuda on a machine with a GPU")
    DEVICE_MEMORY = "device_memory", Entry("undecided", "one call takes more memory than the device has free: {detail}", "judge it with fewer workers, or on a device with more memory; or let the kernel allocate less")
    UNSUPPORTED_SHRUNK = "unsupported_shrunk", Entry("undecided", "the problem's own sizes are too large to run here, and the candidate does not support smaller ones: {detail}", "judge it with --platform cuda, or support other sizes")
    TRIVIAL_SHRUNK = "trivial_shrunk", Entry("undecided", "the problem's own sizes are too large to run here, and at each smaller form an answer that computes nothing would be right", "judge it with --platform cuda where its own sizes can be run, or make them smaller")
    # the search
    EXHAUSTED = "exhausted", Entry("no_kernel", "no author has a kernel: {detail}", "try another author, or more seeds and rounds")
    UNSOLVED = "unsolved", Entry("no_kernel", "no seed found a kernel: {detail}", "read the last verdicts; try another author, or more seeds and rounds")
    BUDGET_SPENT = "budget_spent", Entry("no_kernel", "the search ended early: {detail}", "go on with a larger one: what was found is kept, and nobody is asked again what was answered")
    # kept kernels
    KEPT_MISSING = "kept_missing", Entry("no_kernel", "there is no kept kernel, and a frozen run synthesises none", "synthesise one and keep it")
    KEPT_STALE = "kept_stale", Entry("no_kernel", "the kept kernel and its manifest were not made for this text of the problem, or were changed since; a frozen run synthesises none", "synthesise one and keep it")
    # the problem's answer is trivial
    CONSTANT_OUTPUT = "constant_output", Entry("inadmissible", "output {output} is {detail} whatever the inputs are", "a kernel could not be told from a constant: mend `forward`, or draw inputs that make a difference")
    TRIVIAL_ANSWER = "trivial_answer", Entry("inadmissible", "{detail} would do for output {output}: {near}", "a kernel could not be told from one that computes nothing: let the inputs, or the scale of the operations, make a difference")
    # fmt: on


def explain(cause: Cause, **facts: object) -> str:
    """What happened, in one sentence."""
    return cause.entry.text.format(**facts)


def fix(cause: Cause) -> str:
    """What the reader can do about it."""
    return cause.entry.fix


class ProblemError(Exception):
    """A problem that is broken or inadmissible. `str()` names the file, the line where known, and the cause."""

    def __init__(self, path: str, cause: Cause, *, line: int | None = None, **facts: object) -> None:
        place = f"{path}:{line}" if line else path
        self.path, self.cause, self.line = path, cause, line
        self.text = explain(cause, **facts)
        super().__init__(f"{place}: {self.text}. Fix: {fix(cause)}.")

    @property
    def outcome(self) -> Outcome:
        return self.cause.outcome
