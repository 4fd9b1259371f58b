from __future__ import annotations
from tests.plugin.conftest import GOOD, BAD, WRONG_AT_ACCEPT


def test_first(example, judge):
    example.problem()
    example.script(BAD, GOOD)
    run = example.run("add.py")


def test_nokernel(example, judge):
    example.problem()
    example.problem("sub/7_x.py", "class Model(: pass")
    example.problem("sub/8_x.py", "# inspect=broken\n" + __import__("tests.conftest").conftest.PROBLEM)
    example.problem("sub/9_x.py", "# inspect=error\n" + __import__("tests.conftest").conftest.PROBLEM)
    example.script(BAD, WRONG_AT_ACCEPT, seed=0)
    run = example.run(".", "--kernelfalcon-seeds=2")
    assert 0
