import pytest

from lightspeed.clusters import (
    CLUSTERS,
    EU1,
    US1,
    BackOffice,
    back_office_from_address,
    other_cluster,
)


def test_the_clusters_are_data() -> None:
    assert {name: cluster.base_url for name, cluster in CLUSTERS.items()} == {
        "eu1": "https://api.webshopapp.com/",
        "us1": "https://api.shoplightspeed.com/",
    }


def test_each_cluster_has_the_other() -> None:
    assert other_cluster(EU1) == US1
    assert other_cluster(US1) == EU1


@pytest.mark.parametrize(
    "address",
    [
        "https://my-bakery.webshopapp.com/admin/",
        "https://my-bakery.webshopapp.com/backoffice/settings?x=1#y",
        "http://MY-BAKERY.WebshopApp.com",
        "my-bakery.webshopapp.com",
        "my-bakery.webshopapp.com/admin",
        "  'https://my-bakery.webshopapp.com:443/admin'\n",
        "<https://my-bakery.webshopapp.com./admin>",
        "\u201chttps://my-bakery.webshopapp.com/admin\u201d",
    ],
)
def test_a_back_office_address_tells_cluster_and_shop(address: str) -> None:
    assert back_office_from_address(address) == BackOffice(cluster=EU1, shop="my-bakery")


def test_the_american_domain_is_the_american_cluster() -> None:
    found = back_office_from_address("https://diner.shoplightspeed.com/admin/")
    assert found == BackOffice(cluster=US1, shop="diner")


def test_a_host_of_the_vendor_tells_the_cluster_only() -> None:
    found = back_office_from_address("https://api.webshopapp.com/en/shop.json")
    assert found == BackOffice(cluster=EU1, shop=None)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "https://www.my-bakery.example/",
        "webshopapp.com",
        "https://.webshopapp.com/",
        "https://evilwebshopapp.com/",
        "https://shop.webshopapp.com.evil.example/",
        "https://shop.webshopapp.com@evil.example/",
        "https://a.b.webshopapp.com/",
        "https://-shop.webshopapp.com/",
        "https://[shop.webshopapp.com/",
        "https://evil.example/?shop.webshopapp.com",
        "x" * 5000 + ".webshopapp.com",
    ],
)
def test_another_address_tells_nothing(address: str) -> None:
    assert back_office_from_address(address) is None
