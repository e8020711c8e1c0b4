# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small site on this machine alone whose run has one of everything that a callback has to show."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECRET = "hunter" + "2"

MODULE = """\
#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule({"problems": {"type": "list"}, "sentences": {"type": "list"}, "warning": {}})
if module.params["warning"]:
    module.warn(module.params["warning"])
problems, sentences = module.params["problems"], module.params["sentences"] or []
if problems:
    sentence = "nothing was touched, since " + "; ".join(problems)
    module.fail_json(msg=sentence, problems=problems, wanted={"disk": "nvme7"})
module.exit_json(changed=bool(sentences), actions=[{"kind": "a", "target": "b", "sentence": s} for s in sentences])
"""

HOSTS = f"""\
- name: Prepare the hosts
  hosts: all
  gather_facts: false
  tasks:
    - name: Show the plan
      ansible.builtin.debug:
        msg: ["1. drain k3s1", "2. erase its disk nvme0n1"]
      run_once: true
    - name: Speak
      ansible.builtin.debug:
        msg: waits for a reboot
      when: inventory_hostname == 'k3s1'
    - name: Look
      ansible.builtin.command: "true"
      changed_when: false
      when: inventory_hostname in ['k3s1', 'k3s2']
    - name: Make sure
      ansible.builtin.assert: {{that: true}}
    - name: Not here
      ansible.builtin.command: "true"
      when: false
    - name: Hide
      ansible.builtin.command: sh -c "echo {SECRET}; exit 1"
      no_log: true
      ignore_errors: true
      when: inventory_hostname == 'k3s1'
    - name: Write a file
      ansible.builtin.copy:
        content: "new line of {{{{ inventory_hostname }}}}\\n"
        dest: "{{{{ playbook_dir }}}}/written-{{{{ inventory_hostname }}}}"
        mode: "0644"
      diff: true
    - name: Apply
      doing: {{sentences: [wrote a file, started a service]}}
      when: inventory_hostname == 'k3s1'
    - name: Try again
      ansible.builtin.command: "false"
      register: tried
      until: tried is success
      retries: 2
      delay: 1
      ignore_errors: true
      when: inventory_hostname == 'k3s2'
    - name: Loop
      ansible.builtin.command: "echo {{{{ item }}}}"
      loop: [first, second]
      when: inventory_hostname == 'k3s1'
    - name: Warn
      doing: {{warning: this option is old}}
      when: inventory_hostname == 'k3s1'
    - name: Break one
      doing: {{problems: ["there is no disk nvme7, expected one", "tier fast is empty, expected a disk"]}}
      when: inventory_hostname == 'k3s3'
    - name: Lose one
      ansible.builtin.ping:
      vars: {{ansible_connection: ssh, ansible_host: 127.0.0.9, ansible_port: 1}}
      when: inventory_hostname == 'k3s4'
"""

CLUSTER = """\
- name: Join the agents
  hosts: all
  gather_facts: false
  tasks:
    - name: Wait for K3s
      ansible.builtin.wait_for: {path: "{{ playbook_dir }}/go", timeout: 200, sleep: 1}
      when: inventory_hostname in ['k3s1', 'k3s2']
    - name: Finish
      ansible.builtin.command: echo done
      when: inventory_hostname == 'k3s1'
"""


def write_site(folder: Path, hosts: int = 5) -> Path:
    """The playbooks, a module that reports as ours do, and an inventory of hosts that are all this machine."""
    (folder / "library").mkdir(parents=True)
    (folder / "ansible.cfg").write_text("[defaults]\n")
    (folder / "library" / "doing.py").write_text(MODULE)
    (folder / "hosts.yml").write_text(HOSTS)
    (folder / "cluster.yml").write_text(CLUSTER)
    (folder / "site.yml").write_text("- import_playbook: hosts.yml\n- import_playbook: cluster.yml\n")
    names = "".join(f"    k3s{number}:\n" for number in range(1, hosts + 1))
    local = f"  vars: {{ansible_connection: local, ansible_python_interpreter: {sys.executable}}}\n"
    (folder / "inventory.yml").write_text(f"all:\n{local}  hosts:\n{names}")
    return folder


def environment(callback: str = "fletcherlabs.homelab.progress", **more: str) -> dict[str, str]:
    """Settings of nobody but this test."""
    kept = {key: os.environ[key] for key in ("HOME", "PATH", "LANG") if key in os.environ}
    return {
        **kept,
        "PATH": f"{Path(sys.executable).parent}:{kept.get('PATH', os.defpath)}",
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
        "ANSIBLE_STDOUT_CALLBACK": callback,
        "ANSIBLE_FORKS": "10",
        **more,
    }
