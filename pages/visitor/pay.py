"""The demo gateway's own page, in place of a bank's: the visitor decides what the bank says."""

import streamlit as st

from core import played
from core.gateway import PaymentState
from core.i18n import _
from core.pricing import format_amount
from pages.parts import money, site, style

backends = site.backends()
checkout_id = st.query_params.get("c", "")
request = played.request(backends, checkout_id)
state = played.state(backends, checkout_id)


def answer(state: PaymentState) -> None:
    """Let the bank say it, and go back to the order."""
    played.play(backends, checkout_id, state)
    site.go(money.local_path(request.return_url))


def answered() -> None:
    """Say that this payment is over."""
    text = {
        PaymentState.PAID: _("This payment was made."),
        PaymentState.FAILED: _("This payment was refused. You can order again from your cart."),
        PaymentState.EXPIRED: _("The time for this payment is over. You can order again from your cart."),
    }
    st.info(text[state], icon=":material/info:")
    style.button_link(money.local_path(request.return_url), _("To your order"))


style.hero(_("Demo payment"), _("No money moves here: you play the bank."))
asked = [money.priced(line.label, line.quantity, line.amount, request.currency) for line in request.lines]
st.html(money.table(asked, format_amount(request.amount, request.currency)))
if state is PaymentState.OPEN:
    with st.container(horizontal=True):
        if st.button(_("Pay"), type="primary", key="pay"):
            answer(PaymentState.PAID)
        if st.button(_("Refuse"), key="refuse", help=_("As if the card had no money on it")):
            answer(PaymentState.FAILED)
        if st.button(
            _("Leave"), key="leave", type="tertiary", help=_("Back to the cart, which keeps its photos")
        ):
            site.go(money.local_path(request.cancel_url))
else:
    answered()
