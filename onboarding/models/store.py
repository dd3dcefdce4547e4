"""Stores: one shop at the vendor and the one app that it feeds."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from keyvault.models import Keychain
from onboarding.models.merchant import Merchant


class Store(models.Model):
    """A merchant's shop; its id is the id of its keychain."""

    class Cluster(models.TextChoices):
        """Which of the vendor's two installations the shop lives on."""

        EU1 = "eu1", _("Europe (eu1)")
        US1 = "us1", _("United States (us1)")

    class Platform(models.TextChoices):
        """What the merchant's web shop runs on, beside Lightspeed."""

        ECOM = "ecom", "Lightspeed eCom"
        BIGCOMMERCE = "bigcommerce", "BigCommerce"
        MAGENTO = "magento", "Magento"
        SHOPIFY = "shopify", "Shopify"
        WOOCOMMERCE = "woocommerce", "WooCommerce"
        OTHER = "other", _("other")

    keychain = models.OneToOneField(
        Keychain, models.PROTECT, primary_key=True, related_name="store"
    )
    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="stores")
    name = models.CharField(max_length=200)
    app_name = models.CharField(max_length=60)
    cluster = models.CharField(max_length=4, choices=Cluster, default=Cluster.EU1)
    language = models.CharField(max_length=8, default="en")
    # The vendor's own id, known after the first check; several keys must agree on it.
    shop_id = models.PositiveBigIntegerField(null=True, blank=True)
    back_office = models.CharField(max_length=200, blank=True)
    platform = models.CharField(max_length=12, choices=Platform, default=Platform.ECOM)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["merchant", "name"])]

    def __str__(self) -> str:
        return self.name
