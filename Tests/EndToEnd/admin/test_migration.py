"""`examples/cloud/migration.yaml`: all traffic moves to other servers, step by step, without loss."""

import re

from harness import eventually
from harness.admin import Admin
from harness.examples import FOLDER
from harness.steady import Steady

FILE = FOLDER / "cloud/migration.yaml"
STEPS = [(90, 10), (50, 50), (10, 90), (0, 100)]


def test_a_weighted_shift_loses_nothing(weir, backend):
    text = FILE.read_text()
    # The commands at the top of the file are those that are used here.
    paths = re.findall(r"curl -X PATCH --json '\{\"weight\": \d+\}' 127\.0\.0\.1:9900(/\S+)", text)
    old, new = backend(name="old"), backend(name="new")
    changes = [
        ("10.0.1.1:8080", old.address), ("10.8.1.1:8080", new.address),
        ('"127.0.0.1:8080"', '"127.0.0.1:0"'), ("admin: 127.0.0.1:9900", "admin: 127.0.0.1:0"),
    ]
    for before, after in changes:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    proxy = weir(text)
    admin = Admin(proxy)

    def shift(weights):
        """Sets both weights; the larger one first, so that there is always one."""
        for path, weight in sorted(zip(paths, weights), key=lambda pair: -pair[1]):
            admin.json("PATCH", path, body={"weight": weight})

    def share(count=100):
        """The share of the next answers that the new server makes."""
        start = len(load.answers)
        eventually(lambda: len(load.answers) >= start + count, "answers")
        names = [name for _, name in load.answers[start : start + count]]
        return names.count("new") / count

    with Steady(proxy, clients=4, pause=0.001) as load:
        assert share() == 0
        for weights in STEPS:
            shift(weights)
            # What was under way at the change ends where it was.
            share(8)
            expected = weights[1] / 100
            assert abs(share() - expected) <= 0.15 and (expected < 1 or share() == 1)
        shift((100, 0))
        share(8)
        assert share() == 0, "no way back"
    assert load.failures == []
