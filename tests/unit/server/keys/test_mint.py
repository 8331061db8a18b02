"""The form of API keys, and what can be read from them (contract rows Z-2, C-44, DELIVERY 5.3.3)."""

import hashlib
import re

import pytest

from server.keys.mint import Style, hash_of, id_of, mint, prefix_of


@pytest.mark.parametrize(("style", "begins"), [("zm", "zm_live_"), ("zs", "zs_"), ("test", "zm_test_")])
def test_a_key_holds_its_style_its_id_and_32_random_bytes(style: Style, begins: str) -> None:
    minted = mint(style)
    assert re.fullmatch(rf"{begins}{minted.id}_[0-9a-f]{{64}}", minted.key)
    assert re.fullmatch(r"[0-9a-f]{24}", minted.id)
    assert id_of(minted.key) == minted.id
    assert minted.key.startswith(prefix_of(style, minted.id))


def test_only_the_sha_256_of_a_key_is_stored() -> None:
    minted = mint()
    assert minted.secret_hash == hashlib.sha256(minted.key.encode()).digest() == hash_of(minted.key)


def test_no_two_keys_share_anything() -> None:
    keys = [mint() for _ in range(200)]
    assert len({key.id for key in keys}) == 200
    assert len({key.key.rpartition("_")[2] for key in keys}) == 200


def test_a_key_does_not_show_when_printed() -> None:
    minted = mint()
    assert minted.key.rpartition("_")[2] not in repr(minted)


def test_malformed_key_has_no_id() -> None:
    key = mint().key
    wrong = [
        "",
        "zm_live_",
        key[:-1],
        key + "0",
        key + "\n",
        key.upper(),
        "zx" + key[2:],
        key.replace("_", "-"),
    ]
    wrong += ["zm_live_" + "0" * 24 + "_", "zm_" + key[8:], "٠" + key, key[:-1] + "é", "x" * 100_000]
    assert [text for text in wrong if id_of(text) is not None] == []
