# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: Secrets in clear, files that do not decrypt, and Kustomizations that do not decrypt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from .model import Document, Finding, Tree, mapping
from .sops import SopsError, is_sealed, leaves, recipients, verify

# Values that are no secret: a placeholder for Flux, and nothing at all.
HARMLESS = ("${", "{{")
RULES = ".sops.yaml"
# What a rule of it may encrypt to.
KEYS = {"age", "pgp", "kms", "gcp_kms", "azure_keyvault", "hc_vault_transit_uri"}


def check_sops(
    tree: Tree, files: Mapping[str, Sequence[Document]], unwrap: Callable[[str], bytes | None] | None
) -> Iterator[Finding]:
    """`files`: the documents of every file, applied or not. Without `unwrap` nothing is decrypted."""
    for name, documents in sorted(files.items()):
        if name.rpartition("/")[2] == RULES:
            yield from _rules(documents)
        yield from _clear(documents)
        sealed = [document for document in documents if document.encrypted]
        if sealed:
            yield from _recipients(name, sealed)
            if unwrap is not None:
                yield from _opens(name, sealed, unwrap)
    yield from _not_decrypted(tree)


def _clear(documents: Iterable[Document]) -> Iterator[Finding]:
    for document in documents:
        if document.kind != "Secret" or document.group or document.encrypted:
            continue
        if document.content.get("type") == "kubernetes.io/service-account-token":
            continue
        values = {part: mapping(document.content.get(part)) for part in ("data", "stringData")}
        clear = [
            ".".join(path)
            for path, value in leaves(values)
            if value != "" and not is_sealed(value) and not str(value).startswith(HARMLESS)
        ]
        if clear:
            yield document.finding(
                f"Secret {document.name} is in clear ({_few(clear)}); encrypt it (sops --encrypt --in-place), and "
                "change what is in it, for git keeps it",
                "clear",
            )


def _few(names: Sequence[str]) -> str:
    return ", ".join((*names[:3], *(["…"] if len(names) > 3 else [])))


def _recipients(name: str, sealed: Sequence[Document]) -> Iterator[Finding]:
    found = {recipient for document in sealed for recipient in recipients(document.content["sops"])}
    others = any(
        document.content["sops"].get(kind)
        for document in sealed
        for kind in ("pgp", "kms", "gcp_kms", "azure_kv", "hc_vault")
    )
    if len(found) == 1 and not others:
        yield sealed[0].finding(
            "it is encrypted to one recipient alone: with that key lost, so is it; add a second one to .sops.yaml, "
            "kept elsewhere, and run sops updatekeys",
            "recipient",
        )


def _rules(documents: Sequence[Document]) -> Iterator[Finding]:
    """Of `.sops.yaml`: to whom sops encrypts the next file."""
    for document in documents:
        rows = document.content.get("creation_rules")
        for row in rows if isinstance(rows, list) else ():
            if isinstance(row, dict) and not row.get("key_groups") and set(row) & KEYS == {"age"}:
                text = row["age"] if isinstance(row["age"], list) else str(row["age"]).split(",")
                if len([each for each in text if str(each).strip()]) == 1:
                    yield document.finding(
                        "a rule for new files names one recipient alone: with that key lost, so are they; add a second "
                        "one, kept elsewhere",
                        "recipient",
                    )
                    return


def _opens(name: str, sealed: Sequence[Document], unwrap: Callable[[str], bytes | None]) -> Iterator[Finding]:
    try:
        verify([document.content for document in sealed], unwrap)
    except SopsError as error:
        yield sealed[0].finding(f"it does not decrypt: {error}", "decrypt")


def _not_decrypted(tree: Tree) -> Iterator[Finding]:
    told = set()
    for placed in tree.placed:
        layer = tree.layers[placed.owner]
        key = (placed.document.file, layer.name)
        # a root that nothing here defines is made with Flux, and decrypts
        unseen = not layer.document.content
        if placed.document.encrypted and not layer.decrypts and not unseen and key not in told:
            told.add(key)
            yield placed.document.finding(
                f"it is encrypted, and the Kustomization {layer.name} that applies it does not decrypt (the setting is "
                "not inherited); add spec.decryption with provider: sops and the Secret sops-age",
                "decryption",
            )
