"""The report: one page that needs nothing else, neither files nor a network."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path

import jinja2
import yaml

from synth2real.io.files import write_atomically
from synth2real.report import tables
from synth2real.sources import NAMES

TEMPLATE = Path(__file__).with_name("page.html.jinja")


def write_report(
    titles: Mapping[str, str],
    *,
    shown: Mapping[str, str],
    verdict: Path,
    accuracy: Path,
    gap: Path,
    manifest: Path,
    figures: Mapping[str, Path],
    benchmarks: Path,
    path: Path,
) -> None:
    """Writes the page (HTML).

    Args:
        titles: sizes as a person reads them.
        shown: those for which the first screen has room.
        verdict, accuracy, gap: tables of those stages.
        manifest: what the experiment was.
        figures: SVG files by their names; the template says where each stands, and what it shows.
        benchmarks: a folder with the times of jobs.
        path: the page.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATE.parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    facts = json.loads(manifest.read_text(encoding="utf-8"))
    page = environment.get_template(TEMPLATE.name).render(
        answers=tables.answers(verdict, shown),
        tables={
            "verdict": tables.verdict_table(verdict, titles),
            "data": tables.data_table(accuracy, titles),
            "accuracy": tables.accuracy_table(accuracy, titles),
            "gap": tables.gap_table(gap, titles),
            "stages": tables.stages_table(benchmarks),
        },
        figures={name: _data_address(file) for name, file in figures.items()},
        facts=facts,
        real=_name(facts["config"]["real_source"]),
        synthetic=_name(facts["config"]["synthetic_source"]),
        settings=yaml.safe_dump(facts["config"], sort_keys=False, allow_unicode=True),
    )
    with write_atomically(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _name(source: Mapping[str, str | None]) -> str:
    """Images as a person calls them."""
    return NAMES.get(str(source["kind"])) or str(source["path"])


def _data_address(svg: Path) -> str:
    """An image as an address that holds it all."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.read_bytes()).decode()}"
