"""What an address shows to those who have not signed in: the way in, and back here."""

from core.i18n import _
from pages.parts import site, style

style.hero(_("Sign in to see this page"), _("It belongs to organisers, photographers, analysts and admins."))
style.button_link(site.with_next("/sign_in", site.here()), _("Sign in"))
