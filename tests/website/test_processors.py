"""The page of benchmarks by processor."""

import json

from website import processors


def test_every_ratio_stands_under_its_processor():
    (page,) = processors.pages().values()
    record = json.loads((processors.RESULTS / "glow_step.json").read_text())
    section = page.split(f"## {record['processor']}, {record['cores']} cores\n")[1]
    value = record["ratios"]["over_normflows"]
    row = f"| [glow_step](../../benchmarks/results/glow_step.json) | over normflows | {value:.3g} |"
    assert row in section.split("\n## ")[0]
