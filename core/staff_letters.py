"""What those who sign in are written: new passwords, their part in events, their payouts and their days."""

from datetime import date, timedelta

from core import i18n, resets, sessions, summaries
from core.backends import Backends
from core.i18n import _
from core.letters import Button, Letter, Row
from core.pricing import format_amount
from core.stationery import footer, greeting, written
from core.summaries import Figures
from models.account import Account
from models.event import Event, EventMember, MemberRole
from models.ledger import Payout, PayoutStatus
from models.mail import OutboxMail


def password_reset(backends: Backends, mail: OutboxMail) -> Letter | None:
    """Return a fresh link to choose a password by. None when the account is gone or disabled meanwhile."""
    issued = resets.issue(backends, int(mail.data["account_id"]))
    if issued is None:
        return None
    account, code = issued
    minutes = resets.TTL // timedelta(minutes=1)
    return Letter(
        subject=_("Your new password for Encore"),
        greeting=greeting(account.name),
        paragraphs=(_("Somebody asked for a new password for your account. Choose one here:"),),
        button=Button(_("Choose a password"), backends.settings.url(resets.address(code))),
        notes=(
            _("The link works once, for {minutes} minutes.").format(minutes=minutes),
            _("Keys of programs stay; look at them in your profile."),
            _(
                "You did not ask? Then there is nothing to do: your password stays as it is, and nobody who "
                "cannot read your mail can change it."
            ),
        ),
        footer=_because_account(backends),
    )


def invitation(backends: Backends, mail: OutboxMail) -> Letter | None:
    """Return which part in which event an account was given. None when it has another or none by now."""
    role = MemberRole(mail.data["role"])
    found = _part(backends, mail)
    if found is None or found[2].role is not role:
        return None
    account, event, _member = found
    return Letter(
        subject=_("You are part of {event}").format(event=event.name),
        greeting=greeting(account.name),
        paragraphs=(
            _("You are now part of {event}, held on {day}.").format(
                event=event.name, day=written(event.held_on)
            ),
            _duty(role),
        ),
        button=_to_event(backends, event),
        footer=_because_account(backends),
    )


def payout(backends: Backends, mail: OutboxMail) -> Letter | None:
    """Return what was paid out for which days. None when it was cancelled meanwhile."""
    with backends.reading() as session:
        row = session.get(Payout, int(mail.subject))
        if row is None or row.status is PayoutStatus.CANCELLED:
            return None
        account = session.get_one(Account, row.account_id)
    amount = format_amount(row.amount, row.currency)
    told = _("Your share of what was sold from {first} to {last} was paid out to you.").format(
        first=written(row.period_start), last=written(row.period_end - timedelta(days=1))
    )
    reference = (Row(_("Reference"), row.reference),) if row.reference else ()
    return Letter(
        subject=_("Your payout of {amount}").format(amount=amount),
        greeting=greeting(account.name),
        paragraphs=(told,),
        rows=(*reference, Row(_("Total"), amount, is_total=True)),
        button=Button(_("See how it was computed"), backends.settings.url("/earnings")),
        footer=_because_account(backends),
    )


def day_summary(backends: Backends, mail: OutboxMail) -> Letter | None:
    """Return what happened in an event in one day. None for who is no organiser of it any more."""
    found = _part(backends, mail)
    if found is None or found[2].role is not MemberRole.CO_ORGANISER:
        return None
    account, event, _member = found
    day = date.fromisoformat(mail.data["day"])
    with backends.reading() as session:
        figures = summaries.figures(session, event, day)
    return Letter(
        subject=_("{event}: {day}").format(event=event.name, day=written(day)),
        greeting=greeting(account.name),
        paragraphs=(_("This is what happened on {day}.").format(day=written(day)),),
        rows=tuple(_told(figures, event.currency)),
        button=_to_event(backends, event),
        footer=footer(backends, _("You get this mail because you organise this event.")),
    )


def _told(figures: Figures, currency: str) -> list[Row]:
    passes = [Row(_("Passes sold"), f"{figures.pass_count:,}")] if figures.pass_count else []
    given_back = format_amount(figures.refund_amount, currency)
    if figures.refund_count:
        given_back = (
            i18n.plural("{count} refund", "{count} refunds", figures.refund_count) + f" · {given_back}"
        )
    return [
        Row(_("Orders"), f"{figures.order_count:,}"),
        Row(_("Photos sold"), f"{figures.photo_count:,}"),
        *passes,
        Row(_("Revenue"), format_amount(figures.revenue_amount, currency), is_total=True),
        Row(_("Given back"), given_back),
        Row(_("Searches"), f"{figures.search_count:,}"),
        Row(_("New photos"), f"{figures.upload_count:,}"),
        Row(_("Waiting for review now"), f"{figures.waiting_count:,}"),
        Row(_("Jobs that gave up"), f"{figures.failed_count:,}"),
    ]


def _part(backends: Backends, mail: OutboxMail) -> tuple[Account, Event, EventMember] | None:
    """Return the account, the event and its part there, None when one of them is no more."""
    event_id, account_id = int(mail.data["event_id"]), int(mail.data["account_id"])
    with backends.reading() as session:
        account, event = session.get(Account, account_id), session.get(Event, event_id)
        member = session.get(EventMember, (event_id, account_id))
    if account is None or event is None or member is None or not sessions.may_sign_in(backends, account):
        return None
    return account, event, member


def _duty(role: MemberRole) -> str:
    return {
        MemberRole.CO_ORGANISER: _("You are a co-organiser: you may do all that there is to do in it."),
        MemberRole.PHOTOGRAPHER: _("You are a photographer: upload your photos, and see how they sell."),
        MemberRole.ANALYST: _("You are an analyst: you see what is found and sold."),
        MemberRole.DOOR: _("You are at the door: you check people in."),
    }[role]


def _to_event(backends: Backends, event: Event) -> Button:
    return Button(_("Open the event"), backends.settings.url(f"/event?id={event.id}"))


def _because_account(backends: Backends) -> tuple[str, ...]:
    return footer(backends, _("You get this mail because you have an account there."))
