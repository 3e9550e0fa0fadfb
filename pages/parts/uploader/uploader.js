// The uploader: what the visitor sees of a batch. Sending itself is in batch.js.

const BATCHES = (globalThis[Symbol.for("encore.uploads")] ??= new Map())
const PAINT_MS = 200
const SPEAK_MS = 5000
const TELL_MS = 2000
const SHOWN_TROUBLES = 200
const SHOWN_DONE = 50

// A batch belongs to its address, not to this element: it goes on through reruns and page changes, and
// is shown again when the visitor comes back.
export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const uploader = BATCHES.get(data.upload_url) ?? new Uploader(data)
  BATCHES.set(data.upload_url, uploader)
  uploader.data = uploader.batch.data = data
  uploader.sendState = setStateValue
  uploader.sendTrigger = setTriggerValue
  uploader.enter(parentElement.querySelector(".uploader"))
  return () => uploader.leave()
}

function make(tag, attributes, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) element[name] = value
    else element.setAttribute(name, value)
  }
  element.append(...children)
  return element
}

function fill(template, values) {
  return template.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole)
}

function megabytes(bytes) {
  return (bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0)
}

class Uploader {
  constructor(data) {
    this.data = data
    this.rows = new Map()
    this.batch = new Batch(data, () => this.schedulePaint(), () => this.finished())
    this.build()
    window.addEventListener("beforeunload", (event) => {
      if (this.batch.isBusy) event.preventDefault()
    })
  }

  build() {
    const button = (name, onclick) => make("button", { type: "button", class: name, onclick })
    this.files = this.input({ accept: this.data.accept.join(",") })
    this.folder = this.input({ webkitdirectory: "" })
    this.hint = make("p", { class: "hint" })
    this.chooseFiles = button("act primary", () => this.files.click())
    this.chooseFolder = button("act", () => this.folder.click())
    this.zone = make("div", { class: "zone", role: "group" }, this.hint,
      make("div", { class: "acts" }, this.chooseFiles, this.chooseFolder), this.files, this.folder)
    this.listenForDrops()
    this.progress = make("progress", { max: "1", value: "0" })
    this.status = make("p", { class: "status" })
    this.tally = make("ul", { class: "tally" })
    this.pause = button("act", () => (this.batch.isPaused ? this.batch.resume() : this.batch.pause()))
    this.cancel = button("act danger", () => this.batch.cancel())
    this.retry = button("act primary", () => this.batch.retryAll())
    this.list = make("ul", { class: "rows", tabindex: "0" })
    this.more = make("p", { class: "hint" })
    this.spoken = make("p", { class: "spoken", role: "status", "aria-live": "polite" })
    this.board = make("div", { class: "board" }, this.status, this.progress, this.tally,
      make("div", { class: "acts" }, this.retry, this.pause, this.cancel), this.list, this.more)
    this.root = make("div", {}, this.zone, this.board, this.spoken)
  }

  input(attributes) {
    const taken = (event) => {
      this.batch.add([...event.target.files].map((file) => ({ file, name: file.webkitRelativePath || file.name })))
      event.target.value = ""
    }
    return make("input", { type: "file", multiple: "", hidden: "", tabindex: "-1", onchange: taken, ...attributes })
  }

  listenForDrops() {
    this.zone.ondragover = (event) => {
      event.preventDefault()
      this.zone.classList.add("over")
    }
    this.zone.ondragleave = () => this.zone.classList.remove("over")
    this.zone.ondrop = async (event) => {
      event.preventDefault()
      this.zone.classList.remove("over")
      this.batch.add(await droppedFiles(event.dataTransfer))
    }
  }

  enter(place) {
    this.isHere = true
    if (this.root.parentElement !== place) place.replaceChildren(this.root)
    this.paintWords()
    this.paint()
    if (this.unsaidEnd) this.finished()
  }

  leave() {
    this.isHere = false
    if (!this.batch.isBusy) BATCHES.delete(this.data.upload_url)
  }

  paintWords() {
    const { words } = this.data
    this.hint.textContent = fill(words.drop, { size: Math.floor(this.data.max_bytes / 2 ** 20) })
    this.chooseFiles.textContent = words.choose_files
    this.chooseFolder.textContent = words.choose_folder
    this.cancel.textContent = words.cancel
    this.retry.textContent = words.retry_all
    this.zone.setAttribute("aria-label", words.choose_files)
    this.list.setAttribute("aria-label", words.files)
    this.progress.setAttribute("aria-label", words.progress)
  }

  schedulePaint() {
    this.painting ??= setTimeout(() => {
      this.painting = null
      this.paint()
      this.speak()
      this.tell()
    }, PAINT_MS)
  }

  paint() {
    const { words } = this.data
    const { counts, entries, isBusy, isPaused } = this.batch
    this.board.hidden = entries.size === 0
    this.progress.max = Math.max(1, this.batch.totalBytes)
    this.progress.value = this.batch.sentBytes
    this.status.textContent = fill(isBusy ? (isPaused ? words.paused : words.sending) : words.all_done, this.figures())
    const shown = ["new", "known", "refused", "failed"].concat(counts.cancelled > 0 ? ["cancelled"] : [])
    this.tally.replaceChildren(...shown.map((verdict) =>
      make("li", { class: counts[verdict] > 0 ? verdict : "none" }, fill(words[`count_${verdict}`], { count: counts[verdict] }))))
    this.pause.textContent = isPaused ? words.resume : words.pause
    this.pause.hidden = this.cancel.hidden = !isBusy
    this.retry.hidden = counts.failed === 0
    this.paintRows()
  }

  figures() {
    const { batch } = this
    return { done: batch.doneFiles, here: batch.counts.new + batch.counts.known, count: batch.entries.size,
      sent: megabytes(batch.sentBytes), size: megabytes(batch.totalBytes) }
  }

  // Ten thousand files, but only a few hundred rows: troubles first, then what moves, then the last ones done.
  paintRows() {
    const { troubles, active, done } = this.batch
    const wanted = [...[...troubles].slice(0, SHOWN_TROUBLES), ...active, ...done.slice(-SHOWN_DONE).reverse()]
    const keep = new Set(wanted)
    for (const [entry, row] of this.rows) {
      if (keep.has(entry)) continue
      row.element.remove()
      this.rows.delete(entry)
    }
    wanted.forEach((entry, index) => {
      const row = this.rows.get(entry) ?? new Row(entry, () => this.batch.retry(entry))
      this.rows.set(entry, row)
      row.show(this.data.words)
      if (this.list.children[index] !== row.element) this.list.insertBefore(row.element, this.list.children[index] ?? null)
    })
    const hidden = this.batch.entries.size - wanted.length
    this.more.hidden = hidden === 0
    this.more.textContent = fill(this.data.words.more, { count: hidden })
  }

  speak(now = false) {
    if (!now && Date.now() - (this.spokenAt ?? 0) < SPEAK_MS) return
    this.spokenAt = Date.now()
    this.spoken.textContent = this.status.textContent
  }

  tell() {
    if (!this.isHere || this.telling) return
    const counts = JSON.stringify(this.batch.counts)
    if (counts === this.told) return
    this.telling = setTimeout(() => {
      this.telling = null
      this.tellNow()
    }, TELL_MS)
  }

  tellNow() {
    const counts = JSON.stringify(this.batch.counts)
    if (!this.isHere || counts === this.told) return
    this.told = counts
    this.sendState("counts", { ...this.batch.counts })
  }

  // State first, trigger second: one run sees both.
  finished() {
    this.paint()
    this.speak(true)
    this.unsaidEnd = !this.isHere
    if (!this.isHere) return
    clearTimeout(this.telling)
    this.telling = null
    this.tellNow()
    this.sendTrigger("done", { ...this.batch.counts })
  }
}

class Row {
  constructor(entry, retry) {
    this.entry = entry
    this.name = make("span", { class: "name" }, entry.name)
    this.verdict = make("span", { class: "verdict" })
    this.message = make("span", { class: "message" })
    this.again = make("button", { type: "button", class: "act small", onclick: retry })
    this.element = make("li", {}, this.name, this.verdict, this.message, this.again)
  }

  show(words) {
    const { stage, message, sent, file } = this.entry
    const percent = file && file.size > 0 ? Math.floor((100 * sent) / file.size) : 0
    this.element.className = stage
    this.verdict.textContent = fill(words[`stage_${stage}`], { percent })
    this.message.textContent = message
    this.again.textContent = words.retry
    this.again.setAttribute("aria-label", `${words.retry}: ${this.entry.name}`)
    this.again.hidden = stage !== "failed"
  }
}
