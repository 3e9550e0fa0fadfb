"""Selfies in, the photos of their owners out: one person's, or a group's. Consent comes before the camera."""

from uuid import UUID

import streamlit as st

from core import consent, i18n, limits, search
from core.errors import PlatformError
from core.i18n import _
from pages.parts import agreement, found, people, place, selfie, site, style
from pages.parts.people import People

backends = site.backends()
viewer = site.viewer()
scope = place.current(viewer)
event_id = scope.event.id
everyone = People(event_id)
# Who is to give a selfie: the number of a person who is here, or of the next one; not set: nobody.
asking_key, receipt_key = f"asking_{event_id}", f"receipt_{event_id}"
refusal_key, attempt_key = f"refusal_{event_id}", f"attempt_{event_id}"
attempt = st.session_state.get(attempt_key, 0)


def ask(number: int) -> None:
    """Ask somebody for consent, then for selfies, until a search was made."""
    is_new = number == len(everyone)
    receipt_id = st.session_state.get(receipt_key) if is_new else everyone[number].receipt_id
    if receipt_id is None:
        receipt_id = agreement.ask(event_id, of_friend=number > 0)
        if receipt_id is not None:
            st.session_state[receipt_key] = receipt_id
            st.rerun()
    else:
        if refusal_key in st.session_state:
            st.warning(st.session_state[refusal_key], icon=":material/face:")
        find(number, receipt_id)
    if not len(everyone):
        place.to_gallery(scope, _("Look through all photos instead"))
    elif st.button(_("Back to the photos"), icon=":material/arrow_back:"):
        if is_new and receipt_id is not None:
            consent.withdraw(backends, receipt_id, by=viewer)
        end_asking()
        st.rerun()


def find(number: int, receipt_id: UUID) -> None:
    """Search, and remember for this visit what was found, or why the selfies will not do."""
    most = search.MOST_SELFIES - (everyone[number].selfies if number < len(everyone) else 0)
    try:
        if not (selfies := selfie.ask(attempt, most)):
            return
        st.session_state.pop(refusal_key, None)
        limits.search(backends, scope, viewer, site.client())
        with st.spinner(_("Looking through the photos…")):
            result = everyone.search(number, receipt_id, selfies)
        everyone.add(number, receipt_id, result, len(selfies))
        end_asking()
    except consent.ConsentMissing:  # withdrawn in another tab, or the words have changed: ask again
        forget(number)
    except PlatformError as refusal:
        st.session_state[refusal_key] = i18n.refusal(refusal)
    selfies = ()  # before the rerun, which keeps this frame a while
    st.session_state[attempt_key] = attempt + 1
    st.rerun()


def forget(number: int) -> None:
    """Let go of somebody whose consent has ended; with the first, whose visit this is, of everybody."""
    end_asking()
    for other in reversed(range(len(everyone))):
        if number in (0, other):
            everyone.remove(other)


def end_asking() -> None:
    """Nobody is asked for a selfie any more; the next one agrees for themselves."""
    for key in (asking_key, receipt_key, refusal_key):
        st.session_state.pop(key, None)


def show() -> None:
    """Show what was found, and the ways to find more."""
    view = people.choose(everyone)
    with st.container(horizontal=True, gap="xsmall"):
        offer_more(view)
        people.offer_removal(everyone)
    found.show(everyone, view, scope, viewer)
    with st.container(horizontal=True, gap="xsmall"):
        if st.button(_("Search again"), icon=":material/refresh:"):
            st.session_state[receipt_key] = everyone.start_over()
            st.rerun()
        if st.button(_("Withdraw consent"), icon=":material/undo:"):
            consent.withdraw(backends, everyone.start_over(), by=viewer)
            st.rerun()
    place.to_gallery(scope, _("Look through all photos"))
    found.offer_undo(everyone, view)


def offer_more(view: str) -> None:
    """Offer another selfie of the person who is shown, and one of a friend."""
    number = int(view) - 1 if view.isdecimal() else None
    asked = None
    if number is not None and everyone[number].selfies < search.MOST_SELFIES:
        asked = number if st.button(_("Another selfie"), icon=":material/add_a_photo:") else None
    if len(everyone) < people.MOST and st.button(_("With a friend"), icon=":material/group_add:"):
        asked = len(everyone)
    if asked is not None:
        st.session_state[asking_key] = asked
        st.rerun()


style.hero(_("Find my photos"), scope.event.name)
if not agreement.is_of_use(scope, viewer):
    place.to_gallery(scope, _("Look through all photos"))
elif asking_key in st.session_state or not len(everyone):
    ask(st.session_state.get(asking_key, 0))
else:
    show()
