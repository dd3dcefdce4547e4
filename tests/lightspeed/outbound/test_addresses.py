import pytest

from lightspeed.errors import UnsafeAddressError
from lightspeed.outbound.addresses import (
    AllowedAddress,
    allowed_addresses,
    is_public,
    require_public,
)

INSIDE = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",  # noqa: S104 - refused, not listened on
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "224.0.0.1",
    "233.252.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:93.184.216.34",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::93.184.216.34",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:5db8:d822::1",
    "2001:0:7f00:1::1",
    "2001:db8::1",
    "100::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", INSIDE)
def test_no_address_inside_is_public_however_it_is_written(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "0x7f.1", "2130706433", "1.2.3"])
def test_what_is_not_an_address_is_not_public(text: str) -> None:
    assert not is_public(text)


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "2a00::1"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)
    require_public([address])


def test_one_inside_address_among_public_ones_is_enough_to_refuse() -> None:
    with pytest.raises(UnsafeAddressError):
        require_public(["93.184.216.34", "10.0.0.1"])


def test_the_setting_names_hosts_with_their_ports() -> None:
    assert allowed_addresses(["127.0.0.1:8001", "Simulator:8002", "[::1]:8003"]) == {
        AllowedAddress(host="127.0.0.1", port=8001),
        AllowedAddress(host="simulator", port=8002),
        AllowedAddress(host="::1", port=8003),
    }


@pytest.mark.parametrize("place", ["", "127.0.0.1", ":8001", "host:", "host:http", "host:٨"])
def test_a_place_without_host_or_port_is_refused(place: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        allowed_addresses([place])
