"""The gallery of flows and bases."""

import json

import pytest

from tfp_ebm import models
from website import gallery, measure_gallery


def test_every_part_has_a_section_with_what_was_measured():
    pages = gallery.pages()
    record = json.loads((gallery.RESULTS / "gallery.json").read_text())
    entries = {(entry["kind"], entry["name"]): entry for entry in record["parts"]}
    for kind, names in (("flow", models.flow_names()), ("base", models.base_names())):
        page = pages[f"models/{kind}s.md"]
        for name in names:
            section = page.split(f"## `{name}`\n")[1].split("\n## ")[0]
            if (kind, name) in entries:
                entry = entries[kind, name]
                assert entry["command"] in section
                assert f"{entry['num_parameters']:,}" in section
                assert f"images/gallery/{kind}-{name}.png" in section
    assert "## `glow`" in pages["models/flows.md"]


def test_named_models_and_presets_are_listed_with_their_figures():
    page = gallery.pages()["models/index.md"]
    assert all(f"`{name}`" in page for name in (*models.names(), *models.preset_names()))
    assert "| `rbm_flow` | 644,000 |" in page and "1.979 ± 0.004" in page


@pytest.mark.slow
def test_commands_are_for_all_parts_but_those_with_labels():
    commands = measure_gallery.commands()
    parts = {("flow", name) for name in models.flow_names()}
    parts |= {("base", name) for name in models.base_names()}
    assert parts - set(commands) <= {("base", "labeled_rbm")}
    assert "--dataset digits" in commands["flow", "glow"]
    assert "--dataset two_moons" in commands["flow", "maf"]
