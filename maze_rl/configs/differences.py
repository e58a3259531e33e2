"""In what two configurations differ."""

from typing import Any


def differing_fields(first: dict[str, Any], second: dict[str, Any]) -> list[str]:
    """List the dotted names of the leaves in which two JSON configurations differ, with both values."""
    return [f"{name} ({old!r} -> {new!r})" for name, old, new in differing_values(first, second)]


def differing_values(first: dict[str, Any], second: dict[str, Any], prefix: str = "") -> list[tuple[str, Any, Any]]:
    """List the leaves in which two JSON configurations differ: dotted name, value in the first, value in the second."""
    differences: list[tuple[str, Any, Any]] = []
    for name in sorted(first.keys() | second.keys()):
        old, new = first.get(name), second.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            differences += differing_values(old, new, f"{prefix}{name}.")
        elif name == "phases" and isinstance(old, list) and isinstance(new, list):
            before, after = ({str(n): phase for n, phase in enumerate(phases, 1)} for phases in (old, new))
            differences += differing_values(before, after, f"{prefix}phases.")
        elif old != new:
            differences.append((f"{prefix}{name}", old, new))
    return differences
