"""Collects every message of the site as Django sees it, without gettext's own tools."""

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.template import Template
from django.template.base import Lexer, TokenType
from django.templatetags.i18n import BlockTranslateNode, TranslateNode
from django.utils.translation import trim_whitespace

ROOT = Path(settings.BASE_DIR)
PACKAGES = ("config", "keyvault", "onboarding")
_CALLS = {"_": 0, "gettext": 0, "gettext_lazy": 0, "gettext_noop": 0, "ngettext": 0}
_CALLS |= {"ngettext_lazy": 0, "pgettext": 1, "pgettext_lazy": 1}
_IN_TAGS = re.compile(r'_\("([^"]+)"\)|_\(\'([^\']+)\'\)')


def messages_of_templates() -> Iterator[tuple[str, str]]:
    """(file, message) for every translatable message of a template."""
    for path in sorted((ROOT / "templates").rglob("*")):
        if path.suffix in {".html", ".txt"}:
            for message in _messages_in(path.read_text(encoding="utf-8")):
                yield str(path.relative_to(ROOT)), message


def _messages_in(source: str) -> Iterator[str]:
    nodes = Template(source).nodelist
    for each in nodes.get_nodes_by_type(TranslateNode):
        literal = getattr(each.filter_expression.var, "literal", None)
        if isinstance(literal, str):
            yield literal
    for block in nodes.get_nodes_by_type(BlockTranslateNode):
        yield _message_of(block)
    for token in Lexer(source).tokenize():
        if token.token_type is not TokenType.TEXT:
            for found in _IN_TAGS.findall(token.contents):
                yield found[0] or found[1]


def _message_of(node: BlockTranslateNode) -> str:
    message, _ = node.render_token_list(node.singular)
    return trim_whitespace(message) if node.trimmed else message


def messages_of_code() -> Iterator[tuple[str, str]]:
    """(file, message) for every call of gettext with a literal."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for call in ast.walk(tree):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
                    at = _CALLS.get(call.func.id)
                    if at is not None and len(call.args) > at:
                        message = call.args[at]
                        if isinstance(message, ast.Constant) and isinstance(message.value, str):
                            yield str(path.relative_to(ROOT)), message.value


def catalogue(language: str) -> dict[str, str]:
    """The translations of one language, from its compiled file; a plural by its singular."""
    path = ROOT / "locale" / language / "LC_MESSAGES" / "django.mo"
    with path.open("rb") as file:
        found = gettext.GNUTranslations(file)
    # A plural is a pair of its singular and the number of its form; the first form stands for it.
    singular = {
        key[0] if isinstance(key, tuple) else key: value
        for key, value in found._catalog.items()  # type: ignore[attr-defined]
        if not isinstance(key, tuple) or key[1] == 0
    }
    return {key.split("\x04")[-1]: value for key, value in singular.items()}
