// A batch of files on their way: four at a time, each streamed by its own PUT, tried again when the
// network fails. Knows nothing of the page.

const AT_ONCE = 4
const TRIES = 4
const ENDS = ["new", "known", "refused", "failed", "cancelled"]
const LITTER = /(^|\/)(\.[^/]*|Thumbs\.db|desktop\.ini)$/i

class Batch {
  constructor(data, onchange, onend) {
    this.data = data
    this.onchange = onchange
    this.onend = onend
    this.entries = new Set()
    this.waiting = []
    this.active = new Set()
    this.troubles = new Set()
    this.done = []
    this.counts = Object.fromEntries(ENDS.map((end) => [end, 0]))
    this.delayed = new Map()
    this.totalBytes = this.sentBytes = this.doneFiles = 0
    this.isPaused = false
  }

  get isBusy() {
    return this.waiting.length + this.active.size + this.delayed.size > 0
  }

  add(found) {
    const entries = found.filter(({ name }) => !LITTER.test(name)).map(({ file, name }) =>
      ({ file, name, stage: "waiting", message: "", sent: 0, tries: 0 }))
    for (const entry of entries) {
      this.entries.add(entry)
      this.totalBytes += entry.file.size
      const refusal = this.refusal(entry.file)
      if (refusal === null) this.waiting.push(entry)
      else this.end(entry, "refused", refusal)
    }
    if (entries.length > 0) this.pump()
  }

  refusal(file) {
    const { accept, max_bytes, words } = this.data
    // Only the server tells what a file is; this saves sending videos and the like.
    const mayBePhoto = accept.some((suffix) => file.name.toLowerCase().endsWith(suffix)) || file.type.startsWith("image/")
    if (!mayBePhoto && file.name.includes(".")) return words.wrong_type
    if (file.size > max_bytes) return words.too_big
    return file.size === 0 ? words.empty : null
  }

  pump() {
    while (!this.isPaused && this.active.size < AT_ONCE && this.waiting.length > 0) this.send(this.waiting.shift())
    this.onchange()
    if (!this.isBusy) this.onend()
  }

  send(entry) {
    entry.stage = "sending"
    entry.tries += 1
    this.active.add(entry)
    const request = (entry.request = new XMLHttpRequest())
    request.open("PUT", `${this.data.upload_url}?name=${encodeURIComponent(entry.name)}`)
    request.setRequestHeader("Content-Type", "application/octet-stream")
    request.setRequestHeader("X-Encore", "upload")
    request.upload.onprogress = (event) => this.progressed(entry, event.loaded)
    request.onload = () => this.answered(entry, request)
    request.onerror = () => this.tryLater(entry, "")
    request.send(entry.file)
  }

  progressed(entry, sent) {
    this.sentBytes += sent - entry.sent
    entry.sent = sent
    this.onchange()
  }

  answered(entry, request) {
    const answer = parsed(request.responseText)
    const message = String(answer.message ?? "")
    const isLater = request.status >= 500 || request.status === 429 || request.status === 408
    if (isLater) return this.tryLater(entry, message)
    this.active.delete(entry)
    // Not the file's fault: signed out meanwhile, the gallery gone, the line cut. It can be tried again.
    if ([401, 403, 404].includes(request.status) || answer.error === "CutOff") {
      this.end(entry, "failed", message)
      return this.pump()
    }
    const isGood = request.status < 300 && (answer.verdict === "new" || answer.verdict === "known")
    this.end(entry, isGood ? answer.verdict : "refused", message)
    this.pump()
  }

  tryLater(entry, message) {
    this.active.delete(entry)
    this.progressed(entry, 0)
    if (entry.tries >= TRIES) {
      this.end(entry, "failed", message || this.data.words.no_connection)
    } else {
      entry.stage = "delayed"
      const wait = this.data.retry_after_ms * 2 ** (entry.tries - 1)
      this.delayed.set(entry, setTimeout(() => this.awake(entry), wait))
    }
    this.pump()
  }

  awake(entry) {
    this.delayed.delete(entry)
    this.waiting.unshift(entry)
    this.pump()
  }

  end(entry, verdict, message) {
    entry.stage = verdict
    entry.message = message
    entry.request = null
    this.progressed(entry, verdict === "failed" || verdict === "cancelled" ? 0 : entry.file.size)
    this.counts[verdict] += 1
    this.doneFiles += 1
    if (verdict === "refused" || verdict === "failed") this.troubles.add(entry)
    else this.done.push(entry)
    if (verdict !== "failed") entry.file = null // let go of what will not be read again
  }

  retry(entry) {
    if (entry.stage !== "failed") return
    this.troubles.delete(entry)
    this.counts.failed -= 1
    this.doneFiles -= 1
    Object.assign(entry, { stage: "waiting", message: "", tries: 0 })
    this.waiting.push(entry)
    this.pump()
  }

  retryAll() {
    for (const entry of [...this.troubles]) this.retry(entry)
  }

  pause() {
    this.isPaused = true
    this.onchange()
  }

  resume() {
    this.isPaused = false
    this.pump()
  }

  cancel() {
    for (const [, timer] of this.delayed) clearTimeout(timer)
    for (const entry of this.active) entry.request.abort()
    const stopped = [...this.active, ...this.delayed.keys(), ...this.waiting]
    this.active.clear()
    this.delayed.clear()
    this.waiting = []
    this.isPaused = false
    for (const entry of stopped) this.end(entry, "cancelled", "")
    this.pump()
  }
}

function parsed(text) {
  try {
    return JSON.parse(text) ?? {}
  } catch {
    return {}
  }
}

// Walks folders that were dropped; readEntries gives at most a hundred at a time.
async function droppedFiles(transfer) {
  const roots = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean)
  if (roots.length === 0) return [...transfer.files].map((file) => ({ file, name: file.name }))
  const found = []
  while (roots.length > 0) {
    const entry = roots.shift()
    if (entry.isDirectory) roots.push(...(await children(entry)))
    else found.push({ file: await new Promise((yes, no) => entry.file(yes, no)), name: entry.fullPath.slice(1) })
  }
  return found
}

async function children(folder) {
  const reader = folder.createReader()
  const all = []
  for (;;) {
    const some = await new Promise((yes, no) => reader.readEntries(yes, no))
    if (some.length === 0) return all
    all.push(...some)
  }
}
