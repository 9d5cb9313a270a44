"""Two processes never train one run at once."""

import subprocess
import sys

import pytest

from tfp_ebm import cli
from tfp_ebm.runs.sole_use import sole_use

HOLD = """
import pathlib, sys
from tfp_ebm.runs.sole_use import sole_use
with sole_use(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_second_is_refused_until_the_first_ends(tmp_path):
    with sole_use(tmp_path):
        with pytest.raises(ValueError, match="is being trained by another process; wait"):
            with sole_use(tmp_path):
                pass
    with sole_use(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_process_that_is_killed_lets_go(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(ValueError, match="another process"), sole_use(tmp_path):
            pass
        process.kill()
    with sole_use(tmp_path):
        pass


@pytest.mark.usefixtures("small")
def test_a_run_in_training_is_not_resumed(run, capsys):
    before = (run / "config.json").read_bytes()
    with sole_use(run):
        assert cli.main(["train", "--resume", str(run), "--epochs", "9"]) == 2
    assert "is being trained by another process" in capsys.readouterr().err
    assert (run / "config.json").read_bytes() == before
