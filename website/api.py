"""Pages of the public names, from the `__all__` of each package."""

import functools
import pathlib
from typing import NamedTuple

import griffe

from website import sources

__all__ = ["Name", "names", "pages", "uri"]

ROOT = pathlib.Path(__file__).parents[1]
# The order in which a reader meets the packages; one that is not named here comes last.
_ORDER = (
    *("distributions", "bijectors", "flows", "networks", "models", "conditionals", "training"),
    *("datasets", "metrics", "plots", "mcmc", "partition", "machines", "coding", "runs", "testing"),
)


class Name(NamedTuple):
    """A public name.

    Attributes:
      package: where it is public, such as `flows`; empty for the package itself.
      name: its name.
      target: where it is written, such as `tfp_ebm.flows.glow.glow`.
      kind: `"class"`, `"function"`, `"module"` or `"attribute"`.
      summary: the first sentence of its docstring.
      docstring: all of it.
      path: the file, relative to the repository.
      line: its first line.
    """

    package: str
    name: str
    target: str
    kind: str
    summary: str
    docstring: str
    path: pathlib.PurePosixPath
    line: int


@functools.cache
def _package():
    return griffe.load("tfp_ebm", search_paths=[str(ROOT)])


@functools.cache
def names() -> tuple[Name, ...]:
    """Returns every public name of the package, without running it."""
    package = _package()
    places = sorted(
        (member for name, member in package.members.items() if name in (package.exports or ())),
        key=lambda member: _ORDER.index(member.name) if member.name in _ORDER else len(_ORDER),
    )
    found = []
    for place in places:
        if place.is_alias:
            found.append(_name("", place.name, place.final_target))
        else:
            found += [
                _name(place.name, name, _written(package, place, name))
                for name in sorted(map(str, place.exports or ()), key=str.lower)
            ]
    return tuple(found)


def _written(package, place, name):
    """Returns what a public name stands for: the function `glow`, not the module of that name."""
    while name in place.imports:  # An import counts before a module of the same name.
        target = place.imports[name]
        if target == f"{place.path}.{name}":
            break
        parent, _, name = target.rpartition(".")
        place = package[parent.removeprefix(f"{package.path}.")]
    return place[name]


def _name(package, name, found):
    docstring = found.docstring.value if found.docstring else ""
    return Name(
        package,
        name,
        found.path,
        found.kind.value,
        docstring.partition("\n\n")[0].replace("\n", " "),
        docstring,
        pathlib.PurePosixPath(found.filepath.relative_to(ROOT).as_posix()),
        found.lineno or 1,
    )


def uri(name: Name) -> str:
    """Returns where the page of a name lies in the documentation."""
    return f"api/{name.package or 'tfp_ebm'}/{name.name}.md"


def pages() -> dict[str, str]:
    """Returns the pages by where they lie: one a name, one a package, and one of all packages."""
    packages: dict[str, list[Name]] = {}
    for name in names():
        packages.setdefault(name.package, []).append(name)
    result = {uri(name): _page(name) for name in names()}
    lines = [
        "# API",
        "",
        "Every public name, from its docstring. A name has a page of its own.",
        "",
    ]
    lines += ["| package | |", "|---|---|"]
    for package, members in packages.items():
        folder = package or "tfp_ebm"
        result[f"api/{folder}/index.md"] = _listing(package, members)
        summary = _package_summary(package)
        lines.append(f"| [`{_path(package)}`]({folder}/index.md) | {summary} |")
    result["api/index.md"] = "\n".join(lines) + "\n"
    return result


def _path(package):
    return f"tfp_ebm.{package}" if package else "tfp_ebm"


def _package_summary(package):
    """Returns the first line of a package's docstring."""
    found = _package()[package] if package else _package()
    return found.docstring.value.partition("\n")[0]


def _listing(package, members):
    lines = [f"# {_path(package)}", "", _package_summary(package), "", "| name | |", "|---|---|"]
    for name in members:
        lines.append(f"| [`{name.name}`]({name.name}.md) | {name.summary.replace('|', '&#124;')} |")
    return "\n".join(lines) + "\n"


def _page(name):
    """Returns a page that mkdocstrings fills from the docstring, under the public path."""
    public = f"{_path(name.package)}.{name.name}"
    source = f"../../{sources.uri(name.path)}#L{name.line}"
    lines = [
        f"---\ntitle: {name.name}\n---",
        f"::: {name.target}",
        f"    options:\n      heading: {public}",
    ]
    if name.kind == "module":
        lines[-1] += "\n      members: true"
    link = f"[Source: {name.path}, line {name.line}]({source})"
    lines += ["", link + "{ .source }", "{: data-search-exclude }", ""]
    return "\n".join(lines)
