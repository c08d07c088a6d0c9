"""What each service's policy allows at the key store, asked of the key store itself."""

import asyncio

import hvac
import pytest
from hvac import exceptions

from daicho.keyring import (
    ACCESS_KEY,
    ANCHORS,
    CHECKPOINT_KEY,
    KeyRefused,
    KeysUnavailable,
    StaleVersion,
    VersionedStore,
)
from daicho.keyring.keyring import EVENTS, PURPOSES
from daicho.keyring.provision import SERVICES
from daicho.keyring.transit import context_of, key_name


@pytest.fixture
def client_of(openbao_server, openbao_roles):
    def log_in(service: str) -> hvac.Client:
        client = hvac.Client(url=openbao_server.address, token="")
        client.auth.approle.login(*openbao_roles[service])
        return client

    return log_in


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_uses_no_context_but_its_own_and_others_events(service, transits, tenant) -> None:
    for owner in SERVICES:
        for purpose in PURPOSES:
            _, wrapped = await transits[owner].wrap_new(tenant, purpose)
            asked = (
                transits[service].unwrap(tenant, owner, purpose, wrapped),
                transits[service].rewrap(tenant, owner, purpose, wrapped),
            )
            answers = await asyncio.gather(*asked, return_exceptions=True)
            refused = [isinstance(answer, KeyRefused) for answer in answers]
            assert refused == [owner != service and purpose != EVENTS] * 2, (owner, purpose)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_makes_no_data_key_in_anothers_context(service, client_of, tenant) -> None:
    client, transit = client_of(service), "transit/datakey/plaintext/" + key_name(tenant)
    for owner in SERVICES:
        for purpose in PURPOSES:
            if owner != service:
                with pytest.raises(exceptions.Forbidden):
                    client.write_data(transit, data={"context": context_of(owner, purpose), "bits": 256})
    with pytest.raises(exceptions.Forbidden):
        client.write_data(transit, data={"bits": 256})


async def test_a_batch_does_not_slip_past_the_pinned_context(client_of, transits, tenant) -> None:
    _, wrapped = await transits["customers"].wrap_new(tenant, "records")
    item = {"ciphertext": wrapped, "context": context_of("customers", "records")}
    client = client_of("support")
    for verb in ("decrypt", "rewrap"):
        for extra in ({}, {"context": context_of("support", "records")}):
            with pytest.raises(exceptions.Forbidden):
                client.write_data(f"transit/{verb}/{key_name(tenant)}", data={"batch_input": [item], **extra})


@pytest.mark.parametrize("service", [name for name in SERVICES if name != "identity"])
async def test_only_identity_rotates_limits_and_deletes_a_tenants_key(service, transits, tenant) -> None:
    transit = transits[service]
    for attempt in (
        transit.create_tenant_key(tenant),
        transit.rotate_tenant_key(tenant),
        transit.refuse_older(tenant, 1),
        transit.delete_tenant_key(tenant),
    ):
        with pytest.raises(KeyRefused):
            await attempt


@pytest.mark.parametrize(
    "wish", [{"exportable": True}, {"allow_plaintext_backup": True}, {"type": "rsa-2048"}]
)
def test_not_even_identity_makes_a_key_that_could_leave_the_store(wish, client_of, tenant) -> None:
    client = client_of("identity")
    for path in (f"transit/keys/{key_name(tenant)}/config", f"transit/keys/{key_name(tenant)}-other"):
        with pytest.raises(exceptions.Forbidden):
            client.write_data(path, data=wish)
    for path in (f"transit/export/encryption-key/{key_name(tenant)}", f"transit/backup/{key_name(tenant)}"):
        with pytest.raises(exceptions.Forbidden):
            client.read(path)


@pytest.mark.parametrize("service", SERVICES)
async def test_tokens_and_checkpoints_are_signed_by_their_service_alone(service, transits) -> None:
    for key, signer in ((ACCESS_KEY, "identity"), (CHECKPOINT_KEY, "audit")):
        if service == signer:
            _, version = await transits[service].sign(key, b"text", jws=key == ACCESS_KEY)
            assert version in await transits[service].public_keys(key)
        else:
            with pytest.raises(KeyRefused):
                await transits[service].sign(key, b"text")


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_gets_certificates_in_its_own_name_alone(service, client_of) -> None:
    client, other = client_of(service), "audit" if service != "audit" else "identity"
    client.write_data(f"pki/issue/{service}", data={"common_name": service})
    with pytest.raises(exceptions.InvalidRequest):
        client.write_data(f"pki/issue/{service}", data={"common_name": other})
    with pytest.raises(exceptions.InvalidRequest):
        client.write_data(f"pki/issue/{service}", data={"common_name": service, "alt_names": other})
    with pytest.raises(exceptions.Forbidden):
        client.write_data(f"pki/issue/{other}", data={"common_name": other})


@pytest.mark.parametrize("service", [name for name in SERVICES if name != "audit"])
def test_anchors_are_out_of_reach_of_other_services(service, client_of, tenant) -> None:
    kv = client_of(service).secrets.kv.v2
    with pytest.raises(exceptions.Forbidden):
        kv.create_or_update_secret(str(tenant), {"x": 1}, cas=0, mount_point=ANCHORS)
    with pytest.raises(exceptions.Forbidden):
        kv.read_secret_version(str(tenant), mount_point=ANCHORS, raise_on_deleted_version=False)


def test_audit_replaces_anchors_by_check_and_set_and_removes_none(client_of, tenant) -> None:
    kv, path = client_of("audit").secrets.kv.v2, str(tenant)
    kv.create_or_update_secret(path, {"size": 1}, cas=0, mount_point=ANCHORS)
    for cas in (None, 0, 2):
        with pytest.raises(exceptions.InvalidRequest, match="check-and-set"):
            kv.create_or_update_secret(path, {"size": 0}, cas=cas, mount_point=ANCHORS)
    refused = (
        lambda: kv.delete_latest_version_of_secret(path, mount_point=ANCHORS),
        lambda: kv.delete_secret_versions(path, [1], mount_point=ANCHORS),
        lambda: kv.destroy_secret_versions(path, [1], mount_point=ANCHORS),
        lambda: kv.delete_metadata_and_all_versions(path, mount_point=ANCHORS),
        lambda: kv.update_metadata(path, max_versions=1, cas_required=False, mount_point=ANCHORS),
        lambda: kv.configure(cas_required=False, mount_point=ANCHORS),
    )
    for ask in refused:
        with pytest.raises(exceptions.Forbidden):
            ask()
    kv.create_or_update_secret(path, {"size": 2}, cas=1, mount_point=ANCHORS)


async def test_versioned_value_is_replaced_by_whoever_read_the_newest(transits, tenant) -> None:
    first, second = (VersionedStore(transits["audit"], ANCHORS) for _ in range(2))
    assert await first.read(str(tenant)) == (None, 0)
    assert await first.write(str(tenant), {"size": 1}, replacing=0) == 1
    with pytest.raises(StaleVersion):
        await second.write(str(tenant), {"size": 9}, replacing=0)
    assert await second.write(str(tenant), {"size": 2}, replacing=1) == 2
    assert await first.read(str(tenant)) == ({"size": 2}, 2)
    with pytest.raises(KeysUnavailable):
        await VersionedStore(transits["support"], ANCHORS).read(str(tenant))
