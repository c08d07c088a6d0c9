"""Sealed files open whole and in their place, and no other way."""

import io
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from daicho.keyring import EventKey, FileMissing, FileStore, KeyMaterial, Tampered, TenantKeys
from daicho.keyring.files import CHUNK
from daicho.tenancy import TenantId

FILE, OTHER = UUID(int=1), UUID(int=2)
HEADER, SEALED = 40, CHUNK + 16


def create_keys(tenant: int = 7) -> TenantKeys:
    tenant_id = TenantId(UUID(int=tenant))
    events = EventKey(tenant_id, "test", 1, "", AESGCM(bytes(32)))
    material = KeyMaterial(tenant_id, {1: b"k" * 32}, current=1, index=(b"i" * 32,), unique=b"u" * 32)
    return TenantKeys(material, events)


def seal(data: bytes, file_id: UUID = FILE) -> bytes:
    target = io.BytesIO()
    writer = create_keys().files.writer(target, file_id)
    for start in range(0, len(data), 10_000):
        writer.write(data[start : start + 10_000])
    writer.finish()
    return target.getvalue()


def unseal(sealed: bytes, file_id: UUID = FILE, tenant: int = 7) -> bytes:
    return b"".join(create_keys(tenant).files.read(io.BytesIO(sealed), file_id))


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 17])
def test_a_file_of_any_size_comes_back(size: int) -> None:
    data = bytes(index % 251 for index in range(size))
    sealed = seal(data)
    assert unseal(sealed) == data
    assert size < 1000 or data[:40] not in sealed


@pytest.mark.parametrize("cut", [1, 16, SEALED, SEALED + 100, 2 * SEALED])
def test_a_file_that_was_cut_off_does_not_open(cut: int) -> None:
    with pytest.raises(Tampered):
        unseal(seal(b"x" * (3 * CHUNK))[:-cut])


def test_chunks_that_were_swapped_doubled_or_changed_do_not_open() -> None:
    sealed = seal(bytes(3 * CHUNK))
    head, one, two, three = (
        sealed[:HEADER],
        *(sealed[HEADER + SEALED * n : HEADER + SEALED * (n + 1)] for n in range(3)),
    )
    changed = one[:-1] + bytes([one[-1] ^ 1])
    for forged in ([two, one, three], [one, one, two, three], [one, three], [changed, two, three], []):
        with pytest.raises(Tampered):
            unseal(b"".join((head, *forged)))
    with pytest.raises(Tampered):
        unseal(sealed + three)
    with pytest.raises(Tampered):
        unseal(b"plain text, never sealed" * 10)


def test_a_file_opens_under_its_own_id_and_tenant_alone() -> None:
    sealed = seal(b"data")
    with pytest.raises(Tampered):
        unseal(sealed, OTHER)
    with pytest.raises(Tampered):
        unseal(sealed, tenant=8)


async def pieces(*parts: bytes | Exception):
    for part in parts:
        if isinstance(part, Exception):
            raise part
        yield part


async def test_the_store_keeps_whole_files_alone(tmp_path) -> None:
    store, keys = FileStore(tmp_path), create_keys()
    assert await store.write(keys, FILE, pieces(b"abc" * 600_000, b"def")) == 1_800_003
    assert b"".join(store.read(keys, FILE)) == b"abc" * 600_000 + b"def"
    assert not any(b"abcabc" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    with pytest.raises(ConnectionError):
        await store.write(keys, OTHER, pieces(b"half", ConnectionError()))
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [f"{FILE}.sealed"]
    with pytest.raises(FileMissing):
        store.read(keys, OTHER)
    await store.delete(keys.tenant_id, FILE)
    await store.delete(keys.tenant_id, FILE)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_keys_that_went_to_a_child_process_are_the_same() -> None:
    keys = create_keys()
    child = TenantKeys.of_material(keys.material)
    assert child.unseal("t", FILE, "b", keys.seal("t", FILE, "b", b"data")) == b"data"
    assert child.index.tokens("name", ["x"]) == keys.index.tokens("name", ["x"])
    assert "kkk" not in repr(keys.material)
