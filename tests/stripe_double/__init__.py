"""A contract double of Stripe: it takes what the SDK's own types allow, and does what Stripe's rules say.

It is no Stripe. It knows what Encore asks for, refuses everything else loudly, and remembers in memory. It
answers the real SDK inside the process (`transport()`) or over a socket of this machine (`serving(double)`).

    double = StripeDouble(clock=time.time)
    payments = gateway(double)                       # a StripeGateway that speaks to it
    checkout = payments.start_checkout(request)
    double.pay(checkout.id)                          # the buyer's hand; messages wait in `double.messages`
    for message in double.take():                    # deliver them twice, late, shuffled or never
        payments.read_event(*double.signed(message))
"""

from tests.stripe_double.account import Message
from tests.stripe_double.double import StripeDouble, gateway
from tests.stripe_double.wire import serving

__all__ = ["Message", "StripeDouble", "gateway", "serving"]
