"""Size and speed of integer flows beside codecs of images, on held-out images, decoded bit for bit.

    python benchmarks/compression.py runs/digits runs/mnist --output compression.json

Runs are those of `tfp-ebm train integer_flow`. Codecs, of the extra `codecs`, get images both as
one file each and side by side as one large picture; the smaller counts.
"""

import argparse
import json
import math
import os
import pathlib
import sys
import time

import harness
import imagecodecs
import numpy as np
import zstandard

from tfp_ebm import coding, runs
from tfp_ebm.runs.configuration import load_data
from tfp_ebm.runs.run_folder import load_model, read_config

# Of so many images one by one; more would take an hour.
_ONE_BY_ONE = 1000


def _png(picture):
    return imagecodecs.png_encode(picture, level=9)


def _webp(picture):
    colours = picture if picture.ndim == 3 else np.stack([picture] * 3, axis=-1)
    return imagecodecs.webp_encode(colours, lossless=True, level=100, method=6)


def _webp_decode(data):
    return imagecodecs.webp_decode(data)[..., 0]


def _jpegxl(picture):
    return imagecodecs.jpegxl_encode(picture, lossless=True, effort=9)


def _zstd(picture):
    return zstandard.ZstdCompressor(level=22).compress(np.ascontiguousarray(picture).tobytes())


CODECS = {
    "PNG (level 9)": (_png, imagecodecs.png_decode),
    "WebP lossless (method 6)": (_webp, _webp_decode),
    "JPEG XL lossless (effort 9)": (_jpegxl, imagecodecs.jpegxl_decode),
    "zstd (level 22)": (_zstd, zstandard.ZstdDecompressor().decompress),
}


def side_by_side(images: np.ndarray) -> np.ndarray:
    """Returns gray images `[N, H, W, 1]` as one picture, rows of about sqrt(N) of them."""
    count, height, width, _ = images.shape
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    filled = np.zeros([rows * columns, height, width], np.uint8)
    filled[:count] = images[..., 0]
    grid = filled.reshape(rows, columns, height, width).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(grid.reshape(rows * height, columns * width))


def _timed(function):
    wall, processor = time.perf_counter(), time.process_time()
    result = function()
    return result, time.perf_counter() - wall, time.process_time() - processor


def codec(name: str, images: np.ndarray) -> dict:
    """Returns the size of images under a codec, and the seconds a megabyte both ways."""
    encode, decode = CODECS[name]
    # What compresses bytes sees rows of images, not a picture: they have no second dimension to it.
    picture = images[..., 0] if name.startswith("zstd") else side_by_side(images)
    data, encoding, _ = _timed(lambda: encode(picture))
    again, decoding, _ = _timed(lambda: decode(data))
    pixels = np.frombuffer(again, np.uint8) if isinstance(again, bytes) else again
    if not np.array_equal(np.ravel(pixels), np.ravel(picture)):
        sys.exit(f"{name} does not return what it was given.")
    some = images[: min(len(images), _ONE_BY_ONE)]
    each = sum(len(encode(np.ascontiguousarray(image[..., 0]))) for image in some)
    return {
        "bytes": min(len(data), round(each * len(images) / len(some))),
        "bytes_in_one_file": len(data),
        "bytes_one_by_one": round(each * len(images) / len(some)),
        "seconds_a_megabyte_encoding": encoding / images.nbytes * 1e6,
        "seconds_a_megabyte_decoding": decoding / images.nbytes * 1e6,
    }


def flow(run: pathlib.Path, images: np.ndarray) -> dict:
    """Returns the size of images under the model of a run, its likelihood and its speed."""
    _, model = load_model(run)
    data, encoding, encoding_cpu = _timed(lambda: coding.compress(model, images))
    again, decoding, decoding_cpu = _timed(lambda: coding.decompress(model, data))
    if not np.array_equal(again, images):
        sys.exit(f"{run} does not return what it was given.")
    record = runs.evaluate_model(model, images)["likelihood"][0]
    ideal = record["nats"] * len(images) / math.log(2) / 8
    return {
        "nats": record["nats"],
        "bits_per_dimension": record["bits_per_dimension"],
        "num_parameters": int(sum(np.prod(v.shape) for v in model.trainable_variables)),
        "bytes": len(data),
        "bytes_over_likelihood": (len(data) - 64) / ideal,
        "images_a_second_encoding": len(images) / encoding,
        "images_a_second_decoding": len(images) / decoding,
        "images_a_processor_second_encoding": len(images) / encoding_cpu,
        "images_a_processor_second_decoding": len(images) / decoding_cpu,
        "seconds_a_megabyte_encoding": encoding / images.nbytes * 1e6,
        "seconds_a_megabyte_decoding": decoding / images.nbytes * 1e6,
    }


def main() -> None:
    """Measures, and writes JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=pathlib.Path, help="folders of trained runs")
    parser.add_argument(
        "--output", type=pathlib.Path, help="JSON file; rows of other sets stay in it"
    )
    parser.add_argument("--data-dir", help="folder of TensorFlow Datasets")
    options = parser.parse_args()
    rows = []
    if options.output and options.output.is_file():
        rows = json.loads(options.output.read_text())["rows"]
    for run in options.runs:
        config = read_config(run)
        images = load_data(config["dataset"], options.data_dir, config["data"]).test
        sizes = {name: codec(name, images) for name in CODECS}
        row = {"dataset": config["dataset"], "num_images": len(images), "bytes": images.nbytes}
        row |= {"flow": flow(run, images), "codecs": sizes}
        for figures in (row["flow"], *sizes.values()):
            figures["bits_an_entry"] = 8 * figures["bytes"] / images.size
        rows = [other for other in rows if other["dataset"] != row["dataset"]] + [row]
        print(json.dumps(row), file=sys.stderr, flush=True)
    report = {
        "command": f"python {' '.join(sys.argv)}",
        "cores": os.cpu_count(),
        "processor": harness._processor(),
        "rows": rows,
    }
    text = json.dumps(report, indent=1)
    print(text)
    if options.output:
        options.output.write_text(text + "\n")


if __name__ == "__main__":
    main()
