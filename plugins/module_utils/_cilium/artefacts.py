# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what is downloaded for Cilium, with digests of what upstream's repositories hold."""

from __future__ import annotations

# Of cilium-VERSION.tgz in the chart repository.
CHARTS = {
    "1.15.6": "72dc0187d506b33a72be582acd637600b78538d6d6cc5ccea491265b06dd2827",
    "1.15.19": "fd1c33af55d62c0954fe302d603295cf6aead24b715e92ee75b7be06c5a8b591",
    "1.16.19": "91672864f438a2a45fbfac65b0f8b42a8dd76e9e712cabe602311c34f290f7a3",
    "1.17.18": "6a9a929a4bfa7a7cbb1fbb429514dde61fdf70622aac3adfd0bed8a4b09e34e9",
    "1.18.12": "5923f9d9fcb11bc4692ad52353cc791b935d96e09ba0c535c5a8b88ea8a37572",
    "1.19.6": "21c43cf53841f9ab0375047d95aa4c64051ea52bbd2c679416e6408f5f1c9179",
    "1.20.0": "c5f013912360d1a334f44ef25f36da59ba3414cdb48f466ee12d0c4fdff27883",
}

# Of config/crd/experimental/gateway.networking.k8s.io_KIND.yaml at the tag: what Cilium uses, no more.
DEFINITIONS = {
    ("v1.1.0", "experimental"): {
        "gatewayclasses": "423a3513d4bcb31d8b5eafbf4d607e617df373e2c8b48ac61e94086c3e3ef70c",
        "gateways": "94ec57a3acae5a0d914e14d094f60a8b649415ede9f657706be487af383855ce",
        "httproutes": "13490250632c4c8080f151372cb1478902c911d5a93775e05cf23df8e9f6836f",
        "grpcroutes": "3db85d0fd69e5439292fe778fdfa2f38540f6b220656be46fac69ecd51637450",
        "referencegrants": "e0bf4852acb8463a563886a6f04b593ca8c56a3fdefc238a808b1be5fc41b7af",
        "tlsroutes": "283a0d561682ee039cd413e9663322f66c87e9dc0a8581173c2d26a399694619",
    },
    ("v1.2.1", "experimental"): {
        "gatewayclasses": "3d266f7c5da157685d4be711fa6d62e87cbace6b22ec59fec9b794a3a703b29c",
        "gateways": "a278111bb817600ded5d766ad6b5e52be24329cc5868a7f19395b348ed0831be",
        "httproutes": "3ac07329e5a9e2d5c2212fc90d2e1e05a6a1cdb9b204970684e810fc9ae606df",
        "grpcroutes": "042b9a2fea8986d6421d5c47617fc0dd11b06df256296282124d6a2fc17bb272",
        "referencegrants": "96495ecf9a49d04a3787fc6cc14146f8916f4fff803d45bfa12239593397f1ed",
        "tlsroutes": "8d1579fa88853c757d40a415ba105150424ea0962c4eef7114f0aa2dd2bdb620",
    },
    ("v1.3.0", "experimental"): {
        "gatewayclasses": "697c559a096b68282fad8e393a135af265bc4fde85409928ea43454e69056df3",
        "gateways": "8a5c5a8a9b86b2e77b86092cf878def81067452095ee4678b0b135731f3aa6b0",
        "httproutes": "a51ad665756cc6c0ab49cfbda9f39f5a69e3c01ae758a09c2f728671403f1606",
        "grpcroutes": "6e7d8fbcab62365c384e96c82cdf6710c397c1328f4f78023eeca0f77fa79928",
        "referencegrants": "a81dcc705567dcd5da24fcb43f3b5acc24a8591c9fad8a69b54762069c5e86c3",
        "tlsroutes": "2bc865fedfc13c4f555e14b50cc27e703a54103e011daf653aae51f733ecae3a",
    },
    ("v1.4.1", "experimental"): {
        "gatewayclasses": "17626267c36f9f36ffcfe82f120211582dd4beec058fc56acf2559cac851b0d0",
        "gateways": "9f7c7b883a4070dee86c65fc9e5be126b54c38514fe8be83e4ac2cbf78e86175",
        "httproutes": "578a5c4e48888757e13e4923b534d253073f43aadd88729f75da1aa95b15b258",
        "grpcroutes": "02bd77f395eae9e3251e1d2e03f1c3fdeb7973ba20419f143b2aaf41eb2e4879",
        "referencegrants": "9f7d8d526e47c19e27c783211ef89995faa6d5dd0cb66fb773655a56e487337c",
        "tlsroutes": "1dee8d7e1a56dadf0e88466bfef8a8afc5664a94e95d6b2fb812f03d0b198748",
        "backendtlspolicies": "8c910e7f16f508fa367bd333d985fe68949069f40792d8cea6e38dcc899fcc6a",
    },
    ("v1.6.1", "experimental"): {
        "gatewayclasses": "ff653735d0477f97fb3cb2a21245f55ac6996dfe4f39969150f6989d0f1da826",
        "gateways": "97092d53c4f61a9d1754f608ad1dc85566e197facb35d629132ff08954bd4422",
        "httproutes": "a3615d380381a768edbca2cfec067c037afa82e86bc9b1e29a0b84c8a28d76b3",
        "grpcroutes": "edfefc338093cdef9e0e4832c8286792934d76724c41a80eee22a1be73c132c6",
        "referencegrants": "e1d9a270f94895640db547421dfa708db2ae935a1a8c033a6cf6481274f5029e",
        "tlsroutes": "c7fcddb73966fc83ad7001eff8bb910d8a640c7c1f280254e88b93541fc9a82b",
        "backendtlspolicies": "7fa88a1a7d5f13f8a960e8bd48903835a0b833e0f6706f401101a27ff36aff3b",
        "listenersets": "e201afb91dc7c9a4e2b101243639a2b08fe6863f43a83921f97a5ca823ef6a2f",
    },
}
# Kinds of a channel whose digests nobody wrote down: they have to be in the lock.
KINDS = ("gatewayclasses", "gateways", "httproutes", "grpcroutes", "referencegrants", "tlsroutes")


def definitions(version: str, channel: str) -> list[dict[str, str]]:
    """The files of Gateway API's definitions, in the order in which they are applied."""
    known = DEFINITIONS.get((version, channel), dict.fromkeys(KINDS if channel == "experimental" else KINDS[:-1], ""))
    return [
        {
            "kind": kind,
            "path": f"{version}/config/crd/{channel}/gateway.networking.k8s.io_{kind}.yaml",
            "name": f"gateway-api/{version}/{channel}/{kind}.yaml",
            "sha256": digest,
        }
        for kind, digest in known.items()
    ]
