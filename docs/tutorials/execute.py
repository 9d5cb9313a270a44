"""Executes the tutorials and writes each as a page, with its output and pictures.

    python docs/tutorials/execute.py            # all: ten minutes on two cores
    python docs/tutorials/execute.py codes      # one

A tutorial is a script in jupytext's percent format: it runs as it is, and Jupyter opens it as a
notebook. The page beside it has its text, code and what the code printed. Needs the extra
`tutorials`. `TFP_EBM_SMALL=1` in the environment makes everything small, to see that it runs.
"""

import argparse
import os
import pathlib
import time
from typing import Any

FOLDER = pathlib.Path(__file__).parent
# What a log says of the machine would differ from one to the next.
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}


def sources() -> dict[str, pathlib.Path]:
    """Returns the scripts by name."""
    paths = sorted(FOLDER.glob("*.py"))
    return {path.stem: path for path in paths if path.name != pathlib.Path(__file__).name}


def _is_shown(part: Any) -> bool:
    """Whether an output is one for readers: warnings about the machine, and paths, are not."""
    if part.output_type == "stream":
        return part.name != "stderr"
    return "Path(" not in part.get("data", {}).get("text/plain", "")


def _shrink(picture: pathlib.Path) -> None:
    """Saves a picture with 64 colours: a third of the size, and hardly a difference."""
    from PIL import Image

    Image.open(picture).convert("RGB").quantize(64).save(picture, optimize=True)


def execute(source: pathlib.Path, output: pathlib.Path) -> pathlib.Path:
    """Runs a tutorial in its output folder, and returns the page that it makes there.

    Raises:
      nbclient.exceptions.CellExecutionError: if a cell fails.
    """
    import jupytext
    from nbclient import NotebookClient
    from nbconvert import MarkdownExporter

    notebook = jupytext.read(source)
    resources = {"metadata": {"path": str(output)}}
    NotebookClient(notebook, timeout=1800, kernel_name="python3", resources=resources).execute()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [part for part in cell.outputs if _is_shown(part)]
    body, _ = MarkdownExporter().from_notebook_node(notebook)
    lines = [line.rstrip() for line in body.strip().splitlines()]
    page = output / f"{source.stem}.md"
    note = f"<!-- Made from {source.name} by execute.py: change that file, not this one. -->\n\n"
    page.write_text(note + "\n".join(lines) + "\n")
    for picture in (output / "images").glob(f"{source.stem}_*.png"):
        _shrink(picture)
    return page


def main(names: list[str], output: str) -> None:
    """Executes tutorials by name, or all, one after the other."""
    os.environ.update(QUIET)
    found = sources()
    if unknown := [name for name in names if name not in found]:
        raise SystemExit(f"no tutorial {', '.join(unknown)}; there are {', '.join(found)}")
    folder = pathlib.Path(output).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or found:
        start = time.monotonic()
        page = execute(found[name], folder)
        print(f"{name}: {time.monotonic() - start:.0f} seconds, {page}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", help="tutorials; all")
    parser.add_argument("--output", default=str(FOLDER), help="folder of the pages")
    main(**vars(parser.parse_args()))
