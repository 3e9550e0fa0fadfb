"""Words on the screen: English in the source, other languages by gettext catalogues."""

import gettext
from contextvars import ContextVar
from functools import cache

from core.errors import PlatformError
from core.settings import ROOT

LANGUAGES = ("en",)  # a catalogue in data/locale adds one

_language: ContextVar[str] = ContextVar("language", default="en")


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    return gettext.translation("encore", ROOT / "data" / "locale", [language], fallback=True)


def use(language: str) -> None:
    """Speak this language from now on in this thread; unknown ones fall back to English."""
    _language.set(language if language in LANGUAGES else "en")


def language() -> str:
    """Return the language spoken in this thread."""
    return _language.get()


def _(text: str) -> str:
    """Return the text in the reader's language."""
    return _catalogue(_language.get()).gettext(text)


def plural(one: str, many: str, count: int) -> str:
    """Return the form that fits the count, with `{count}` filled in."""
    return _catalogue(_language.get()).ngettext(one, many, count).format(count=f"{count:,}")


def refusal(error: PlatformError) -> str:
    """Return a refusal's sentence in the reader's language."""
    return _(error.key).format(**error.params)
