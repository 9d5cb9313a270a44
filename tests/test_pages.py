"""What the pages say can be done: their code runs, their commands are understood."""

import os.path
import re
import runpy
import subprocess
import sys

import numpy as np
import pytest

from tests import pages
from tfp_ebm import cli
from tfp_ebm.internal import train_options
from tfp_ebm.models import registry
from website import api, gallery, processors

PAGES = pages.pages()
# The quick start, which begins with the README's code, runs in a process of its own.
ELSEWHERE = ("README.md", "quick_start.md")
WITH_CODE = [page for page in PAGES if pages.code(page) and page.name not in ELSEWHERE]


@pytest.fixture
def registered(monkeypatch):
    """What a page registers is forgotten after it."""
    parts = {field: dict(known) for field, known in registry._REGISTRY.items()}
    monkeypatch.setattr(registry, "_REGISTRY", parts)


@pytest.mark.slow
@pytest.mark.parametrize("page", WITH_CODE, ids=pages.identify)
def test_code_of_a_page_runs(page, tmp_path, monkeypatch, registered):
    monkeypatch.chdir(tmp_path)
    short = re.sub(r"epochs=\d+", "epochs=1", pages.code(page))
    if "strategy" in short:  # TensorFlow lets one mirrored strategy a process reduce over devices.
        subprocess.run([sys.executable, "-c", short], check=True)
        return
    exec(compile(short, page.name, "exec"), {"__name__": "page"})


OWN_OR_SMALL = ("digits", "two_moons", "images.npz", "turned.npz", "my_table.csv")


@pytest.fixture(scope="module")
def own_data(tmp_path_factory):
    """A folder with the files that pages call one's own."""
    folder = tmp_path_factory.mktemp("own")
    random = np.random.default_rng(0)
    images = random.integers(0, 256, [40, 8, 8, 1], dtype=np.uint8)
    np.savez(folder / "images.npz", images)
    np.savez(folder / "turned.npz", images=images, angle=random.random(40))
    rows = [
        f"{a:.3f},{b},{c}" for a, b, c in zip(random.random(40), range(40), 20 * "xy", strict=False)
    ]
    (folder / "my_table.csv").write_text("\n".join(["a,b,c", *rows]) + "\n")
    return folder


@pytest.mark.parametrize("page", PAGES, ids=pages.identify)
def test_commands_of_a_page_are_understood(page, own_data, monkeypatch, capsys):
    monkeypatch.chdir(own_data)
    passed_on = {option.name for option in train_options.OPTIONS}
    for words in pages.commands(page):
        if words[0] == "tfp-ebm" and not any(word.startswith("$") for word in words):
            cli._parse(words[1:])
        elif words[0] == "python" and words[1].endswith(".py"):
            script = pages.ROOT / words[1]
            assert script.is_file()
            # Scripts share options with others of their folder.
            known = "".join(path.read_text() for path in script.parent.glob("*.py"))
            for option in (word for word in words if word.startswith("--")):
                name = option[2:].replace("-", "_")
                forms = (f'"{option}"', f'"{name}"')
                is_known = name in passed_on or any(form in known for form in forms)
                assert is_known, f"{words[1]} has no {option}"


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.parent.name in ("how_to", "start")], ids=pages.identify
)
def test_commands_of_a_task_suit_their_data(page, own_data, monkeypatch):
    """Follows a command as far as that goes without training anything."""
    monkeypatch.chdir(own_data)
    for program, *words in pages.commands(page):
        if program == "tfp-ebm":
            assert cli._parse(words)["command"] == words[0]
            data = words[words.index("--dataset") + 1] if "--dataset" in words else None
            fresh = words[0] == "train" and not {"--resume", "--init", "--strategy"} & {*words}
            if fresh and data in OWN_OR_SMALL:
                assert cli.main([*words, "--dry-run"]) == 0


@pytest.fixture(scope="module")
def made():
    """Where the pages lie that are made when the site is built."""
    return {*api.pages(), *gallery.pages(), *processors.pages()}


@pytest.mark.parametrize("page", PAGES, ids=pages.identify)
def test_links_inside_the_repository_lead_somewhere(page, made):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if "://" not in target:
            place = page.parent / target
            uri = os.path.relpath(place, pages.ROOT / "docs")
            assert place.exists() or uri in made, f"{page.name} links to {target}"


def test_the_readme_is_short_and_its_links_are_whole_where_it_is_published():
    assert len((pages.ROOT / "README.md").read_text().splitlines()) <= 90
    script = runpy.run_path(str(pages.ROOT / "setup.py"))
    project = (pages.ROOT / "pyproject.toml").read_text()
    repository = re.search(r'^Repository = "(.*)"$', project, re.MULTILINE)[1]
    raw = repository.replace("github.com", "raw.githubusercontent.com")
    targets = re.findall(r"(!?)\[[^]]*\]\(([^)]+)\)", script["readme"]())
    assert len(targets) == 6
    for is_picture, target in targets:
        prefix = f"{raw}/main/" if is_picture else f"{repository}/blob/main/"
        assert target.startswith(prefix), f"{target} does not work on PyPI"
        assert (pages.ROOT / target.removeprefix(prefix)).is_file(), target


def test_no_page_names_a_path_of_a_machine():
    for page in PAGES:
        found = re.findall(r"/(?:home|root|tmp|work)/\S*", page.read_text())
        assert not found, f"{page.name} names {found}"
