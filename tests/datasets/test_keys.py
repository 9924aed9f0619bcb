"""Only harmless keys pass the gate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.storage.base import InvalidKey
from datasets.storage.keys import MAX_KEY_BYTES, clean_key, clean_prefix, clean_segment


@pytest.mark.parametrize(
    "key",
    [
        "alice/chat.jsonl",
        "alice/2026-11/chat v2 (final).jsonl",
        "alice/100%.jsonl",
        "alice/über/データ.jsonl",
        "a@b.example/x+y=z.jsonl",
        "alice/.hidden/..rc",
        "alice/50%25 off.jsonl",
    ],
)
def test_an_ordinary_key_passes_unchanged(key: str) -> None:
    assert clean_key(key) == key


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/alice/chat.jsonl",
        "alice/chat.jsonl/",
        "alice//chat.jsonl",
        "alice/../bob/chat.jsonl",
        "..",
        "alice/./chat.jsonl",
        "alice/ ../bob",
        "alice/.../bob",
        "alice\\..\\bob",
        "alice/%2e%2e/bob",
        "alice/%2E%2E%2Fbob",
        "alice%2fchat.jsonl",
        "alice/%252e%252e/bob",
        "alice/%25252525252e/bob",
        "alice/%5c..",
        "alice/%00",
        "alice/%c0%ae%c0%ae/bob",
        "alice/\x00",
        "alice/a\nb",
        "alice/\u202egnp.jsonl",
        "alice/a\u200bb",
        "alice/\uff0e\uff0e/bob",
        "alice/\uff0fbob",
        "alice/cafe\u0301",
        "alice/\ud800",
        "alice/\u2028",
        "é" * (MAX_KEY_BYTES // 2 + 1),
    ],
)
def test_a_key_that_could_mean_another_one_is_refused(key: str) -> None:
    with pytest.raises(InvalidKey):
        clean_key(key)


@given(st.text(max_size=80))
def test_whatever_passes_stays_below_its_prefix(text: str) -> None:
    try:
        key = clean_key(f"alice/{text}")
    except InvalidKey:
        return
    parts = key.split("/")
    assert parts[0] == "alice"
    assert not {"", ".", ".."} & set(parts)
    assert "\\" not in key


def test_a_file_name_is_one_segment() -> None:
    assert clean_segment("chat.jsonl") == "chat.jsonl"
    with pytest.raises(InvalidKey):
        clean_segment("bob/chat.jsonl")


@pytest.mark.parametrize("prefix", ["team-a", "", "/", "../", "team-a//", "team-a/../"])
def test_a_prefix_is_a_clean_folder(prefix: str) -> None:
    assert clean_prefix("team-a/chat/") == "team-a/chat/"
    with pytest.raises(InvalidKey):
        clean_prefix(prefix)
