"""Settings stated once: a dataclass field carries what the schema and the documents say of it."""

from collections.abc import Mapping
from dataclasses import MISSING, field, fields
from typing import Any


def setting(description: str, *, default: Any = MISSING, **schema: Any) -> Any:
    """A dataclass field with the JSON schema of its value.

    Args:
        description: what the setting means and which values are right, in half a sentence: errors
            quote it.
        default: the field's default, if it has one.
        **schema: JSON schema of the value, as `type="integer", minimum=1`.
    """
    return field(default=default, metadata={"schema": {"description": description, **schema}})


def section(settings: type, **more: Mapping[str, Any]) -> dict[str, Any]:
    """JSON schema of a section of the configuration: a dataclass' fields, and more by name."""
    properties = {
        **more,
        **{f.name: f.metadata["schema"] for f in fields(settings) if "schema" in f.metadata},
    }
    return {
        "description": f"a section with some of the keys {', '.join(properties)}",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }


def whole(description: str, minimum: int, *, default: Any = MISSING, **schema: Any) -> Any:
    """A setting that is a whole number."""
    text = f"{description}, a whole number of at least {minimum}"
    return setting(text, default=default, type="integer", minimum=minimum, **schema)


def share(description: str) -> Any:
    """A setting from 0 to below 1."""
    text = f"{description}, from 0 to below 1"
    return setting(text, type="number", minimum=0, exclusiveMaximum=1)


def weight(description: str) -> Any:
    """A setting of 0 or more."""
    return setting(f"{description}, at least 0", type="number", minimum=0)


def learning_rate(description: str) -> Any:
    """A setting above 0."""
    text = f"{description}, above 0; write 0.001 or 1.0e-3, since YAML reads 1e-3 as text"
    return setting(text, type="number", exclusiveMinimum=0)


def choice(description: str, values: list[Any], *, default: Any = MISSING) -> Any:
    """A setting with one of a few values."""
    names = " or ".join(str(value) for value in values)
    return setting(f"{description}: {names}", default=default, enum=values)


def flag(description: str, *, default: Any = MISSING) -> Any:
    """A setting that is true or false."""
    return setting(f"true {description}, false does not", default=default, type="boolean")
