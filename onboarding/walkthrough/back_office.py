"""The words that stand in the vendor's Back Office, in each language it is shown in.

They are the vendor's, not ours, so they are data and not in the catalogue: a merchant who reads
our pages in English may well have a Dutch Back Office. Sources: LIGHTSPEED.md section 8 [D3].
Dutch words that no source gives are inferred and marked; correct them here, nowhere else.
"""

from dataclasses import dataclass

DEFAULT_LANGUAGE = "en"


@dataclass(frozen=True, slots=True)
class BackOfficeWords:
    """Labels of the Back Office pages that the walkthrough draws."""

    language: str
    settings: str
    store_settings: str
    developers: str
    new_api_key: str
    title: str
    save: str
    section_settings: str
    enable: str
    permissions: str
    read: str
    write: str
    content: str
    products: str
    customers: str
    orders: str
    tracking: str
    section_details: str
    api_key: str
    api_secret: str
    show: str
    dashboard: str

    def group(self, name: str) -> str:
        """Return the label of a permission group, given its name on the wire."""
        label: str = getattr(self, name)
        return label


ENGLISH = BackOfficeWords(
    language="en",
    settings="Settings",
    store_settings="Store Settings",
    developers="Developers",
    new_api_key="New API key",
    title="Title",
    save="Save",
    section_settings="Settings",
    enable="Enable this API key",
    permissions="Permissions",
    read="Read",
    write="Write",
    content="Content",
    products="Products",
    customers="Customers",
    orders="Orders",
    tracking="Tracking",
    section_details="Details",
    api_key="API Key",
    api_secret="API Secret",  # noqa: S106  # a label, not a secret
    show="Show",
    dashboard="Dashboard",
)

DUTCH = BackOfficeWords(
    language="nl",
    settings="Instellingen",
    store_settings="Shopinstellingen",
    developers="Developers",
    new_api_key="Nieuwe API-sleutel",
    title="Titel",
    save="Opslaan",
    section_settings="Instellingen",
    enable="Activeer API Key",
    permissions="Permissies",
    # From here on inferred from the English page.
    read="Lezen",
    write="Schrijven",
    content="Content",
    products="Producten",
    customers="Klanten",
    orders="Bestellingen",
    tracking="Tracking",
    section_details="Details",
    api_key="API Key",
    api_secret="API Secret",  # noqa: S106  # a label, not a secret
    show="Tonen",
    dashboard="Dashboard",
)

BACK_OFFICE_WORDS = {words.language: words for words in (ENGLISH, DUTCH)}


def back_office_words(language: str) -> BackOfficeWords:
    """Return the labels in a language; in English where the Back Office has not got it."""
    return BACK_OFFICE_WORDS.get(language, BACK_OFFICE_WORDS[DEFAULT_LANGUAGE])
