"""The Streamlit script: dress the page, choose it by role, and show refusals, here and nowhere else."""

import streamlit as st

from core import i18n
from core.errors import PlatformError
from pages.parts import navigation, site, style

st.set_page_config(page_title="Encore", page_icon=style.ICON, layout="wide")
style.apply()
page = navigation.choose(site.account())
try:
    page.run()
except PlatformError as refusal:
    st.error(i18n.refusal(refusal), icon=":material/info:")
