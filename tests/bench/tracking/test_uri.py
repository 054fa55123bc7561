from pathlib import Path

import pytest

from bench import tracking
from bench.spec import RefusedInput
from bench.tracking import uri

MOUNTS = r"""proc /proc proc rw 0 0
/dev/vda / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/vdb /home/me/scratch xfs rw 0 0
me@host: /mnt/far\040away fuse.sshfs rw 0 0
server:/j /home/jörg nfs rw 0 0
overlay /srv ext4 rw 0 0
box /srv 9p rw 0 0
"""


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
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/vda / ext4 rw 0 0\nserver:/x {tmp_path} nfs rw 0 0\n")
    monkeypatch.setattr(uri, "MOUNTS", mounts)
    store = f"sqlite:///{tmp_path}/outputs/store.db"
    with pytest.raises(RefusedInput, match=r"\(nfs\).*a local disk, or an MLflow server"):
        tracking.prepare(store, "test")
    assert not (tmp_path / "outputs").exists()


def test_a_local_store_is_not(tmp_path, monkeypatch):
    mounts = tmp_path / "mounts"
    mounts.write_text("server:/x /elsewhere nfs rw 0 0\nbox / 9p rw 0 0\n")
    monkeypatch.setattr(uri, "MOUNTS", mounts)
    uri.check_local("sqlite:///x.db", tmp_path / "x.db")
    monkeypatch.setattr(uri, "MOUNTS", tmp_path / "none")
    uri.check_local("sqlite:///x.db", tmp_path / "x.db")
