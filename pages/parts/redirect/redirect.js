// Sends the browser to an address the page gave, once.

const SENT = Symbol.for("encore.redirect")

export default function ({ data, parentElement }) {
  if (parentElement[SENT] === data.url) return
  parentElement[SENT] = data.url
  window.location.assign(data.url)
}
