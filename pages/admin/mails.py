"""Every mail: to whom, about what, whether it left, and why not. Where mails are files, they are read."""

from uuid import UUID

import streamlit as st

from core import outbox, paging
from core.i18n import _
from core.ports import Mail
from models.mail import MailStatus, OutboxMail
from pages.parts import mail_words, money, site, style

PER_PAGE = 20
REFRESH_SECONDS = 5
ALL, TO_READ = "all", "mail_to_read"

backends = site.backends()
are_files = backends.settings.smtp_host is None


def where_they_are() -> None:
    """Say that mails stay on this machine, and what to set so that they leave."""
    told = _(
        "This site has no mail server yet: nothing leaves it. Mails are files in `{folder}`, and you can "
        "read them here. To send them, set `ENCORE_SMTP_HOST` and what your server wants besides."
    )
    st.info(told.format(folder=mail_words.folder()), icon=":material/info:")


def choose() -> MailStatus | None:
    """Return which mails are asked for; the choice is kept in the address."""
    counts = outbox.counts(backends, by=site.require_account())
    labels = {ALL: _("All")}
    for status in MailStatus:
        labels[status.value] = f"{mail_words.status(status)[0]} ({counts.get(status, 0):,})"
    chosen = st.segmented_control(
        _("Show"),
        list(labels),
        default=site.choice("show", list(labels)),
        format_func=labels.__getitem__,
        on_change=to_the_newest,
        required=True,
    )
    site.remember("show", "" if chosen == ALL else chosen)
    return None if chosen == ALL else MailStatus(chosen)


def to_the_newest() -> None:
    """Begin the list anew."""
    site.remember("after", "")


def page_of(status: MailStatus | None) -> paging.Page[OutboxMail]:
    """Return the page that the address names, the newest one when it names none that we made."""
    account = site.require_account()  # a fragment runs by itself: whoever was here may be gone
    try:
        asked = paging.Asked(PER_PAGE, st.query_params.get("after"))
        return outbox.listing(backends, asked, status=status, by=account)
    except paging.CursorUnknown:
        to_the_newest()
        return outbox.listing(backends, paging.Asked(PER_PAGE), status=status, by=account)


def show(mail: OutboxMail) -> None:
    """Show one mail and what can be done with it."""
    with st.container(border=True):
        left, right = st.columns([4, 1], vertical_alignment="center")
        left.html(mail_words.summary(mail, money.when(mail.created_at)))
        with right.container(horizontal=True, horizontal_alignment="right"):
            act(mail)


def act(mail: OutboxMail) -> None:
    """Offer what can be done with a mail: another try, or to read it where it is a file."""
    if mail.status in (MailStatus.WAITING, MailStatus.FAILED):
        if st.button(_("Try again"), key=f"retry_{mail.id}"):
            outbox.retry(backends, mail.id, by=site.require_account())
            st.rerun()
    elif are_files and mail.status is MailStatus.SENT and st.button(_("Read"), key=f"read_{mail.id}"):
        st.session_state[TO_READ] = mail.id
        st.rerun()


@st.dialog(_("Mail"), width="large")
def read(mail: Mail) -> None:
    """Show a mail as its reader has it, in plain text."""
    st.markdown(f"**{style.plain(mail.subject)}**")
    st.text(mail.to)
    st.code(mail.text, language=None, wrap_lines=True)


style.hero(_("Mails"), _("What was written to people, whether it left, and if not, why."))
if are_files:
    where_they_are()
chosen_status = choose()


@site.live(REFRESH_SECONDS)
def mails() -> None:
    """Show a page of the list."""
    page = page_of(chosen_status)
    for mail in page.items:
        show(mail)
    if not page.items:
        style.empty_state(_("No mails here"), _("Receipts, links and invitations appear here when written."))
    with st.container(horizontal=True):
        if "after" in st.query_params:
            st.button(_("Newest"), on_click=to_the_newest)
        if page.next_cursor:
            st.button(_("Older"), on_click=site.remember, args=("after", page.next_cursor))


mails()
wanted: UUID | None = st.session_state.pop(TO_READ, None)
if wanted is not None:
    found = outbox.kept(backends, wanted, by=site.require_account())
    if found is None:
        st.toast(_("This mail is no longer in the folder."))
    else:
        read(found)
