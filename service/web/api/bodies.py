"""Describes the bodies of requests in OpenAPI as they are checked: Litestar leaves out what it does not check itself.

That is the limits of a list's elements, and that unknown fields are refused.
"""

from typing import Any, cast

import msgspec
from litestar.openapi.spec import OpenAPIType, Schema
from litestar.plugins import OpenAPISchemaPlugin
from litestar.typing import FieldDefinition

_KEYS = {
    "title": "title",
    "description": "description",
    "default": "default",
    "minLength": "min_length",
    "maxLength": "max_length",
    "pattern": "pattern",
    "minItems": "min_items",
    "maxItems": "max_items",
    "required": "required",
}


class Bodies(OpenAPISchemaPlugin):
    """Takes over every struct that refuses unknown fields: only bodies of requests do."""

    def is_plugin_supported_field(self, field_definition: FieldDefinition) -> bool:
        kind = field_definition.annotation
        if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
            return False
        return kind.__struct_config__.forbid_unknown_fields

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: Any) -> Schema:  # noqa: ARG002
        kind = field_definition.annotation
        return _as_schema(msgspec.json.schema_components([kind])[1][kind.__name__])


def _as_schema(described: dict[str, Any]) -> Schema:
    """Write a JSON schema of msgspec's with Litestar's own class."""
    schema = Schema(**{name: described[key] for key, name in _KEYS.items() if key in described})
    if "type" in described:
        schema.type = OpenAPIType(described["type"])
    if "properties" in described:
        properties = cast("dict[str, dict[str, Any]]", described["properties"])
        schema.properties = {name: _as_schema(each) for name, each in properties.items()}
        schema.additional_properties = False
    if "items" in described:
        schema.items = _as_schema(described["items"])
    if "anyOf" in described:
        schema.any_of = [_as_schema(each) for each in described["anyOf"]]
    return schema
