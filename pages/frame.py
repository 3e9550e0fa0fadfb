"""The Streamlit script: dress the page, choose it by role, and show what it refuses."""

import streamlit as st

from pages.parts import navigation, site, style

st.set_page_config(page_title="Encore", page_icon=style.ICON, layout="wide")
style.apply()
page = navigation.choose(site.account())
with site.refusals(is_page=True):
    page.run()
