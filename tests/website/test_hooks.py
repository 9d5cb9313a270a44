"""What the site is built with: every link leads somewhere, and nothing is fetched."""

import re

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config

from website import sources


@pytest.mark.slow
def test_the_site_builds_strictly_and_opens_without_a_network(tmp_path):
    config = load_config(str(sources.ROOT / "mkdocs.yml"), site_dir=str(tmp_path), strict=True)
    build(config)
    page = (tmp_path / "api" / "flows" / "glow.html").read_text()
    assert "TensorShape([8, 8, 1])" in page and "source/tfp_ebm/flows/glow.py.html#L" in page
    assert (tmp_path / "source" / "tfp_ebm" / "flows" / "glow.py.html").is_file()
    assert "jet_step.json" in (tmp_path / "studies" / "processors.html").read_text()
    assert "glow" in (tmp_path / "search" / "search_index.js").read_text()
    for path in tmp_path.rglob("*.html"):
        fetched = re.findall(
            r'<(?:script|link rel="stylesheet"|img)[^>]*(?:src|href)="?(http[^" >]*)',
            path.read_text(),
        )
        assert not fetched, f"{path.name} fetches {fetched}"
