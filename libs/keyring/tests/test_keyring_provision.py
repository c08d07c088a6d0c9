"""What is prepared at each start adds up to nothing."""

from __future__ import annotations

import hvac
import pytest
from hvac import exceptions

from daicho.keyring import provision
from daicho.local.servers import OpenBaoServer, free_port


@pytest.fixture
def own_store(tmp_path):
    """A key store of this test's own: the shared one's logins must stay."""
    server = OpenBaoServer(tmp_path / "openbao", port=free_port())
    server.start()
    server.wait_until_ready()
    yield server
    server.stop()


def test_of_all_secret_ids_the_newest_and_the_one_before_stay(own_store) -> None:
    drawn = [provision(own_store.address, own_store.root_token, ["identity", "audit"]) for _ in range(4)]
    root = hvac.Client(url=own_store.address, token=own_store.root_token)
    for service in ("identity", "audit"):
        assert len(root.auth.approle.list_secret_id_accessors(service)["data"]["keys"]) == 2
        for roles in drawn[-2:]:
            assert hvac.Client(url=own_store.address).auth.approle.login(*roles[service])
        for roles in drawn[:-2]:
            with pytest.raises(exceptions.InvalidRequest):
                hvac.Client(url=own_store.address).auth.approle.login(*roles[service])
