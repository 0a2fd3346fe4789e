"""Fixtures of tests in which somebody else than root needs files."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from harness.manager import Manager


@pytest.fixture
def tmp_path():
    """A folder that everybody reaches; pytest's own are root's alone."""
    folder = Path(tempfile.mkdtemp(prefix="weir-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def manager(tmp_path):
    """A service manager that waits to be told things."""
    one = Manager(tmp_path / "notify")
    yield one
    one.close()


@pytest.fixture
def as_root():
    """Fails where there is no root to be tested as."""
    assert os.geteuid() == 0, "these tests change users: run them as root"
