"""The tutorials run, and their pages are of the scripts as they are."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

FOLDER = pathlib.Path(__file__).parents[1] / "docs" / "tutorials"
SCRIPTS = sorted(path for path in FOLDER.glob("*.py") if path.name != "execute.py")


def cells(script):
    """Yields the kind and the text of every cell of a script in the percent format."""
    for cell in script.read_text().split("# %%")[1:]:
        kind, _, text = cell.partition("\n")
        is_text = "[markdown]" in kind
        yield is_text, re.sub(r"(?m)^# ?", "", text).strip() if is_text else text.strip()


def test_there_are_six_and_each_is_listed():
    assert len(SCRIPTS) == 6
    index = (FOLDER / "index.md").read_text()
    for script in SCRIPTS:
        assert f"({script.stem}.md)" in index


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_the_page_is_of_the_script_as_it_is(script):
    page = script.with_suffix(".md").read_text()
    for _, text in cells(script):
        assert text in page, f"run: python docs/tutorials/execute.py {script.stem}"
    assert "Traceback" not in page and "Path(" not in page.replace("pathlib.Path(", "")
    for picture in re.findall(r"!\[[^\]]+\]\((images/[^)]+)\)", page):
        assert (FOLDER / picture).stat().st_size < 150_000


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_the_script_runs(script, tmp_path):
    result = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "TFP_EBM_SMALL": "1"},
    )
    assert result.returncode == 0, result.stderr
    assert "±" in result.stdout and "nan" not in result.stdout
    drawn = {str(path.relative_to(tmp_path)) for path in tmp_path.glob("images/*.png")}
    assert drawn == set(re.findall(r"\]\((images/[^)]+)\)", script.read_text()))
