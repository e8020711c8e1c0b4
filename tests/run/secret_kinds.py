# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a secret in clear looks like: from a file's name and text to lines and kinds. No value ever leaves this file.

Not detect-secrets: of these kinds it knows the tokens of GitHub and GitLab, and of a private key the first line alone.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

import yaml

PRIVATE_KEY = "a private key"
VAULT = "a file of secrets that ansible-vault did not encrypt"
VARIABLE = "the plain value of a secret variable"
SECRET_OBJECT = "a Kubernetes Secret with data in clear"
UNREADABLE = "a Kubernetes Secret in a file that is no readable YAML, so that nobody can say whether it is encrypted"
JOIN_TOKEN = "a token of K3s"
PROXMOX = "an API token of Proxmox VE"
CLIENT_KEY = "a client key of a kubeconfig"

_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
# the body begins after real or written line ends, indentation, quotes, and the headers of old formats
_PEM_BODY = r"(?:[\s\"'+,>|]|\\[nr])*(?:[A-Za-z-]+: [^\n\\]*(?:[\s\"']|\\[nr])+)*[A-Za-z0-9+/=]{40}"
PATTERNS = (
    (
        "an age identity",
        re.compile(r"AGE-(?:SECRET-KEY(?:-PQ)?|PLUGIN-[A-Z0-9-]+)-1[AC-HJ-NP-Z02-9]{32}", re.IGNORECASE),
    ),
    (PRIVATE_KEY, re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----" + _PEM_BODY)),
    (JOIN_TOKEN, re.compile(r"\bK10[0-9a-f]{64}::[^\s\"'<]")),
    (PROXMOX, re.compile(rf"PVEAPIToken[=:\s\"']+\S+@\S+!\S+[=:]{_UUID}")),
    (PROXMOX, re.compile(rf"(?i)(?:token|secret)\w*[\"']?\s*[:=]\s*[\"']?{_UUID}")),
    ("a token of GitHub", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{40})")),
    ("a token of GitLab", re.compile(r"\bgl(?:pat|dt|rt|rtr|ptt|cbt|soat|agent|oas|ft|imt|ffct)-[A-Za-z0-9_-]{20}")),
    ("an access key of AWS", re.compile(r"\bAKIA[0-9A-Z]{16}\b")),
    ("a bearer token", re.compile(r"\beyJ[A-Za-z0-9_-]{16,}\.eyJ[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}")),
    (CLIENT_KEY, re.compile(r"client-key-data[\"']?: *[\"']?[A-Za-z0-9+/]{64}")),
)
# base64 of "-----BEGIN ", as in kubeconfigs and Secrets
_ENCODED_PEM = re.compile(r"LS0tLS1CRUdJTi[A-Za-z0-9+/]{20,}")

_HOLDS_VARIABLES = ("group_vars", "host_vars", "inventory")
_SECRET_FILE = re.compile(r"(?:^|[._-])(?:secrets?|vault)(?:[._-]|$)")
# `..._file` and `..._name` say where a secret lies, `..._key` is as often public as private
_SECRET_VARIABLE = re.compile(
    r"^\s*-?\s*[\"']?(?P<name>\w*(?:token|secret|password|passphrase|private_key))[\"']?:[ \t]+(?P<value>\S.*)$",
    re.MULTILINE,
)
# these name a Secret of the cluster
_NAME_OF_OBJECT = re.compile(r"(?:tls|pull|credentials)_secret$")
# a value that is not there, comes from elsewhere, or is encrypted; yes and no are not secrets
_NO_VALUE = re.compile(
    r"""^(?:["']{2}|#|\{\{|\{\}|\[\]|["']\{\{|!vault|!homelab|ENC\[|[|>][+-]?$|(?:null|true|false|~)\b)"""
)
_OBJECT_FILE = re.compile(r"\.(?:ya?ml|json)(?:\.j2|\.tmpl|\.tpl)?$")
_SECRET_KIND = re.compile(r"[\"']?kind[\"']?: *[\"']?Secret\b(?!\w)")
_NOT_CLEAR = re.compile(r"^\s*$|^ENC\[|\{\{|\$\{|JINJA")


def findings(name: str, text: str) -> list[tuple[int, str]]:
    """The line and kind of each secret in a file, in their order."""
    found = set(_by_pattern(text)) | set(_encoded_keys(text))
    path = PurePosixPath(name)
    if set(path.parts) & set(_HOLDS_VARIABLES) and path.suffix in (".yml", ".yaml", ""):
        found |= set(_variables(path, text))
    if _OBJECT_FILE.search(name) and _SECRET_KIND.search(text):
        found |= set(_secret_objects(text))
    return sorted(found)


def _by_pattern(text: str) -> Iterator[tuple[int, str]]:
    for kind, pattern in PATTERNS:
        for match in pattern.finditer(text):
            yield _line(text, match.start()), kind


def _encoded_keys(text: str) -> Iterator[tuple[int, str]]:
    for match in _ENCODED_PEM.finditer(text):
        whole = match.group()[: len(match.group()) // 4 * 4]
        try:
            decoded = base64.b64decode(whole)
        except binascii.Error:
            continue
        if b"PRIVATE KEY" in decoded[:80]:
            # a kubeconfig's key has a kind of its own
            before = text[max(0, match.start() - 24) : match.start()]
            yield _line(text, match.start()), CLIENT_KEY if "client-key-data" in before else PRIVATE_KEY


def _variables(path: PurePosixPath, text: str) -> Iterator[tuple[int, str]]:
    encrypted = text.startswith("$ANSIBLE_VAULT;") or re.search(r"^sops:", text, re.MULTILINE)
    if encrypted:
        return
    # an example is there to be copied; one that was filled in is found by its variables
    if _SECRET_FILE.search(path.stem) and "example" not in path.name:
        yield 1, VAULT
        return
    for match in _SECRET_VARIABLE.finditer(text):
        if not _NO_VALUE.search(match["value"]) and not _NAME_OF_OBJECT.search(match["name"]):
            yield _line(text, match.start("name")), VARIABLE


def _secret_objects(text: str) -> Iterator[tuple[int, str]]:
    try:
        documents = list(yaml.compose_all(_without_jinja(text), Loader=yaml.SafeLoader))
    except yaml.YAMLError:
        match = _SECRET_KIND.search(text)
        yield _line(text, match.start() if match else 0), UNREADABLE
        return
    for document in documents:
        yield from _secrets_below(document)


def _without_jinja(text: str) -> str:
    """The same lines with words in the place of expressions and without statements and comments."""
    text = re.sub(r"\{#.*?#\}|\{%.*?%\}", lambda match: "\n" * match.group().count("\n"), text, flags=re.DOTALL)
    return re.sub(r"\{\{.*?\}\}", lambda match: "JINJA" + "\n" * match.group().count("\n"), text, flags=re.DOTALL)


def _secrets_below(node: yaml.Node | None) -> Iterator[tuple[int, str]]:
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _secrets_below(item)
    if not isinstance(node, yaml.MappingNode):
        return
    values = {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}
    kind = values.get("kind")
    if isinstance(kind, yaml.ScalarNode) and kind.value == "Secret":
        for part in ("data", "stringData"):
            yield from _clear_values(values.get(part))
    for value in values.values():
        yield from _secrets_below(value)


def _clear_values(node: yaml.Node | None) -> Iterator[tuple[int, str]]:
    if not isinstance(node, yaml.MappingNode):
        return
    for _key, value in node.value:
        clear = isinstance(value, yaml.ScalarNode) and value.tag != "!vault" and not _NOT_CLEAR.search(value.value)
        if clear:
            yield value.start_mark.line + 1, SECRET_OBJECT


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
