"""The description that a server gives of itself, and how to check and make values by it. Standard library only."""

import re
import uuid

METHODS = ("get", "put", "post", "patch", "delete")
FORMATS = {
    "uuid": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "date": r"\d{4}-\d\d-\d\d",
    "date-time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)",
    "email": r"[^@\s]+@[^@\s]+",
}
TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict,
         "null": type(None)}


class Document:
    def __init__(self, content):
        self.content = content
        self.operations = [Operation(self, path, method, item[method])
                           for path, item in content["paths"].items() for method in METHODS if method in item]

    def resolve(self, node):
        while "$ref" in node:
            target = self.content
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            node = target
        return node

    def faults(self, schema, value, at=""):
        """What is wrong with value, as texts."""
        schema = self.resolve(schema)
        if "oneOf" in schema:
            fitting = [one for one in schema["oneOf"] if not self.faults(one, value, at)]
            return [] if len(fitting) == 1 else [f"{at}: fits {len(fitting)} of oneOf: {value!r}"]
        types = schema.get("type", list(TYPES))
        if not any(is_type(value, one) for one in ([types] if isinstance(types, str) else types)):
            return [f"{at}: {value!r} is not {types}"]
        if "enum" in schema and value not in schema["enum"]:
            return [f"{at}: {value!r} is none of {schema['enum']}"]
        if isinstance(value, dict):
            return self.object_faults(schema, value, at)
        if isinstance(value, list):
            return [fault for n, item in enumerate(value) for fault in self.faults(schema.get("items", {}), item, f"{at}/{n}")]
        return scalar_faults(schema, value, at)

    def object_faults(self, schema, value, at):
        if "properties" not in schema:
            return []
        found = [f"{at}/{name} is missing" for name in schema.get("required", []) if name not in value]
        for name, member in value.items():
            if name in schema["properties"]:
                found += self.faults(schema["properties"][name], member, f"{at}/{name}")
            else:
                found.append(f"{at}/{name} is not documented")
        return found

    def bad_values(self, schema):
        """Values that schema refuses, one for each thing it says."""
        schema = self.resolve(schema)
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        values = [7 if "string" in kinds else "text" if "array" not in kinds else {"a": 1}, {"an": "object"}]
        if "null" not in kinds:
            values.append(None)
        if "enum" in schema:
            values.append("none_of_these")
        if "pattern" in schema or "format" in schema and "string" in kinds:
            values.append("\n")
        if "minimum" in schema:
            values.append(schema["minimum"] - 1)
        if "maximum" in schema:
            values.append(schema["maximum"] + 1)
        if "multipleOf" in schema:
            values.append(schema["multipleOf"] / 2)
        if "integer" in kinds:
            values.append(1.5)
        if "minLength" in schema:
            values.append("x" * (schema["minLength"] - 1))
        if "maxLength" in schema:
            values.append("x" * (schema["maxLength"] + 1))
        if "maxItems" in schema:
            values.append([0] * (schema["maxItems"] + 1))
        return [value for value in values if self.faults(schema, value) or too_long(schema, value)]

    def bad_bodies(self, schema, good):
        """(JSON pointer, body) for everything that can be wrong in one place of a good body."""
        schema = self.resolve(schema)
        for name, member in schema["properties"].items():
            for value in self.bad_values(member):
                yield f"/{name}", {**good, name: value}
            if name in schema.get("required", []):
                yield f"/{name}", {key: value for key, value in good.items() if key != name}
        yield "/is_admin", {**good, "is_admin": True}


class Operation:
    def __init__(self, document, path, method, content):
        self.document, self.path, self.method, self.content = document, path, method.upper(), content
        self.name = content["operationId"]
        self.roles = [role for one in content["security"] for role in one["bearer"]]
        self.parameters = [document.resolve(one) for one in content["parameters"]]
        self.body = content.get("requestBody", {}).get("content", {}).get("application/json")

    def __repr__(self):
        return f"{self.method} {self.path}"

    def documented(self, answer):
        """What is not as documented of an answer, as texts."""
        response = self.content["responses"].get(str(answer.status))
        if response is None:
            return [f"{self}: {answer.status} is not documented: {answer!r}"]
        media = answer.headers.get("Content-Type", "").split(";")[0]
        content = response.get("content", {})
        if not content:
            return [f"{self}: {answer.status} has a body: {answer!r}"] if answer.body else []
        if media not in content:
            return [f"{self}: {answer.status} is {media!r}, not one of {list(content)}"]
        found = []
        if media.endswith("json"):
            found = [f"{self}: {answer.status} {fault}" for fault in self.document.faults(content[media]["schema"], answer.json)
                     if answer.status < 400 or not fault.endswith("is not documented")]
        if answer.status >= 400 and answer.json["code"] not in response["x-codes"]:
            found.append(f"{self}: the code {answer.json['code']} is not documented")
        return found

    def is_success(self, answer):
        return answer.status < 300 and str(answer.status) in self.content["responses"]

    def example(self, is_least=False):
        """The body's example, whole or with no more than it must have."""
        if not self.body:
            return None
        required = self.document.resolve(self.body["schema"]).get("required", [])
        return {name: value for name, value in self.body["example"].items() if name in required or not is_least}

    def headers(self):
        """Those it must be given, but for If-Match, which depends on what is there."""
        return {one["name"]: f"contract-{uuid.uuid4().hex}" for one in self.parameters
                if one["in"] == "header" and one["required"] and one["name"] != "If-Match"}

    def query(self):
        return [one for one in self.parameters if one["in"] == "query"]


def is_type(value, name):
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, TYPES[name])


def too_long(schema, value):
    return isinstance(value, list) and len(value) > schema.get("maxItems", len(value))


def scalar_faults(schema, value, at):
    found = []
    if isinstance(value, str):
        pattern, shape = schema.get("pattern"), FORMATS.get(schema.get("format"))
        if pattern and not re.search(pattern, value) or shape and not re.fullmatch(shape, value):
            found.append(f"{at}: {value!r} has not the form {pattern or schema['format']}")
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
            found.append(f"{at}: {value!r} has not the length")
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
            found.append(f"{at}: {value!r} is out of bounds")
        if "multipleOf" in schema and abs(value / schema["multipleOf"] - round(value / schema["multipleOf"])) > 1e-6:
            found.append(f"{at}: {value!r} is not a multiple of {schema['multipleOf']}")
    return found
