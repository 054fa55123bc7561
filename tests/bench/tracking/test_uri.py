from pathlib import Path
from types import SimpleNamespace

import pytest

from bench import tracking
from bench.spec import RefusedInput
from bench.tracking import uri

MOUNTS = [
    ("/proc", "proc"),
    ("/", "ext4"),
    ("/home", "nfs4"),
    ("/home/me/scratch", "xfs"),
    ("/mnt/far away", "fuse.sshfs"),
    ("/home/jörg", "nfs"),
    ("/srv", "ext4"),
    ("/srv", "9p"),
]


def mount(monkeypatch, *mounts):
    """Let these file systems be mounted."""
    partitions = [SimpleNamespace(mountpoint=folder, fstype=kind) for folder, kind in mounts]
    monkeypatch.setattr("psutil.disk_partitions", lambda all: partitions)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/store.db", "ext4"),
        ("/home/me/outputs/store.db", "nfs4"),
        ("/homes/me/store.db", "ext4"),
        ("/home/me/scratch/store.db", "xfs"),
        ("/mnt/far away/store.db", "fuse.sshfs"),
        ("/home/jörg/store.db", "nfs"),
        ("/srv/store.db", "9p"),
    ],
)
def test_the_deepest_mount_tells_the_file_system(path, kind):
    assert uri.find_filesystem(Path(path), MOUNTS) == kind


def test_a_store_on_a_network_file_system_is_refused_with_the_remedy(tmp_path, monkeypatch):
    mount(monkeypatch, ("/", "ext4"), (str(tmp_path), "nfs"))
    store = f"sqlite:///{tmp_path}/outputs/store.db"
    with pytest.raises(RefusedInput, match=r"\(nfs\).*a local disk, or an MLflow server"):
        tracking.prepare(store, "test")
    assert not (tmp_path / "outputs").exists()


def test_a_local_store_is_not(tmp_path, monkeypatch):
    mount(monkeypatch, ("/elsewhere", "nfs"), ("/", "9p"))
    uri.check_local("sqlite:///x.db", tmp_path / "x.db")
    mount(monkeypatch)  # nothing is known of them
    uri.check_local("sqlite:///x.db", tmp_path / "x.db")
