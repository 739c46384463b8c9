"""JSON schemas as people read them: `{name: string, domains: [string], office: string | null}`."""

from __future__ import annotations

from typing import Any

_DEEPEST = 6


def shape(schema: Any, document: dict[str, Any], indent: int = 0) -> str:
    """One line for a plain value, a block for an object; `document` resolves references."""
    if "$ref" in schema:
        return shape(_resolved(schema["$ref"], document), document, indent)
    if any(key in schema for key in ("anyOf", "oneOf")):
        return " | ".join(shape(each, document, indent) for each in schema.get("anyOf") or schema["oneOf"])
    if "enum" in schema:
        return " | ".join("null" if value is None else f'"{value}"' for value in schema["enum"])
    kinds = schema.get("type", "any")
    return " | ".join(
        _plain(kind, schema, document, indent) for kind in (kinds if isinstance(kinds, list) else [kinds])
    )


def _plain(kind: str, schema: dict[str, Any], document: dict[str, Any], indent: int) -> str:
    if kind == "array":
        return f"[{shape(schema.get('items', {}), document, indent)}]"
    if kind == "object" and schema.get("properties") and indent < _DEEPEST:
        pad = "  " * (indent + 1)
        required = schema.get("required", [])
        lines = [
            f"{pad}{name}{'' if name in required else '?'}: {shape(each, document, indent + 1)}"
            for name, each in schema["properties"].items()
        ]
        return "{\n" + "\n".join(lines) + "\n" + "  " * indent + "}"
    return kind


def _resolved(reference: str, document: dict[str, Any]) -> dict[str, Any]:
    found: Any = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return dict(found)
