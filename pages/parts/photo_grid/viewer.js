// One photo, large: a dialog with previous and next, and the same actions for this photo alone.

const SWIPE_PIXELS = 48

class Viewer {
  constructor(grid, parent) {
    this.grid = grid
    this.build()
    parent.querySelector(".photo-grid").append(this.dialog)
  }

  get isOpen() {
    return this.dialog.open
  }

  build() {
    const button = (name, onclick) => make("button", { type: "button", class: name, onclick })
    this.place = make("p", { class: "place", role: "status" })
    this.badge = make("span", { class: "badge" })
    this.shut = button("shut", () => this.dialog.close())
    this.back = button("back", () => this.step(-1))
    this.next = button("next", () => this.step(1))
    this.image = make("img", { decoding: "async" })
    this.ring = make("span", { class: "ring" })
    this.sheet = make("div", { class: "sheet" }, this.image, this.ring)
    this.stage = make("div", { class: "stage" }, this.sheet, this.back, this.next)
    this.caption = make("p", { class: "caption" })
    this.pick = button("act choose", () => this.grid.toggle(this.id, false))
    this.buttons = make("div", { class: "own" })
    this.dialog = make("dialog", { class: "viewer", onkeydown: (event) => this.keyed(event), onclose: () => this.closed() },
      make("div", { class: "top" }, this.place, this.badge, this.shut), this.stage,
      make("div", { class: "foot" }, this.caption, make("div", { class: "acts" }, this.pick, this.buttons)))
    this.listenForSwipes()
  }

  listenForSwipes() {
    this.stage.ontouchstart = (event) => (this.touch = event.touches.length === 1 ? event.touches[0].clientX : null)
    this.stage.ontouchend = (event) => {
      if (this.touch === null) return
      const moved = event.changedTouches[0].clientX - this.touch
      if (Math.abs(moved) > SWIPE_PIXELS) this.step(moved < 0 ? 1 : -1)
    }
  }

  open(id) {
    this.id = id
    this.refresh(true)
    this.dialog.showModal()
    this.shut.focus()
  }

  keyed(event) {
    event.stopPropagation()
    if (event.key === "ArrowRight") this.step(1)
    if (event.key === "ArrowLeft") this.step(-1)
  }

  step(by) {
    const index = this.index + by
    if (index < 0 || index >= this.grid.photos.length) return
    this.id = this.grid.photos[index].id
    this.refresh(true)
  }

  // A photo that was acted on may be gone after the rerun: the one now in its place slides in.
  refresh(opening = false) {
    const { photos, order } = this.grid
    if (!opening && !this.isOpen) return
    if (photos.length === 0) return this.dialog.close()
    this.index = order.get(this.id) ?? Math.min(this.index, photos.length - 1)
    this.id = photos[this.index].id
    this.paint(photos[this.index])
    this.fetchAhead()
  }

  paint(photo) {
    const { words, photos, mode } = this.grid
    this.dialog.setAttribute("aria-label", photo.alt)
    this.place.textContent = fill(words.place, { number: this.index + 1, count: photos.length })
    for (const [element, word] of [[this.shut, words.close], [this.back, words.previous], [this.next, words.next]])
      element.setAttribute("aria-label", word)
    this.back.disabled = this.index === 0
    this.next.disabled = this.index === photos.length - 1
    for (const name of ["alt", "width", "height"]) set(this.image, name, String(photo[name]))
    set(this.image, "src", photo.large_url)
    this.sheet.style.setProperty("--ratio", photo.width / photo.height)
    ring(this.ring, photo.face)
    label(this.badge, photo.badge, photo.tone)
    this.caption.textContent = [photo.caption, photo.price].filter(Boolean).join(" · ")
    this.pick.hidden = mode !== "choose"
    this.pick.textContent = words.choose_one
    this.paintPick()
  }

  act(name) {
    this.grid.act(name, [this.id])
    this.step(1)
  }

  paintPick() {
    set(this.pick, "aria-pressed", String(this.grid.chosen.has(this.id)))
  }

  fetchAhead() {
    const { photos } = this.grid
    for (const near of [photos[this.index + 1], photos[this.index - 1]]) if (near) new Image().src = near.large_url
  }

  closed() {
    const tile = this.grid.tiles.get(this.id)
    tile?.photo.focus()
    this.image.removeAttribute("src")
  }
}
