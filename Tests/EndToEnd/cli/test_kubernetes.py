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
    assert config["listen"] == f":{ports['http']}"
    assert config["admin"]["address"] == f":{ports['admin']}"
    assert parts["Service"]["spec"]["ports"][0]["targetPort"] in ports
    mounts = {one["name"]: one["mountPath"] for one in weir["volumeMounts"]}
    volumes = {one["name"]: one for one in pod["spec"]["volumes"]}
    assert mounts.keys() == volumes.keys()
    assert volumes["config"]["configMap"]["name"] == parts["ConfigMap"]["metadata"]["name"]
    assert weir["args"] == ["run", mounts["config"] + "/weir.yaml"]
    assert config["admin"]["token-file"].startswith(mounts["admin"] + "/")
    assert service["env"][0]["value"] in config["pools"]["main"]["servers"]
    # The sleep and the drain have to end before Kubernetes kills.
    drain = int(config["shutdown-timeout"].removesuffix("s"))
    sleep = weir["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert drain + sleep < pod["spec"]["terminationGracePeriodSeconds"]


def test_its_configuration_serves(weir, backend, tmp_path):
    parts = documents()
    token = tmp_path / "token"
    token.write_text("0123456789abcdef")
    text = parts["ConfigMap"]["data"]["weir.yaml"]
    changes = [
        ('listen: ":8080"', 'listen: "127.0.0.1:0"'), (":9900", "127.0.0.1:0"),
        ("127.0.0.1:9001", backend().address), ("/etc/weir-admin/token", str(token)),
    ]
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    proxy = weir(text)
    assert proxy.ask().status == 200
    admin = Admin(proxy)
    (container,) = parts["Deployment"]["spec"]["template"]["spec"]["containers"]
    for probe in ("readinessProbe", "livenessProbe"):
        assert admin.ask(target=container[probe]["httpGet"]["path"]).status == 200
    assert admin.ask(target="/metrics").status == 200
    assert admin.ask(target="/stats").status == 401
