"""Pages of source code."""

import pathlib
import re

from website import sources


def test_lines_have_anchors_and_code_is_escaped():
    path = pathlib.PurePosixPath("website/sources.py")
    page = sources.page(path)
    lines = (sources.ROOT / path).read_text().splitlines()
    assert re.findall(r'<span id="L(\d+)">', page) == [str(i + 1) for i in range(len(lines))]
    assert 'href="#L3"' in page and "&lt;pre" not in page.split("<body>")[0]
    assert '<a href="../../index.html">tfp_ebm</a> / website/sources.py' in page


def test_every_module_of_the_package_has_a_page():
    paths = sources.paths()
    assert pathlib.PurePosixPath("tfp_ebm/flows/glow.py") in paths
    assert sources.uri(pathlib.PurePosixPath("tfp_ebm/cli.py")) == "source/tfp_ebm/cli.py.html"
