"""Checks configuration files: `python -m synth2real.config mine.yaml ...`.

Snakemake reads the files of --configfile before the workflow can look at them, and says neither
which line of a broken one is wrong nor, in one line, that one is missing. So `make run
CONFIG=mine.yaml` asks here first.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import yaml


def find_file_problems(paths: list[Path]) -> list[str]:
    """A line for each file that cannot be a configuration."""
    problems = []
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8")
            content, node = yaml.safe_load(text), yaml.compose(text)
        except OSError as error:
            problems.append(f"{path}: {error.strerror}; {path.absolute()} was looked at")
        except UnicodeDecodeError as error:
            problems.append(f"{path}: is no UTF-8 text ({error})")
        except yaml.YAMLError as error:
            problems.append(f"{path}{_place(error)}; YAML is needed, like key: value")
        else:
            if not isinstance(content, dict):
                problems.append(f"{path}: has no keys at its beginning of lines, like ratios:")
            problems += [f"{path}, {twin}" for twin in _find_twins(node)]
    return problems


def _find_twins(node: yaml.Node | None) -> Iterator[str]:
    """Keys that are there twice, of which YAML takes the last without a word."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield f"line {key.start_mark.line + 1}: {key.value} is there twice; keep one"
            seen.add(key.value)
            yield from _find_twins(value)


def _place(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return f": {error}"
    return f", line {mark.line + 1}, column {mark.column + 1}: {getattr(error, 'problem', error)}"


if __name__ == "__main__":
    sys.exit("\n".join(find_file_problems([Path(name) for name in sys.argv[1:]])) or 0)
