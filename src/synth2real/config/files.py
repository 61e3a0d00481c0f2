"""Reads configuration files; says of broken ones what YAML would pass, or not say where it is."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from synth2real.errors import reason, whereabouts
from synth2real.sources.listing import in_results


def read_settings(path: Path) -> dict[str, Any]:
    """The settings of a file that `find_file_problems` has passed."""
    settings: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return settings


def lay_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Settings over others, section by section, as Snakemake lays files of --configfile."""
    both = {
        key: lay_over(below[key], value)
        for key, value in above.items()
        if isinstance(value, Mapping) and isinstance(below.get(key), Mapping)
    }
    return {**below, **above, **both}


def find_file_problems(paths: list[Path]) -> list[str]:
    """A line for each file that cannot be a configuration."""
    problems = []
    for path in paths:
        try:
            loader = yaml.SafeLoader(path.read_text(encoding="utf-8"))
            node = loader.get_single_node()
            content = node and loader.construct_document(node)
        except OSError as error:
            problems.append(f"{path}: {error.strerror}{whereabouts(path)}")
        except UnicodeDecodeError as error:
            problems.append(f"{path}: is no UTF-8 text ({error})")
        except yaml.YAMLError as error:
            problems.append(f"{path}{_place(error)}; YAML is needed, like key: value")
        # Such as 2024-02-30, or !!int abc.
        except ValueError as error:
            problems.append(
                f"{path}: a value is none of its kind ({error}); quote it if it is text"
            )
        except RecursionError:
            problems.append(
                f"{path}: has lists in lists beyond count; YAML is needed, like key: value"
            )
        else:
            if in_results(path):
                problems.append(f"{path}: lies in results/, where runs write and delete; move it")
            if not isinstance(content, dict):
                problems.append(f"{path}: no line starts with a key, like ratios:")
            problems += [f"{path}, {twin}" for twin in _find_twins(node, set())]
    return problems


def _find_twins(node: yaml.Node | None, seen: set[int]) -> Iterator[str]:
    """Keys that are there twice, of which YAML takes the last without a word.

    `seen` are the nodes that were looked at: aliases lead to them again, even in a circle.
    """
    if id(node) in seen or not isinstance(node, yaml.CollectionNode):
        return
    seen.add(id(node))
    keys: set[str] = set()
    for child in node.value:
        key, value = child if isinstance(node, yaml.MappingNode) else (None, child)
        if key is not None and key.value in keys:
            yield f"line {key.start_mark.line + 1}: {key.value} is there twice; keep one"
        if key is not None and isinstance(key.value, str):
            keys.add(key.value)
        yield from _find_twins(value, seen)


def _place(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return f": {reason(error)}"
    return f", line {mark.line + 1}, column {mark.column + 1}: {getattr(error, 'problem', error)}"
