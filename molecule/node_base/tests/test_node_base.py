# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be true of a machine that has the base, whoever had it before."""

from __future__ import annotations

from pathlib import Path

import pytest
from testinfra.host import Host

FOREIGN_FSTAB = (Path(__file__).resolve().parents[1] / "files" / "fstab").read_text(encoding="utf-8")
SWAP_LINES = ("/dev/mapper/vg-swap none swap sw 0 0\n", "  /swapfile\tswap\tswap\tdefaults\t0\t0\n")
JOURNAL_STARTED = "MESSAGE_ID=f77379a8490b408bbe5f6940505a777b"
WRITTEN = {
    "/etc/modules-load.d/homelab.conf": 0o644,
    "/etc/sysctl.d/90-homelab.conf": 0o644,
    "/etc/systemd/journald.conf.d/homelab.conf": 0o644,
    "/etc/systemd/networkd.conf.d/homelab.conf": 0o644,
    "/etc/systemd/timesyncd.conf.d/homelab.conf": 0o644,
    "/etc/needrestart/conf.d/homelab.conf": 0o644,
    "/etc/apt/apt.conf.d/52homelab": 0o644,
    "/etc/tmpfiles.d/homelab.conf": 0o644,
}
SUDOERS = {"/etc/sudoers.d/homelab": 0o440}


def test_fstab_has_its_swap_lines_commented_and_all_others_as_they_were(host: Host) -> None:
    expected = FOREIGN_FSTAB
    for line in SWAP_LINES:
        assert line in FOREIGN_FSTAB
        expected = expected.replace(line, f"# {line}")
    assert host.file("/etc/fstab").content_string == expected


def test_fstab_has_one_backup_as_it_was(host: Host) -> None:
    backups = host.check_output("ls /etc/fstab.*").splitlines()
    assert len(backups) == 1
    assert host.file(backups[0]).content_string == FOREIGN_FSTAB


def test_no_swap_starts_at_boot(host: Host) -> None:
    assert host.file("/etc/systemd/system/swap.target").linked_to == "/dev/null"


@pytest.mark.parametrize(("path", "mode"), (WRITTEN | SUDOERS).items())
def test_files_belong_to_root(host: Host, path: str, mode: int) -> None:
    file = host.file(path)
    assert (file.user, file.group, file.mode) == ("root", "root", mode)


def test_nothing_half_written_is_left(host: Host) -> None:
    assert host.check_output("find /etc /var/lib/fletcherlabs-homelab -name '.homelab-*'") == ""


def test_journal_is_kept_and_capped_whatever_the_distribution_says(host: Host) -> None:
    settings = [
        line
        for line in host.check_output("systemd-analyze cat-config systemd/journald.conf").splitlines()
        if line.startswith(("SystemMaxUse=", "Storage="))
    ]
    assert [line for line in settings if line.startswith("SystemMaxUse=")][-1] == "SystemMaxUse=1G"
    assert settings[-2:] == ["Storage=persistent", "SystemMaxUse=1G"]
    assert host.check_output("ls /var/log/journal") != ""
    said = host.check_output("journalctl --output cat SYSLOG_IDENTIFIER=systemd-journald").splitlines()
    assert " max 1.0G, " in [line for line in said if line.startswith("System Journal")][-1]


def test_journal_was_restarted_once(host: Host) -> None:
    # check, converge and idempotence ran before: one start at boot, one by the handler
    assert len(host.check_output(f"journalctl {JOURNAL_STARTED} --output cat").splitlines()) == 2


def test_what_was_applied_is_recorded_and_true(host: Host) -> None:
    stamp = host.file("/var/lib/fletcherlabs-homelab/node_base").content_string
    assert sorted(line.split("  ", 1)[1] for line in stamp.splitlines()) == sorted(WRITTEN)
    host.check_output("sha256sum --check --strict /var/lib/fletcherlabs-homelab/node_base")


def test_needrestart_reads_its_overrides_and_spares_the_network_and_k3s(host: Host) -> None:
    host.check_output("perl -c /etc/needrestart/conf.d/homelab.conf")
    # as needrestart itself does: the first expression that matches the unit decides
    program = (
        "our %nrconf; do '/etc/needrestart/needrestart.conf'; die $@ if $@;"
        " for my $unit (@ARGV) { my $restart = 1;"
        " for my $rule (keys %{$nrconf{override_rc}}) { $restart = $nrconf{override_rc}{$rule} if $unit =~ /$rule/ }"
        ' print "$unit $restart\\n" }'
    )
    units = "systemd-networkd.service k3s.service k3s-agent.service iscsid.service cron.service"
    answer = host.check_output("perl -e %s " + units, program)
    assert answer.splitlines() == [
        "systemd-networkd.service 0",
        "k3s.service 0",
        "k3s-agent.service 0",
        "iscsid.service 0",
        "cron.service 1",
    ]


def test_unattended_upgrades_runs_daily_and_leaves_systemd_alone(host: Host) -> None:
    settings = host.check_output("apt-config dump")
    assert 'APT::Periodic::Unattended-Upgrade "1";' in settings
    assert 'Unattended-Upgrade::Automatic-Reboot "false";' in settings
    # the distribution's own list is still there: security upgrades do come
    assert "origin=Debian,codename=${distro_codename},label=Debian-Security" in settings
    program = (
        "import apt_pkg, re; apt_pkg.init();"
        "rules = apt_pkg.config.value_list('Unattended-Upgrade::Package-Blacklist');"
        "names = ['systemd', 'systemd-timesyncd', 'libsystemd0', 'udev', 'openssl'];"
        "print([name for name in names if any(re.match(rule, name) for rule in rules)])"
    )
    assert host.check_output("python3 -c %s", program) == "['systemd', 'systemd-timesyncd', 'libsystemd0', 'udev']"


def test_networkd_leaves_foreign_routes_and_rules_alone(host: Host) -> None:
    settings = host.check_output("systemd-analyze cat-config systemd/networkd.conf").splitlines()
    assert "ManageForeignRoutes=no" in settings
    assert "ManageForeignRoutingPolicyRules=no" in settings


def test_networkd_was_not_started_where_it_is_not_used(host: Host) -> None:
    assert host.run("systemctl is-active systemd-networkd.service").stdout.strip() == "inactive"


def test_time_servers_and_zone_are_the_sites(host: Host) -> None:
    assert "NTP=192.0.2.1 192.0.2.2" in host.check_output("systemd-analyze cat-config systemd/timesyncd.conf")
    assert host.file("/etc/localtime").linked_to == "/usr/share/zoneinfo/Europe/Berlin"


def test_kernel_settings_are_written_in_a_form_that_systemd_reads(host: Host) -> None:
    assert host.file("/etc/modules-load.d/homelab.conf").content_string == "br_netfilter\noverlay\n"
    listed = host.check_output("systemd-analyze cat-config sysctl.d/90-homelab.conf").splitlines()
    assert "net.ipv4.ip_forward = 1" in listed
    assert "-net.ipv4.conf.lxc*.rp_filter = 0" in listed
    # /proc/sys cannot be written here, and systemd says so of each key that it has understood
    run = host.run("SYSTEMD_LOG_LEVEL=debug /lib/systemd/systemd-sysctl /etc/sysctl.d/90-homelab.conf")
    assert "Setting '/proc/sys/net/ipv4/ip_forward' to '1'" in run.stderr
    assert "not an assignment" not in run.stderr


def test_members_are_known_by_name_and_localhost_still_is(host: Host) -> None:
    assert host.check_output("getent hosts k3s-master1").split() == ["192.0.2.30", "k3s-master1"]
    assert host.check_output("getent hosts k3s1").split() == ["192.0.2.21", "k3s1"]
    assert "127.0.0.1" in host.file("/etc/hosts").content_string


def test_the_administrator_has_a_key_and_sudo(host: Host) -> None:
    host.check_output("visudo --check --strict")
    assert host.check_output("runuser -u josh -- sudo --non-interactive id --user") == "0"
    assert host.file("/home/josh/.ssh/authorized_keys").content_string.count("ssh-ed25519 ") == 1


def test_what_an_interrupted_run_left_is_removed(host: Host) -> None:
    folder = host.check_output("echo ~root/.ansible/tmp/ansible-tmp-1700000000.0-1-1")
    # it was made just now, so an age is given instead of waiting a day
    host.check_output("sed 's/ 1d$/ 1us/' /etc/tmpfiles.d/homelab.conf > /tmp/now.conf")
    assert host.file(folder).exists
    host.check_output("systemd-tmpfiles --clean /tmp/now.conf")
    assert not host.file(folder).exists
