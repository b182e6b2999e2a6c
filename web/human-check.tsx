// Cloudflare's Turnstile in a dialog, where a deployment asks for a human before a new session. session.ts waits for its token.
// https://developers.cloudflare.com/turnstile/get-started/client-side-rendering/
import { useEffect, useRef, useState } from 'preact/hooks'
import { useSettings } from './settings.tsx'

const origin = 'https://challenges.cloudflare.com'

/** A script that hasn't come by then may never come; one that comes later is taken. */
const patienceMs = 20_000

interface Widget {
  sitekey: string
  language: string
  callback(token: string): void
}

declare global {
  var turnstile: { render(container: HTMLElement, widget: Widget): string; remove(id: string): void } | undefined
  var trustedTypes: { createPolicy(name: 'default', rules: object): unknown; defaultPolicy: unknown } | undefined
}

interface Question {
  siteKey: string
  answer(token: string): void
  refuse(): void
}

let question: Question | undefined
let show: () => void = () => undefined

/** The widget's token, for one session; undefined when the person closes the dialog. */
export function askHuman(siteKey: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    question = { siteKey, answer: resolve, refuse: () => resolve(undefined) }
    show()
  })
}

export function HumanCheck() {
  const { words, language } = useSettings()
  const [asked, setAsked] = useState(question)
  const [isBroken, setBroken] = useState(false)
  const dialog = useRef<HTMLDialogElement>(null)
  const place = useRef<HTMLDivElement>(null)
  useEffect(() => {
    show = () => setAsked(question)
    show()
  }, [])
  useEffect(() => {
    if (!asked || !place.current) return undefined
    dialog.current?.showModal()
    const callback = (token: string) => {
      asked.answer(token)
      dialog.current?.close()
    }
    let isLeft = false
    let leave = () => {}
    const container = place.current
    const late = setTimeout(() => setBroken(true), patienceMs)
    loadScript().then(
      () => {
        clearTimeout(late)
        setBroken(false)
        // A script may come after the dialog was closed.
        if (isLeft) return
        const id = globalThis.turnstile?.render(container, { sitekey: asked.siteKey, language, callback })
        leave = () => id && globalThis.turnstile?.remove(id)
      },
      () => setBroken(true),
    )
    return () => {
      isLeft = true
      clearTimeout(late)
      leave()
    }
  }, [asked, language])
  const close = () => {
    asked?.refuse() // after an answer, this says nothing more
    question = undefined
    setAsked(undefined)
    setBroken(false)
  }
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby="human-title" onClose={close}>
      <h2 id="human-title">{words.frame.human}</h2>
      <div ref={place} class="human" />
      <p role="alert">{isBroken && words.frame.humanBroken}</p>
    </dialog>
  )
}

/** Once for all: a second script would begin a second widget. A load that failed is tried again with the next question. */
let loading: Promise<void> | undefined

function loadScript(): Promise<void> {
  trustScript()
  loading ??= new Promise<void>((resolve, reject) => {
    const script = document.createElement('script')
    script.onload = () => resolve()
    script.onerror = () => {
      loading = undefined
      reject(new Error('Turnstile is out of reach'))
    }
    script.src = `${origin}/turnstile/v0/api.js?render=explicit`
    document.head.append(script)
  })
  return loading
}

/** The page lets no text become script (its Content-Security-Policy). Turnstile's own script, and the markup that it makes, are let through. */
function trustScript(): void {
  const { trustedTypes } = globalThis
  if (!trustedTypes || trustedTypes.defaultPolicy) return
  trustedTypes.createPolicy('default', {
    createHTML: (markup: string) => (question ? markup : null),
    createScriptURL: (url: string) => (new URL(url, location.href).origin === origin ? url : null),
  })
}
