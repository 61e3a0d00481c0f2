"""JSON schema of the configuration, made of the settings' own fields, and what it refuses."""

import itertools
import json
import math
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import jsonschema

from synth2real.classify.config import PRESETS as CLASSIFIER_PRESETS
from synth2real.classify.config import ClassifierConfig
from synth2real.convert.config import FORMATS, ConvertConfig
from synth2real.errors import InputError, printable
from synth2real.gan.config import PRESETS as GAN_PRESETS
from synth2real.gan.config import GanConfig
from synth2real.images import ImagesConfig
from synth2real.nn.config import ComputeConfig
from synth2real.real import RealConfig
from synth2real.settings import section
from synth2real.sources import PLACES
from synth2real.sources.fonts.fonts import FontsConfig
from synth2real.sources.fonts.render import RenderConfig
from synth2real.splits import SplitsConfig
from synth2real.synthetic import SyntheticConfig

LONGEST = 200  # characters of a value in a message


def _text(description: str) -> dict[str, Any]:
    return {"description": description, "type": ["string", "null"], "minLength": 1}


def _whole(description: str, minimum: int, maximum: int | None = None) -> dict[str, Any]:
    upper = {} if maximum is None else {"maximum": maximum}
    return {"description": description, "type": "integer", "minimum": minimum, **upper}


def _list(description: str, items: dict[str, Any], *, nullable: bool = False) -> dict[str, Any]:
    kind: Any = ["array", "null"] if nullable else "array"
    return {
        "description": description,
        "type": kind,
        "minItems": 1,
        "uniqueItems": True,
        "items": items,
    }


def _presets(presets: Mapping[str, Any]) -> dict[str, Any]:
    names = [f"{name} ({preset.about})" for name, preset in presets.items()]
    return {"description": " or ".join(names), "enum": list(presets)}


def make_schema() -> dict[str, Any]:
    """JSON schema of the configuration. A description says what is right: errors quote it."""
    ratio = {
        "description": 'a quoted decimal number strictly between 0 and 1, like "0.007"',
        "type": "string",
        "pattern": r"^0\.[0-9]*[1-9][0-9]*$(?!\n)",
    }
    seed = _whole("a whole number from 0 to 4294967295", 0, 2**32 - 1)
    places = {kind: _text(f"{place}, or null") for kind, place in PLACES.items()}
    properties = {
        "ratios": _list(
            "shares of real images: a list of different quoted decimal numbers between 0 and 1, "
            'like "0.007"; null takes two for MNIST and fonts, and of own images a quarter, half '
            "and all real ones",
            ratio,
            nullable=True,
        ),
        "images": section(ImagesConfig),
        "real": section(
            RealConfig,
            **places,
            counts=_list(
                "numbers of real images to try, a list of different whole numbers of at least 1, "
                "in the place of ratios; or null",
                _whole("a whole number of at least 1", 1),
                nullable=True,
            ),
            unlabelled=_text(
                "a folder with real images without labels, rest (the training images that a split "
                "leaves out, without their labels), or null"
            ),
        ),
        "synthetic": section(SyntheticConfig, **places),
        "fonts": section(RenderConfig, **section(FontsConfig)["properties"]),
        "splits": section(SplitsConfig),
        "gan": section(
            GanConfig,
            preset=_presets(GAN_PRESETS),
            # Larger seeds would wrap round: 2^32 is the same GAN as 0.
            seeds=_list(
                "a list of different whole numbers of at least 0; one GAN is trained for each, at "
                "every size",
                seed,
            ),
        ),
        "convert": section(
            ConvertConfig,
            formats=_list(
                "formats in which conversions are written besides .npz files, a list of "
                f"{' or '.join(FORMATS)}, or of both; null is neither",
                {"enum": list(FORMATS), "description": " or ".join(FORMATS)},
                nullable=True,
            ),
        ),
        "classify": section(
            ClassifierConfig,
            preset=_presets(CLASSIFIER_PRESETS),
            runs=_whole("classifiers trained on each set, a whole number of at least 1", 1),
            controls={
                "description": "true adds the sets with random warps, and those of the GAN's "
                "generator untrained, false leaves the paper's five",
                "type": "boolean",
            },
        ),
        "compute": section(ComputeConfig),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }


def check_schema(config: Mapping[str, Any]) -> None:
    """Refuses a configuration with a wrong key or value.

    Raises:
        InputError: one line for each.
    """
    errors = Validator(make_schema()).iter_errors(config)
    # One line for a value, however many rules it breaks.
    by_key = {
        _key(error): error for error in sorted(errors, key=lambda error: error.validator == "type")
    }
    raise_problems(line for key, error in by_key.items() for line in _explain(key, error))


def _key(error: jsonschema.ValidationError) -> str:
    return error.json_path.removeprefix("$").lstrip(".")


def _explain(key: str, error: jsonschema.ValidationError) -> Iterable[str]:
    """What is wrong with a key's value, and the schema's description of what is right."""
    schema: Any = error.schema
    value: Any = error.instance
    known = ", ".join(schema.get("properties", {}))
    prefix = f"{key}." if key else ""
    if error.validator == "additionalProperties":
        for name in value:
            if name not in schema["properties"]:
                yield f"{prefix}{name}: no such key; there are {known}"
    elif error.validator == "required":
        for name in schema["required"]:
            if name not in value:
                yield f"{prefix}{name}: is missing; needed are {', '.join(schema['required'])}"
    else:
        right = " ".join(schema["description"].split()) + _hint(value, schema.get("type"))
        yield f"{key}: {_show(value)} is wrong; right is {right}"


def _show(value: Any) -> str:
    """A value as JSON, or its start: YAML's aliases make lists that hold themselves."""
    parts = json.JSONEncoder(default=str, check_circular=False).iterencode(value)
    text = "".join(itertools.islice(parts, LONGEST + 1))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."


def _hint(value: Any, wanted: Any) -> str:
    """What YAML has made of dates, and of numbers like 1e5, which it reads as text."""
    if isinstance(value, date):
        return f' (YAML reads {value} as a date; write "{value}")'
    try:
        number = float(value) if isinstance(value, str) and "e" in value.lower() else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        return ""
    plain = f"{Decimal(value.strip()).normalize():f}"
    if wanted == "string":
        return f' (like "{plain}")'
    return f" (YAML reads {value} as text; write {plain})"


def _is_whole(_: Any, value: Any) -> bool:
    """As JSON Schema's integer, but 2.0 is none: it would fail where a count is needed."""
    return isinstance(value, int) and not isinstance(value, bool)


def _is_finite(_: Any, value: Any) -> bool:
    return _is_whole(_, value) or (isinstance(value, float) and math.isfinite(value))


Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"integer": _is_whole, "number": _is_finite}
    ),
)


def raise_problems(problems: Iterable[str]) -> None:
    """Raises one InputError with a line for each problem, if there is any."""
    if problems := [printable(f"config: {problem}") for problem in problems]:
        raise InputError("\n".join(problems))
