"""The description of the admin API, against which its answers are held."""

import json

from jsonschema import Draft202012Validator

from harness.proxy import ROOT

DOCUMENT = json.loads((ROOT / "docs/reference/admin-api.json").read_text())
OPERATIONS = [
    (method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item
]


def operation(method, path):
    return DOCUMENT["paths"][path][method.lower()]


def hold(method, path, found):
    """The answer's status, type and document are described."""
    described = operation(method, path)["responses"]
    assert str(found.status) in described, (method, path, found.status, found.body)
    content = described[str(found.status)]["content"]
    (kind,) = content
    assert found.get("content-type") == kind
    if "json" in kind:
        schema = {**content[kind]["schema"], "components": DOCUMENT["components"]}
        Draft202012Validator(schema).validate(json.loads(found.body))
