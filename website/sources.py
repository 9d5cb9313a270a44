"""Pages of source code, which the site links to."""

import pathlib
import re

import pygments
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_for_filename

__all__ = ["FOLDERS", "page", "paths", "uri"]

ROOT = pathlib.Path(__file__).parents[1]
FOLDERS = ("tfp_ebm", "examples", "benchmarks", "tests")
_STYLE = """
body {margin: 0; font-family: system-ui, sans-serif; color-scheme: light dark}
header {padding: .7em 1em; background: #4051b5; color: white} header a {color: white}
td.linenos {padding: 0 .8em; text-align: right; opacity: .5; user-select: none}
td.linenos a {color: inherit; text-decoration: none} td.code {width: 100%}
table {border-collapse: collapse} pre {margin: 0; font-size: 13px; line-height: 1.5}
.highlight {overflow-x: auto; padding: .7em 0} span:target {outline: 2px solid #d97706}
"""


def paths() -> list[pathlib.PurePosixPath]:
    """Returns the files that have a page, relative to the repository."""
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    return sorted(pathlib.PurePosixPath(path.relative_to(ROOT).as_posix()) for path in found)


def uri(path: pathlib.PurePath) -> str:
    """Returns where the page of a file lies in the site."""
    return f"source/{pathlib.PurePosixPath(path)}.html"


def page(path: pathlib.PurePath) -> str:
    """Returns the page of a file: its code, with an anchor `L7` at line 7."""
    formatter = HtmlFormatter(linenos="table", anchorlinenos=True, lineanchors="L")
    dark = HtmlFormatter(style="github-dark").get_style_defs(".highlight")
    light = formatter.get_style_defs(".highlight")
    code = (ROOT / path).read_text()
    body = pygments.highlight(code, get_lexer_for_filename(path.name, stripnl=False), formatter)
    body = re.sub(r'<a id="L-(\d+)" name="L-\d+"></a>', r'<span id="L\1"></span>', body)
    body = body.replace('href="#L-', 'href="#L')
    home = "../" * len(pathlib.PurePosixPath(path).parts) + "index.html"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{path}</title><style>{light}\n@media (prefers-color-scheme: dark) {{{dark}}}"
        f'{_STYLE}</style></head><body><header><a href="{home}">tfp_ebm</a> / {path}</header>'
        f"{body}</body></html>"
    )
