"""What an address shows to an account whose role does not include it."""

from core.i18n import _
from pages.parts import style

style.hero(_("Your account may not open this page"), _("Ask an admin if you need it."))
style.button_link("/", _("Back to the events"))
