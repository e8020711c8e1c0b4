# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole reset of a host in a directory: its order, its ends, and SIGKILL at every step."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._reset import apply as applier
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._reset.apply import carry_out
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._reset.model import ResetError, Wish
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._reset.plan import plan, reboot_reason
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._reset.probe import probe
from tests.unit.plugins.module_utils._reset.fake_host import MOUNTS, OTHERS, FakeHost

WISH = Wish("k3s1", "k3s1")
FOREIGN_MOUNTS = {"/", "/proc", "/sys/fs/bpf", "/run", "/mnt/ssd-1", "/mnt/media"}


def reset(fake: FakeHost, wish: Wish = WISH) -> list[str]:
    actions = plan(wish, probe(fake.host()))
    carry_out(fake.host(), wish, actions)
    return [f"{action.kind} {action.target}" for action in actions]


def assert_done(fake: FakeHost) -> None:
    """Everything of K3s and Cilium is gone, and everything of others is there."""
    assert [path for path in OTHERS if not os.path.lexists(fake.at(path))] == []
    assert plan(WISH, probe(fake.host())) == []
    assert set(fake.mounts()) == FOREIGN_MOUNTS
    assert sorted(os.listdir(fake.at("/sys/class/net"))) == ["eth0", "lxcbr0"]
    rules = json.loads(fake.state("rules-4"))
    assert [rule["priority"] for rule in rules] == [0, 32766]
    filters = fake.state("iptables-save")
    assert "CILIUM" not in filters and "KUBE-" not in filters
    assert ":INPUT DROP" in filters and "--dport 22" in filters and "MASQUERADE" in filters and ":DOCKER" in filters
    left = {
        f"/{path.relative_to(fake.root)}"
        for top in ("etc", "var", "usr", "opt", "run")
        for path in fake.at(top).rglob("*")
        if not path.is_dir()
    }
    assert left == {path for path in OTHERS if not path.startswith(("/sys", "/mnt"))} | {
        "/run/fletcherlabs-homelab/reboot"
    }


def test_a_reset_takes_everything_of_its_own_and_nothing_else(tmp_path: Path) -> None:
    fake = FakeHost(tmp_path).build()
    reset(fake)
    assert_done(fake)
    assert not fake.at("/var/lib/kubelet").exists()
    assert fake.at("/mnt/ssd-1/longhorn-disk.cfg").read_text() == "x"


def test_second_run_has_nothing_to_do_and_still_asks_for_the_boot(tmp_path: Path) -> None:
    fake = FakeHost(tmp_path).build()
    reset(fake)
    found = probe(fake.host())
    assert plan(WISH, found) == []
    assert "not booted since" in reboot_reason(found, [])
    fake.at("/run/fletcherlabs-homelab/reboot").unlink()
    assert reboot_reason(probe(fake.host()), []) == ""


def test_order_is_cilium_then_units_then_processes_then_mounts_then_files(tmp_path: Path) -> None:
    steps = reset(FakeHost(tmp_path).build())
    order = [
        "mark /run/fletcherlabs-homelab/reboot",
        "delete_link cilium_host",
        "delete_link lxc0123456789ab",
        "restore_rule IPv4 rule 0",
        "delete_rule IPv4 priority 100 lookup local",
        "flush_table IPv4 table 2004",
        "filter_packets iptables-save",
        "unmount /run/cilium/cgroupv2",
        "remove /sys/fs/bpf/tc/globals/cilium_calls_00001",
        "remove /run/cilium",
        "stop k3s-agent.service",
        "remove /etc/systemd/system/multi-user.target.wants/k3s-agent.service",
        "kill processes of K3s' containers",
        "unmount /var/lib/kubelet/plugins/kubernetes.io/csi/driver.longhorn.io/ab/globalmount",
        "delete_link cni0",
        "remove /etc/systemd/system/k3s-agent.service",
        "remove /var/lib/kubelet",
        "remove /usr/local/bin/k3s",
        "forget_unit k3s-agent.service",
    ]
    assert [step for step in steps if step in order] == order


def test_plan_of_check_mode_is_what_the_real_run_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake, done = FakeHost(tmp_path).build(), []
    planned = plan(WISH, probe(fake.host()))
    for kind, handler in list(applier._HANDLERS.items()):
        monkeypatch.setitem(
            applier._HANDLERS, kind, lambda host, action, do=handler: (done.append(action), do(host, action))
        )
    reset(fake)
    assert done == planned


def reset_until(fake: FakeHost, place: int, after: bool) -> None:
    """A reset that ends in SIGKILL before or after one of its steps."""
    steps = [0]

    def counted(handler: applier.Handler) -> applier.Handler:
        def handle(host: applier.Host, action: applier.Action) -> None:
            steps[0] += 1
            if steps[0] > place and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            handler(host, action)
            if steps[0] > place:
                os.kill(os.getpid(), signal.SIGKILL)

        return handle

    applier._HANDLERS.update({kind: counted(handler) for kind, handler in applier._HANDLERS.items()})
    reset(fake)


def killed_at(fake: FakeHost, place: int, after: bool) -> bool:
    """Run a reset in a child that is killed at one step; whether it came that far."""
    child = os.fork()
    if child == 0:
        # whatever happens, the child never goes on with the tests
        status = 1
        try:
            reset_until(fake, place, after)
            status = 0
        finally:
            os._exit(status)
    _pid, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_step_the_next_run_finishes(tmp_path: Path, after: bool) -> None:
    count = len(plan(WISH, probe(FakeHost(tmp_path / "count").build().host())))
    assert count > 40
    for place in range(count):
        fake = FakeHost(tmp_path / str(place)).build()
        assert killed_at(fake, place, after), f"step {place} was never reached"
        reset(fake)
        assert_done(fake)


def test_killed_again_and_again_it_gets_there(tmp_path: Path) -> None:
    fake, runs = FakeHost(tmp_path).build(), 0
    while killed_at(fake, 0, after=True):
        runs += 1
        assert runs < 200
    assert runs > 40
    assert_done(fake)


def test_what_comes_back_while_it_is_removed_is_removed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeHost(tmp_path).build()
    original = applier._kill
    monkeypatch.setitem(
        applier._HANDLERS,
        "kill",
        lambda host, action: (original(host, action), fake.write("/etc/cni/net.d/05-cilium.conflist")),
    )
    reset(fake)
    assert_done(fake)


def test_what_always_comes_back_ends_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeHost(tmp_path).build()
    monkeypatch.setitem(applier._HANDLERS, "stop", lambda host, action: None)
    monkeypatch.setattr(applier.tree, "remove", lambda path: None)
    with pytest.raises(ResetError, match=r"/var/lib/kubelet was there again after 3 resets; find out what makes it"):
        reset(fake)


def test_refusals_come_together_and_before_anything_is_touched(tmp_path: Path) -> None:
    fake = FakeHost(tmp_path).build(server=True)
    fake.set_mounts(
        MOUNTS
        | {
            "/var/lib/kubelet/media": "0:55 / nfs4 192.168.10.50:/media",
            "/var/lib/kubelet/plugins": "8:1 /var/lib/rancher/k3s/agent/kubelet/plugins ext4 /dev/sda1",
        }
    )
    before = {path: path.lstat().st_mtime_ns for path in tmp_path.rglob("*")}
    with pytest.raises(ResetError) as error:
        reset(fake, Wish("k3s1", "k3s2"))
    assert error.value.reasons == [
        "'k3s2' was confirmed, expected 'k3s1', the host that would be reset; confirm it by its name",
        "k3s1 holds a server's datastore and keys (/var/lib/rancher/k3s/server/db, /var/lib/rancher/k3s/server/token), "
        "expected a worker; back the cluster up, then name k3s1 as a server whose datastore may be erased",
        "/var/lib/kubelet/media is a mount that kubelet did not make (nfs4 192.168.10.50:/media, directory /), "
        "expected only its own there; unmount it with 'umount /var/lib/kubelet/media', and take it out of /etc/fstab",
        "/var/lib/kubelet/plugins is a mount that kubelet did not make (ext4 /dev/sda1, directory "
        "/var/lib/rancher/k3s/agent/kubelet/plugins), expected only its own there; unmount it with "
        "'umount /var/lib/kubelet/plugins', and take it out of /etc/fstab",
    ]
    assert {path: path.lstat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_server_is_erased_only_by_name(tmp_path: Path) -> None:
    fake = FakeHost(tmp_path).build(server=True)
    reset(fake, Wish("k3s1", "k3s1", erase_datastore=True))
    assert_done(fake)


def test_node_password_goes_only_when_asked(tmp_path: Path) -> None:
    fake = FakeHost(tmp_path).build()
    reset(fake, Wish("k3s1", "k3s1", forget_node_password=True))
    assert not fake.at("/etc/rancher").exists()


def test_mount_that_cannot_be_unmounted_is_tried_harder_and_then_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake, calls = FakeHost(tmp_path).build(), []

    def busy(point: str) -> tuple[int, str, str]:
        calls.append(point)
        return 32, "", f"umount: {point}: target is busy."

    monkeypatch.setattr(fake, "_umount", busy)
    with pytest.raises(
        ResetError, match=r"could not unmount /run/cilium/cgroupv2 .*target is busy.; mend that and run"
    ):
        reset(fake)
    assert calls == ["/run/cilium/cgroupv2"] * 3
    assert fake.at("/var/lib/kubelet/config").exists()


def test_process_that_does_not_end_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeHost(tmp_path).build()
    monkeypatch.setattr(applier, "_KILL_SECONDS", 0.2)
    monkeypatch.setattr(fake, "kill", lambda number: None)
    with pytest.raises(ResetError, match=r"containerd-shim-runc-v2 \(70\), pause \(71\) did not end within"):
        reset(fake)
