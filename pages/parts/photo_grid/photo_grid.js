// The photo grid: choose, look at one large, act. Names of events and files are strangers' words:
// every text enters as a text node, never as HTML.

const HOME = Symbol.for("encore.photo_grid")
const SETTLE_MS = 300

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const grid = (parentElement[HOME] ??= new PhotoGrid(parentElement, data))
  grid.sendState = setStateValue
  grid.sendTrigger = setTriggerValue
  grid.show(data)
  return () => {
    grid.leave()
    delete parentElement[HOME]
  }
}

function make(tag, attributes, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) element[name] = value
    else if (value !== null) element.setAttribute(name, value)
  }
  element.append(...children)
  return element
}

function set(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value)
}

function fill(template, values) {
  return template.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole)
}

function actButton(action, onclick) {
  return make("button", { type: "button", class: `act ${action.tone}`, "data-sign": action.sign, onclick }, action.label)
}

class PhotoGrid {
  constructor(parent, data) {
    this.tiles = new Map()
    this.chosen = new Set(data.restored ?? data.selected)
    this.given = JSON.stringify(data.selected)
    this.anchor = null
    this.unheard = []
    this.build(parent)
    this.viewer = new Viewer(this, parent)
  }

  build(parent) {
    this.total = make("p", { class: "total" })
    this.all = make("button", { type: "button", class: "quiet", onclick: () => this.chooseAll(true) })
    this.none = make("button", { type: "button", class: "quiet", onclick: () => this.chooseAll(false) })
    this.head = make("div", { class: "head" }, this.total, this.all, this.none)
    this.list = make("ul", { class: "tiles", tabindex: "-1", onkeydown: (event) => this.walk(event) })
    this.count = make("p", { class: "count", role: "status" })
    this.buttons = make("div", { class: "acts" })
    this.bar = make("div", { class: "bar", role: "group" }, this.count, this.buttons)
    parent.querySelector(".photo-grid").append(this.head, this.list, this.bar)
  }

  show(data) {
    this.words = data.words
    this.heading = data.heading
    this.mode = data.mode
    this.actions = data.actions
    this.onTiles = data.actions.filter((action) => action.is_on_tiles)
    this.photos = data.photos
    this.heard = Math.max(this.heard ?? 0, data.heard)
    this.unheard = this.unheard.filter((press) => press.number > this.heard)
    this.order = new Map(this.photos.map((photo, index) => [photo.id, index]))
    this.adopt(data.selected)
    this.keepFocus(() => this.reconcile())
    this.paintFrame()
    this.paint()
    this.viewer.refresh()
  }

  // The visitor owns the choice; only a changed opinion of the page replaces it.
  adopt(selected) {
    const given = JSON.stringify(selected)
    if (given !== this.given) this.chosen = new Set(selected)
    this.given = given
    for (const id of this.chosen) if (!this.order.has(id)) this.chosen.delete(id)
  }

  // A tile that moves loses the focus, and one that goes leaves it to the tile now in its place.
  keepFocus(change) {
    const focused = this.list.getRootNode().activeElement
    const tile = focused?.closest(".tiles li")
    if (!tile) return change()
    const index = [...this.list.children].indexOf(tile)
    const place = [...tile.querySelectorAll("button")].indexOf(focused)
    change()
    const heir = this.list.contains(focused) ? focused : this.list.children[Math.min(index, this.photos.length - 1)]
    ;(heir?.querySelectorAll("button")[place] ?? heir ?? this.list).focus({ preventScroll: true })
  }

  reconcile() {
    for (const [id, tile] of this.tiles) {
      if (this.order.has(id)) continue
      tile.element.remove()
      this.tiles.delete(id)
    }
    this.photos.forEach((photo, index) => {
      const tile = this.tiles.get(photo.id) ?? new Tile(this, photo.id)
      this.tiles.set(photo.id, tile)
      tile.show(photo, index)
      const there = this.list.children[index]
      if (there !== tile.element) this.list.insertBefore(tile.element, there ?? null)
    })
  }

  paintFrame() {
    const choosing = this.mode === "choose"
    this.list.setAttribute("aria-label", this.words.photos)
    this.list.dataset.mode = this.mode
    this.list.toggleAttribute("data-judged", this.onTiles.length > 0)
    this.all.textContent = this.words.select_all
    this.none.textContent = this.words.select_none
    this.all.hidden = this.none.hidden = !choosing
    this.total.textContent = this.heading
    this.bar.setAttribute("aria-label", this.words.chosen_photos)
    this.paintActions()
  }

  // Built anew only when they differ, or a rerun would take the focus from under a finger.
  paintActions() {
    const wanted = JSON.stringify(this.actions)
    if (wanted === this.built) return
    this.built = wanted
    this.buttons.replaceChildren(...this.actions.map((action) =>
      actButton(action, () => this.act(action.name, [...this.chosen]))))
    this.viewer.buttons.replaceChildren(...this.actions.map((action) =>
      actButton(action, () => this.viewer.act(action.name))))
  }

  paint() {
    for (const [id, tile] of this.tiles) set(tile.pick, "aria-pressed", String(this.chosen.has(id)))
    this.bar.hidden = this.mode !== "choose" || this.chosen.size === 0
    this.all.disabled = this.chosen.size === this.photos.length
    this.none.disabled = this.chosen.size === 0
    this.count.textContent = fill(this.words.chosen, { count: this.chosen.size })
    this.viewer.paintPick()
  }

  toggle(id, range) {
    if (this.mode !== "choose") return
    const wanted = !this.chosen.has(id)
    const from = range && this.order.has(this.anchor) ? this.order.get(this.anchor) : this.order.get(id)
    const [first, last] = [from, this.order.get(id)].sort((a, b) => a - b)
    for (const photo of this.photos.slice(first, last + 1)) this.mark(photo.id, range || wanted)
    this.anchor = id
    this.changed()
  }

  mark(id, wanted) {
    if (wanted) this.chosen.add(id)
    else this.chosen.delete(id)
  }

  chooseAll(wanted) {
    for (const photo of this.photos) this.mark(photo.id, wanted)
    if (!wanted) this.all.focus()
    this.changed()
  }

  changed() {
    this.paint()
    clearTimeout(this.settling)
    this.settling = setTimeout(() => this.sendState("selected", [...this.chosen]), SETTLE_MS)
  }

  // State first, trigger second: the run that sees the action also sees the choice it left behind.
  act(name, ids, next = this.list) {
    clearTimeout(this.settling)
    for (const id of ids) this.chosen.delete(id)
    if (!this.viewer.isOpen) next.focus({ preventScroll: true })
    this.paint()
    this.sendState("selected", [...this.chosen])
    this.unheard = [...this.unheard.slice(-49), { name, ids, number: this.nextNumber() }]
    // Streamlit drops a message that another follows while the page runs: each carries those before it
    this.sendTrigger("action", { name, ids, presses: this.unheard })
  }

  nextNumber() {
    return Math.max(Date.now(), this.heard + 1, (this.unheard.at(-1)?.number ?? 0) + 1)
  }

  walk(event) {
    const tile = event.target.closest?.("li")
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity }[event.key]
    if (!tile || step === undefined) return
    const here = [...this.list.children].indexOf(tile)
    const next = Math.max(0, Math.min(this.photos.length - 1, here + step))
    this.list.children[next].querySelector(".photo").focus()
    event.preventDefault()
  }

  leave() {
    clearTimeout(this.settling)
    this.viewer.dialog.close()
  }
}

class Tile {
  constructor(grid, id) {
    this.image = make("img", { loading: "lazy", decoding: "async", onerror: () => this.element.classList.add("broken"),
      onload: () => this.element.classList.remove("broken") })
    this.ring = make("span", { class: "ring" })
    this.photo = make("button", { type: "button", class: "photo", "aria-haspopup": "dialog",
      onclick: (event) => (event.shiftKey && grid.mode === "choose" ? grid.toggle(id, true) : grid.viewer.open(id)),
      onkeydown: (event) => this.keyed(event, () => grid.toggle(id, event.shiftKey)) }, this.image, this.ring)
    this.pick = make("button", { type: "button", class: "pick", onclick: (event) => grid.toggle(id, event.shiftKey) })
    this.badge = make("span", { class: "badge" })
    this.price = make("span", { class: "price" })
    this.acts = make("div", { class: "judge" })
    this.element = make("li", {}, this.photo, this.pick, make("span", { class: "labels" }, this.badge, this.price), this.acts)
    this.grid = grid
    this.id = id
  }

  keyed(event, choose) {
    if (event.key !== " " || this.grid.mode !== "choose") return
    event.preventDefault()
    choose()
  }

  show(photo, index) {
    const words = this.grid.words
    this.element.style.setProperty("--ratio", photo.width / photo.height)
    set(this.image, "width", String(photo.width))
    set(this.image, "height", String(photo.height))
    set(this.image, "alt", photo.alt)
    set(this.image, "src", photo.small_url)
    set(this.pick, "aria-label", fill(words.choose, { photo: photo.alt, number: index + 1 }))
    this.pick.hidden = this.grid.mode !== "choose"
    label(this.badge, photo.badge, photo.tone)
    label(this.price, photo.price, "")
    ring(this.ring, this.grid.onTiles.length > 0 ? photo.face : null)
    this.element.classList.remove("leaving")
    this.paintActions(index)
  }

  paintActions(index) {
    const { onTiles, words } = this.grid
    const wanted = JSON.stringify(onTiles)
    if (wanted !== this.built) {
      this.built = wanted
      this.acts.replaceChildren(...onTiles.map((action, place) => actButton(action, () => this.act(action.name, place))))
    }
    this.acts.hidden = onTiles.length === 0
    onTiles.forEach((action, place) =>
      set(this.acts.children[place], "aria-label", fill(words.act_on, { action: action.label, number: index + 1 })))
  }

  // It looks gone at once, and the same question about the next photo is under the finger and the keyboard.
  act(name, place) {
    const next = this.element.nextElementSibling ?? this.element.previousElementSibling
    this.element.classList.add("leaving")
    this.grid.act(name, [this.id], next?.querySelector(".judge").children[place])
  }
}

function ring(element, face) {
  element.hidden = !face
  if (!face) return
  const [left, top, right, bottom] = face.map((share) => share * 100)
  Object.assign(element.style, { left: `${left}%`, top: `${top}%`, width: `${right - left}%`, height: `${bottom - top}%` })
}

function label(element, text, tone) {
  element.textContent = text
  element.dataset.tone = tone
  element.hidden = text === ""
}
