"""Prints docs/settings.md: `python docs/settings.py > docs/settings.md`.

Everything in it is said once, in the fields of the settings' dataclasses, the presets and
config.yaml; `make check` sees that the page is of today.
"""

from pathlib import Path
from typing import Any

import yaml

from synth2real.classify.config import PRESETS as CLASSIFIER_PRESETS
from synth2real.config.schema import make_schema
from synth2real.gan.config import PRESETS as GAN_PRESETS

ROOT = Path(__file__).parents[1]
PRESETS = {"gan": GAN_PRESETS, "classify": CLASSIFIER_PRESETS}


def show(value: Any) -> str:
    """A value as YAML has it, in one line."""
    if isinstance(value, tuple):
        value = list(value)
    return yaml.safe_dump(value, default_flow_style=True).removesuffix("...\n").strip()


def table(columns: list[str], rows: list[list[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def settings(name: str, schema: dict[str, Any], defaults: Any) -> str:
    """The settings of a section, each with its default."""
    rows = []
    for key, value in schema.get("properties", {}).items():
        if "properties" in value:
            names = ", ".join(f"`{child}`" for child in value["properties"])
            rows.append([f"`{name}.{key}`", "by preset", f"some of {names}"])
            continue
        default = f"`{show(defaults[key])}`" if key in defaults else "by preset"
        rows.append([f"`{name}.{key}`", default, value["description"]])
    return f"\n## {name}\n\n" + table(["key", "default", "meaning"], rows)


def presets(name: str) -> str:
    """The values of a section's presets, side by side."""
    values = {preset: of_name.settings for preset, of_name in PRESETS[name].items()}
    flat = {
        preset: {
            **{key: value for key, value in fields.items() if not isinstance(value, dict)},
            **{f"weights.{key}": value for key, value in fields.get("weights", {}).items()},
        }
        for preset, fields in values.items()
    }
    keys = list(next(iter(flat.values())))
    rows = [[f"`{key}`", *(show(flat[preset][key]) for preset in flat)] for key in keys]
    return f"\nPresets of `{name}`:\n\n" + table(["key", *flat], rows)


def page() -> str:
    schema = make_schema()
    defaults = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    text = (
        "# Settings\n\n"
        "All keys of the configuration, checked before anything runs. Write those that you change "
        "to a file of\nyour own and lay it over [`config.yaml`](../config.yaml) with "
        "`--configfile`. This page is made by\n[`settings.py`](settings.py).\n\n"
        "`ratios` (default `null`): " + schema["properties"]["ratios"]["description"] + ".\n"
    )
    for name, value in schema["properties"].items():
        if "properties" in value:
            text += settings(name, value, defaults[name])
            text += presets(name) if name in PRESETS else ""
    return text


if __name__ == "__main__":
    print(page(), end="")
