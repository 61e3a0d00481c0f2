"""Configurations to test with: config.yaml with something laid over it."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from snakemake.common.configfile import load_configfile
from snakemake.utils import update_config

from synth2real.config import Experiment, read_experiment
from synth2real.config.schema import make_schema
from synth2real.errors import InputError

ROOT = Path(__file__).parents[1]
SCHEMA = make_schema()
MANIFEST = ROOT / "resources" / "fonts.csv"
DEFAULTS = load_configfile(ROOT / "config.yaml")


def merge(*overlays: Any) -> dict[str, Any]:
    """config.yaml with overlays over it, as Snakemake merges --configfile."""
    config = copy.deepcopy(DEFAULTS)
    for overlay in overlays:
        update_config(config, overlay)
    return config


def read(overlay: str = "{}") -> Experiment:
    """The experiment of config.yaml with a YAML text over it."""
    return read_experiment(merge(yaml.safe_load(overlay)), MANIFEST)


def refusal(overlay: str) -> list[str]:
    with pytest.raises(InputError) as error:
        read(overlay)
    return str(error.value).splitlines()
