"""Where options come from: command line > environment > ini > default; and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_kernelfalcon import options
from pytest_kernelfalcon.options import TABLE, Options
from tests.conftest import PROBLEM, Example, Loader
from tests.plugin.conftest import GOOD


def read(pytester: pytest.Pytester, *arguments: str, ini: str = "", **environment: str) -> Options:
    """The options of `pytest --kernelfalcon ARGUMENTS`."""
    pytester.makeini(f"[pytest]\n{ini}\n")
    pytester.plugins = [Loader()]
    return options.read(pytester.parseconfig(*arguments), environment)


def test_defaults(pytester: pytest.Pytester) -> None:
    assert read(pytester) == Options(
        author=("cookbook",), seeds=4, rounds=10, effort=None, max_tokens=32000, window=100000, calls=8, templates=None,
        platform="auto", update=False, frozen=False, fresh=False, kernels=None, json=None, html=None, sanitize=False,
        sandbox="auto", line=(),
    )  # fmt: skip


def test_each_source_goes_before_the_next(pytester: pytest.Pytester) -> None:
    ini, legacy, ours = "kernelfalcon_seeds = 1", {"NUM_KERNEL_SEEDS": "2"}, {"KERNELFALCON_SEEDS": "3"}
    assert read(pytester, ini=ini).seeds == 1
    assert read(pytester, ini=ini, **legacy).seeds == 2
    assert read(pytester, ini=ini, **legacy, **ours).seeds == 3
    assert read(pytester, "--kernelfalcon-seeds=5", ini=ini, **legacy, **ours).seeds == 5


def test_every_option_can_come_from_every_source(pytester: pytest.Pytester) -> None:
    values = {"author": "a/b", "seeds": "7", "rounds": "8", "platform": "cpu", "update": "true", "frozen": "true",
              "fresh": "true", "kernels": "somewhere", "json": "report.json", "html": "report.html",
              "sandbox": "off", "sanitize": "true", "changed": "main", "shard": "1/2", "effort": "high",
              "max_tokens": "9", "window": "9", "calls": "9", "templates": "prompts",
              "budget": "9k tokens", "prices": "a/b=1/2"}  # fmt: skip
    assert set(values) == {option.name for option in TABLE}
    for option in TABLE:
        text = values[option.name]
        line = option.flag if option.metavar is None else f"{option.flag}={text}"
        found = [
            read(pytester, line),
            read(pytester, **{f"KERNELFALCON_{option.name.upper()}": text}),
            read(pytester, ini=f"kernelfalcon_{option.name} = {text}"),
        ]
        default = getattr(read(pytester), option.name)
        chosen = {getattr(one, option.name) for one in found}
        assert len(chosen) == 1
        assert chosen != {default}


def test_rounds_have_the_earlier_systems_name_too(pytester: pytest.Pytester) -> None:
    assert read(pytester, MAX_REFINEMENT_ROUNDS="3").rounds == 3


def test_an_empty_variable_is_none(pytester: pytest.Pytester) -> None:
    assert read(pytester, KERNELFALCON_SEEDS="", CI="").seeds == 4


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (["--kernelfalcon-seeds=0"], {}, "seeds: '0' (from the command line) is not valid. Fix: give a whole "),
        ([], {"NUM_KERNEL_SEEDS": "many"}, "seeds: 'many' (from the environment variable NUM_KERNEL_SEEDS) is not"),
        (["--kernelfalcon-platform=tpu"], {}, "platform: 'tpu' (from the command line) is not valid. Fix: give one"),
        (["--kernelfalcon-sandbox=no"], {}, "sandbox: 'no' (from the command line) is not valid. Fix: give one"),
        ([], {"KERNELFALCON_FRESH": "maybe"}, "(from the environment variable KERNELFALCON_FRESH) is not valid. Fix: "),
        (["--kernelfalcon-author=a,,b"], {}, "author: 'a,,b' (from the command line) is not valid. Fix: give names, "),
        (["--kernelfalcon-json="], {}, "json: '' (from the command line) is not valid. Fix: give a path."),
        (["--kernelfalcon-json=."], {}, "is a folder. Fix: give the name of a file."),
    ],
)
def test_a_bad_value_is_named_with_its_source_and_the_fix(
    pytester: pytest.Pytester, arguments: list[str], environment: dict[str, str], message: str
) -> None:
    with pytest.raises(pytest.UsageError) as caught:
        read(pytester, *arguments, **environment)
    assert message in str(caught.value)
    assert str(caught.value).startswith("--kernelfalcon-")


@pytest.mark.parametrize("ini", ["kernelfalcon_seeds = many", "kernelfalcon_update = perhaps"])
def test_a_bad_ini_value_is_named(pytester: pytest.Pytester, ini: str) -> None:
    with pytest.raises(pytest.UsageError, match=f"the ini option {ini.split()[0]} "):
        read(pytester, ini=ini)


def test_native_toml_values(pytester: pytest.Pytester) -> None:
    pytester.maketoml("[pytest]\nkernelfalcon_seeds = 6\nkernelfalcon_update = true\nkernelfalcon_author = 'a'\n")
    pytester.plugins = [Loader()]
    found = options.read(pytester.parseconfig(), {})
    assert (found.seeds, found.update, found.author) == (6, True, ("a",))


def test_frozen_is_the_default_in_ci_and_explicit_fresh_overrides_it(pytester: pytest.Pytester) -> None:
    assert read(pytester, CI="true").frozen
    assert read(pytester, CI="1").frozen
    assert not read(pytester, CI="false").frozen
    assert not read(pytester, CI="true", KERNELFALCON_FROZEN="0").frozen
    chosen = read(pytester, "--kernelfalcon-fresh", CI="true")
    assert (chosen.frozen, chosen.fresh) == (False, True)


def test_frozen_and_fresh_together_are_a_contradiction(pytester: pytest.Pytester) -> None:
    with pytest.raises(pytest.UsageError) as caught:
        read(pytester, "--kernelfalcon-fresh", ini="kernelfalcon_frozen = true")
    text = str(caught.value)
    assert "--kernelfalcon-frozen (from the ini option kernelfalcon_frozen)" in text
    assert "--kernelfalcon-fresh (from the command line)" in text


def test_paths_are_relative_to_where_they_were_written(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    (pytester.path / "below").mkdir()
    monkeypatch.chdir(pytester.path / "below")
    (pytester.path / "tox.ini").write_text("[pytest]\nkernelfalcon_kernels = kept\n")
    pytester.plugins = [Loader()]
    found = options.read(pytester.parseconfig("--kernelfalcon-json=r.json"), {})
    assert found.kernels == pytester.path / "kept"
    assert found.json == pytester.path / "below" / "r.json"


def test_a_command_can_be_typed_again() -> None:
    chosen = Options(("a b",), 4, 10, None, 1, 1, 1, None, "cpu", True, True, False, Path("/k"), None, None, False,
                     "auto", ("--kernelfalcon-author=a b", "--kernelfalcon-update", "--kernelfalcon-frozen"),
                     )  # fmt: skip
    assert chosen.command("my file.py") == "pytest --kernelfalcon '--kernelfalcon-author=a b' --kernelfalcon-update 'my file.py'"  # fmt: skip  # noqa: E501
    assert chosen.regenerate("p.py").endswith("--kernelfalcon-fresh --kernelfalcon-update p.py")
    assert chosen.regenerate("p.py").count("--kernelfalcon-update") == 1


@pytest.mark.usefixtures("judge")
def test_a_wrong_option_ends_the_run_before_it_begins(example: Example) -> None:
    example.problem()
    example.script(GOOD)
    for wrong in ("--kernelfalcon-seeds=x", "--kernelfalcon-author=nobody"):
        run = example.run("add.py", wrong)
        assert (run.ret, run.ended) == (pytest.ExitCode.USAGE_ERROR, {})
        assert "ERROR: --kernelfalcon-" in run.output
        assert not (example.path / ".fuse").exists()


@pytest.mark.usefixtures("judge")
def test_a_run_without_a_place_for_its_directory_does_not_begin(example: Example) -> None:
    example.problem()
    example.script(GOOD)
    example.write(".fuse", "in the way")
    run = example.run("add.py")
    assert (run.ret, run.ended) == (pytest.ExitCode.USAGE_ERROR, {})
    assert "no place for the run directory" in run.output
    assert "Fix: start pytest in a folder that can be written." in run.output


@pytest.mark.usefixtures("judge")
def test_a_sandbox_found_missing_once_the_judge_starts_ends_the_run(example: Example) -> None:
    example.problem(text=PROBLEM + "# inspect=unavailable\n")
    example.script(GOOD)
    run = example.run("add.py")
    assert run.ret == pytest.ExitCode.USAGE_ERROR
    assert "the sandbox is not complete here" in run.output
    assert set(run.ended.values()) <= {"FAILED", "ERROR"}


def test_an_unavailable_platform_ends_the_run_before_it_begins(example: Example) -> None:
    example.problem()
    example.script(GOOD)
    run = example.run("add.py", "--kernelfalcon-platform=xpu")
    assert (run.ret, run.ended) == (pytest.ExitCode.USAGE_ERROR, {})
    assert "xpu is not there yet" in run.output


def test_sanitizing_without_a_gpu_is_a_usage_error(example: Example) -> None:
    example.problem()
    run = example.run("add.py", "--kernelfalcon-sanitize", "--kernelfalcon-platform=cpu")
    assert run.ret == pytest.ExitCode.USAGE_ERROR
    assert (
        "compute-sanitizer runs on CUDA only, and the platform is cpu. Fix: leave --kernelfalcon-sanitize" in run.output
    )
