"""Pages of public names."""

import importlib
import inspect
import re

import tfp_ebm
from website import api


def test_every_public_name_has_a_page_and_an_example():
    found = {(name.package, name.name) for name in api.names()}
    packages = set(tfp_ebm.__all__) - {"__version__", "load", "save"}
    public = {
        (package, name)
        for package in packages
        for name in importlib.import_module(f"tfp_ebm.{package}").__all__
    }
    assert found == public | {("", name) for name in ("__version__", "load", "save")}
    pages = api.pages()
    assert all(f"::: {name.target}\n" in pages[api.uri(name)] for name in api.names())
    without = {name.name for name in api.names() if ">>> " not in name.docstring}
    assert without == {"__version__"}


def test_a_name_is_what_it_stands_for_and_not_a_module_of_that_name():
    by_name = {(name.package, name.name): name for name in api.names()}
    glow, block_gibbs = by_name["flows", "glow"], by_name["mcmc", "block_gibbs"]
    assert glow.target == "tfp_ebm.flows.glow.glow" and glow.kind == "function"
    assert block_gibbs.kind == "module"
    lines = (api.ROOT / glow.path).read_text().splitlines()
    decorated = "\n".join(lines[glow.line - 1 : glow.line + 2])
    assert re.match(r"(@.*\n)*def glow\(", decorated)
    assert inspect.getdoc(tfp_ebm.flows.glow).startswith(glow.summary)


def test_listings_link_to_the_pages():
    pages = api.pages()
    assert "| [`glow`](glow.md) |" in pages["api/flows/index.md"]
    assert "| [`tfp_ebm.flows`](flows/index.md) |" in pages["api/index.md"]
