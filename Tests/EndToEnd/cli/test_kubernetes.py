"""`examples/kubernetes/sidecar.yml`: its parts fit each other, and its configuration serves."""

import yaml

from harness.admin import Admin
from harness.examples import FOLDER

FILE = FOLDER / "kubernetes/sidecar.yml"


def documents():
    found = list(yaml.safe_load_all(FILE.read_text()))
    return {one["kind"]: one for one in found}


def test_its_parts_fit():
    parts = documents()
    pod = parts["Deployment"]["spec"]["template"]
    assert parts["Deployment"]["spec"]["selector"]["matchLabels"] == pod["metadata"]["labels"]
    assert parts["Service"]["spec"]["selector"] == pod["metadata"]["labels"]
    (weir,) = pod["spec"]["containers"]
    (service,) = pod["spec"]["initContainers"]
    config = yaml.safe_load(parts["ConfigMap"]["data"]["weir.yaml"])
    ports = {one["name"]: one["containerPort"] for one in weir["ports"]}
    (listener,) = config["listeners"]
    assert listener["address"] == f":{ports['http']}"
    assert config["admin"]["address"] == f":{ports['admin']}"
    assert parts["Service"]["spec"]["ports"][0]["targetPort"] in ports
    mounts = {one["name"]: one["mountPath"] for one in weir["volumeMounts"]}
    volumes = {one["name"]: one for one in pod["spec"]["volumes"]}
    assert mounts.keys() == volumes.keys()
    assert volumes["config"]["configMap"]["name"] == parts["ConfigMap"]["metadata"]["name"]
    assert weir["args"] == ["run", mounts["config"] + "/weir.yaml"]
    assert config["admin"]["token-file"].startswith(mounts["admin"] + "/")
    assert service["env"][0]["value"] in config["pools"]["main"]["servers"]
    # All of the drain has to end before Kubernetes kills.
    spans = [int(config[key].removesuffix("s")) for key in ("drain-delay", "shutdown-timeout")]
    assert sum(spans) < pod["spec"]["terminationGracePeriodSeconds"]


def test_its_configuration_serves(weir, backend, tmp_path):
    parts = documents()
    token = tmp_path / "token"
    token.write_text("0123456789abcdef")
    text = parts["ConfigMap"]["data"]["weir.yaml"]
    changes = [
        ('":8080"', '"127.0.0.1:0"'), (":9900", "127.0.0.1:0"), ("drain-delay: 5s", "drain-delay: 0s"),
        ("127.0.0.1:9001", backend().address), ("/etc/weir-admin/token", str(token)),
    ]
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    proxy = weir(text)
    assert proxy.ask().status == 200
    admin = Admin(proxy)
    (container,) = parts["Deployment"]["spec"]["template"]["spec"]["containers"]
    asked = {"http": proxy.ask, "admin": admin.ask}
    for probe in ("readinessProbe", "livenessProbe"):
        question = container[probe]["httpGet"]
        answer = asked[question["port"]](target=question["path"])
        assert answer.status == 200 and b"backend" not in answer.body
    assert admin.ask(target="/metrics").status == 200
    assert admin.ask(target="/stats").status == 401
