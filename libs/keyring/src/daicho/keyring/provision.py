"""What the key store must hold before services start: engines, policies, roles. Safe to repeat.

Each service's policy names the contexts that it may use: its own for every purpose, and for reading events
(and keeping them readable after a rotation) those of the others. ``allowed_parameters`` pins them, for a path alone would open every context of a tenant's
key.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import hvac
from hvac import exceptions

from daicho.keyring.keyring import EVENTS, PURPOSES
from daicho.keyring.transit import bus_key, context_of
from daicho.keyring.versioned_store import KEPT_VERSIONS

SERVICES: Final = ("identity", "customers", "sales", "support", "mailing", "audit")
KEY_OWNER: Final = "identity"
"""The one service that creates, rotates and deletes tenants' keys."""
ACCESS_KEY: Final = "identity-access"
CHECKPOINT_KEY: Final = "audit-checkpoint"
ANCHORS: Final = "audit-anchor"
"""The mount with the last signed checkpoint of each tenant's audit log."""
_MOUNTED_WITHIN: Final = 30.0
"""Seconds in which a new KV engine is ready to be configured."""
LOGIN_LIFE: Final = "1h"
_KEPT: Final = {
    "capabilities": ["create", "update", "read", "delete"],
    # A key that could be exported or restored from a backup could not be destroyed: those parameters are left
    # out, for the store compares texts and takes either value of a boolean that is named.
    "allowed_parameters": {
        "type": ["aes256-gcm96"],
        "derived": [],
        "min_decryption_version": [],
        "deletion_allowed": [],
    },
}


def provision(
    address: str, root_token: str, services: Sequence[str] = SERVICES
) -> dict[str, tuple[str, str]]:
    """Make or mend engines, keys, policies and AppRoles; answers {service: (role id, secret id)}.

    A new secret id is drawn at each call. The one before it stays valid, for its service may still run while this
    is prepared; older ones are destroyed.
    """
    client = hvac.Client(url=address, token=root_token, timeout=30)
    _mount(client, "transit", "transit", {})
    _mount(client, "pki", "pki", {"max_lease_ttl": "87600h"})
    _mount_anchors(client)
    _make_authority(client)
    if "approle/" not in client.sys.list_auth_methods()["data"]:
        client.sys.enable_auth_method("approle")
    client.secrets.transit.create_key(ACCESS_KEY, key_type="ecdsa-p256")
    client.secrets.transit.create_key(CHECKPOINT_KEY, key_type="ed25519")
    for service in services:
        client.secrets.transit.create_key(bus_key(service), key_type="ed25519")
    return {service: _make_service(client, service, services) for service in services}


def policy_of(service: str, services: Sequence[str] = SERVICES) -> str:
    """The policy of ``service``, in JSON."""
    own = [context_of(service, purpose) for purpose in PURPOSES]
    readable = own + [context_of(other, EVENTS) for other in services if other != service]
    paths: dict[str, dict[str, Any]] = {
        "transit/datakey/plaintext/tenant-*": _pinned(own, "bits"),
        "transit/decrypt/tenant-*": _pinned(readable, "ciphertext"),
        "transit/rewrap/tenant-*": _pinned(readable, "ciphertext"),
        f"pki/issue/{service}": {"capabilities": ["create", "update"]},
        # Everybody verifies everybody's events; a service signs its own alone.
        "transit/keys/bus-*": {"capabilities": ["read"]},
        **_signs(bus_key(service)),
    }
    if service == KEY_OWNER:
        paths["transit/keys/tenant-*"] = _KEPT
        paths.update(_signs(ACCESS_KEY))
    if service == "audit":
        paths.update(_signs(CHECKPOINT_KEY))
        # Neither delete nor destroy nor metadata: the service replaces an anchor and never removes one.
        paths[f"{ANCHORS}/data/*"] = {"capabilities": ["create", "update", "read"]}
    return json.dumps({"path": paths})


def _pinned(contexts: Sequence[str], *free: str) -> dict[str, Any]:
    """Update only, with one of ``contexts`` and whatever in ``free``; no other parameter at all."""
    return {
        "capabilities": ["create", "update"],
        "required_parameters": ["context"],
        "allowed_parameters": {"context": list(contexts), **{name: [] for name in free}},
    }


def _signs(key: str) -> dict[str, Any]:
    return {
        f"transit/sign/{key}": {"capabilities": ["create", "update"]},
        f"transit/keys/{key}": {"capabilities": ["read"]},
        f"transit/keys/{key}/rotate": {"capabilities": ["create", "update"]},
    }


def _mount(client: hvac.Client, kind: str, path: str, options: dict[str, str]) -> None:
    if f"{path}/" not in client.sys.list_mounted_secrets_engines()["data"]:
        client.sys.enable_secrets_engine(kind, path=path, config=options or None)


def _mount_anchors(client: hvac.Client) -> None:
    if f"{ANCHORS}/" not in client.sys.list_mounted_secrets_engines()["data"]:
        client.sys.enable_secrets_engine("kv", path=ANCHORS, options={"version": "2"})
    deadline = time.monotonic() + _MOUNTED_WITHIN
    while True:  # a new engine refuses for a moment, until its storage has been laid out
        try:
            client.secrets.kv.v2.configure(max_versions=KEPT_VERSIONS, cas_required=True, mount_point=ANCHORS)
        except exceptions.InvalidRequest:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def _make_authority(client: hvac.Client) -> None:
    try:
        if client.secrets.pki.read_ca_certificate():
            return
    except exceptions.VaultError:
        pass
    client.secrets.pki.generate_root(
        type="internal", common_name="daicho services", extra_params={"ttl": "87600h", "key_type": "ec"}
    )


def _make_service(client: hvac.Client, service: str, services: Sequence[str]) -> tuple[str, str]:
    client.sys.create_or_update_policy(f"daicho-{service}", policy_of(service, services))
    client.secrets.pki.create_or_update_role(
        service,
        {
            "allowed_domains": service,
            "allow_bare_domains": True,
            "allow_subdomains": False,
            "allow_ip_sans": False,
            "key_type": "ec",
            "key_bits": 256,
            "max_ttl": "48h",
            "server_flag": True,
            "client_flag": True,
            "no_store": True,
        },
    )
    client.auth.approle.create_or_update_approle(
        service, token_policies=[f"daicho-{service}"], token_ttl=LOGIN_LIFE, token_max_ttl=LOGIN_LIFE
    )
    role_id = client.auth.approle.read_role_id(service)["data"]["role_id"]
    drawn = client.auth.approle.generate_secret_id(service)["data"]
    _destroy_old(client, service, drawn["secret_id_accessor"])
    return role_id, drawn["secret_id"]


def _destroy_old(client: hvac.Client, service: str, newest: str) -> None:
    """Destroy the secret ids of ``service`` but for the ``newest`` and the one before it."""
    approle = client.auth.approle
    accessors = approle.list_secret_id_accessors(service)["data"]["keys"]
    born = {
        approle.read_secret_id_accessor(service, accessor)["data"]["creation_time"]: accessor
        for accessor in accessors
        if accessor != newest
    }
    for moment in sorted(born, key=datetime.fromisoformat)[:-1]:
        approle.destroy_secret_id_accessor(service, born[moment])
