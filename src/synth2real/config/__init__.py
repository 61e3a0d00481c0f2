"""The configuration: checked as a whole before anything runs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synth2real.config.checks import find_problems
from synth2real.config.experiment import Experiment, build_experiment
from synth2real.config.schema import check_schema, raise_problems


def read_experiment(config: Mapping[str, Any], manifest: Path) -> Experiment:
    """Checks a configuration and builds the experiment that it describes.

    Args:
        config: the merged YAML files.
        manifest: table of the fonts that can be downloaded.

    Raises:
        InputError: a key or value is wrong; one line for each, that says what is right.
    """
    check_schema(config)
    experiment = build_experiment(config, manifest)
    raise_problems(find_problems(config, experiment, manifest))
    return experiment
