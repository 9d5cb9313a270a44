"""What MkDocs calls while it builds the site: it adds pages that are made, and links to sources."""

import posixpath
import re

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from website import api, gallery, processors, sources

__all__ = ["on_config", "on_files", "on_page_markdown"]

_LINK = re.compile(r"\]\((?P<target>[^)\s#]+)(?P<anchor>#[^)\s]*)?\)")


def _made() -> dict[str, str]:
    """Returns the pages that are made, by where they lie."""
    return {**api.pages(), **gallery.pages(), **processors.pages()}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Puts what mkdocs.yml does not name into the navigation: tutorials, other pages, the API."""
    docs = sources.ROOT / "docs"
    written = {path.relative_to(docs).as_posix() for path in docs.rglob("*.md")}
    unnamed = sorted(written - set(_named(config.nav)))
    if tutorials := [uri for uri in unnamed if uri.startswith("tutorials/")]:
        config.nav.insert(1, {"Tutorials": tutorials})
    if others := [uri for uri in unnamed if uri not in tutorials]:
        config.nav.insert(-1, {"More": others})
    folders = dict.fromkeys(name.package or "tfp_ebm" for name in api.names())
    entries = [{folder: [f"api/{folder}/index.md", *(_entries(folder))]} for folder in folders]
    config.nav[-1] = {"API": ["api/index.md", *entries]}
    return config


def _named(nav):
    """Yields the pages of a navigation."""
    for entry in nav:
        if isinstance(entry, str):
            yield entry
        else:
            for value in entry.values():
                yield from _named([value] if isinstance(value, str) else value)


def _entries(folder):
    return [
        {name.name: api.uri(name)} for name in api.names() if (name.package or "tfp_ebm") == folder
    ]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that are made, the pages of sources, and the records of benchmarks."""
    for uri, text in _made().items():
        files.append(File.generated(config, uri, content=text))
    for path in sources.paths():
        files.append(File.generated(config, sources.uri(path), content=sources.page(path)))
    for path in sorted((sources.ROOT / "benchmarks" / "results").glob("*.json")):
        uri = f"source/benchmarks/results/{path.name}"
        files.append(File.generated(config, uri, content=path.read_bytes()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turns links to files of the repository into links to their pages in the site."""
    folder = posixpath.dirname(f"docs/{page.file.src_uri}")

    def replace(match):
        target = posixpath.normpath(posixpath.join(folder, match["target"]))
        if "://" in match["target"] or target.startswith("docs/"):
            return match[0]
        place = f"source/{target}" if target.endswith(".json") else sources.uri(target)
        if files.get_file_from_path(place) is None:
            return match[0]
        up = posixpath.relpath(place, posixpath.dirname(page.file.src_uri))
        return f"]({up}{match['anchor'] or ''})"

    return _LINK.sub(replace, markdown)
